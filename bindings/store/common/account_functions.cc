#include "bindings/store/common/account_functions.h"

#include <sodium.h>

#include <string>

#include "bindings/store/common/call.h"

namespace mxd::store {
namespace {

Outcome check_user(const mxd_store_user* user) {
  if (user == nullptr) return {};
  return check_size(*user, MXD_STORE_USER_SIZE_1_0, "mxd_store_user");
}

void give_user(const std::string& user_id, mxd_store_user* to) {
  if (to == nullptr) return;
  mxd_store_user user{};
  copy_terminated(user.user_id, user_id);
  give_record(user, *to);
}

// Runs a function that fills tokens, of which no copy is left behind.
template <class Call>
Outcome with_tokens(mxd_store_tokens* to, Call&& call) {
  Outcome outcome = check_size(*to, MXD_STORE_TOKENS_SIZE_1_0, "mxd_store_tokens");
  if (!succeeded(outcome.status)) return outcome;
  mxd_store_tokens tokens{};
  outcome = call(tokens);
  if (succeeded(outcome.status)) give_record(tokens, *to);
  sodium_memzero(&tokens, sizeof tokens);
  return outcome;
}

// Runs a function that says which devices it was about.
template <class Call>
Outcome with_affected(mxd_store_affected* to, Call&& call) {
  Outcome outcome;
  if (to != nullptr) {
    outcome = check_size(*to, MXD_STORE_AFFECTED_SIZE_1_0, "mxd_store_affected");
    if (!succeeded(outcome.status)) return outcome;
  }
  mxd_store_affected affected{};
  outcome = call(affected);
  if (succeeded(outcome.status) && to != nullptr) give_record(affected, *to);
  return outcome;
}

}  // namespace

int32_t add_account(mxd_store* store, const mxd_store_new_account* given, mxd_store_user* user,
                    char* error, size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_NEW_ACCOUNT_SIZE_1_0,
                  "mxd_store_new_account", [&](const mxd_store_new_account& account) -> Outcome {
                    Outcome outcome = check_user(user);
                    if (!succeeded(outcome.status)) return outcome;
                    std::string user_id;
                    outcome = store->add_account(account, user_id);
                    if (succeeded(outcome.status)) give_user(user_id, user);
                    return outcome;
                  });
}

int32_t list_accounts(mxd_store* store, const mxd_store_account_query* given,
                      int32_t (*visit)(mxd_cookie, const mxd_store_account*) noexcept,
                      mxd_cookie cookie, char* error, size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_ACCOUNT_QUERY_SIZE_1_0,
                  "mxd_store_account_query", [&](const mxd_store_account_query& query) {
                    return store->list_accounts(
                        text(query.after),
                        [&](const mxd_store_account& account) { return visit(cookie, &account); });
                  });
}

int32_t find_account(mxd_store* store, const mxd_store_name* given,
                     int32_t (*visit)(mxd_cookie, const mxd_store_account*) noexcept,
                     mxd_cookie cookie, char* error, size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_NAME_SIZE_1_0, "mxd_store_name",
                  [&](const mxd_store_name& name) {
                    return store->find_account(
                        text(name.name),
                        [&](const mxd_store_account& account) { return visit(cookie, &account); });
                  });
}

int32_t change_account(mxd_store* store, const mxd_store_account_change* given, char* error,
                       size_t error_size) noexcept {
  return reported(
      store, {error, error_size}, given, MXD_STORE_ACCOUNT_CHANGE_SIZE_1_0,
      "mxd_store_account_change", [&](const mxd_store_account_change& change) -> Outcome {
        constexpr uint32_t kClearable = MXD_STORE_ACCOUNT_LOCKED | MXD_STORE_ACCOUNT_SUSPENDED;
        constexpr uint32_t kSettable = kClearable | MXD_STORE_ACCOUNT_DEACTIVATED;
        if ((change.clear & MXD_STORE_ACCOUNT_DEACTIVATED) != 0) {
          return {MXD_INVALID_ARGUMENT, "a deactivated account stays so: add another one"};
        }
        if ((change.set & ~kSettable) != 0 || (change.clear & ~kClearable) != 0 ||
            (change.set & change.clear) != 0) {
          return {MXD_INVALID_ARGUMENT,
                  "only LOCKED, SUSPENDED and DEACTIVATED are set or cleared, and none is both"};
        }
        return store->change_account(change);
      });
}

int32_t set_password(mxd_store* store, const mxd_store_password* given, char* error,
                     size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_PASSWORD_SIZE_1_0,
                  "mxd_store_password", [&](const mxd_store_password& password) {
                    return store->set_password(text(password.name), text(password.password),
                                               (password.flags & MXD_STORE_PASSWORD_SIGN_OUT) != 0);
                  });
}

int32_t check_password(mxd_store* store, const mxd_store_password* given, mxd_store_user* user,
                       char* error, size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_PASSWORD_SIZE_1_0,
                  "mxd_store_password", [&](const mxd_store_password& password) -> Outcome {
                    Outcome outcome = check_user(user);
                    if (!succeeded(outcome.status)) return outcome;
                    std::string user_id;
                    outcome = store->check_password(text(password.name), text(password.password),
                                                    user_id);
                    if (succeeded(outcome.status)) give_user(user_id, user);
                    return outcome;
                  });
}

int32_t list_devices(mxd_store* store, const mxd_store_device_query* given,
                     int32_t (*visit)(mxd_cookie, const mxd_store_device*) noexcept,
                     mxd_cookie cookie, char* error, size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_DEVICE_QUERY_SIZE_1_0,
                  "mxd_store_device_query", [&](const mxd_store_device_query& query) {
                    return store->list_devices(
                        text(query.name), text(query.after),
                        [&](const mxd_store_device& device) { return visit(cookie, &device); });
                  });
}

int32_t delete_devices(mxd_store* store, const mxd_store_devices* given,
                       mxd_store_affected* affected, char* error, size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_DEVICES_SIZE_1_0,
                  "mxd_store_devices", [&](const mxd_store_devices& devices) {
                    return with_affected(affected, [&](mxd_store_affected& out) {
                      return store->delete_devices(devices, out);
                    });
                  });
}

int32_t revoke_devices(mxd_store* store, const mxd_store_devices* given,
                       mxd_store_affected* affected, char* error, size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_DEVICES_SIZE_1_0,
                  "mxd_store_devices", [&](const mxd_store_devices& devices) {
                    return with_affected(affected, [&](mxd_store_affected& out) {
                      return store->revoke_devices(devices, out);
                    });
                  });
}

int32_t revoke_token(mxd_store* store, const mxd_store_token* given, mxd_store_affected* affected,
                     char* error, size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_TOKEN_SIZE_1_0, "mxd_store_token",
                  [&](const mxd_store_token& token) {
                    return with_affected(affected, [&](mxd_store_affected& out) {
                      return store->revoke_token(text(token.token), out);
                    });
                  });
}

int32_t login(mxd_store* store, const mxd_store_login* given, mxd_store_tokens* tokens, char* error,
              size_t error_size) noexcept {
  return reported(
      store, {error, error_size}, given, MXD_STORE_LOGIN_SIZE_1_0, "mxd_store_login",
      [&](const mxd_store_login& login) -> Outcome {
        if (login.max_devices < 0) {
          return {MXD_INVALID_ARGUMENT, "max_devices is negative: give 0, for no cap, or more"};
        }
        return with_tokens(tokens, [&](mxd_store_tokens& out) { return store->login(login, out); });
      });
}

int32_t refresh(mxd_store* store, const mxd_store_refresh* given, mxd_store_tokens* tokens,
                char* error, size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_REFRESH_SIZE_1_0,
                  "mxd_store_refresh", [&](const mxd_store_refresh& refresh) {
                    return with_tokens(tokens, [&](mxd_store_tokens& out) {
                      return store->refresh(text(refresh.refresh_token), out);
                    });
                  });
}

int32_t logout(mxd_store* store, const mxd_store_logout* given, char* error,
               size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_LOGOUT_SIZE_1_0, "mxd_store_logout",
                  [&](const mxd_store_logout& logout) {
                    return store->logout(text(logout.access_token),
                                         (logout.flags & MXD_STORE_LOGOUT_ALL) != 0);
                  });
}

}  // namespace mxd::store
