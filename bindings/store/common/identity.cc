#include "bindings/store/common/identity.h"

namespace mxd::store {

uint32_t identity_flags(const mxd_principal& principal, bool is_suspended) {
  constexpr uint32_t kShared = MXD_STORE_IDENTITY_GUEST | MXD_STORE_IDENTITY_APPSERVICE |
                               MXD_STORE_IDENTITY_OAUTH | MXD_STORE_IDENTITY_UNLIMITED;
  static_assert(kShared == (MXD_PRINCIPAL_GUEST | MXD_PRINCIPAL_APPSERVICE | MXD_PRINCIPAL_OAUTH |
                            MXD_PRINCIPAL_UNLIMITED));
  return (principal.flags & kShared) | (is_suspended ? MXD_STORE_IDENTITY_SUSPENDED : 0u);
}

const char* refusal_reason(int32_t status) {
  switch (status) {
    case MXD_UNKNOWN_TOKEN:
      return "the access token is unknown: log in again";
    case MXD_TOKEN_EXPIRED:
      return "the access token has expired or was replaced: refresh it, or log in again on the "
             "same device";
    case MXD_USER_LOCKED:
      return "the account is locked: unlock it first";
    case MXD_FORBIDDEN:
      return "the user is not registered, or not in the application service's namespaces";
    case MXD_UNKNOWN_DEVICE:
      return "the user has no such device: leave device_id out, or create the device first";
    default:
      return "";
  }
}

}  // namespace mxd::store
