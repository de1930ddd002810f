#include <string>

#include "abi/check/steps/steps.h"

namespace mxd::check {
namespace {

constexpr int64_t kShort = 1'500;  // ms
constexpr int64_t kLong = 3'600'000;

Task<bool> lives(Check& check, const std::string& id) {
  const Answer loaded = co_await check.load_session(id);
  co_return loaded.status == MXD_OK;
}

// A session that lives so long; empty: it could not be made.
Task<std::string> create(Check& check, uint32_t max_live, int64_t lifetime_ms = kLong) {
  Session session;
  session.lifetime_ms = lifetime_ms;
  session.max_live = max_live;
  session.state = "{}";
  const Answer created = co_await check.create_session(session);
  co_return created.status == MXD_OK ? check.id_of(created) : std::string();
}

Task<bool> finish(Check& check, const std::string& id) {
  Replacement replacement;
  replacement.session_id = id;
  replacement.revision = 1;
  replacement.finished = true;
  replacement.state = R"({"finished":1})";
  const Answer finished = co_await check.replace_session(replacement);
  co_return finished.status == MXD_OK;
}

// Which of `ids` are gone, by number: "1 2".
Task<std::string> gone(Check& check, const std::vector<std::string>& ids) {
  std::string numbers;
  for (size_t i = 0; i < ids.size(); ++i) {
    const bool alive = co_await lives(check, ids[i]);
    if (!alive) numbers += (numbers.empty() ? "" : " ") + std::to_string(i + 1);
  }
  co_return numbers;
}

}  // namespace

Task<> begin_on_another(Check& check) {
  const std::string id = co_await create(check, 1);
  check.notes()["another"] = id;
}

// `another` stands for the other device's session, the rest are this one's, in order.
Task<> evict_sessions(Check& check) {
  const std::string another = check.note("another");
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    const std::string id = co_await create(check, 3);
    ids.push_back(id);
  }
  const bool other_lives = co_await lives(check, another);
  const std::string first = co_await gone(check, ids);
  check.say("uia_create_session.evicts_same_device_first", other_lives && first == "1",
            "of another device's session and three of this one's, with max_live 3, there went: " +
                std::string(other_lives ? "" : "the other device's; ") + "number " + first);

  for (int i = 0; i < 8; ++i) {
    const std::string id = co_await create(check, 32);
    ids.push_back(id);
  }
  const std::string last = co_await create(check, 8);
  ids.push_back(last);
  const std::string evicted = co_await gone(check, ids);
  check.say("uia_create_session.evicts_in_order", evicted == "1 2 3 4 5",
            "of 12 sessions, with max_live 8 beside another device's, there went " + evicted +
                " instead of 1 2 3 4 5");
  size_t alive = 0;
  for (const std::string& id : ids) {
    const bool still = co_await lives(check, id);
    alive += still ? 1 : 0;
  }
  check.say("uia_create_session.max_live", alive + 1 <= 8,
            std::to_string(alive + 1) + " sessions live with max_live 8");

  // The oldest is finished: the next one goes before it.
  const bool finished = co_await finish(check, ids[5]);
  const std::string after = co_await create(check, 8);
  ids.push_back(after);
  const bool kept_finished = co_await lives(check, ids[5]);
  const bool kept_next = co_await lives(check, ids[6]);
  const bool right =
      check.say("uia_create_session.evicts_finished_last", finished && kept_finished && !kept_next,
                "a finished session went before an unfinished one");
  if (!right) co_return;
  // All of this device's are: then the other device's unfinished one goes.
  for (size_t i = 7; i < ids.size(); ++i) {
    const bool done = co_await finish(check, ids[i]);
    if (!done) co_return;
  }
  const std::string third = co_await create(check, 8);
  const bool other_lives_on = co_await lives(check, another);
  const bool finished_stayed = co_await lives(check, ids[5]);
  check.say("uia_create_session.evicts_finished_last",
            !third.empty() && !other_lives_on && finished_stayed,
            "a finished session went before another device's unfinished one");
}

Task<> let_expire(Check& check) {
  const std::string lasting = co_await create(check, 1);
  const std::string expiring = co_await create(check, 32, kShort);
  const std::string shortened = co_await create(check, 32);
  Replacement replacement;
  replacement.revision = 1;
  replacement.state = R"({"replaced":1})";
  replacement.session_id = shortened;
  replacement.lifetime_ms = kShort;
  const Answer shorter = co_await check.replace_session(replacement);
  // Right after it began: on a slow host it would have expired.
  const std::string prolonged = co_await create(check, 32, kShort);
  replacement.session_id = prolonged;
  replacement.lifetime_ms = kLong;
  const Answer longer = co_await check.replace_session(replacement);
  if (longer.status != MXD_OK || shorter.status != MXD_OK) co_return;
  check.notes()["lasting"] = lasting;
  check.notes()["expiring"] = expiring;
  check.notes()["prolonged"] = prolonged;
  check.notes()["shortened"] = shortened;
  check.notes()["expiring_since"] = check.now_ms();
}

Task<> look_for_expired(Check& check) {
  const std::string lasting = check.note("lasting");
  const std::string prolonged = check.note("prolonged");
  if (lasting.empty() || check.now_ms() < check.number("expiring_since") + kShort) {
    for (const char* promise : {"uia_load_session.expired", "uia_replace_session.expiry",
                                "uia_create_session.removes_expired_first"}) {
      check.not_tried(promise, lasting.empty() ? "the sessions for it could not be made"
                                               : "the host's clock stands still");
    }
    co_return;
  }
  const Answer expired = co_await check.load_session(check.note("expiring"));
  check.is("uia_load_session.expired", expired, MXD_NOT_FOUND,
           "uia_load_session of a session that has expired");
  const Answer shortened = co_await check.load_session(check.note("shortened"));
  const Answer longer = co_await check.load_session(prolonged);
  if (check.is("uia_replace_session.expiry", shortened, MXD_NOT_FOUND,
               "uia_load_session after the expiry of the replacement")) {
    check.is("uia_replace_session.expiry", longer, MXD_OK,
             "uia_load_session after the first expiry, which a replacement put off");
  }
  // Two live, two are expired: a third fits in.
  const std::string third = co_await create(check, 3);
  const bool lasting_lives = co_await lives(check, lasting);
  const bool prolonged_lives = co_await lives(check, prolonged);
  check.say("uia_create_session.removes_expired_first",
            !third.empty() && lasting_lives && prolonged_lives,
            "a session that lives went, though expired ones were there");
}

}  // namespace mxd::check
