// Sessions and stages of PlantedHost.
#include <algorithm>
#include <boost/json.hpp>

#include "tests/check/callbacks.h"
#include "tests/check/planted_host.h"

namespace mxd::check_test {
namespace {

namespace json = boost::json;
using Sessions = std::map<std::string, KeptSession>;

constexpr int64_t kMinute = 60'000;

std::string text(mxd_view view) {
  return {view.data, view.size};
}
mxd_view view(std::string_view text) {
  return {text.data(), text.size()};
}
PlantedHost& at(mxd_cookie cookie) {
  return *reinterpret_cast<PlantedHost*>(cookie);
}

// Where they are kept: with all else, or in the process.
Sessions& sessions_of(PlantedHost& host) {
  return host.is("keeps sessions in the process") ? host.own_sessions() : host.world().sessions;
}

// U25: which of two goes first.
bool goes_before(PlantedHost& host, const KeptSession& left, const KeptSession& right,
                 const std::string& device_id) {
  const auto rank = [&](const KeptSession& session) {
    if (session.finished) return host.is("evicts finished sessions first") ? -1 : 2;
    return session.device_id == device_id || host.is("evicts whatever device's") ? 0 : 1;
  };
  if (rank(left) != rank(right)) return rank(left) < rank(right);
  // The clock of this one is coarse, so that it is wrong always.
  if (host.is("evicts by the clock")) return left.created_minute < right.created_minute;
  return left.created < right.created;
}

void make_room(PlantedHost& host, const mxd_uia_session& from) {
  World& world = host.world();
  Sessions& sessions = sessions_of(host);
  const std::string user_id = text(from.user_id);
  if (!host.is("counts expired sessions")) {
    std::erase_if(sessions, [&](const auto& session) {
      return session.second.user_id == user_id && session.second.expires_ms <= world.now_ms();
    });
  }
  for (;;) {
    std::vector<Sessions::iterator> own;
    for (auto each = sessions.begin(); each != sessions.end(); ++each) {
      const bool counts = each->second.user_id == user_id || host.is("evicts whosesoever");
      if (counts) own.push_back(each);
    }
    if (own.size() < from.max_live || host.is("keeps every session")) return;
    sessions.erase(*std::min_element(own.begin(), own.end(), [&](auto left, auto right) {
      return goes_before(host, left->second, right->second, text(from.device_id));
    }));
  }
}

int32_t uia_create_session(mxd_cookie cookie, mxd_cookie, mxd_op op, mxd_cookie,
                           const mxd_uia_session* from) noexcept {
  PlantedHost& host = at(cookie);
  return host.answer(op, [&host, op, from] {
    World& world = host.world();
    const std::lock_guard lock(world.mutex);
    make_room(host, *from);
    KeptSession session;
    session.user_id = text(from->user_id);
    session.device_id = text(from->device_id);
    session.created = ++world.sequence;
    session.created_minute = world.now_ms() / kMinute;
    session.expires_ms = from->expires_ms;
    session.state = text(from->state);
    if (host.is("keeps states as JSON"))
      session.state = json::serialize(json::parse(session.state));
    const std::string id = host.is("has one session a user")
                               ? session.user_id
                               : "s" + std::to_string(session.created) + text(from->proposed_id);
    host.module().emit_session_id(op, view(id));
    sessions_of(host)[id] = std::move(session);
    return MXD_OK;
  });
}

int32_t uia_load_session(mxd_cookie cookie, mxd_cookie, mxd_op op, mxd_cookie,
                         const mxd_uia_session_key* key) noexcept {
  PlantedHost& host = at(cookie);
  return host.answer(op, [&host, op, key] {
    World& world = host.world();
    const std::lock_guard lock(world.mutex);
    const auto found = sessions_of(host).find(text(key->session_id));
    if (found == sessions_of(host).end()) return MXD_NOT_FOUND;
    const bool is_over = found->second.expires_ms <= world.now_ms();
    if (is_over && !host.is("loads expired sessions")) return MXD_NOT_FOUND;
    mxd_uia_kept kept{};
    kept.size = sizeof kept;
    kept.revision = found->second.revision;
    kept.state = view(found->second.state);
    host.module().emit_session(op, &kept);
    return MXD_OK;
  });
}

int32_t uia_replace_session(mxd_cookie cookie, mxd_cookie, mxd_op op, mxd_cookie,
                            const mxd_uia_replacement* from) noexcept {
  PlantedHost& host = at(cookie);
  return host.answer(op, [&host, from] {
    World& world = host.world();
    std::unique_lock lock(world.mutex);
    const std::string id = text(from->session_id);
    auto found = sessions_of(host).find(id);
    if (found == sessions_of(host).end()) return MXD_NOT_FOUND;
    const bool stands = found->second.revision == from->revision;
    if (!stands && !host.is("replaces any revision")) return MXD_CONFLICT;
    if (host.is("compares before it writes")) {
      // Until another has compared too, or none comes.
      ++world.replacing;
      lock.unlock();
      for (int i = 0; i < 10'000 && world.replacing < 2; ++i)
        std::this_thread::yield();
      lock.lock();
      --world.replacing;
      found = sessions_of(host).find(id);
    }
    KeptSession& session = found->second;
    const bool same = session.state == text(from->state);
    if (!(same && host.is("counts changes only"))) ++session.revision;
    session.state = text(from->state);
    session.finished = (from->flags & MXD_UIA_FINISHED) != 0;
    if (!host.is("keeps the first expiry")) session.expires_ms = from->expires_ms;
    return MXD_OK;
  });
}

int32_t uia_flows(mxd_cookie cookie, mxd_cookie, mxd_op op, mxd_cookie,
                  const mxd_uia_operation*) noexcept {
  PlantedHost& host = at(cookie);
  return host.answer(op, [&host, op] {
    std::vector<std::string> types{"m.login.password", "m.login.registration_token"};
    if (host.is("offers flows in any order") && ++host.world().flows % 2 == 0) {
      std::reverse(types.begin(), types.end());
    }
    for (uint32_t flow = 0; flow < types.size(); ++flow) {
      mxd_uia_stage stage{};
      stage.size = sizeof stage;
      stage.flow = flow;
      stage.type = view(types[flow]);
      host.module().emit_stage(op, &stage);
    }
    return MXD_OK;
  });
}

// Whom an attempt names; empty: nobody who is there.
std::string named(const mxd_uia_attempt& attempt) {
  const auto id_of = [](const std::string& name) { return "@" + name + ":check.example"; };
  if ((attempt.flags & MXD_ATTEMPT_HAS_USER) != 0) {
    const std::string user = text(attempt.user);
    return user.front() == '@' ? user : id_of(user);
  }
  const std::string address = text(attempt.address);
  const size_t at_sign = address.find("@mail.example");
  if (at_sign != std::string::npos) return id_of(address.substr(0, at_sign));
  const std::string number = "07700 ";
  return address.compare(0, number.size(), number) == 0 ? id_of(address.substr(number.size())) : "";
}

int32_t check_password(PlantedHost& host, mxd_op op, const mxd_uia_attempt& attempt) {
  constexpr uint32_t kNamed = MXD_ATTEMPT_HAS_USER | MXD_ATTEMPT_HAS_THIRDPARTY;
  if ((attempt.flags & kNamed) == 0) {
    if (!host.is("takes any badge")) return MXD_BAD_DATA;
    host.module().emit_identity(op, attempt.user_id);
    return MXD_OK;
  }
  const std::string user_id = named(attempt);
  const auto user = host.world().users.find(user_id);
  const bool right =
      user != host.world().users.end() && user->second.password == text(attempt.password);
  if (!right) return MXD_REFUSED;
  const std::string asking = text(attempt.user_id);
  if (host.is("compares with who asks") && user_id != asking) return MXD_REFUSED;
  host.module().emit_identity(op, view(host.is("proves who asks") ? asking : user_id));
  return MXD_OK;
}

int32_t uia_check(mxd_cookie cookie, mxd_cookie, mxd_op op, mxd_cookie,
                  const mxd_uia_attempt* attempt) noexcept {
  PlantedHost& host = at(cookie);
  return host.answer(op, [&host, op, attempt] {
    const std::lock_guard lock(host.world().mutex);
    if (text(attempt->type) == "m.login.password") return check_password(host, op, *attempt);
    const json::value auth = json::parse(text(attempt->auth_json));
    const json::value* const token = auth.as_object().if_contains("token");
    if (token == nullptr || !token->is_string()) return MXD_BAD_DATA;
    const bool right = token->get_string() == "open sesame";
    if (!right && !host.is("takes any token")) return MXD_REFUSED;
    host.module().emit_identity(op, view(""));
    return MXD_OK;
  });
}

}  // namespace

void add_session_callbacks(mxd_host& host) {
  host.uia_flows = &uia_flows;
  host.uia_create_session = &uia_create_session;
  host.uia_load_session = &uia_load_session;
  host.uia_replace_session = &uia_replace_session;
  host.uia_check = &uia_check;
}

}  // namespace mxd::check_test
