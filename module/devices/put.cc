#include "module/devices/endpoints.h"
#include "module/host/device_calls.h"
#include "module/http/json_body.h"
#include "module/http/json_writer.h"
#include "module/http/text.h"
#include "module/limits/limits.h"

namespace mxd::devices {
namespace {

using http::ApiError;
using http::Result;
using Kind = host::UpdateDeviceCall::Kind;

constexpr ApiError kNameNotAString{400, "M_BAD_JSON", "'display_name' must be a string."};
constexpr ApiError kNameTooLong{400, "M_TOO_LARGE",
                                "'display_name' is too long. Shorten it; nothing was changed."};
constexpr ApiError kNulInName{400, "M_INVALID_PARAM",
                              "'display_name' has U+0000. Leave that out; nothing was changed."};
constexpr ApiError kBadNewId{400, "M_INVALID_PARAM",
                             "A device ID must be 1 to 255 bytes long, without control characters. "
                             "Choose another."};

constexpr http::Response kCreated{.status = 201, .body = http::kEmptyObject};

// P7. @throws std::bad_alloc
const ApiError* too_many_devices(host::Exchange& exchange) {
  memory::OutputBuffer member;
  const std::string_view uri = exchange.config.user_limit_info_uri;
  if (!uri.empty()) http::JsonWriter(member).member("info_uri", uri);
  return http::make_error(exchange.arena(),
                          {403, "M_USER_LIMIT_EXCEEDED",
                           "This user has as many devices as are allowed. Delete some first.",
                           exchange.arena().copy(member.view())});
}

// P2, P9, P10, P13: the name to set, if one is given.
Result<std::optional<std::string_view>> read_name(host::Exchange& exchange) {
  const auto body = http::parse_object(exchange.arena(), exchange.request.body,
                                       http::EmptyBody::kRefused, exchange.config.json);
  if (!body) return body.error();
  bool wrong_type = false;
  const auto name = http::find_string(**body, "display_name", wrong_type);
  if (wrong_type) return &kNameNotAString;
  const auto longest = exchange.config.max_display_name_length;
  if (name && name->size() > longest && http::count_code_points(*name) > longest) {
    return &kNameTooLong;
  }
  if (name && http::has_nul(*name)) return &kNulInName;  // P13
  return name;
}

// P5 to P7
async::Task<Answered> create(host::Exchange& exchange, const mxd_device_update& update) {
  const limits::Buckets buckets = limits::creation_buckets(exchange);
  const auto* refused = co_await limits::take(exchange, buckets);  // P6
  if (refused != nullptr) co_return refused;
  host::UpdateDeviceCall question(exchange.line, Kind::kPut, update);
  const auto put = co_await question;
  if (put.status != MXD_CREATED) {
    co_await limits::give_back(exchange, buckets);
  }
  if (put.error != nullptr) co_return put.error;
  if (put.status == MXD_LIMIT_EXCEEDED) co_return too_many_devices(exchange);  // P7
  if (put.status == MXD_OK) co_return &kDone;  // somebody else was faster
  co_return &kCreated;                         // P5
}

// Passes over what the device is: it is there.
class AnyDevice final : public host::DeviceSink {
 public:
  bool accept(const host::Device& device) override { return host::is_utf8(device); }
};

// P1 to P4: whether the device is there, with the name if one is given. MXD_OK or MXD_NOT_FOUND.
async::Task<Result<int32_t>> rename(host::Exchange& exchange, const mxd_device_update& update) {
  if ((update.flags & MXD_UPDATE_SET_DISPLAY_NAME) == 0) {  // P2
    AnyDevice any;
    host::ReadDevicesCall question(exchange.line, host::UserId{host::text(update.user_id)},
                                   host::DeviceId{host::text(update.device_id)}, any);
    const auto found = co_await question;
    if (found.error != nullptr) co_return found.error;
    co_return found.status;
  }
  host::UpdateDeviceCall question(exchange.line, Kind::kRename, update);
  const auto renamed = co_await question;
  if (renamed.error != nullptr) co_return renamed.error;
  co_return renamed.status;
}

}  // namespace

async::Task<Answered> put(host::Exchange& exchange, std::string_view id) {
  const host::Principal& who = exchange.who;
  const bool may_create = who.appservice && exchange.line.table->put_device != nullptr;  // P4, P5
  const auto name = read_name(exchange);
  if (!name) co_return name.error();

  if (may_create && (is_impossible(id) || http::has_control_characters(id))) {
    co_return &kBadNewId;  // P8
  }
  if (is_impossible(id)) co_return &kNoSuchDevice;  // R10

  mxd_device_update update{};
  update.size = sizeof update;
  update.user_id = host::view(who.user.text);
  update.device_id = host::view(id);
  update.max_devices = exchange.config.max_devices_per_user;
  if (name->has_value()) {
    update.flags = MXD_UPDATE_SET_DISPLAY_NAME;
    update.display_name = host::view(**name);
  }
  // Services too are first taken to rename: most of them repeat the same PUT at every start, and
  // that takes nothing from their limit (P6).
  const auto renamed = co_await rename(exchange, update);
  if (!renamed) co_return renamed.error();
  if (*renamed == MXD_OK) co_return &kDone;   // P1 to P3
  if (!may_create) co_return &kNoSuchDevice;  // P4
  co_return co_await create(exchange, update);
}

}  // namespace mxd::devices
