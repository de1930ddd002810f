#include "bindings/store/common/moving.h"

#include <sodium.h>

#include <algorithm>
#include <boost/json.hpp>
#include <exception>
#include <new>
#include <stdexcept>
#include <tuple>

#include "bindings/store/common/server_name.h"
#include "bindings/store/common/text.h"

namespace mxd::store {
namespace {

constexpr int64_t kFormat = 1;
constexpr int kBase64 = sodium_base64_VARIANT_ORIGINAL;

namespace json = boost::json;

template <class Row, class Key>
void sort_by(std::vector<Row>& rows, Key key) {
  std::sort(rows.begin(), rows.end(),
            [&](const Row& one, const Row& other) { return key(one) < key(other); });
}

template <class Row>
auto algorithm_and_id(const Row& row) {
  return std::tie(row.algorithm, row.key_id);
}

// What has been read, and where.
class Reading {
 public:
  Reading(Importer& importer, std::string_view server_name)
      : importer_(importer), server_name_(server_name) {}

  int32_t take(mxd_view record) noexcept {
    ++number_;
    try {
      outcome_ = read(text(record));
    } catch (const std::bad_alloc&) {
      outcome_ = {MXD_NO_MEMORY, {}};
    } catch (const std::exception& error) {
      outcome_ = refuse(error.what());
    }
    return outcome_.status;
  }

  const Outcome& outcome() const { return outcome_; }
  bool is_whole() const { return is_whole_; }

 private:
  Outcome refuse(const std::string& why) const {
    return {MXD_INVALID_ARGUMENT, "record " + std::to_string(number_) +
                                      " of the export can't be read (" + why +
                                      "): export it again, and change nothing in it"};
  }

  Outcome read(std::string_view line) {
    json::object object = json::parse({line.data(), line.size()}).as_object();
    const std::string type(object.at("type").as_string());
    object.erase("type");
    const json::value value(std::move(object));
    const bool is_first = number_ == 1;
    if (is_whole_ || is_first != (type == "database")) return refuse("it is out of order");
    if (type == "database") return read_database(json::value_to<MovedDatabase>(value));
    if (type == "account") {
      ++counts_.accounts;
      has_device_ = false;
      return importer_.take(json::value_to<MovedAccount>(value));
    }
    if (type == "device" && counts_.accounts != 0) {
      ++counts_.devices;
      has_device_ = true;
      return importer_.take(json::value_to<MovedDevice>(value));
    }
    if (type == "message" && has_device_) {
      ++counts_.messages;
      return importer_.take(json::value_to<MovedMessage>(value));
    }
    if (type == "end") return read_end(json::value_to<MovedCounts>(value));
    return refuse("it is out of order");
  }

  Outcome read_database(const MovedDatabase& database) {
    if (database.format != kFormat) return refuse("it is of a newer version");
    std::string name(server_name_);
    Outcome outcome = settle_server_name(database.server_name, name);
    return succeeded(outcome.status) ? importer_.take(database) : outcome;
  }

  Outcome read_end(const MovedCounts& counts) {
    if (counts.accounts != counts_.accounts || counts.devices != counts_.devices ||
        counts.messages != counts_.messages) {
      return refuse("records are missing");
    }
    is_whole_ = true;
    return {};
  }

  Importer& importer_;
  const std::string_view server_name_;
  int64_t number_ = 0;
  MovedCounts counts_;
  bool has_device_ = false;
  bool is_whole_ = false;
  Outcome outcome_;
};

}  // namespace

std::string to_base64(std::string_view bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), kBase64), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), kBase64);
  text.pop_back();  // the terminator
  return text;
}

std::string from_base64(std::string_view text) {
  std::string bytes(text.size(), '\0');
  size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                        text.size(), nullptr, &size, nullptr, kBase64) != 0) {
    throw std::invalid_argument("bytes that are not base64");
  }
  bytes.resize(size);
  return bytes;
}

template <class Record>
bool Exporter::write(const char* type, const Record& record) {
  json::value value = json::value_from(record);
  value.get_object()["type"] = type;
  const std::string line = json::serialize(value);
  status_ = take_(view(line));
  return status_ == MXD_OK;
}

bool Exporter::give(const MovedDatabase& given) {
  MovedDatabase database = given;
  database.format = kFormat;
  return write("database", database);
}

bool Exporter::give(const MovedAccount& given) {
  ++counts_.accounts;
  MovedAccount account = given;
  sort_by(account.threepids, [](const auto& t) { return std::tie(t.medium, t.address); });
  return write("account", account);
}

bool Exporter::give(MovedDevice device) {
  ++counts_.devices;
  sort_by(device.pairs, [](const auto& pair) { return pair.pair; });
  sort_by(device.access_tokens, [](const auto& token) { return std::tie(token.digest); });
  sort_by(device.refresh_tokens, [](const auto& token) { return std::tie(token.digest); });
  std::sort(device.old_tokens.begin(), device.old_tokens.end());
  sort_by(device.one_time_keys, [](const auto& key) { return algorithm_and_id(key); });
  sort_by(device.fallback_keys, [](const auto& key) { return algorithm_and_id(key); });
  sort_by(device.pushers, [](const auto& p) { return std::tie(p.app_id, p.pushkey); });
  return write("device", device);
}

bool Exporter::give(const MovedMessage& message) {
  ++counts_.messages;
  return write("message", message);
}

bool Exporter::end() {
  return write("end", counts_);
}

Outcome run_import(Importer& importer, const mxd_store_import& from, std::string_view server_name) {
  Reading reading(importer, server_name);
  const int32_t status = from.give(
      from.cookie,
      [](mxd_cookie to, mxd_view record)
          MXD_NOEXCEPT { return reinterpret_cast<Reading*>(to)->take(record); },
      reinterpret_cast<mxd_cookie>(&reading));
  if (!succeeded(reading.outcome().status)) return reading.outcome();
  if (status != MXD_OK) return {status, {}};
  if (!reading.is_whole()) {
    return {MXD_INVALID_ARGUMENT, "the export ends too early: export it again"};
  }
  return importer.finish();
}

}  // namespace mxd::store
