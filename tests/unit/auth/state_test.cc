// The `state` of a session: what the module keeps in it, across versions, and what it does with one
// that is not its own.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

namespace json = boost::json;

const Challenge kUnknown{.errcode = "M_FORBIDDEN"};  // U9
const std::vector<Names> kTwoStages = {{"m.login.dummy", "m.login.password"}};

class State : public Rows {
 protected:
  // Changes the state of a session, as another version or a fault of the host's would.
  void change(const std::string& session, const std::function<void(json::object&)>& change) {
    std::string& state = host.sessions.at(session).state;
    auto object = json::parse(state).as_object();
    change(object);
    state = json::serialize(object);
  }
  json::object state_of(const std::string& session) const {
    return json::parse(host.sessions.at(session).state).as_object();
  }
  Response alone(const std::string& session) {
    return remove("TABLET", with_auth(session_alone(session)));
  }
  // A session of version 1.0, as it lies in a host.
  std::string lie_there(const std::string& state) {
    host.now_ms = 1'700'000'000'000;
    KeptSession& session = host.sessions["secret-old"];
    session.user = kAlice;
    session.device = "PHONE";
    session.expires_ms = 1'700'003'600'000;
    session.state = state;
    return "secret-old";
  }
};

// ---- Across versions ----

// What version 1.0 has written, all of it. Hosts hold such for as long as a session lives, and
// processes of two versions share them: this file is never changed, only added to.
constexpr const char* kDeleteMany =
    R"({"user":"@alice:test","device":"PHONE","expires_ms":1700003600000,"method":"POST",)"
    R"("endpoint":"/delete_devices",)"
    R"("digest":"79d5487013383d26d85edb7f369191873589ddd574f28528a1cb4931197cb215",)"
    R"("body":"{\"devices\":[\"LAPTOP\",\"TABLET\"],\"n\":[1,-2.5,null,true,\"\\u0000é\"]}",)"
    R"("form_token":"0123456789abcdefghijklmnopqrstuvwxyzABCDEFG","completed":[]})";
constexpr const char* kManyBody =
    R"("n":[1,-2.5,null,true,"\u0000é"],"devices":["TABLET","LAPTOP"])";

TEST_P(State, FrozenSessionThatWasBegun) {
  const std::string session = lie_there(kDeleteMany);
  EXPECT_TRUE(is_ok(remove_many(with_auth(password_stage(session)))));
  EXPECT_EQ(host.deleted, (Names{"LAPTOP", "TABLET"}));
}

TEST_P(State, FrozenDigest) {
  const std::string session = lie_there(kDeleteMany);
  EXPECT_TRUE(is_error(remove_many(with_auth(session_alone(session), R"("devices":["TABLET"])")),
                       403, "M_FORBIDDEN"));
  EXPECT_TRUE(is_ok(remove_many(with_auth(password_stage(session), kManyBody))))
      << "the body has the digest that it had";
}

TEST_P(State, FrozenSessionThatIsFinished) {
  std::string state = kDeleteMany;
  state.replace(state.find(R"("completed":[])"), 14,
                R"("completed":[{"type":"m.login.password","identity":"@alice:test"}],)"
                R"("finished_ms":1699999999000)");
  const std::string session = lie_there(state);
  host.sessions[session].finished = true;
  EXPECT_TRUE(is_ok(remove_many(with_auth(session_alone(session), kManyBody))));
  EXPECT_EQ(host.calls(), (Names{"authenticate", "uia_load_session", "delete_devices"}));
}

TEST_P(State, FrozenSessionThatIsHalfDoneOrDead) {
  host.flows = kTwoStages;
  std::string state =
      R"({"user":"@alice:test","device":"PHONE","expires_ms":1700003600000,)"
      R"("method":"DELETE","endpoint":"/devices/{deviceId}",)"
      R"("path_device":"TABLET","digest":"cf12b9aa38445e4bbff7e768dd4c1513951792683a39fde4bcbdb20ce9d7c1f9","body":"{}",)"
      R"("form_token":"x","completed":[{"type":"m.login.dummy"}]})";
  const std::string session = lie_there(state);
  EXPECT_TRUE(
      is_challenge(alone(session), {.flows = kTwoStages, .completed = Names{"m.login.dummy"}}));
  change(session, [](json::object& object) { object["dead"] = true; });
  EXPECT_TRUE(is_error(remove("TABLET", with_auth(password_stage(session))), 403, "M_FORBIDDEN"));
  change(session, [](json::object& object) { object["dead"] = false; });
  EXPECT_TRUE(is_ok(remove("TABLET", with_auth(password_stage(session)))));
}

TEST_P(State, FrozenSessionForADeviceThatNothingCanOwn) {  // R10
  const std::string session = lie_there(
      R"({"user":"@alice:test","device":"PHONE","expires_ms":1700003600000,)"
      R"("method":"DELETE","endpoint":"/devices/{deviceId}","path_device_digest":)"
      R"("59b271ae1bbcb1d31d41929817f4b16fb439eb4f31520b5ad1d5ce98920a7138","digest":"cf12b9aa38445e4bbff7e768dd4c1513951792683a39fde4bcbdb20ce9d7c1f9","body":"{}","form_token":"x","completed":[]})");
  EXPECT_TRUE(is_error(remove("a%00c", with_auth(password_stage(session))), 403, "M_FORBIDDEN"));
  EXPECT_TRUE(is_ok(remove("a%00b", with_auth(password_stage(session)))));
  EXPECT_EQ(host.deleted, Names{});
}

TEST_P(State, MembersThatAreNotKnownAreKept) {
  host.flows = kTwoStages;
  const auto session = session_of(remove("TABLET"));
  const auto later = json::parse(R"({"deep":[1,{"a":null}]})");
  change(session, [&](json::object& state) {
    state["of_1_1"] = later;
    state["must"] = json::array{"user", "completed"};
  });
  EXPECT_TRUE(is_challenge(remove("TABLET", with_auth(stage(session, "m.login.dummy"))),
                           {.flows = kTwoStages, .completed = Names{"m.login.dummy"}}));
  EXPECT_EQ(state_of(session).at("of_1_1"), later);
  EXPECT_EQ(state_of(session).at("must"), (json::array{"user", "completed"}));
  EXPECT_TRUE(is_ok(remove("TABLET", with_auth(password_stage(session)))));
  EXPECT_EQ(state_of(session).at("of_1_1"), later) << "also when it is finished";
  host.sessions[session].elsewhere = {{"m.login.sso", kBob}};
  EXPECT_TRUE(is_error(alone(session), 403, "M_FORBIDDEN"));
  EXPECT_EQ(state_of(session).at("of_1_1"), later) << "and when it is dead";
}

TEST_P(State, U9_WhatAReaderMustKnow) {
  for (const json::array& must :
       {json::array{"of_1_1"}, json::array{"user", "of_1_1"}, json::array{1}, json::array{""}}) {
    const auto session = session_of(remove("TABLET"));
    change(session, [&](json::object& state) { state["must"] = must; });
    host.forget_calls();
    const auto response = remove("TABLET", with_auth(password_stage(session)));
    EXPECT_TRUE(is_challenge(response, kUnknown)) << must;
    EXPECT_NE(session_of(response), session);
    for (const auto& call : host.calls())
      EXPECT_NE(call, "uia_check") << "the credentials are not tried";
    EXPECT_EQ(host.sessions.at(session).revision, 1) << "it is left to who knows it";
  }
}

// ---- Bounds ----

TEST_P(State, ABodyForWhichThereIsNoRoomIsNotKept) {
  host.config = R"({"uia":{"body_binding":"lenient"}})";
  const auto session = begin({"PHONE"});
  change(session, [](json::object& state) { state["of_1_1"] = std::string(220'000, 'x'); });
  const Names ids{std::string(60'000, 'x'), "TABLET"};
  EXPECT_TRUE(is_challenge(remove_many(with_auth(session_alone(session), deletion_of(ids))),
                           {.completed = Names{}}));
  EXPECT_LE(host.sessions.at(session).state.size(), 256u * 1024);
  EXPECT_TRUE(is_error(remove_many(with_auth(password_stage(session))), 400, "M_BAD_JSON"));
  EXPECT_TRUE(is_ok(remove_many(with_auth(password_stage(session), deletion_of(ids)))));
}

TEST_P(State, StagesThatAreCompletedElsewhereAreBounded) {
  const auto session = session_of(remove("TABLET"));
  auto& elsewhere = host.sessions.at(session).elsewhere;
  for (int i = 0; i < 63; ++i)
    elsewhere.push_back({"x." + std::to_string(i) + std::string(240, 'x'), kAlice});
  elsewhere.push_back({"m.login.password", kAlice});
  EXPECT_TRUE(is_ok(alone(session)));
}

// ---- What is not the module's ----

TEST_P(State, H3_StatesThatTheModuleDidNotWrite) {
  using Change = void (*)(json::object&);
  const Change changes[] = {
      [](json::object& state) { state.erase("user"); },
      [](json::object& state) { state["user"] = 1; },
      [](json::object& state) { state["device"] = json::array{}; },
      [](json::object& state) { state.erase("method"); },
      [](json::object& state) { state.erase("endpoint"); },
      [](json::object& state) { state.erase("digest"); },
      [](json::object& state) { state["digest"] = nullptr; },
      [](json::object& state) { state.erase("form_token"); },
      [](json::object& state) { state["body"] = json::object{}; },
      [](json::object& state) { state["expires_ms"] = -1; },
      [](json::object& state) { state["expires_ms"] = INT64_MAX; },
      [](json::object& state) { state["expires_ms"] = 1.5; },
      [](json::object& state) { state["expires_ms"] = "1"; },
      [](json::object& state) { state["finished_ms"] = INT64_MIN; },
      [](json::object& state) { state["finished_ms"] = UINT64_MAX; },
      [](json::object& state) { state["dead"] = 1; },
      [](json::object& state) { state["must"] = "user"; },
      [](json::object& state) { state["completed"] = json::object{}; },
      [](json::object& state) { state["completed"] = json::array{1}; },
      [](json::object& state) { state["completed"] = json::array{json::object{}}; },
      [](json::object& state) {
        state["completed"] = json::array{json::object{{"type", "a"}, {"identity", 1}}};
      },
      [](json::object& state) {
        state["completed"] = json::array(129, json::object{{"type", "a"}});
      },
  };
  for (size_t i = 0; i < std::size(changes); ++i) {
    const auto session = session_of(remove("TABLET"));
    change(session, changes[i]);
    EXPECT_TRUE(is_error(remove("TABLET", with_auth(password_stage(session))), 500, "M_UNKNOWN"))
        << "change " << i;
    EXPECT_EQ(host.take_misbehaviour().size(), 1u) << "change " << i;
  }
  for (const char* text : {"x", "[]", "{", "null", "{}", "{\"user\":\"\xFF\"}", "{} {}"}) {
    const auto session = session_of(remove("TABLET"));
    host.sessions[session].state = text;
    EXPECT_TRUE(is_error(alone(session), 500, "M_UNKNOWN")) << text;
    EXPECT_EQ(host.take_misbehaviour().size(), 1u) << text;
  }
  EXPECT_EQ(host.deletions, 0);
}

// ---- Time ----

TEST_P(State, U9_ExpiredByTheModulesOwnClock) {
  // This host gives sessions out after they have expired.
  const auto session = session_of(remove("TABLET"));
  host.now_ms += 3'600'000;
  const auto response = remove("TABLET", with_auth(password_stage(session)));
  EXPECT_TRUE(is_challenge(response, kUnknown));
  EXPECT_EQ(host.deletions, 0);
}

TEST_P(State, U20_SurvivesARestart) {
  host.flows = kTwoStages;
  const auto session = session_of(remove("TABLET"));
  host.restart();
  remove("TABLET", with_auth(stage(session, "m.login.dummy")));
  host.restart();
  EXPECT_TRUE(is_ok(remove("TABLET", with_auth(password_stage(session)))));
  host.restart();
  EXPECT_TRUE(is_ok(alone(session))) << "U13";
}

// A crash after the session was finished, and before anything was deleted.
TEST_P(State, U13_ACrashBeforeTheDeletionIsMadeGood) {
  for (const bool with_session_alone : {true, false}) {
    host.users[kAlice].devices["TABLET"] = {};
    const auto session = session_of(remove("TABLET"));
    host.scripts["delete_devices"] = [](mxd_op) { return MXD_UNAVAILABLE; };
    EXPECT_TRUE(is_error(remove("TABLET", with_auth(password_stage(session))), 503, "M_UNKNOWN"));
    host.scripts.clear();
    host.restart();
    EXPECT_EQ(host.users[kAlice].devices.count("TABLET"), 1u);
    const std::string wrong = password_stage(session, "alice", "secret-wrong");
    EXPECT_TRUE(
        is_ok(remove("TABLET", with_auth(with_session_alone ? session_alone(session) : wrong))))
        << "the `auth` that comes with a repeat is not tried";
    EXPECT_EQ(host.users[kAlice].devices.count("TABLET"), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Completion, State, kBothModes, mode_name);

}  // namespace
}  // namespace mxd::test
