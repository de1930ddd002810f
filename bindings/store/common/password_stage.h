// The stage m.login.password of User-Interactive Authentication, but for the look into the
// database.
#ifndef MXD_BINDINGS_STORE_COMMON_PASSWORD_STAGE_H
#define MXD_BINDINGS_STORE_COMMON_PASSWORD_STAGE_H

#include <optional>
#include <string>
#include <string_view>

#include "matrix_devices/module.h"

namespace mxd::store {

inline constexpr std::string_view kPasswordStage = "m.login.password";

// Whom the client says that the password is of: a name as people type them or, where `medium` is
// not empty, an address as the database keeps it: an email address in lower case, a telephone
// number in digits.
struct ClaimedUser {
  std::string_view name;
  std::string_view medium;
  std::string address;
};

// The status and reason that the operation is completed with where no account is to be looked at:
// another stage, or credentials that lack something. Nothing for those of `claimed`, which refers
// to the attempt.
struct StageAnswer {
  int32_t status;
  std::string_view reason;  // empty: none
};
std::optional<StageAnswer> read_attempt(const mxd_uia_attempt& attempt, ClaimedUser& claimed);

// Completes the operation with what read_attempt() answers.
void complete_stage(const mxd_module& module, mxd_op op, const StageAnswer& answer) noexcept;

// Completes it once the password was compared: nullopt, it could not be (H6).
void complete_password_stage(const mxd_module& module, mxd_op op, std::optional<bool> is_right,
                             std::string_view user_id) noexcept;

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_PASSWORD_STAGE_H
