// Sessions of User-Interactive Authentication: U20, U25, U26 as the store sees them.
#include <algorithm>
#include <random>
#include <thread>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

constexpr int64_t kHourMs = 3'600'000;

class SessionTest : public AliceTest {
 protected:
  SessionTest() : session(session_of("", surroundings.now_ms + kHourMs)) {}

  // Under an ID that no other has; the engine may have one of its own.
  std::string create() {
    const std::string proposed = "session-" + std::to_string(++created);
    session.proposed_id = view(proposed);
    const Answer answer = store.create_session(session);
    EXPECT_EQ(answer.status, MXD_OK);
    return answer.session_id.value_or(proposed);
  }

  bool is_live(const std::string& id) { return store.load_session(id).status == MXD_OK; }

  mxd_uia_replacement replacement(std::string_view id, int64_t revision, std::string_view state,
                                  uint32_t flags = 0) {
    mxd_uia_replacement made{};
    made.size = sizeof made;
    made.flags = flags;
    made.revision = revision;
    made.expires_ms = surroundings.now_ms + kHourMs;
    made.session_id = view(id);
    made.user_id = session.user_id;
    made.state = view(state);
    return made;
  }

  std::string create_finished() {
    std::string id = create();
    EXPECT_EQ(store.replace_session(replacement(id, 1, "done", MXD_UIA_FINISHED)).status, MXD_OK);
    return id;
  }

  mxd_uia_session session;
  int created = 0;
};

TEST_F(SessionTest, IsLoadedAsItWasCreated) {
  session.state = view(R"({"owner":"@alice:example.org"})");
  const std::string id = create();
  const Answer loaded = store.load_session(id);
  ASSERT_EQ(loaded.status, MXD_OK);
  EXPECT_EQ(loaded.session->revision, 1);
  EXPECT_EQ(loaded.session->state, R"({"owner":"@alice:example.org"})");
  EXPECT_TRUE(loaded.completed.empty());
}

TEST_F(SessionTest, EveryByteOfAStateComesBack) {
  std::string state = R"({"body":"an escape \u0000 of it, and )";
  std::mt19937 random(11);
  while (state.size() < 256 * 1024 - 2)
    state += static_cast<char>(1 + random() % 255);
  state += "\"}";
  ASSERT_EQ(state.size(), 256u * 1024);
  session.state = view(state);
  const std::string id = create();
  EXPECT_TRUE(store.load_session(id).session->state == state);

  std::reverse(state.begin(), state.end());
  ASSERT_EQ(store.replace_session(replacement(id, 1, state)).status, MXD_OK);
  EXPECT_TRUE(store.load_session(id).session->state == state);
  store.close();
  OpenStore again(url(), surroundings);
  EXPECT_TRUE(again.load_session(id).session->state == state);
}

TEST_F(SessionTest, UnknownAndExpiredAreNotFound) {
  const std::string id = create();
  EXPECT_EQ(store.load_session("").status, MXD_NOT_FOUND);
  EXPECT_EQ(store.load_session(id + "x").status, MXD_NOT_FOUND);
  surroundings.now_ms += kHourMs - 1;
  EXPECT_EQ(store.load_session(id).status, MXD_OK);
  surroundings.now_ms += 1;
  EXPECT_EQ(store.load_session(id).status, MXD_NOT_FOUND);
}

TEST_F(SessionTest, SurvivesARestartAndIsSeenByOthers) {
  const std::string id = create();
  OpenStore other(url(), surroundings);
  EXPECT_EQ(other.load_session(id).status, MXD_OK);
  store.close();
  EXPECT_EQ(other.load_session(id).status, MXD_OK);
}

TEST_F(SessionTest, ReplacementTakesThePlaceOfItsRevisionOnly) {
  const std::string id = create();
  EXPECT_EQ(store.replace_session(replacement(id, 0, "x")).status, MXD_CONFLICT);
  EXPECT_EQ(store.replace_session(replacement(id, 2, "x")).status, MXD_CONFLICT);
  EXPECT_EQ(store.load_session(id).session->state, "{}");

  EXPECT_EQ(store.replace_session(replacement(id, 1, "second")).status, MXD_OK);
  EXPECT_EQ(store.load_session(id).session->revision, 2);
  EXPECT_EQ(store.load_session(id).session->state, "second");
  EXPECT_EQ(store.replace_session(replacement(id, 1, "late")).status, MXD_CONFLICT);
  EXPECT_EQ(store.replace_session(replacement(id, 2, "third")).status, MXD_OK);
  EXPECT_EQ(store.load_session(id).session->state, "third");

  const int32_t gone = store.replace_session(replacement("nobody", 1, "x")).status;
  EXPECT_TRUE(gone == MXD_CONFLICT || gone == MXD_NOT_FOUND) << gone;
}

TEST_F(SessionTest, ReplacementSetsTheExpiry) {
  const std::string id = create();
  mxd_uia_replacement shorter = replacement(id, 1, "x");
  shorter.expires_ms = surroundings.now_ms + 1000;
  EXPECT_EQ(store.replace_session(shorter).status, MXD_OK);
  surroundings.now_ms += 999;
  EXPECT_TRUE(is_live(id));
  surroundings.now_ms += 1;
  EXPECT_FALSE(is_live(id));
}

// U26: of many that replace one revision at once, in two processes, one does.
TEST_F(SessionTest, OfReplacementsAtOnceOneWins) {
  constexpr int kThreads = 32;
  OpenStore other(url(), surroundings);
  for (int round = 0; round < 10; ++round) {
    const std::string id = create();
    std::vector<int32_t> statuses(kThreads, INT32_MIN);
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        OpenStore& at = i % 2 == 0 ? store : other;
        const std::string state = std::to_string(i);
        statuses[static_cast<size_t>(i)] = at.replace_session(replacement(id, 1, state)).status;
      });
    }
    for (std::thread& thread : threads)
      thread.join();
    ASSERT_EQ(std::count(statuses.begin(), statuses.end(), MXD_OK), 1);
    ASSERT_EQ(std::count(statuses.begin(), statuses.end(), MXD_CONFLICT), kThreads - 1);
    const auto winner = std::find(statuses.begin(), statuses.end(), MXD_OK) - statuses.begin();
    const Kept kept = other.load_session(id).session.value();
    EXPECT_EQ(kept.revision, 2);
    EXPECT_EQ(kept.state, std::to_string(winner));
  }
}

// Each loads, adds one and replaces, until it has: none is lost.
TEST_F(SessionTest, RepeatedUntilItSucceedsNoReplacementIsLost) {
  constexpr int kThreads = 4;
  constexpr int kEach = 25;
  session.state = view("0");
  const std::string id = create();
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int done = 0; done < kEach;) {
        const Kept kept = store.load_session(id).session.value();
        const std::string next = std::to_string(std::stoi(kept.state) + 1);
        if (store.replace_session(replacement(id, kept.revision, next)).status == MXD_OK) ++done;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(store.load_session(id).session->state, std::to_string(kThreads * kEach));
}

TEST_F(SessionTest, OldestUnfinishedOfTheSameDeviceGoesFirst) {
  session.max_live = 4;
  session.device_id = view("TABLET");
  const std::string tablet = create();
  session.device_id = view("PHONE");
  const std::string finished = create_finished();
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
  const std::string finished = create_finished();
  session.device_id = view("TABLET");
  const std::string tablet = create();
  session.device_id = view("PHONE");
  const std::string phone = create();
  EXPECT_FALSE(is_live(tablet));
  EXPECT_TRUE(is_live(finished) && is_live(phone) && is_live(bobs));
}

// By the order of creation: neither a clock that stands still, nor one that was set back, nor what
// was replaced last, changes it.
TEST_F(SessionTest, EvictionIsInTheOrderOfCreation) {
  session.max_live = 3;
  const std::string first = create();
  const std::string second = create();
  surroundings.now_ms -= 1000;
  session.expires_ms -= 1000;
  const std::string third = create();
  EXPECT_EQ(store.replace_session(replacement(first, 1, "x")).status, MXD_OK);
  for (const std::string& oldest : {first, second, third}) {
    EXPECT_TRUE(is_live(oldest));
    create();
    EXPECT_FALSE(is_live(oldest));
  }
}

TEST_F(SessionTest, WithoutADeviceTheTokenStandsForIt) {
  session.max_live = 3;
  session.device_id = view("1");  // the same text as the token's ID
  const std::string of_device_1 = create();
  session.device_id = view("");
  session.token_id = view("1");
  const std::string of_1 = create();
  session.token_id = view("2");
  const std::string of_2 = create();
  const std::string again_of_2 = create();
  EXPECT_TRUE(is_live(of_device_1) && is_live(of_1) && is_live(again_of_2));
  EXPECT_FALSE(is_live(of_2));
  session.token_id = view("1");
  create();
  EXPECT_TRUE(is_live(of_device_1));
  EXPECT_FALSE(is_live(of_1));
}

TEST_F(SessionTest, ExpiredOnesDoNotCountAndAreRemoved) {
  session.max_live = 2;
  create();
  create();
  surroundings.now_ms += kHourMs;
  session.expires_ms = surroundings.now_ms + kHourMs;
  create();
  EXPECT_EQ(rows("uia_sessions"), 1);
}

// D12
TEST_F(SessionTest, DeletedDeviceLeavesNone) {
  store.put(alice, "PHONE", nullptr);
  store.put(alice, "TABLET", nullptr);
  const std::string phones = create();
  session.device_id = view("TABLET");
  const std::string tablets = create();
  EXPECT_EQ(store.remove(alice, {"PHONE"}).status, MXD_OK);
  EXPECT_FALSE(is_live(phones));
  EXPECT_TRUE(is_live(tablets));
  const int32_t late = store.replace_session(replacement(phones, 1, "x")).status;
  EXPECT_TRUE(late == MXD_CONFLICT || late == MXD_NOT_FOUND) << late;
}

TEST_F(SessionTest, LogoutAndAnewLoginEndThem) {
  const Tokens phone = store.login("alice", "PHONE");
  const std::string first = create();
  store.login("alice", "PHONE");
  EXPECT_FALSE(is_live(first)) << "somebody else may have logged in on that ID";
  const std::string second = create();
  const Tokens tablet = store.login("alice", "TABLET");
  EXPECT_EQ(store.logout(tablet.access_token, true), MXD_OK);
  EXPECT_FALSE(is_live(second));
}

TEST_F(SessionTest, IdIsKeptAsItsDigest) {
  const std::string id = create();
  EXPECT_EQ(rows("uia_sessions WHERE length(id_digest) = 32"), 1);
  EXPECT_EQ(database.bytes().find(id), std::string::npos);
}

}  // namespace
}  // namespace mxd::test
