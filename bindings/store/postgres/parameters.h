// What a statement is sent with.
#ifndef MXD_BINDINGS_STORE_POSTGRES_PARAMETERS_H
#define MXD_BINDINGS_STORE_POSTGRES_PARAMETERS_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "matrix_devices/module.h"

namespace mxd::store::postgres {

// Bytes rather than text.
struct Bytes {
  std::string_view bytes;
};

// Of $1, $2 … in order, in PostgreSQL's binary format: bigint, boolean, text, bytea, and arrays of
// the first and the third. Refers to texts and bytes, which must be there until the statement has
// been answered; it may be sent more than once.
class Parameters {
 public:
  static constexpr size_t kMost = 16;

  template <class... Values>
  explicit Parameters(const Values&... values) {
    static_assert(sizeof...(Values) <= kMost);
    (add(values), ...);
  }

  size_t size() const { return count_; }

  // As libpq wants them: good for as long as this object is not changed or moved.
  struct View {
    std::array<const char*, kMost> values;
    std::array<int, kMost> lengths;
  };
  View view() const;

  // $1, where that is a bigint, as it is in every write.
  int64_t account() const;

 private:
  struct Value {
    const char* data = nullptr;  // nullptr: `own`
    int length = 0;              // < 0: NULL
    int array = -1;              // >= 0: that of `arrays_`
    std::array<char, 8> own{};
  };

  void add(int64_t value);
  void add(bool value);
  void add(std::string_view text);
  void add(const std::string& text) { add(std::string_view(text)); }
  void add(const char*) = delete;  // it would be a bool
  void add(Bytes value) { add(value.bytes); }
  void add(std::span<const mxd_view> texts);
  void add(std::span<const std::string> texts);
  void add(std::span<const int64_t> numbers);
  void add(std::nullopt_t);
  template <class Some>
  void add(const std::optional<Some>& value) {
    value ? add(*value) : add(std::nullopt);
  }
  void add_array(std::string array);

  std::array<Value, kMost> values_;
  size_t count_ = 0;
  std::vector<std::string> arrays_;  // encoded
};

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_PARAMETERS_H
