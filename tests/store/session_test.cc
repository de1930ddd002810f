// Sessions of User-Interactive Authentication: U8, U9, U13, U20, U25, U26 as the store sees them.
#include <thread>

#include "tests/sqlite/store_test.h"

namespace mxd::test {
namespace {

class SessionTest : public AliceTest {
 protected:
  SessionTest() {
    session.size = sizeof session;
    session.flags = MXD_SESSION_HAS_BODY;
    session.created_ms = surroundings.now_ms;
    session.lifetime_ms = 3'600'000;
    session.max_live = 32;
    session.user_id = view("@alice:example.org");
    session.device_id = view("PHONE");
    session.token_id = view("");
    session.method = view("POST");
    session.endpoint = view("/delete_devices");
    session.target = view("/_matrix/client/v3/delete_devices?x=1");
    session.body = view(R"({"devices":["A"]})");
    session.body_digest = view(digest);
    session.description = view("Sign out 1 device");
  }

  std::string create() { return store.create_session(session).session_id.value(); }

  bool is_live(const std::string& id) { return store.load_session(id).status == MXD_OK; }

  mxd_uia_record finish(const std::string& id, std::string_view finished_digest) {
    mxd_uia_record record{};
    record.size = sizeof record;
    record.flags = MXD_RECORD_STAGE | MXD_RECORD_HAS_IDENTITY | MXD_RECORD_FINISH;
    record.now_ms = surroundings.now_ms;
    record.session_id = view(id);
    record.type = view("m.login.password");
    record.identity = view("@alice:example.org");
    record.body_digest = view(finished_digest);
    return record;
  }

  const std::string digest = std::string("\0\xff", 2) + std::string(30, 'd');
  mxd_session session{};
};

TEST_F(SessionTest, IsLoadedAsItWasCreated) {
  const Answer created = store.create_session(session);
  ASSERT_EQ(created.status, MXD_OK);
  ASSERT_EQ(created.session_id->size(), 24u) << "144 bits, base64url";
  const Answer loaded = store.load_session(*created.session_id);
  ASSERT_EQ(loaded.status, MXD_OK);
  const Session& kept = loaded.session.value();
  EXPECT_EQ(kept.flags, MXD_SESSION_HAS_BODY);
  EXPECT_EQ(kept.created_ms, session.created_ms);
  EXPECT_EQ(kept.lifetime_ms, session.lifetime_ms);
  EXPECT_EQ(kept.user_id, "@alice:example.org");
  EXPECT_EQ(kept.device_id, "PHONE");
  EXPECT_EQ(kept.method, "POST");
  EXPECT_EQ(kept.endpoint, "/delete_devices");
  EXPECT_EQ(kept.target, "/_matrix/client/v3/delete_devices?x=1");
  EXPECT_EQ(kept.path_device_id, "");
  EXPECT_EQ(kept.body, R"({"devices":["A"]})");
  EXPECT_EQ(kept.body_digest, digest);
  EXPECT_EQ(kept.description, "Sign out 1 device");
  EXPECT_TRUE(loaded.completed.empty());
  EXPECT_NE(create(), *created.session_id);
}

TEST_F(SessionTest, WithoutABodyHasNone) {
  session.flags = 0;
  session.body = view("");
  EXPECT_EQ(store.load_session(create()).session->flags, 0u);
  session.flags = MXD_SESSION_HAS_BODY;
  EXPECT_EQ(store.load_session(create()).session->flags, MXD_SESSION_HAS_BODY);
}

TEST_F(SessionTest, UnknownAndExpiredAreNotFound) {
  const std::string id = create();
  EXPECT_EQ(store.load_session("").status, MXD_NOT_FOUND);
  EXPECT_EQ(store.load_session(id + "x").status, MXD_NOT_FOUND);
  surroundings.now_ms += session.lifetime_ms - 1;
  EXPECT_EQ(store.load_session(id).status, MXD_OK);
  surroundings.now_ms += 1;
  EXPECT_EQ(store.load_session(id).status, MXD_NOT_FOUND);
  EXPECT_EQ(store.record(finish(id, "x")).status, MXD_NOT_FOUND);
}

TEST_F(SessionTest, SurvivesARestartAndIsSeenByOthers) {
  const std::string id = create();
  OpenStore other(path(), surroundings);
  EXPECT_EQ(other.load_session(id).status, MXD_OK);
  store.close();
  EXPECT_EQ(other.load_session(id).status, MXD_OK);
}

TEST_F(SessionTest, StagesAreNotedOnceInTheOrderCompleted) {
  const std::string id = create();
  mxd_uia_record record{};
  record.size = sizeof record;
  record.session_id = view(id);
  record.flags = MXD_RECORD_STAGE;
  record.type = view("m.login.terms");
  EXPECT_EQ(store.record(record).status, MXD_OK);
  record.flags |= MXD_RECORD_HAS_IDENTITY;
  record.type = view("m.login.password");
  record.identity = view("@alice:example.org");
  EXPECT_EQ(store.record(record).status, MXD_OK);
  record.type = view("m.login.terms");
  const Answer answer = store.record(record);
  EXPECT_EQ(answer.status, MXD_OK);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"m.login.terms", ""}, {"m.login.password", "@alice:example.org"}};
  EXPECT_EQ(answer.completed, expected);
  EXPECT_EQ(answer.session->flags, MXD_SESSION_HAS_BODY);
  EXPECT_EQ(store.load_session(id).completed, expected);
}

TEST_F(SessionTest, FinishKeepsDigestTimeAndBody) {
  const std::string id = create();
  mxd_uia_record record = finish(id, "digest of what was done");
  record.flags |= MXD_RECORD_HAS_BODY;
  record.body = view(R"({"devices":["B"]})");
  record.now_ms = surroundings.now_ms + 5;
  const Answer answer = store.record(record);
  ASSERT_EQ(answer.status, MXD_OK);
  EXPECT_EQ(answer.session->flags, MXD_SESSION_HAS_BODY | MXD_SESSION_FINISHED);
  EXPECT_EQ(answer.session->finished_ms, surroundings.now_ms + 5);
  EXPECT_EQ(answer.session->finished_digest, "digest of what was done");
  EXPECT_EQ(answer.session->body, R"({"devices":["B"]})");
  EXPECT_EQ(answer.session->body_digest, digest);

  record.body_digest = view("another");
  record.body = view("{}");
  const Answer second = store.record(record);
  EXPECT_EQ(second.status, MXD_OK);
  EXPECT_EQ(second.session->finished_digest, "digest of what was done");
  EXPECT_EQ(second.session->body, R"({"devices":["B"]})");
}

TEST_F(SessionTest, OfTwoFinishesTheFirstWinsAndTheOtherIsTold) {
  OpenStore other(path(), surroundings);
  for (int round = 0; round < 20; ++round) {
    const std::string id = create();
    Answer one, two;
    std::thread first([&] { one = store.record(finish(id, "one")); });
    std::thread second([&] { two = other.record(finish(id, "two")); });
    first.join();
    second.join();
    ASSERT_EQ(one.status, MXD_OK);
    ASSERT_EQ(two.status, MXD_OK);
    EXPECT_EQ(one.session->finished_digest, two.session->finished_digest);
    EXPECT_EQ(store.load_session(id).session->finished_digest, one.session->finished_digest);
  }
}

TEST_F(SessionTest, OldestUnfinishedOfTheSameDeviceGoesFirst) {
  session.max_live = 4;
  session.device_id = view("TABLET");
  const std::string tablet = create();
  session.device_id = view("PHONE");
  const std::string finished = create();
  ASSERT_EQ(store.record(finish(finished, "x")).status, MXD_OK);
  const std::string phone_1 = create();
  const std::string phone_2 = create();
  const std::string phone_3 = create();
  EXPECT_FALSE(is_live(phone_1));
  EXPECT_TRUE(is_live(tablet) && is_live(finished) && is_live(phone_2) && is_live(phone_3));

  session.device_id = view("LAPTOP");
  const std::string laptop_1 = create();
  EXPECT_FALSE(is_live(tablet)) << "no unfinished one of the laptop: the user's oldest";
  session.max_live = 1;
  const std::string laptop_2 = create();
  EXPECT_TRUE(is_live(laptop_2));
  for (const std::string& id : {finished, phone_2, phone_3, laptop_1})
    EXPECT_FALSE(is_live(id));
}

TEST_F(SessionTest, FinishedOnesGoLastAndOthersSessionsStay) {
  session.user_id = view("@bob:example.org");
  const std::string bobs = create();
  session.user_id = view("@alice:example.org");
  session.max_live = 2;
  const std::string finished = create();
  ASSERT_EQ(store.record(finish(finished, "x")).status, MXD_OK);
  session.device_id = view("TABLET");
  const std::string tablet = create();
  session.device_id = view("PHONE");
  const std::string phone = create();
  EXPECT_FALSE(is_live(tablet));
  EXPECT_TRUE(is_live(finished) && is_live(phone) && is_live(bobs));
}

TEST_F(SessionTest, WithoutADeviceTheTokenStandsForIt) {
  session.max_live = 2;
  session.device_id = view("");
  session.token_id = view("1");
  const std::string first_of_1 = create();
  session.token_id = view("2");
  const std::string of_2 = create();
  const std::string again_of_2 = create();
  EXPECT_TRUE(is_live(first_of_1) && is_live(again_of_2));
  EXPECT_FALSE(is_live(of_2));
}

TEST_F(SessionTest, ExpiredOnesDoNotCountAndAreRemoved) {
  session.max_live = 2;
  create();
  create();
  surroundings.now_ms += session.lifetime_ms;
  session.created_ms = surroundings.now_ms;
  create();
  EXPECT_EQ(number("SELECT count(*) FROM uia_sessions"), 1);
}

TEST_F(SessionTest, DeletedDeviceLeavesNone) {
  store.put(alice, "PHONE", nullptr);
  const std::string id = create();
  EXPECT_EQ(store.remove(alice, {"PHONE"}).status, MXD_OK);
  EXPECT_FALSE(is_live(id));
}

}  // namespace
}  // namespace mxd::test
