#include "abi/check/plan.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <utility>

#include "abi/check/check.h"
#include "abi/check/instance.h"
#include "abi/check/promises.h"
#include "abi/check/steps/steps.h"
#include "abi/check/text.h"

namespace mxd::check {
namespace {

constexpr std::string_view kAlice = "/users/0/token";
constexpr std::string_view kService = "/service/token";
constexpr std::string_view kInside = "/service/inside";
constexpr std::string_view kDevices = "/_matrix/client/v3/devices";

constexpr auto kSteps = std::to_array<Step>({
    {.name = "reading", .token = kAlice, .run = &read_devices, .method = "GET", .target = kDevices},
    {.name = "target",
     .token = kAlice,
     .run = &keep_target,
     .method = "GET",
     .target = kOddTarget,
     .arrival = "handle.target"},
    {.name = "large_body", .token = kAlice, .run = &refuse_body, .large_body = true},

    {.name = "passing_over",
     .token = kAlice,
     .run = &pass_over_user_id,
     .acting_as = "/users/1/user_id"},
    {.name = "unknown_token", .refusal = {{"authenticate.unknown", MXD_UNKNOWN_TOKEN}}},
    {.name = "expired_token",
     .token = "/tokens/expired",
     .refusal = {{"authenticate.expired", MXD_TOKEN_EXPIRED}}},
    {.name = "replaced_token",
     .token = "/tokens/replaced",
     .refusal = {{"authenticate.replaced", MXD_TOKEN_EXPIRED}}},
    {.name = "locked_token",
     .token = "/tokens/locked",
     .refusal = {{"authenticate.locked", MXD_USER_LOCKED}}},
    {.name = "guest_token",
     .token = "/tokens/guest",
     .run = &let_guest_in,
     .let_in = "authenticate.guest"},
    {.name = "service", .token = kService, .run = &be_sender, .let_in = "authenticate.service"},
    {.name = "service_inside",
     .token = kService,
     .run = &act_inside,
     .acting_as = kInside,
     .let_in = "authenticate.service_inside"},
    {.name = "service_outside",
     .token = kService,
     .refusal = {{"authenticate.service_outside", MXD_FORBIDDEN}},
     .acting_as = "/service/outside"},
    {.name = "service_unregistered",
     .token = kService,
     .refusal = {{"authenticate.service_unregistered", MXD_FORBIDDEN}},
     .acting_as = "/service/unregistered"},
    {.name = "service_unknown_device",
     .token = kService,
     .refusal = {{"authenticate.service_unknown_device", MXD_UNKNOWN_DEVICE}},
     .acting_as = kInside,
     .device = "nobodys_device"},
    {.name = "creating",
     .token = kService,
     .run = &create_devices,
     .acting_as = kInside,
     .needs = Callback::kPutDevice},
    {.name = "service_device",
     .token = kService,
     .run = &act_as_device,
     .acting_as = kInside,
     .device = "service_device",
     .needs = Callback::kPutDevice,
     .let_in = "authenticate.service_device"},

    {.name = "renaming", .token = kAlice, .run = &rename_devices},

    {.name = "keeping", .token = kAlice, .run = &keep_sessions},
    {.name = "kept", .token = "/users/1/token", .run = &load_anothers},
    {.name = "at_once", .token = kAlice, .run = &replace_at_once, .at_once = true},
    {.name = "racing", .token = kAlice, .run = &race_to_replace, .at_once = true},
    {.name = "another_device", .token = "/users/0/spares/1/token", .run = &begin_on_another},
    {.name = "evicting", .token = kAlice, .run = &evict_sessions},
    {.name = "expiring", .token = kAlice, .run = &let_expire},
    {.name = "expired", .token = kAlice, .run = &look_for_expired, .after_ms = kExpiryWait},

    {.name = "proving", .token = kAlice, .run = &prove_identity},
    {.name = "validating",
     .token = kAlice,
     .run = &mark_validated,
     .needs = Callback::kMarkValidated},
    {.name = "validated",
     .token = kAlice,
     .run = &look_for_validation,
     .needs = Callback::kMarkValidated},
    {.name = "limiting", .token = kAlice, .run = &take_units, .needs = Callback::kTakeLimit},
    {.name = "limiting_at_once",
     .token = kAlice,
     .run = &take_at_once,
     .at_once = true,
     .needs = Callback::kTakeLimit},
    {.name = "refilled",
     .token = kAlice,
     .run = &take_refilled,
     .after_ms = kRefillWait,
     .needs = Callback::kTakeLimit},

    {.name = "beginning", .token = "/users/0/spares/0/token", .run = &begin_on_spare},
    {.name = "deleting", .token = kAlice, .run = &delete_spare},
    {.name = "deleted_token",
     .token = "/users/0/spares/0/token",
     .refusal = {{"delete_devices.tokens_dead", MXD_UNKNOWN_TOKEN}}},
    {.name = "untouched",
     .token = "/users/1/spares/0/token",
     .run = &find_untouched,
     .let_in = "delete_devices.other_user_untouched"},
    {.name = "deleting_itself", .token = "/users/1/spares/1/token", .run = &delete_itself},
    {.name = "deleted_itself",
     .token = "/users/1/spares/1/token",
     .refusal = {{"delete_devices.itself", MXD_UNKNOWN_TOKEN}}},
    {.name = "deleting_under_reads", .token = kAlice, .run = &delete_under_reads, .at_once = true},
    {.name = "deleting_many", .token = kAlice, .run = &delete_many},

    {.name = "leaving", .token = kAlice, .run = &leave_session},
    {.name = "elsewhere", .token = kAlice, .run = &replace_elsewhere, .place = Place::kElsewhere},
    {.name = "back", .token = kAlice, .run = &see_elsewhere},
    {.name = "restarted", .token = kAlice, .run = &load_restarted, .place = Place::kRestarted},
    {.name = "ending", .token = kAlice, .run = &end, .method = "GET", .target = kDevices},
});

bool has(const mxd_host& host, Callback callback) {
  switch (callback) {
    case Callback::kPutDevice:
      return host.put_device != nullptr;
    case Callback::kMarkValidated:
      return host.mark_validated != nullptr;
    case Callback::kTakeLimit:
      return host.take_limit != nullptr;
    default:
      return true;  // mandatory
  }
}

// Why this step can't be tried here; empty: it can.
std::string obstacle(const Step& step, const boost::json::object& notes, Instance& instance) {
  for (const std::string_view pointer : {step.token, step.acting_as}) {
    if (!pointer.empty() && instance.setting(pointer).empty()) {
      return "the configuration has no check" + std::string(pointer);
    }
  }
  if (step.needs && !has(instance.host(), *step.needs)) {
    return "the host has no " + std::string(row(*step.needs).name);
  }
  if (step.needs == Callback::kMarkValidated && !instance.has_grace_period()) {
    return "the configuration has no uia.grace_period_ms";
  }
  if (!step.device.empty() &&
      notes.if_contains({step.device.data(), step.device.size()}) == nullptr) {
    return "no device was made for it";
  }
  return {};
}

std::string_view name_of(Place place) {
  switch (place) {
    case Place::kRestarted:
      return "restarted";
    case Place::kElsewhere:
      return "elsewhere";
    case Place::kHere:
      break;
  }
  return "here";
}

}  // namespace

std::span<const Step> steps() {
  return kSteps;
}

std::string Position::resume_value() const {
  return std::string(step->name) + "." + base64url(boost::json::serialize(notes));
}

std::optional<Position> Position::read(const std::optional<std::string>& resume_value) {
  if (!resume_value) return Position{&kSteps.front(), {}};
  const size_t dot = resume_value->find('.');
  if (dot == std::string::npos) return std::nullopt;
  const std::string_view name = std::string_view(*resume_value).substr(0, dot);
  const auto found = std::find_if(kSteps.begin(), kSteps.end(),
                                  [&](const Step& candidate) { return candidate.name == name; });
  const auto notes = from_base64url(std::string_view(*resume_value).substr(dot + 1));
  if (found == kSteps.end() || !notes) return std::nullopt;
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(*notes, error);
  if (error || !value.is_object()) return std::nullopt;
  return Position{&*found, std::move(value.get_object())};
}

Position position_after(const Step& step, boost::json::object notes, Instance& instance) {
  for (const Step* next = &step + 1; next != kSteps.data() + kSteps.size(); ++next) {
    const std::string why = obstacle(*next, notes, instance);
    if (why.empty()) return Position{next, std::move(notes)};
    skip(*next, why, instance);
  }
  return Position{nullptr, std::move(notes)};
}

void skip(const Step& step, const std::string& why, Instance& instance) {
  if (!step.arrival.empty()) instance.report().broken(step.arrival, why);
  for (const PromiseRow& promise : promises()) {
    if (promise.step == step.name) instance.report().not_tried(promise.name, why);
  }
}

boost::json::value request_for(const Position& position, Instance& instance) {
  const Step* const step = position.step;
  if (step == nullptr) return nullptr;
  std::string target(step->target);
  target += "?resume=" + position.resume_value();
  if (!step->acting_as.empty()) {
    target += "&user_id=" + percent_encoded(instance.setting(step->acting_as));
  }
  if (!step->device.empty()) {
    const boost::json::string_view device(step->device.data(), step->device.size());
    target += "&device_id=" + percent_encoded(position.notes.at(device).as_string());
  }
  boost::json::object request{
      {"step", boost::json::string_view(step->name.data(), step->name.size())},
      {"method", boost::json::string_view(step->method.data(), step->method.size())},
      {"target", target},
      {"times", step->at_once ? instance.parallel() : 1},
      {"after_ms", step->after_ms},
      {"body_bytes", step->large_body ? kMaxBodyBytes + 1 : 0},
      {"place", boost::json::string_view(name_of(step->place).data(), name_of(step->place).size())},
  };
  // Where the configuration has it; null: one that nobody has.
  if (step->token.empty())
    request["token"] = nullptr;
  else
    request["token"] = boost::json::string_view(step->token.data(), step->token.size());
  return request;
}

}  // namespace mxd::check
