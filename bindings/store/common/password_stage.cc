#include "bindings/store/common/password_stage.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <iterator>

#include "bindings/store/common/text.h"

namespace mxd::store {
namespace {

constexpr std::string_view kDummyStage = "m.login.dummy";

// Of telephone numbers only those in international form are found.
std::string canonical(std::string_view medium, std::string_view address) {
  if (medium != "msisdn") return absl::AsciiStrToLower({address.data(), address.size()});
  std::string digits;
  std::copy_if(address.begin(), address.end(), std::back_inserter(digits),
               [](char c) { return c >= '0' && c <= '9'; });
  return digits;
}

}  // namespace

std::optional<StageAnswer> read_attempt(const mxd_uia_attempt& attempt, ClaimedUser& claimed) {
  const std::string_view type = text(attempt.type);
  if (type == kDummyStage) return StageAnswer{MXD_OK, {}};
  if (type != kPasswordStage) return StageAnswer{MXD_REFUSED, "This server has no such stage."};
  if ((attempt.flags & MXD_ATTEMPT_HAS_PASSWORD) == 0) {
    return StageAnswer{MXD_BAD_DATA, "auth.password must be a string"};
  }
  if ((attempt.flags & MXD_ATTEMPT_HAS_USER) != 0) {
    claimed.name = text(attempt.user);
    return std::nullopt;
  }
  if ((attempt.flags & MXD_ATTEMPT_HAS_THIRDPARTY) != 0) {
    claimed.medium = text(attempt.medium);
    claimed.address = canonical(claimed.medium, text(attempt.address));
    return std::nullopt;
  }
  return StageAnswer{MXD_BAD_DATA,
                     "auth.identifier must be a whole m.id.user, m.id.thirdparty or m.id.phone"};
}

void complete_stage(const mxd_module& module, mxd_op op, const StageAnswer& answer) noexcept {
  if (!answer.reason.empty()) module.emit_reason(op, view(answer.reason));
  if (answer.status == MXD_OK) module.emit_identity(op, view(""));  // it proves nobody
  module.complete(op, answer.status);
}

void complete_password_stage(const mxd_module& module, mxd_op op, std::optional<bool> is_right,
                             std::string_view user_id) noexcept {
  if (!is_right) {
    module.complete(op, MXD_UNAVAILABLE);  // H6
  } else if (*is_right) {
    module.emit_identity(op, view(user_id));
    module.complete(op, MXD_OK);
  } else {
    complete_stage(module, op, {MXD_REFUSED, "Wrong user name or password."});
  }
}

}  // namespace mxd::store
