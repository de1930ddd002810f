#include "bindings/store/common/account_password.h"

namespace mxd::store {
namespace {

constexpr const char* kQueueFull = "too many passwords are being checked: try again";
constexpr const char* kNoMemory = "a password could not be hashed for want of memory: try again";

}  // namespace

Outcome hash_new_password(PasswordThreads& threads, std::string_view password,
                          std::optional<std::string>& hash) {
  if (password.empty()) {
    return {MXD_INVALID_ARGUMENT, "the password is empty: give at least one character"};
  }
  if (password.find('\0') != std::string_view::npos) {
    return {MXD_INVALID_ARGUMENT, "a password can't hold U+0000: leave it out"};
  }
  if (!threads.run([&] { hash = hash_password(password); })) return {MXD_UNAVAILABLE, kQueueFull};
  if (!hash) return {MXD_UNAVAILABLE, kNoMemory};
  return {};
}

Outcome compare_password(PasswordThreads& threads, const std::optional<std::string>& hash,
                         std::string_view password) {
  std::optional<bool> is_right;
  if (!threads.run([&] { is_right = verify_password(hash, password); })) {
    return {MXD_UNAVAILABLE, kQueueFull};
  }
  if (!is_right) return {MXD_UNAVAILABLE, kNoMemory};  // H6
  if (!*is_right) return {MXD_FORBIDDEN, "wrong user name or password"};
  return {};
}

}  // namespace mxd::store
