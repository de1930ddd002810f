#include "bindings/store/common/new_account.h"

#include <string_view>

#include "bindings/store/common/random_text.h"
#include "bindings/store/common/user_name.h"

namespace mxd::store {
namespace {

constexpr size_t kGuestNameLetters = 16;

Outcome check_namespaces(const mxd_store& store, const std::string& user_id, bool is_service,
                         std::string_view service_id) {
  const Service* const service = is_service ? store.services.find_id(service_id) : nullptr;
  if (is_service && (service == nullptr || !service->covers(user_id))) {
    return {MXD_FORBIDDEN, user_id + " is not in the namespaces of the application service"};
  }
  if (store.services.reserved(user_id, service)) {
    return {MXD_FORBIDDEN, user_id + " is reserved for an application service: take another name"};
  }
  return {};
}

}  // namespace

Outcome read_new_account(const mxd_store& store, const mxd_store_new_account& given,
                         NewAccount& account) {
  account.is_guest = (given.flags & MXD_STORE_ACCOUNT_GUEST) != 0;
  const bool is_service = (given.flags & MXD_STORE_ACCOUNT_APPSERVICE) != 0;
  const std::string name = account.is_guest && given.name.size == 0
                               ? "guest-" + random_letters(kGuestNameLetters, 'a')
                               : std::string(text(given.name));
  const std::optional<UserName> named = read_user_name(name, store.server_name);
  if (named) account.user_id = is_service ? named->exact : named->lower;
  if (!named || !(is_service || is_valid_localpart(localpart_of(account.user_id)))) {
    return {MXD_INVALID_ARGUMENT,
            "a user name is made of a-z, 0-9 and ._=-/+ and, with its server, of 255 bytes at "
            "most; a full ID ends in :" +
                store.server_name};
  }
  if (is_service) account.service_id = std::string(text(given.service_id));
  return check_namespaces(store, account.user_id, is_service, text(given.service_id));
}

Outcome read_sender(const mxd_store& store, const Service& service, NewAccount& account) {
  if (!read_user_name(service.sender, store.server_name)) {
    return {MXD_INVALID_ARGUMENT, "service " + service.id +
                                      ": the sender_localpart is not a valid name: use a-z, 0-9 "
                                      "and ._=-/+"};
  }
  account.user_id = service.sender;
  account.service_id = service.id;
  return {};
}

}  // namespace mxd::store
