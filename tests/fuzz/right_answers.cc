// What the scripted host answers where it behaves: it keeps devices and sessions, and judges
// stages.
#include "matrix_devices/module.hpp"
#include "tests/fuzz/promises.h"
#include "tests/fuzz/scripted_host.h"

namespace mxd::fuzz {
namespace {

constexpr std::string_view kUser = "@alice:example.org";

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

int32_t ScriptedHost::update(const mxd_device_update& update, bool may_create) {
  const std::string device_id(text(update.device_id));
  require(is_keepable(device_id) && device_id.size() <= 255, "a device has an ID");
  require(is_keepable(text(update.display_name)), "a name is text");
  const bool is_new = devices_.find(device_id) == devices_.end();
  if (is_new && !may_create) return MXD_NOT_FOUND;
  if (is_new && update.max_devices > 0 && devices_.size() >= update.max_devices)
    return MXD_LIMIT_EXCEEDED;
  auto& name = devices_[device_id];
  if ((update.flags & MXD_SET_DISPLAY_NAME) != 0) name = text(update.display_name);
  return is_new ? MXD_CREATED : MXD_OK;
}

int32_t ScriptedHost::create_session(mxd_op op, const mxd_session& session) {
  require(session.body_digest.size == 32, "a digest has 32 bytes");
  const auto session_id = std::string(kSecret) + std::to_string(sessions_.size());
  Session& kept = sessions_[session_id];
  kept.user_id = text(session.user_id);
  kept.device_id = text(session.device_id);
  kept.token_id = text(session.token_id);
  kept.method = text(session.method);
  kept.endpoint = text(session.endpoint);
  kept.target = text(session.target);
  require(!holds_token(kept.target), "no token is kept");
  require(is_printable(kept.target), "a target is printable");
  require(is_keepable(text(session.path_device_id)), "a device ID is text");
  kept.path_device_id = text(session.path_device_id);
  kept.description = text(session.description);
  if ((session.flags & MXD_SESSION_HAS_BODY) != 0) kept.body = text(session.body);
  kept.body_digest = text(session.body_digest);
  kept.created_ms = session.created_ms;
  kept.lifetime_ms = session.lifetime_ms;
  module_.emit_session_id(op, view(session_id));
  return MXD_OK;
}

int32_t ScriptedHost::emit_session(mxd_op op, std::string_view session_id) const {
  require(is_keepable(session_id) && session_id.size() <= 255,
          "a session that nobody has is not asked about");
  const auto found = sessions_.find(std::string(session_id));
  if (found == sessions_.end()) return MXD_NOT_FOUND;
  const Session& kept = found->second;
  mxd_session session{};
  session.size = sizeof session;
  session.user_id = view(kept.user_id);
  session.device_id = view(kept.device_id);
  session.token_id = view(kept.token_id);
  session.method = view(kept.method);
  session.endpoint = view(kept.endpoint);
  session.target = view(kept.target);
  session.path_device_id = view(kept.path_device_id);
  session.description = view(kept.description);
  session.body_digest = view(kept.body_digest);
  session.created_ms = kept.created_ms;
  session.lifetime_ms = kept.lifetime_ms;
  if (kept.body) {
    session.flags |= MXD_SESSION_HAS_BODY;
    session.body = view(*kept.body);
  }
  if (!kept.finished_digest.empty()) {
    session.flags |= MXD_SESSION_FINISHED;
    session.finished_ms = kept.finished_ms;
    session.finished_digest = view(kept.finished_digest);
  }
  module_.emit_session(op, &session);
  for (const auto& [type, identity] : kept.completed)
    module_.emit_completed_stage(op, view(type), view(identity));
  return MXD_OK;
}

int32_t ScriptedHost::check(mxd_op op, const mxd_uia_attempt& attempt) const {
  require(is_json(text(attempt.auth_json)), "the auth object is JSON");
  if (text(attempt.type) == "m.login.terms") return MXD_OK;
  const auto has = [&](std::string_view word) {
    return text(attempt.auth_json).find(word) != std::string_view::npos;
  };
  if (has("SECRETgood")) {
    module_.emit_identity(op, view(kUser));
    return MXD_OK;
  }
  if (has("SECRETother")) {
    module_.emit_identity(op, view("@bob:example.org"));
    return MXD_OK;
  }
  module_.emit_reason(op, view("Wrong. Try another."));
  return has("SECRETbad") ? MXD_REFUSED : MXD_BAD_DATA;
}

int32_t ScriptedHost::record(mxd_op op, const mxd_uia_record& record) {
  const auto found = sessions_.find(std::string(text(record.session_id)));
  if (found == sessions_.end()) return MXD_NOT_FOUND;
  Session& kept = found->second;
  if ((record.flags & MXD_RECORD_STAGE) != 0)
    kept.completed.emplace_back(text(record.type), text(record.identity));
  if ((record.flags & MXD_RECORD_FINISH) != 0 && kept.finished_digest.empty()) {
    kept.finished_digest = text(record.body_digest);
    kept.finished_ms = record.now_ms;
    if ((record.flags & MXD_RECORD_HAS_BODY) != 0) kept.body = text(record.body);
  }
  return emit_session(op, text(record.session_id));
}

}  // namespace mxd::fuzz
