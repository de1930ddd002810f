// What the scripted host answers where it behaves: it keeps devices and sessions, and judges
// stages.
#include <utility>

#include "matrix_devices/module.hpp"
#include "tests/fuzz/promises.h"
#include "tests/fuzz/scripted_host.h"

namespace mxd::fuzz {
namespace {

constexpr std::string_view kUser = "@alice:example.org";

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= 255 && is_keepable(id);
}

bool is_state(std::string_view state) {
  return !state.empty() && state.size() <= 256 * 1024 && is_keepable(state);
}

}  // namespace

// What kind of caller it is, the token says: SECRET, and a capital letter for each kind.
int32_t ScriptedHost::authenticate(mxd_op op, const mxd_credentials& credentials) {
  const auto token = text(credentials.access_token);
  require(is_keepable(token) && token.size() <= 4096, "a token that nobody has is not asked about");
  require(is_keepable(text(credentials.user_id)) && is_keepable(text(credentials.device_id)),
          "whom a service acts as is text");
  if (token.substr(0, kSecret.size()) != kSecret) return MXD_UNKNOWN_TOKEN;
  const auto kinds = token.substr(kSecret.size());
  const auto is = [&](char kind) { return kinds.find(kind) != std::string_view::npos; };
  if (is('L')) return MXD_USER_LOCKED;
  mxd_principal principal{};
  principal.size = sizeof principal;
  principal.user_id = view(kUser);
  principal.token_id = view("7");
  if (!is('N')) principal.device_id = view("LAPTOP");
  if (is('G')) principal.flags |= MXD_PRINCIPAL_GUEST;
  if (is('O')) principal.flags |= MXD_PRINCIPAL_OAUTH;
  if (is('U')) principal.flags |= MXD_PRINCIPAL_UNLIMITED;
  if (is('A')) {
    principal.flags |= MXD_PRINCIPAL_APPSERVICE;
    principal.service_id = view("bridge");
  }
  if (is('V')) {
    principal.flags |= MXD_PRINCIPAL_HAS_VALIDATED_MS;
    principal.validated_ms = kNow - 1000;
  }
  principal.cookie = ++last_cookie_;
  if (module_.emit_principal(op, &principal) == MXD_OK) principals_.insert(principal.cookie);
  return MXD_OK;
}

int32_t ScriptedHost::emit_device(mxd_op op, const std::string& device_id) const {
  const auto found = devices_.find(device_id);
  if (found == devices_.end()) return MXD_NOT_FOUND;
  mxd_device device{};
  device.size = sizeof device;
  device.flags = MXD_DEVICE_HAS_DISPLAY_NAME | MXD_DEVICE_HAS_LAST_SEEN_TS;
  device.device_id = view(found->first);
  device.display_name = view(found->second);
  device.last_seen_ts_ms = kNow;
  module_.emit_device(op, &device);
  return MXD_OK;
}

int32_t ScriptedHost::list_devices(mxd_op op, const mxd_device_query& query) {
  require(text(query.user_id) == kUser, "the principal's devices are asked for");
  for (const auto& [device_id, name] : devices_)
    emit_device(op, device_id);
  return MXD_OK;
}

int32_t ScriptedHost::get_device(mxd_op op, const mxd_device_key& key) {
  require(is_id(text(key.device_id)), "a device has an ID");
  return emit_device(op, std::string(text(key.device_id)));
}

int32_t ScriptedHost::rename_device(mxd_op, const mxd_device_update& update) {
  require((update.flags & MXD_UPDATE_SET_DISPLAY_NAME) != 0, "a rename sets a name");
  require(is_keepable(text(update.display_name)), "a name is text");
  const auto found = devices_.find(std::string(text(update.device_id)));
  if (found == devices_.end()) return MXD_NOT_FOUND;
  found->second = text(update.display_name);
  return MXD_OK;
}

int32_t ScriptedHost::put_device(mxd_op, const mxd_device_update& update) {
  require(is_id(text(update.device_id)), "a device has an ID");
  require(is_keepable(text(update.display_name)), "a name is text");
  const std::string device_id(text(update.device_id));
  const bool is_new = devices_.find(device_id) == devices_.end();
  const bool is_full =
      update.max_devices > 0 && static_cast<int64_t>(devices_.size()) >= update.max_devices;
  if (is_new && is_full) return MXD_LIMIT_EXCEEDED;
  auto& name = devices_[device_id];
  if ((update.flags & MXD_UPDATE_SET_DISPLAY_NAME) != 0) name = text(update.display_name);
  return is_new ? MXD_CREATED : MXD_OK;
}

int32_t ScriptedHost::delete_devices(mxd_op, const mxd_deletion& deletion) {
  for (size_t i = 0; i < deletion.device_id_count; ++i) {
    const auto device_id = text(deletion.device_ids[i]);
    require(is_id(device_id), "a device has an ID");
    require(i == 0 || text(deletion.device_ids[i - 1]) < device_id, "IDs are distinct, in order");
    devices_.erase(std::string(device_id));
  }
  return MXD_OK;
}

// ---- User-Interactive Authentication ----

int32_t ScriptedHost::uia_flows(mxd_op op, const mxd_uia_operation&) {
  const std::pair<uint32_t, std::string_view> stages[] = {
      {0, "m.login.password"}, {1, "m.login.sso"}, {2, "m.login.terms"}, {2, "m.login.password"}};
  for (const auto& [flow, type] : stages) {
    mxd_uia_stage stage{};
    stage.size = sizeof stage;
    stage.flow = flow;
    stage.type = view(type);
    if (type == "m.login.terms") stage.params = view(R"({"policies":{}})");
    module_.emit_stage(op, &stage);
  }
  return MXD_OK;
}

int32_t ScriptedHost::create_session(mxd_op op, const mxd_uia_session& session) {
  require(session.proposed_id.size == 43, "an ID is proposed");
  require(!holds_token(text(session.target)), "no token is kept");
  require(is_printable(text(session.target)), "a target is printable");
  require(is_state(text(session.state)), "a state is text of 1 byte to 256 KiB");
  const auto session_id = std::string(kSecret) + std::to_string(sessions_.size());
  Session& kept = sessions_[session_id];
  kept.user_id = text(session.user_id);
  kept.state = text(session.state);
  module_.emit_session_id(op, view(session_id));
  return MXD_OK;
}

int32_t ScriptedHost::load_session(mxd_op op, const mxd_uia_session_key& key) {
  require(is_id(text(key.session_id)), "a session that nobody has is not asked about");
  const auto found = sessions_.find(std::string(text(key.session_id)));
  if (found == sessions_.end()) return MXD_NOT_FOUND;
  mxd_uia_kept kept{};
  kept.size = sizeof kept;
  kept.revision = found->second.revision;
  kept.state = view(found->second.state);
  module_.emit_session(op, &kept);
  for (const auto& [type, identity] : found->second.elsewhere) {
    mxd_uia_completed stage{};
    stage.size = sizeof stage;
    stage.type = view(type);
    stage.identity = view(identity);
    module_.emit_completed(op, &stage);
  }
  return MXD_OK;
}

int32_t ScriptedHost::replace_session(mxd_op, const mxd_uia_replacement& replacement) {
  require(is_state(text(replacement.state)), "a state is text of 1 byte to 256 KiB");
  const auto found = sessions_.find(std::string(text(replacement.session_id)));
  if (found == sessions_.end()) return MXD_NOT_FOUND;
  Session& session = found->second;
  require(text(replacement.user_id) == session.user_id, "a session keeps its user");
  if (session.revision != replacement.revision) return MXD_CONFLICT;
  const bool is_finished = (replacement.flags & MXD_UIA_FINISHED) != 0;
  require(is_finished || !session.is_finished, "a finished session stays finished");
  session.state = text(replacement.state);
  session.is_finished = is_finished;
  ++session.revision;
  return MXD_OK;
}

int32_t ScriptedHost::check(mxd_op op, const mxd_uia_attempt& attempt) {
  require(is_json(text(attempt.auth_json)), "the auth object is JSON");
  for (const auto field : {attempt.user, attempt.medium, attempt.address, attempt.country,
                           attempt.password, attempt.type, attempt.remote_addr})
    require(is_keepable(text(field)), "credentials are text");
  require(attempt.flags == 0 || text(attempt.type) == "m.login.password",
          "credentials are those of a password");
  const auto has = [&](std::string_view word) {
    return text(attempt.auth_json).find(word) != std::string_view::npos;
  };
  if (text(attempt.type) == "m.login.terms") {
    module_.emit_identity(op, view(""));
    return MXD_OK;
  }
  if (has("SECRETgood") || has("SECRETother")) {
    module_.emit_identity(op, view(has("SECRETgood") ? kUser : "@bob:example.org"));
    return MXD_OK;
  }
  module_.emit_reason(op, view("Wrong. Try another."));
  return has("SECRETbad") ? MXD_REFUSED : MXD_BAD_DATA;
}

int32_t ScriptedHost::mark_validated(mxd_op, const mxd_validation& validation) {
  require(validation.validated_ms == kNow, "it is now that somebody was validated");
  return MXD_OK;
}

int32_t ScriptedHost::take_limit(mxd_op, const mxd_limit_request& limits) {
  require(limits.units == 1 || limits.units == -1, "a unit is taken or given back");
  require(limits.limit_count >= 1 && limits.limit_count <= 4, "of 1 to 4 buckets");
  for (size_t i = 0; i < limits.limit_count; ++i) {
    const mxd_limit& limit = limits.limits[i];
    require(limit.burst >= 1 && limit.interval_ms >= 1, "a bucket has a size");
    require(is_keepable(text(limit.key)) && limit.key.size <= 1024, "a bucket's key is text");
  }
  return MXD_OK;
}

}  // namespace mxd::fuzz
