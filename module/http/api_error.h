#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "module/memory/arena.h"

namespace mxd::http {

// Why a request does not get what it asked for: the standard error response of the Client-Server
// API. Lives in the request's arena, or is a constant.
struct ApiError {
  int status = 500;
  std::string_view errcode = {};        // empty: a response without `errcode` and `error`
  std::string_view text = {};           // says what would be right; never a token or a session ID
  std::string_view extra_members = {};  // JSON members without braces, e.g. `"soft_logout":true`
  int64_t retry_after_ms = -1;          // >= 0: Retry-After, and with 429 `retry_after_ms`
};

// H3: nothing of the cause, which is in the log.
inline constexpr ApiError kInternal{
    500, "M_UNKNOWN", "The server failed inside. Its log says why; tell its operator."};

// A T, or why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(const T& value) : value_(value) {}         // NOLINT(google-explicit-constructor)
  Result(T&& value) : value_(std::move(value)) {}   // NOLINT(google-explicit-constructor)
  Result(const ApiError* error) : error_(error) {}  // NOLINT(google-explicit-constructor)
  explicit operator bool() const noexcept { return error_ == nullptr; }
  const ApiError* error() const noexcept { return error_; }
  const T& operator*() const noexcept { return *value_; }
  const T* operator->() const noexcept { return &*value_; }

 private:
  std::optional<T> value_;
  const ApiError* error_ = nullptr;
};

// An error that is made for one request. @throws std::bad_alloc
inline const ApiError* make_error(memory::Arena& arena, const ApiError& error) {
  return arena.make<ApiError>(error);
}

}  // namespace mxd::http
