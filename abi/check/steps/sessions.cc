#include <algorithm>
#include <string>

#include "abi/check/steps/steps.h"

namespace mxd::check {
namespace {

constexpr size_t kMaxState = 256 * 1024;
constexpr std::string_view kNobodys = "checkchecknosuchsessioncheckchecknosuchsess";

// 256 KiB of JSON that no reading and writing again leaves as it is: blanks between tokens, keys
// in no order and twice, numbers in several forms, escapes beside what they stand for (U+0000 as
// an escape too), and characters of every length.
std::string every_byte() {
  std::string state =
      "{ \"b\" : 1.0, \"a\":1e5,\t\"a\":-0,\r\n \"big\":18446744073709551615,"
      "\"nul\":\"\\u0000\",\"pair\":\"\\ud83d\\ude00\",\"raw\":\"\U0001f600\",\"slash\":\"\\/\","
      "\"nfc\":\"\u00e9\",\"nfd\":\"e\u0301\",\"bom\":\"\ufeff\",\"last\":\"\U0010ffff\uffff\","
      "\"quote\":\"'; DROP TABLE sessions; -- $1 ? %s :x\",\"ascii\":\"";
  for (char c = ' '; c < '\x7f'; ++c) {
    if (c == '"' || c == '\\') state += '\\';
    state += c;
  }
  state += "\",\"fill\":\"";
  const std::string_view end = "\" }\n";
  constexpr std::string_view kFill = "fill \u00fc\u20ac\U0001d11e ";
  while (state.size() + kFill.size() + end.size() <= kMaxState)
    state += kFill;
  state.append(kMaxState - end.size() - state.size(), '.');
  return state + std::string(end);
}

std::string difference(const std::string& expected, const std::string& got) {
  const auto at = std::mismatch(expected.begin(), expected.end(), got.begin(), got.end());
  return std::to_string(got.size()) + " bytes instead of " + std::to_string(expected.size()) +
         ", the first difference at " + std::to_string(at.first - expected.begin());
}

// The session must stand at this revision with this state.
Task<bool> stands(Check& check, std::string_view promise, const std::string& id, int64_t revision,
                  const std::string& state) {
  const Answer loaded = co_await check.load_session(id);
  if (!check.is(promise, loaded, MXD_OK, "uia_load_session")) co_return false;
  const bool right = loaded.kept->revision == revision && loaded.kept->state == state;
  check.say(promise, right,
            "it stands at revision " + std::to_string(loaded.kept->revision) + " instead of " +
                std::to_string(revision) + ", with " + difference(state, loaded.kept->state));
  co_return right;
}

std::string with_case_swapped(std::string id) {
  for (char& c : id) {
    if (c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 32);
    else if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c + 32);
  }
  return id;
}

Task<> look_elsewhere(Check& check, const std::string& id) {
  const Answer nobodys = co_await check.load_session(kNobodys);
  check.is("uia_load_session.not_found", nobodys, MXD_NOT_FOUND,
           "uia_load_session of a made-up ID");
  const std::string swapped = with_case_swapped(id);
  if (swapped == id) {
    check.not_tried("uia_load_session.exact_id", "the host's session IDs have no letters");
  } else {
    const Answer other = co_await check.load_session(swapped);
    check.is("uia_load_session.exact_id", other, MXD_NOT_FOUND,
             "uia_load_session with the letters' case swapped");
  }
  const Answer grown = co_await check.load_session(id, true);
  if (grown.status != MXD_OK) {
    check.broken("callbacks.growth",
                 "uia_load_session answers a larger struct with an unknown "
                 "flag otherwise");
  }
}

Task<> replace_in_turn(Check& check, const std::string& id) {
  Replacement replacement;
  replacement.session_id = id;
  replacement.revision = 1;
  replacement.state = R"({"two":2})";
  const std::string second = replacement.state;
  const Answer replaced = co_await check.replace_session(replacement);
  if (!check.is("uia_replace_session.replaces", replaced, MXD_OK, "uia_replace_session")) co_return;
  co_await stands(check, "uia_replace_session.replaces", id, 2, second);

  replacement.state = R"({"late":3})";
  const Answer late = co_await check.replace_session(replacement);
  replacement.revision = 3;
  const Answer early = co_await check.replace_session(replacement);
  const bool conflicts = check.is("uia_replace_session.conflict", late, MXD_CONFLICT,
                                  "uia_replace_session of a revision that was replaced") &&
                         check.is("uia_replace_session.conflict", early, MXD_CONFLICT,
                                  "uia_replace_session of a revision that is not there yet");
  if (conflicts) {
    co_await stands(check, "uia_replace_session.conflict", id, 2, second);
  }

  replacement.revision = 2;
  replacement.state = second;
  const Answer same = co_await check.replace_session(replacement);
  if (check.is("uia_replace_session.counts", same, MXD_OK,
               "uia_replace_session with the same state")) {
    co_await stands(check, "uia_replace_session.counts", id, 3, second);
  }
  replacement.session_id = kNobodys;
  const Answer gone = co_await check.replace_session(replacement);
  if (gone.status != MXD_NOT_FOUND) {
    check.is("uia_replace_session.gone", gone, MXD_CONFLICT, "uia_replace_session of a made-up ID");
  } else {
    check.held("uia_replace_session.gone");
  }
}

}  // namespace

Task<> keep_sessions(Check& check) {
  Session session;
  session.state = every_byte();
  const Answer created = co_await check.create_session(session);
  if (!check.is("uia_create_session.keeps", created, MXD_OK, "uia_create_session")) co_return;
  const std::string id = check.id_of(created);
  const Answer loaded = co_await check.load_session(id);
  if (!check.is("uia_create_session.keeps", loaded, MXD_OK, "uia_load_session after that")) {
    co_return;
  }
  check.say("uia_load_session.revision", loaded.kept->revision == 1,
            "it is at revision " + std::to_string(loaded.kept->revision));
  check.say("uia_load_session.state_bytes", loaded.kept->state == session.state,
            difference(session.state, loaded.kept->state));
  check.notes()["session"] = id;
  co_await look_elsewhere(check, id);
  co_await replace_in_turn(check, id);

  session.state = R"({"another":1})";
  const Answer another = co_await check.create_session(session);
  const std::string other_id = check.id_of(another);
  const Answer still = co_await check.load_session(id);
  check.say("uia_create_session.own_id",
            another.status == MXD_OK && other_id != id && still.status == MXD_OK &&
                still.kept->state != session.state,
            "a second session took the place of the first");
  if (still.status == MXD_OK) check.notes()["revision"] = still.kept->revision;
}

Task<> load_anothers(Check& check) {
  const std::string id = check.note("session");
  if (id.empty()) {
    check.not_tried("uia_load_session.whosoever", "no session could be made");
    co_return;
  }
  const Answer loaded = co_await check.load_session(id);
  check.is("uia_load_session.whosoever", loaded, MXD_OK,
           "uia_load_session of another user's session");
  Session session;
  session.max_live = 1;
  session.state = "{}";
  const Answer created = co_await check.create_session(session);
  const Answer still = co_await check.load_session(id);
  check.say("uia_create_session.evicts_own_only",
            created.status == MXD_OK && still.status == loaded.status,
            "a session of one user with max_live 1 ended another user's");
}

// All replace the same revision.
Task<> replace_at_once(Check& check) {
  if (check.note("session").empty()) {
    check.not_tried("uia_replace_session.one_wins", "no session could be made");
    co_return;
  }
  const std::shared_ptr<Tally> tally = check.tally();
  const std::optional<size_t> place = co_await check.meet();
  if (!place) co_return;
  Replacement replacement;
  replacement.session_id = check.note("session");
  replacement.revision = check.number("revision");
  replacement.state = R"({"by":)" + std::to_string(*place) + "}";
  const Answer replaced = co_await check.replace_session(replacement);
  if (replaced.status == MXD_OK) {
    tally->add("won");
    tally->add("winner", static_cast<int64_t>(*place));
  } else if (replaced.status != MXD_CONFLICT && replaced.status != MXD_NOT_FOUND) {
    check.is("uia_replace_session.one_wins", replaced, MXD_CONFLICT,
             "one of several replacements at once");
    tally->add("failed");
  }
  const std::optional<size_t> done = co_await check.meet();
  if (!done || *done != 0 || tally->of("failed") != 0) co_return;
  const int64_t won = tally->of("won");
  if (!check.say("uia_replace_session.one_wins", won == 1,
                 std::to_string(won) + " of " + std::to_string(check.instance().parallel()) +
                     " replacements of one revision won")) {
    co_return;
  }
  const std::string winners = R"({"by":)" + std::to_string(tally->of("winner")) + "}";
  co_await stands(check, "uia_replace_session.one_wins", replacement.session_id,
                  replacement.revision + 1, winners);
}

// Each loads and replaces as fast as it can: no two may win one revision.
Task<> race_to_replace(Check& check) {
  constexpr int kRounds = 8;
  if (check.note("session").empty()) co_return;
  const std::shared_ptr<Tally> tally = check.tally();
  Replacement replacement;
  replacement.session_id = check.note("session");
  for (int i = 0; i < kRounds; ++i) {
    const Answer loaded = co_await check.load_session(replacement.session_id);
    if (loaded.status != MXD_OK) break;
    replacement.revision = loaded.kept->revision;
    replacement.state = R"({"round":)" + std::to_string(i) + "}";
    const Answer replaced = co_await check.replace_session(replacement);
    if (replaced.status == MXD_OK) tally->add("won " + std::to_string(replacement.revision));
  }
  const std::optional<size_t> done = co_await check.meet();
  if (!done || *done != 0) co_return;
  const int64_t most = tally->most("won ");
  if (most > 1) {
    check.broken("uia_replace_session.one_wins",
                 std::to_string(most) + " replacements of one revision won");
  }
}

}  // namespace mxd::check
