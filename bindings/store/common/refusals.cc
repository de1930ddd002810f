#include "bindings/store/common/refusals.h"

namespace mxd::store {

Outcome no_account(std::string_view name) {
  return {MXD_NOT_FOUND, "there is no account " + std::string(name)};
}

Outcome no_device(std::string_view user_id, std::string_view device_id) {
  return {MXD_NOT_FOUND, std::string(user_id) + " has no device " + std::string(device_id) +
                             ": nothing was changed"};
}

Outcome name_is_taken(std::string_view user_id) {
  return {MXD_BUSY, std::string(user_id) + " exists already: take another name"};
}

Outcome account_is_deactivated(std::string_view user_id) {
  return {MXD_FORBIDDEN, std::string(user_id) + " is deactivated"};
}

Outcome account_is_locked(std::string_view user_id) {
  return {MXD_USER_LOCKED, std::string(user_id) + " is locked"};
}

Outcome too_many_devices(std::string_view user_id) {
  return {MXD_LIMIT_EXCEEDED,
          std::string(user_id) + " has as many devices as it may: sign one out first"};
}

Outcome nobodys_name(std::string_view server_name) {
  return {MXD_INVALID_ARGUMENT, "this is no name of a user of " + std::string(server_name)};
}

Outcome bad_refresh_token(bool was_one) {
  if (was_one) {
    return {MXD_TOKEN_EXPIRED, "the refresh token was used: log in again on the same device"};
  }
  return {MXD_UNKNOWN_TOKEN, "the refresh token is unknown: log in again"};
}

Outcome bad_access_token(bool was_one) {
  if (was_one) return {MXD_TOKEN_EXPIRED, "the access token was replaced"};
  return {MXD_UNKNOWN_TOKEN, "the access token is unknown"};
}

Outcome nobodys_token() {
  return {MXD_UNKNOWN_TOKEN,
          "no account has this token: it never was one, or is not good any more"};
}

}  // namespace mxd::store
