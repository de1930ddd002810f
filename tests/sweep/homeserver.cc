#include "tests/sweep/homeserver.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "matrix_devices/module.hpp"

namespace mxd::sweep {
namespace {

std::string text(mxd_view view) {
  return std::string(mxd::text(view));
}

Reply status(int32_t status) {
  return {.status = status};
}

}  // namespace

void Homeserver::reset(const Setup& setup) {
  const int64_t now = now_ms;
  *this = Homeserver();
  // Long enough for every bucket to be full again, also of a module that counts by itself.
  now_ms = now + 3'600'000;
  setup_ = setup;
  for (const char* id : {"LAPTOP", "PHONE", "TABLET", "WATCH"}) {
    devices_.insert(id);
    names_[id] = std::string("Name of ") + id;
  }
}

Reply Homeserver::authenticate(const mxd_credentials& asked) {
  const auto token = mxd::text(asked.access_token);
  if (token == kAliceToken || token == kDevicelessToken) {
    const bool deviceless = token == kDevicelessToken;
    if (!deviceless && !devices_.contains("LAPTOP")) return status(MXD_UNKNOWN_TOKEN);
    Result who = principal(kAlice, deviceless ? "" : "LAPTOP", "row-7", "", 0);
    const auto validated = validated_.find(deviceless ? "row-7" : "LAPTOP");
    if (validated != validated_.end()) {
      who.flags |= MXD_PRINCIPAL_HAS_VALIDATED_MS;
      who.number = validated->second;
    }
    return {.results = {who}};
  }
  if (token != kServiceToken) return status(MXD_UNKNOWN_TOKEN);
  if (text(asked.user_id) != kAlice) return status(MXD_FORBIDDEN);
  return {.results = {principal(kAlice, "", "row-9", "bridge", MXD_PRINCIPAL_APPSERVICE)}};
}

Reply Homeserver::list_devices(const mxd_device_query&) {
  Reply reply;
  for (const auto& id : devices_)
    reply.results.push_back(device(id, names_[id]));
  return reply;
}

Reply Homeserver::get_device(const mxd_device_key& asked) {
  const std::string id = text(asked.device_id);
  if (!devices_.contains(id)) return status(MXD_NOT_FOUND);
  return {.results = {device(id, names_[id])}};
}

Reply Homeserver::rename_device(const mxd_device_update& asked) {
  if ((asked.flags & MXD_UPDATE_SET_DISPLAY_NAME) == 0) complain("rename_device without a name");
  const std::string id = text(asked.device_id);
  if (!devices_.contains(id)) return status(MXD_NOT_FOUND);
  return {.effect = [this, id, name = text(asked.display_name)] { names_[id] = name; }};
}

Reply Homeserver::put_device(const mxd_device_update& asked) {
  const std::string id = text(asked.device_id);
  const bool named = (asked.flags & MXD_UPDATE_SET_DISPLAY_NAME) != 0;
  const bool there = devices_.contains(id);
  if (!there && asked.max_devices != 0 &&
      static_cast<int64_t>(devices_.size()) >= asked.max_devices) {
    return status(MXD_LIMIT_EXCEEDED);
  }
  return {.status = there ? MXD_OK : MXD_CREATED,
          .effect = [this, id, named, name = text(asked.display_name)] {
            devices_.insert(id);
            if (named) names_[id] = name;
          }};
}

// D1, D2, U6a, U22: what the host itself has said must allow it, whatever the module made of that.
bool Homeserver::may_delete() const {
  if (principal_.texts.empty()) return false;
  if ((principal_.flags & MXD_PRINCIPAL_APPSERVICE) != 0) return true;
  if (setup_.grace && (principal_.flags & MXD_PRINCIPAL_HAS_VALIDATED_MS) != 0) return true;
  const std::string& user = principal_.texts[0].bytes;
  return std::any_of(setup_.flows.begin(), setup_.flows.end(), [&](const auto& flow) {
    bool proved = false;
    for (const auto& type : flow) {
      const auto found = proved_.find(type);
      if (found == proved_.end()) return false;
      if (!found->second.empty() && found->second != user) return false;
      proved = proved || found->second == user;
    }
    return proved;
  });
}

Reply Homeserver::delete_devices(const mxd_deletion& asked) {
  ++deletions_;
  if (!may_delete()) complain("delete_devices without a complete authentication");
  if (principal_.texts.empty() || text(asked.user_id) != principal_.texts[0].bytes) {
    complain("delete_devices for another user than the token's");
  }
  std::vector<std::string> ids;
  for (size_t i = 0; i < asked.device_id_count; ++i)
    ids.push_back(text(asked.device_ids[i]));
  const bool ordered = std::is_sorted(ids.begin(), ids.end()) &&
                       std::adjacent_find(ids.begin(), ids.end()) == ids.end();
  if (!ordered) complain("delete_devices with IDs that are not distinct and in bytewise order");
  return {.effect = [this, ids = std::move(ids)] {
    for (const auto& id : ids) {
      devices_.erase(id);
      names_.erase(id);
    }
  }};
}

Reply Homeserver::flows(const mxd_uia_operation&) {
  Reply reply;
  for (uint32_t number = 0; number < setup_.flows.size(); ++number) {
    for (const auto& type : setup_.flows[number])
      reply.results.push_back(stage(number, type, type == "m.login.terms" ? "{\"v\":1}" : ""));
  }
  return reply;
}

Reply Homeserver::create_session(const mxd_uia_session& asked) {
  if (asked.max_live < 1) complain("uia_create_session with max_live below 1");
  if (asked.state.size < 1 || asked.state.size > 256 * 1024) {
    complain("uia_create_session with a state of no bytes or over 256 KiB");
  }
  if (asked.proposed_id.size != 43) complain("a proposed ID that is not 43 characters");
  Session session{.user = text(asked.user_id),
                  .device = text(asked.device_id),
                  .token_id = text(asked.token_id),
                  .expires_ms = asked.expires_ms,
                  .state = text(asked.state),
                  .elsewhere = {}};
  // An ID of the host's own: half of them use the one that is proposed.
  const std::string proposed = text(asked.proposed_id);
  const std::string id = sessions_.size() % 2 == 0 ? "own-" + proposed : proposed;
  Reply reply{.effect = [this, id, session = std::move(session)] { sessions_[id] = session; }};
  if (id != proposed) reply.results.push_back(session_id(id));
  return reply;
}

Reply Homeserver::load_session(const mxd_uia_session_key& asked) {
  const auto found = sessions_.find(mxd::text(asked.session_id));
  if (found == sessions_.end() || found->second.expires_ms <= now_ms) return status(MXD_NOT_FOUND);
  Session& session = found->second;
  Reply reply{.results = {sweep::session(session.revision, session.state)},
              .kept_revision = &session.revision};
  for (const auto& stage : session.elsewhere)
    reply.results.push_back(completed(stage.type, stage.identity));
  return reply;
}

Reply Homeserver::replace_session(const mxd_uia_replacement& asked) {
  const auto found = sessions_.find(mxd::text(asked.session_id));
  if (found == sessions_.end()) return status(MXD_NOT_FOUND);
  const Session& session = found->second;
  if (session.revision != asked.revision) return status(MXD_CONFLICT);
  const bool finished = (asked.flags & MXD_UIA_FINISHED) != 0;
  if (session.finished && !finished) complain("a finished session was replaced by a live one");
  if (session.user != text(asked.user_id)) complain("a session was replaced with another user's");
  if (has_later_member_ && mxd::text(asked.state).find(kLaterMember) == std::string::npos) {
    complain("a member of a later version was dropped");
  }
  if (asked.state.size < 1 || asked.state.size > 256 * 1024) {
    complain("uia_replace_session with a state of no bytes or over 256 KiB");
  }
  return {.effect = [this, id = found->first, finished, expires_ms = asked.expires_ms,
                     state = text(asked.state)] {
    Session& kept = sessions_[id];
    // A revision is counted up for ever; a host of 64 bits begins again where they end.
    kept.revision = kept.revision == INT64_MAX ? 1 : kept.revision + 1;
    kept.finished = finished;
    kept.expires_ms = expires_ms;
    kept.state = state;
  }};
}

Reply Homeserver::check(const mxd_uia_attempt& asked) {
  const auto type = mxd::text(asked.type);
  if (type == "m.login.terms") return {.results = {identity("")}};
  constexpr uint32_t kNeeded = MXD_ATTEMPT_HAS_USER | MXD_ATTEMPT_HAS_PASSWORD;
  if ((asked.flags & kNeeded) != kNeeded) return status(MXD_BAD_DATA);
  const std::string user = text(asked.user);
  const bool right = (user == "alice" || user == kAlice) && mxd::text(asked.password) == kPassword;
  if (!right) return {.status = MXD_REFUSED, .results = {reason("That password is wrong.")}};
  return {.results = {identity(kAlice)}};
}

Reply Homeserver::mark_validated(const mxd_validation& asked) {
  if (asked.validated_ms != told_ms) complain("mark_validated with another time than now");
  const std::string key = text(asked.device_id.size != 0 ? asked.device_id : asked.token_id);
  return {.effect = [this, key, now = asked.validated_ms] { validated_[key] = now; }};
}

Reply Homeserver::take_limit(const mxd_limit_request& asked) {
  if (asked.units != 1 && asked.units != -1) complain("take_limit with other units than 1 and -1");
  if (asked.limit_count < 1 || asked.limit_count > 4)
    complain("take_limit with 0 or over 4 limits");
  std::vector<std::string> keys;
  for (size_t i = 0; i < asked.limit_count; ++i) {
    const mxd_limit& limit = asked.limits[i];
    if (limit.burst < 1 || limit.interval_ms < 1) complain("take_limit with a burst below 1");
    keys.push_back(text(limit.name) + ' ' + text(limit.key));
    if (asked.units == 1 && taken_[keys.back()] >= limit.burst) {
      return {.status = MXD_LIMIT_EXCEEDED, .results = {retry_after(limit.interval_ms)}};
    }
  }
  return {.effect = [this, keys = std::move(keys), units = asked.units] {
    for (const auto& key : keys)
      taken_[key] = std::max<int64_t>(0, taken_[key] + units);
  }};
}

void Homeserver::note_principal(const Reply& sent) {
  for (const auto& result : sent.results) {
    if (result.kind == Kind::kPrincipal && sent.status == MXD_OK) principal_ = result;
  }
}

void Homeserver::note_proofs(const Reply& sent) {
  has_later_member_ = false;
  for (const auto& result : sent.results) {
    if (result.kind == Kind::kSession) {
      has_later_member_ = result.texts[0].bytes.find(kLaterMember) != std::string::npos;
    }
    if (result.kind == Kind::kCompleted && sent.status == MXD_OK) {
      proved_[result.texts[0].bytes] = result.texts[1].bytes;
    }
  }
}

void Homeserver::note_proof(std::string_view type, const Reply& sent) {
  if (sent.status != MXD_OK) return;
  for (const auto& result : sent.results) {
    if (result.kind == Kind::kIdentity) proved_[std::string(type)] = result.texts[0].bytes;
  }
}

void Homeserver::complete_elsewhere(const StageElsewhere& stage) {
  for (auto& [id, session] : sessions_)
    session.elsewhere.push_back(stage);
}

void Homeserver::forget_elsewhere() {
  for (auto& [id, session] : sessions_)
    session.elsewhere.clear();
}

std::vector<std::string> Homeserver::secrets() const {
  std::vector<std::string> secrets{"SECRET", "Name of "};
  for (const auto& [id, session] : sessions_)
    secrets.push_back(id);
  return secrets;
}

std::string Homeserver::fault_of_sessions() const {
  for (const auto& [id, session] : sessions_) {
    boost::system::error_code failed;
    const auto state = boost::json::parse(session.state, failed);
    const auto* object = failed ? nullptr : state.if_object();
    if (object == nullptr) return "a session whose state is no JSON object";
    const auto* user = object->if_contains("user");
    if (user == nullptr || *user != boost::json::string_view(session.user)) {
      return "a session whose state is of another user";
    }
    if (object->contains("finished_ms") != session.finished) {
      return "a session whose state says another thing than FINISHED";
    }
  }
  return {};
}

bool Homeserver::has_dead_session() const {
  return std::any_of(sessions_.begin(), sessions_.end(), [](const auto& kept) {
    return kept.second.state.find("\"dead\":true") != std::string::npos;
  });
}

std::vector<std::string> Homeserver::take_complaints() {
  return std::exchange(complaints_, {});
}

}  // namespace mxd::sweep
