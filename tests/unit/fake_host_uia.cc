// The fake host's part in User-Interactive Authentication: it keeps sessions and judges stages.
#include <algorithm>
#include <boost/json/parse.hpp>

#include "tests/unit/fake_host.h"

namespace mxd::test {
namespace {

FakeHost& self(mxd_cookie cookie) {
  return *reinterpret_cast<FakeHost*>(cookie);
}

std::string string_member(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

}  // namespace

void FakeHost::fill_uia_table() {
  table.uia_flows = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie principal,
                       const mxd_uia_operation* operation) noexcept {
    return self(host).ask_for(principal, "uia_flows", op, [=] {
      FakeHost& me = self(host);
      me.flows_operation = copied(operation->method) + " " + copied(operation->endpoint) + " " +
                           copied(operation->user_id) + " " + copied(operation->device_id);
      for (uint32_t flow = 0; flow < me.flows.size(); ++flow) {
        for (const auto& stage : me.flows[flow])
          EXPECT_EQ(me.module_.emit_flow_stage(op, flow, view(stage)), MXD_OK);
      }
      for (const auto& [type, json] : me.params)
        EXPECT_EQ(me.module_.emit_params(op, view(type), view(json)), MXD_OK);
      return MXD_OK;
    });
  };
  table.uia_create_session = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie principal,
                                const mxd_session* session) noexcept {
    return self(host).ask_for(principal, "uia_create_session", op,
                              [=] { return self(host).create_session(op, *session); });
  };
  table.uia_load_session = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie principal,
                              mxd_view id) noexcept {
    return self(host).ask_for(principal, "uia_load_session", op,
                              [=] { return self(host).emit_session(op, copied(id)); });
  };
  table.uia_check = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie principal,
                       const mxd_uia_attempt* attempt) noexcept {
    return self(host).ask_for(principal, "uia_check", op,
                              [=] { return self(host).check(op, *attempt); });
  };
  table.uia_record = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie principal,
                        const mxd_uia_record* record) noexcept {
    return self(host).ask_for(principal, "uia_record", op,
                              [=] { return self(host).record(op, *record); });
  };
  table.mark_validated = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie principal,
                            int64_t at_ms) noexcept {
    return self(host).ask_for(principal, "mark_validated", op, [=] {
      self(host).marked_validated.push_back(at_ms);
      return MXD_OK;
    });
  };
}

void FakeHost::share_limits() {
  table.take_limit = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie principal,
                        const mxd_limit* limits, size_t count, int32_t units) noexcept {
    return self(host).ask_for(principal, "take_limit", op, [=] {
      FakeHost& me = self(host);
      LimitCall call;
      for (size_t i = 0; i < count; ++i) {
        call.buckets.push_back(copied(limits[i].name) + " " + copied(limits[i].key) + " " +
                               std::to_string(limits[i].burst) + " " +
                               std::to_string(limits[i].interval_ms));
      }
      call.units = units;
      me.limit_calls.push_back(call);
      if (units < 0 || me.limit_wait_ms == 0) return MXD_OK;
      EXPECT_EQ(me.module_.emit_retry_after(op, me.limit_wait_ms), MXD_OK);
      return MXD_LIMIT_EXCEEDED;
    });
  };
}

int32_t FakeHost::create_session(mxd_op op, const mxd_session& session) {
  StoredSession kept;
  kept.user = copied(session.user_id);
  kept.device = copied(session.device_id);
  kept.token_id = copied(session.token_id);
  kept.method = copied(session.method);
  kept.endpoint = copied(session.endpoint);
  kept.target = copied(session.target);
  kept.path_device = copied(session.path_device_id);
  if ((session.flags & MXD_SESSION_HAS_BODY) != 0) kept.body = copied(session.body);
  kept.digest = copied(session.body_digest);
  kept.description = copied(session.description);
  kept.created_ms = session.created_ms;
  kept.lifetime_ms = session.lifetime_ms;
  kept.max_live = session.max_live;
  EXPECT_EQ(session.flags & MXD_SESSION_FINISHED, 0u);
  EXPECT_EQ(kept.digest.size(), 32u);
  const std::string id = "secret-session-" + std::to_string(++sessions_created_);
  sessions[id] = kept;
  EXPECT_EQ(module_.emit_session_id(op, view(id)), MXD_OK);
  return MXD_OK;
}

int32_t FakeHost::emit_session(mxd_op op, const std::string& id) {
  const auto found = sessions.find(id);
  if (found == sessions.end()) return MXD_NOT_FOUND;
  const StoredSession& kept = found->second;
  mxd_session session{};
  session.size = sizeof session;
  session.created_ms = kept.created_ms;
  session.lifetime_ms = kept.lifetime_ms;
  session.user_id = view(kept.user);
  session.device_id = view(kept.device);
  session.token_id = view(kept.token_id);
  session.method = view(kept.method);
  session.endpoint = view(kept.endpoint);
  session.target = view(kept.target);
  session.path_device_id = view(kept.path_device);
  session.body_digest = view(kept.digest);
  session.description = view(kept.description);
  if (kept.body) {
    session.flags |= MXD_SESSION_HAS_BODY;
    session.body = view(*kept.body);
  }
  if (kept.finished_ms) {
    session.flags |= MXD_SESSION_FINISHED;
    session.finished_ms = *kept.finished_ms;
    session.finished_digest = view(kept.finished_digest);
  }
  EXPECT_EQ(module_.emit_session(op, &session), MXD_OK);
  for (const auto& stage : kept.completed) {
    EXPECT_EQ(module_.emit_completed_stage(op, view(stage.type), view(stage.identity)), MXD_OK);
  }
  return MXD_OK;
}

int32_t FakeHost::check(mxd_op op, const mxd_uia_attempt& attempt) {
  const std::string type = copied(attempt.type);
  attempt_auth_json = copied(attempt.auth_json);
  EXPECT_EQ(sessions.count(copied(attempt.session_id)), 1u) << "a stage without its session";
  const auto auth = boost::json::parse(attempt_auth_json).as_object();
  if (type == "m.login.dummy" || type == "m.login.terms") return MXD_OK;
  if (type == "m.login.registration_token") {
    return string_member(auth, "token") == "secret-invitation" ? MXD_OK : MXD_REFUSED;
  }
  if (type != "m.login.password") return MXD_REFUSED;
  const auto user = find_identified(auth);
  if (!user || users[*user].password.empty() ||
      users[*user].password != string_member(auth, "password")) {
    return MXD_REFUSED;
  }
  EXPECT_EQ(module_.emit_identity(op, view(*user)), MXD_OK);
  return MXD_OK;
}

// The user that a password stage names, by any type of identifier.
std::optional<std::string> FakeHost::find_identified(const boost::json::object& auth) const {
  std::string name = string_member(auth, "user");
  const auto* identifier = auth.if_contains("identifier");
  if (identifier != nullptr && identifier->is_object()) {
    const auto& object = identifier->get_object();
    const std::string type = string_member(object, "type");
    for (const auto& [id, user] : users) {
      if (type == "m.id.thirdparty" && user.email == string_member(object, "address")) return id;
      if (type == "m.id.phone" && user.phone == string_member(object, "phone")) return id;
    }
    if (type != "m.id.user") return std::nullopt;
    name = string_member(object, "user");
  }
  if (!name.starts_with('@')) name = "@" + name + ":test";
  return users.count(name) != 0 ? std::optional(name) : std::nullopt;
}

int32_t FakeHost::record(mxd_op op, const mxd_uia_record& record) {
  const auto found = sessions.find(copied(record.session_id));
  if (found == sessions.end()) return MXD_NOT_FOUND;
  StoredSession& kept = found->second;
  if ((record.flags & MXD_RECORD_STAGE) != 0) {
    const std::string type = copied(record.type);
    const bool noted = std::any_of(kept.completed.begin(), kept.completed.end(),
                                   [&](const Stage& stage) { return stage.type == type; });
    const bool proves = (record.flags & MXD_RECORD_HAS_IDENTITY) != 0;
    if (!noted) kept.completed.push_back({type, proves ? copied(record.identity) : ""});
  }
  if ((record.flags & MXD_RECORD_FINISH) != 0 && !kept.finished_ms) {
    kept.finished_ms = record.now_ms;
    kept.finished_digest = copied(record.body_digest);
    kept.body.reset();
    if ((record.flags & MXD_RECORD_HAS_BODY) != 0) kept.body = copied(record.body);
  }
  return emit_session(op, found->first);
}

}  // namespace mxd::test
