#include "module/devices/endpoints.h"
#include "module/host/device_calls.h"
#include "module/http/json_body.h"
#include "module/http/json_writer.h"
#include "module/http/text.h"

namespace mxd::devices {
namespace {

using http::ApiError;
using http::Result;

constexpr ApiError kNameNotAString{400, "M_BAD_JSON", "'display_name' must be a string."};
constexpr ApiError kNameTooLong{400, "M_TOO_LARGE",
                                "'display_name' is too long. Shorten it; nothing was changed."};
constexpr ApiError kBadNewId{400, "M_INVALID_PARAM",
                             "A device ID must be 1 to 255 bytes long, without control characters. "
                             "Choose another."};

/// P7. @throws std::bad_alloc
const ApiError* too_many_devices(host::Exchange& exchange) {
  async::OutputBuffer member;
  const std::string_view uri = exchange.config.user_limit_info_uri;
  if (!uri.empty()) http::JsonWriter(member).member("info_uri", uri);
  return http::make_error(exchange.arena(),
                          {403, "M_USER_LIMIT_EXCEEDED",
                           "This user has as many devices as are allowed. Delete some first.",
                           exchange.arena().copy(member.view())});
}

/// P2, P9, P10: the name to set, if one is given.
Result<std::optional<std::string_view>> read_name(host::Exchange& exchange) {
  const auto body =
      http::parse_object(exchange.arena(), exchange.request.body, http::EmptyBody::kRefused);
  if (!body) return body.error();
  bool wrong_type = false;
  const auto name = http::find_string(**body, "display_name", wrong_type);
  if (wrong_type) return &kNameNotAString;
  if (name && http::count_code_points(*name) > exchange.config.max_display_name_length) {
    return &kNameTooLong;
  }
  return name;
}

}  // namespace

async::Task<Answered> put(host::Exchange& exchange, host::DeviceId id) {
  const host::Principal& who = exchange.who;
  const bool may_create =
      who.application_service && exchange.line.table->put_device != nullptr;  // P4, P5
  const auto name = read_name(exchange);
  if (!name) co_return name.error();

  if (may_create && (is_impossible(id) || http::has_control_characters(id.text))) {
    co_return &kBadNewId;  // P8
  }
  if (is_impossible(id)) co_return &kNoSuchDevice;  // R10

  mxd_device_update update{};
  update.size = sizeof update;
  update.user_id = host::view(who.user.text);
  update.device_id = host::view(id.text);
  update.max_devices = exchange.config.max_devices_per_user;
  if (name->has_value()) {
    update.flags = MXD_SET_DISPLAY_NAME;
    update.display_name = host::view(**name);
  }
  using Kind = host::UpdateDeviceCall::Kind;
  host::UpdateDeviceCall question(exchange.line, may_create ? Kind::kPut : Kind::kRename, update);
  const auto updated = co_await question;
  if (updated.error != nullptr) co_return updated.error;
  switch (updated.status) {
    case MXD_NOT_FOUND:
      co_return &kNoSuchDevice;  // P4
    case MXD_LIMIT_EXCEEDED:
      co_return too_many_devices(exchange);  // P7
    case MXD_CREATED:
      co_return http::Response{.status = 201, .body = http::kEmptyObject};  // P5
    default:
      co_return kDone;
  }
}

}  // namespace mxd::devices
