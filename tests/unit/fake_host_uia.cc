// The fake host's part in User-Interactive Authentication: it keeps sessions and judges stages.
#include <algorithm>
#include <boost/json/parse.hpp>

#include "tests/unit/fake_host.h"

namespace mxd::test {
namespace {

constexpr size_t kMostState = 256 * 1024;

std::optional<std::string> given(uint32_t flags, uint32_t flag, mxd_view view) {
  if ((flags & flag) == 0) {
    EXPECT_EQ(view.size, 0u) << "a field that is not there";
    return std::nullopt;
  }
  return copied(view);
}

std::string string_member(const std::string& json, std::string_view name) {
  const auto object = boost::json::parse(json).as_object();
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

}  // namespace

int32_t FakeHost::uia_flows(mxd_op op, const mxd_uia_operation& operation) {
  flows_operation = copied(operation.method) + " " + copied(operation.endpoint) + " " +
                    copied(operation.user_id) + " " + copied(operation.device_id);
  for (uint32_t flow = 0; flow < flows.size(); ++flow) {
    for (const auto& type : flows[flow]) {
      mxd_uia_stage stage{};
      stage.size = sizeof stage;
      stage.flow = flow;
      stage.type = view(type);
      const auto found = std::find_if(params.begin(), params.end(),
                                      [&](const auto& entry) { return entry.first == type; });
      if (found != params.end()) stage.params = view(found->second);
      EXPECT_EQ(module_.emit_stage(op, &stage), MXD_OK) << type;
    }
  }
  return MXD_OK;
}

// ---- Sessions ----

// U25: makes room for one more of this device, or token.
void FakeHost::evict_sessions(const std::string& user, const std::string& device,
                              const std::string& token_id, uint32_t max_live) {
  std::erase_if(sessions, [&](const auto& entry) {
    return entry.second.user == user && entry.second.expires_ms <= now_ms;
  });
  for (;;) {
    // What goes first: not finished and of the same device, not finished, all; the oldest of them.
    size_t live = 0;
    std::pair<int, uint64_t> best{3, 0};
    std::string first;
    for (const auto& [id, session] : sessions) {
      if (session.user != user) continue;
      ++live;
      const bool same =
          session.device == device && (!device.empty() || session.token_id == token_id);
      const std::pair<int, uint64_t> rank{session.finished ? 2 : same ? 0 : 1, session.order};
      if (rank >= best) continue;
      best = rank;
      first = id;
    }
    if (live < max_live) return;
    sessions.erase(first);
  }
}

int32_t FakeHost::uia_create_session(mxd_op op, const mxd_uia_session& session) {
  KeptSession kept;
  kept.user = copied(session.user_id);
  kept.device = copied(session.device_id);
  kept.token_id = copied(session.token_id);
  kept.order = ++sessions_created_;
  kept.expires_ms = session.expires_ms;
  kept.state = copied(session.state);
  kept.method = copied(session.method);
  kept.endpoint = copied(session.endpoint);
  kept.target = copied(session.target);
  kept.description = copied(session.description);
  max_live_asked = session.max_live;
  for (const mxd_view text : {session.state, session.target, session.description, session.method})
    expect_text(text, "a part of a session");
  EXPECT_TRUE(session.state.size >= 1 && session.state.size <= kMostState) << session.state.size;
  const std::string proposed = copied(session.proposed_id);
  EXPECT_EQ(proposed.size(), 43u);
  EXPECT_EQ(proposed.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789-_"),
            proposed.npos);
  EXPECT_EQ(sessions.count(proposed), 0u) << "an ID is proposed twice";
  evict_sessions(kept.user, kept.device, kept.token_id, session.max_live);
  const std::string id =
      names_sessions ? "secret-session-" + std::to_string(sessions_created_) : proposed;
  sessions[id] = std::move(kept);
  if (names_sessions) {
    EXPECT_EQ(module_.emit_session_id(op, view(id)), MXD_OK);
  }
  return MXD_OK;
}

int32_t FakeHost::uia_load_session(mxd_op op, const mxd_uia_session_key& key) {
  expect_text(key.session_id, "a session ID");
  EXPECT_TRUE(key.session_id.size >= 1 && key.session_id.size <= 255);
  const auto found = sessions.find(copied(key.session_id));
  if (found == sessions.end()) return MXD_NOT_FOUND;
  const KeptSession& session = found->second;
  mxd_uia_kept kept{};
  kept.size = sizeof kept;
  kept.revision = session.revision;
  kept.state = view(session.state);
  EXPECT_EQ(module_.emit_session(op, &kept), MXD_OK);
  for (const Stage& stage : session.elsewhere) {
    mxd_uia_completed completed{};
    completed.size = sizeof completed;
    completed.type = view(stage.type);
    completed.identity = view(stage.identity);
    EXPECT_EQ(module_.emit_completed(op, &completed), MXD_OK);
  }
  return MXD_OK;
}

int32_t FakeHost::uia_replace_session(mxd_op, const mxd_uia_replacement& replacement) {
  expect_text(replacement.state, "a state");
  EXPECT_TRUE(replacement.state.size >= 1 && replacement.state.size <= kMostState)
      << replacement.state.size;
  const auto found = sessions.find(copied(replacement.session_id));
  if (found == sessions.end()) return MXD_NOT_FOUND;
  KeptSession& session = found->second;
  EXPECT_EQ(text(replacement.user_id), session.user);
  if (session.revision != replacement.revision) return MXD_CONFLICT;
  const bool finished = (replacement.flags & MXD_UIA_FINISHED) != 0;
  EXPECT_TRUE(finished || !session.finished) << "a finished session comes to life again";
  session.state = copied(replacement.state);
  session.expires_ms = replacement.expires_ms;
  session.finished = finished;
  ++session.revision;
  return MXD_OK;
}

// ---- Stages ----

int32_t FakeHost::uia_check(mxd_op op, const mxd_uia_attempt& asked) {
  attempt = {.user_id = copied(asked.user_id),
             .device_id = copied(asked.device_id),
             .session_id = copied(asked.session_id),
             .type = copied(asked.type),
             .remote_addr = copied(asked.remote_addr),
             .user = given(asked.flags, MXD_ATTEMPT_HAS_USER, asked.user),
             .medium = given(asked.flags, MXD_ATTEMPT_HAS_THIRDPARTY, asked.medium),
             .address = given(asked.flags, MXD_ATTEMPT_HAS_THIRDPARTY, asked.address),
             .country = given(asked.flags, MXD_ATTEMPT_HAS_COUNTRY, asked.country),
             .password = given(asked.flags, MXD_ATTEMPT_HAS_PASSWORD, asked.password),
             .auth_json = copied(asked.auth_json)};
  for (const mxd_view text : {asked.user, asked.medium, asked.address, asked.country,
                              asked.password, asked.auth_json, asked.remote_addr, asked.type})
    expect_text(text, "a part of an attempt");
  EXPECT_TRUE(attempt.session_id.size() >= 1 && attempt.session_id.size() <= 255);
  const auto identity = judge();
  if (!identity) return MXD_REFUSED;
  EXPECT_EQ(module_.emit_identity(op, view(*identity)), MXD_OK);
  return MXD_OK;
}

// Whom the attempt proves, perhaps nobody; nothing if it is wrong.
std::optional<std::string> FakeHost::judge() {
  const std::string& type = attempt.type;
  if (type == "m.login.dummy" || type == "m.login.terms" || type == "x.proves_nobody") return "";
  if (type == "m.login.registration_token") {
    const bool right = string_member(attempt.auth_json, "token") == "secret-invitation";
    return right ? std::optional<std::string>("") : std::nullopt;
  }
  if (type == "m.login.recaptcha") {
    const std::string response = string_member(attempt.auth_json, "response");
    const bool right = response.starts_with("secret-captcha") && used_once_.insert(response).second;
    return right ? std::optional<std::string>("") : std::nullopt;
  }
  if (type != "m.login.password") return std::nullopt;
  const auto user = users.find(identified());
  if (user == users.end() || user->second.password.empty() ||
      user->second.password != attempt.password) {
    return std::nullopt;
  }
  return user->first;
}

// The user that a password stage names, by any type of identifier; empty: none.
std::string FakeHost::identified() const {
  for (const auto& [id, user] : users) {
    const bool by_email = attempt.medium == "email" && user.email == attempt.address;
    const bool by_phone =
        attempt.medium == "msisdn" && attempt.country.has_value() && user.phone == attempt.address;
    if (by_email || by_phone) return id;
  }
  if (!attempt.user) return "";
  return attempt.user->starts_with('@') ? *attempt.user : "@" + *attempt.user + ":test";
}

int32_t FakeHost::mark_validated(mxd_op, const mxd_validation& validation) {
  marked_validated.push_back(std::to_string(validation.validated_ms) + " " +
                             copied(validation.user_id) + " " + copied(validation.device_id) + " " +
                             copied(validation.token_id));
  return MXD_OK;
}

int32_t FakeHost::take_limit(mxd_op op, const mxd_limit_request& request) {
  LimitCall call;
  for (size_t i = 0; i < request.limit_count; ++i) {
    const mxd_limit& limit = request.limits[i];
    expect_text(limit.key, "a bucket's key");
    EXPECT_LE(limit.key.size, 1024u);
    call.buckets.push_back(copied(limit.name) + " " + copied(limit.key) + " " +
                           std::to_string(limit.burst) + " " + std::to_string(limit.interval_ms));
  }
  call.units = request.units;
  limit_calls.push_back(call);
  if (request.units < 0 || limit_wait_ms == 0) return MXD_OK;
  EXPECT_EQ(module_.emit_retry_after(op, limit_wait_ms), MXD_OK);
  return MXD_LIMIT_EXCEEDED;
}

}  // namespace mxd::test
