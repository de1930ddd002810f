#include <string>

#include "abi/check/plan.h"
#include "abi/check/request.h"
#include "abi/check/steps/steps.h"

namespace mxd::check {
namespace {

constexpr std::string_view kNobodysDevice = "CHECK_NOBODYS_DEVICE";

}  // namespace

Task<> keep_target(Check& check) {
  const std::string path(path_of(check.request().target));
  check.say("handle.target", path == kOddTarget,
            "the target came as " + quoted(path) + " instead of " + quoted(kOddTarget));
  co_return;
}

Task<> refuse_body(Check& check) {
  const Request& request = check.request();
  check.say("handle.body_limit", request.body_too_large,
            "a body of " + std::to_string(kMaxBodyBytes + 1) + " bytes came as one of " +
                std::to_string(request.body_size) + " without the flag");
  co_return;
}

Task<> pass_over_user_id(Check& check) {
  const bool same = check.me().user_id == check.setting("/users/0/user_id") &&
                    check.me().device_id == check.setting("/users/0/device_id");
  check.say("authenticate.passes_over_user_id", same,
            "with another's user_id the token brought " + quoted(check.me().user_id));
  co_return;
}

Task<> let_guest_in(Check& check) {
  check.say("authenticate.guest", (check.me().flags & MXD_PRINCIPAL_GUEST) != 0,
            "the guest's principal is without the flag MXD_PRINCIPAL_GUEST");
  co_return;
}

Task<> be_sender(Check& check) {
  const std::string inside = check.setting("/service/inside");
  check.say("authenticate.service",
            (check.me().flags & MXD_PRINCIPAL_APPSERVICE) != 0 && check.me().user_id != inside,
            "the service's principal is " + quoted(check.me().user_id) + " with the flags " +
                std::to_string(check.me().flags));
  co_return;
}

Task<> act_inside(Check& check) {
  check.notes()["nobodys_device"] = std::string(kNobodysDevice);
  check.say("authenticate.service_inside",
            (check.me().flags & MXD_PRINCIPAL_APPSERVICE) != 0 &&
                check.me().user_id == check.setting("/service/inside"),
            "the principal is " + quoted(check.me().user_id) + " with the flags " +
                std::to_string(check.me().flags));
  co_return;
}

Task<> act_as_device(Check& check) {
  check.say("authenticate.service_device", check.me().device_id == check.note("service_device"),
            "the principal's device is " + quoted(check.me().device_id) + " instead of " +
                quoted(check.note("service_device")));
  std::vector<std::string> made{check.note("service_device"), check.note("unnamed_device"),
                                check.note("capped_device")};
  const Answer deleted = co_await check.delete_devices(made);
  if (deleted.status != MXD_OK) {
    check.is("delete_devices.deletes", deleted, MXD_OK, "delete_devices for a service");
  }
}

}  // namespace mxd::check
