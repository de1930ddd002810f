#include "bindings/store/postgres/parameters.h"

#include <boost/endian/conversion.hpp>

#include <cstring>

namespace mxd::store::postgres {
namespace {

constexpr int32_t kTextType = 25;    // pg_type.oid of text
constexpr int32_t kBigintType = 20;  // and of bigint

template <class Number>
void append(std::string& to, Number number) {
  const Number big = boost::endian::native_to_big(number);
  to.append(reinterpret_cast<const char*>(&big), sizeof big);
}

// An array of one dimension, without NULLs: its head, then a length and the bytes of each.
std::string array_head(int32_t type, size_t count) {
  std::string array;
  append<int32_t>(array, count != 0 ? 1 : 0);  // dimensions
  append<int32_t>(array, 0);
  append<int32_t>(array, type);
  if (count == 0) return array;
  append<int32_t>(array, static_cast<int32_t>(count));
  append<int32_t>(array, 1);  // its first index
  return array;
}

template <class Texts, class ToView>
std::string array_of(const Texts& texts, ToView&& to_view) {
  size_t size = 20;
  for (const auto& text : texts)
    size += 4 + to_view(text).size();
  std::string array = array_head(kTextType, texts.size());
  array.reserve(size);
  for (const auto& text : texts) {
    const std::string_view bytes = to_view(text);
    append<int32_t>(array, static_cast<int32_t>(bytes.size()));
    array += bytes;
  }
  return array;
}

}  // namespace

void Parameters::add(int64_t value) {
  Value& added = values_[count_++];
  boost::endian::store_big_s64(reinterpret_cast<unsigned char*>(added.own.data()), value);
  added.length = sizeof value;
}

void Parameters::add(bool value) {
  Value& added = values_[count_++];
  added.own[0] = value ? 1 : 0;
  added.length = 1;
}

void Parameters::add(std::string_view text) {
  Value& added = values_[count_++];
  added.data = text.empty() ? "" : text.data();
  added.length = static_cast<int>(text.size());
}

void Parameters::add(std::span<const mxd_view> texts) {
  add_array(array_of(texts, [](const mxd_view& text) {
    return std::string_view(static_cast<const char*>(text.data), text.size);
  }));
}

void Parameters::add(std::span<const std::string> texts) {
  add_array(array_of(texts, [](const std::string& text) { return std::string_view(text); }));
}

void Parameters::add(std::span<const int64_t> numbers) {
  std::string array = array_head(kBigintType, numbers.size());
  array.reserve(array.size() + numbers.size() * 12);
  for (const int64_t number : numbers) {
    append<int32_t>(array, sizeof number);
    append(array, number);
  }
  add_array(std::move(array));
}

void Parameters::add(std::nullopt_t) {
  values_[count_++].length = -1;
}

void Parameters::add_array(std::string array) {
  Value& added = values_[count_++];
  added.array = static_cast<int>(arrays_.size());
  arrays_.push_back(std::move(array));
}

Parameters::View Parameters::view() const {
  View view;
  for (size_t i = 0; i < count_; ++i) {
    const Value& value = values_[i];
    if (value.length < 0) {
      view.values[i] = nullptr;
      view.lengths[i] = 0;
    } else if (value.array >= 0) {
      const std::string& array = arrays_[static_cast<size_t>(value.array)];
      view.values[i] = array.data();
      view.lengths[i] = static_cast<int>(array.size());
    } else {
      view.values[i] = value.data != nullptr ? value.data : value.own.data();
      view.lengths[i] = value.length;
    }
  }
  return view;
}

int64_t Parameters::account() const {
  return boost::endian::load_big_s64(reinterpret_cast<const unsigned char*>(values_[0].own.data()));
}

}  // namespace mxd::store::postgres
