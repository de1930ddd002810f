// What a store remembers beyond its own commits, and that another process's end it wherever they
// come.
#include <SQLiteCpp/Database.h>
#include <sqlite3.h>

#include "tests/store/sqlite/statements.h"
#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

using When = Statements::When;

constexpr std::string_view kReadsToken = "SELECT t.oauth";
constexpr std::string_view kReadsList =
    "SELECT d.device_id, d.display_name, d.last_seen_ip, d.last_seen_ms";
constexpr int kUntilRemembered = 3;

class OwnCommitsTest : public StoreTest {
 protected:
  OwnCommitsTest() {
    statements.end_joining();
    alice = store.add_user("alice");
    bob = store.add_user("bob");
    phone = store.login("alice", "PHONE", 0, -1, "old");
    laptop = store.login("bob", "LAPTOP", 0, -1, "old");
    ask_until_remembered();
  }

  void ask_until_remembered() {
    for (int i = 0; i < kUntilRemembered; ++i) {
      for (const Tokens* tokens : {&phone, &laptop}) {
        EXPECT_EQ(store.authenticate(tokens->access_token).status, MXD_OK);
        EXPECT_EQ(store.list(tokens->user_id).devices.size(), 1u);
      }
      // Devices are seen for the first time, and that is written by when this is answered.
      EXPECT_EQ(store.rename(alice, "PHONE", ("round " + std::to_string(i)).c_str()).status,
                MXD_OK);
    }
    for (int i = 0; i < kUntilRemembered; ++i)
      store.list(alice);
    EXPECT_EQ(reads_of(kReadsToken, [&] { store.authenticate(phone.access_token); }), 0);
    EXPECT_EQ(reads_of(kReadsToken, [&] { store.authenticate(laptop.access_token); }), 0);
    EXPECT_EQ(reads_of(kReadsList, [&] { store.list(alice); }), 0);
    EXPECT_EQ(reads_of(kReadsList, [&] { store.list(bob); }), 0);
  }

  int reads_of(std::string_view sql, const std::function<void()>& ask) {
    const int before = statements.count(sql);
    ask();
    return statements.count(sql) - before;
  }

  void expect_bob_is_remembered() {
    EXPECT_EQ(reads_of(kReadsToken,
                       [&] {
                         EXPECT_EQ(store.authenticate(laptop.access_token).principals.at(0).user_id,
                                   bob);
                       }),
              0)
        << "whose token it is was read";
    EXPECT_EQ(
        reads_of(kReadsList, [&] { EXPECT_EQ(store.list(bob).devices.at(0).display_name, "old"); }),
        0)
        << "the list was read";
  }

  Statements statements;
  OpenStore store{url(), surroundings};
  std::string alice, bob;
  Tokens phone, laptop;
};

TEST_F(OwnCommitsTest, LastSeenOfOneUserForgetsNobodyElse) {
  surroundings.now_ms += 60'000;
  ASSERT_EQ(store.authenticate(phone.access_token, "192.0.2.2").status, MXD_OK);
  ASSERT_EQ(store.rename(alice, "PHONE", "last seen was written with it").status, MXD_OK);
  EXPECT_EQ(reads_of(kReadsList,
                     [&] {
                       EXPECT_EQ(store.list(bob).devices.at(0).last_seen_ts_ms,
                                 surroundings.now_ms - 60'000);
                     }),
            0)
      << "another user's list was read";
  EXPECT_EQ(reads_of(kReadsToken, [&] { store.authenticate(laptop.access_token); }), 0)
      << "another user's token was read";
}

TEST_F(OwnCommitsTest, LastSeenIsListedOfWhoWasSeen) {
  surroundings.now_ms += 60'000;
  ASSERT_EQ(store.authenticate(phone.access_token, "192.0.2.2").status, MXD_OK);
  ASSERT_TRUE(eventually([&] {
    return store.list(alice).devices.at(0).last_seen_ts_ms == surroundings.now_ms;
  })) << "the list is the one of before";
  EXPECT_EQ(store.list(alice).devices.at(0).last_seen_ip, "192.0.2.2");
  // It is written once in a minute: so what was written is what the token now leads to.
  ASSERT_EQ(store.rename(alice, "PHONE", "a commit").status, MXD_OK);
  const int written = statements.count("UPDATE devices SET last_seen_ms");
  ASSERT_EQ(store.authenticate(phone.access_token).status, MXD_OK);
  ASSERT_EQ(store.rename(alice, "PHONE", "another commit").status, MXD_OK);
  EXPECT_EQ(statements.count("UPDATE devices SET last_seen_ms"), written);
}

TEST_F(OwnCommitsTest, ARenameForgetsOneListAndNoToken) {
  ASSERT_EQ(store.rename(alice, "PHONE", "new").status, MXD_OK);
  EXPECT_EQ(store.list(alice).devices.at(0).display_name, "new");
  EXPECT_EQ(reads_of(kReadsToken, [&] { store.authenticate(phone.access_token); }), 0);
  expect_bob_is_remembered();
}

TEST_F(OwnCommitsTest, ANewDeviceIsListed) {
  ASSERT_EQ(store.put(alice, "TABLET", "new").status, MXD_CREATED);
  EXPECT_EQ(store.list(alice).devices.size(), 2u);
  expect_bob_is_remembered();
}

TEST_F(OwnCommitsTest, ADeletionForgetsOneUser) {
  ASSERT_EQ(store.remove(alice, {"PHONE"}).status, MXD_OK);
  EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.list(alice).devices.size(), 0u);
  expect_bob_is_remembered();
}

TEST_F(OwnCommitsTest, ALogoutForgetsOneUser) {
  for (const bool all : {false, true}) {
    const Tokens tokens = store.login("alice", "PHONE");
    for (int i = 0; i < kUntilRemembered; ++i)
      ASSERT_EQ(store.authenticate(tokens.access_token).status, MXD_OK);
    ASSERT_EQ(store.logout(tokens.access_token, all), MXD_OK);
    EXPECT_EQ(store.authenticate(tokens.access_token).status, MXD_UNKNOWN_TOKEN);
    EXPECT_EQ(store.list(alice).devices.size(), 0u);
  }
}

TEST_F(OwnCommitsTest, ALoginEndsTheTokenOfItsDevice) {
  ASSERT_EQ(store.login("alice", "PHONE").status, MXD_OK);
  EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_UNKNOWN_TOKEN);
  expect_bob_is_remembered();
}

TEST_F(OwnCommitsTest, ARefreshedTokenEndsTheOneBefore) {
  const Tokens before = store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE);
  const auto ask = [&] { return store.authenticate(before.access_token).status; };
  for (int i = 0; i < kUntilRemembered; ++i)
    ASSERT_EQ(ask(), MXD_OK);
  const Tokens after = store.refresh(before.refresh_token);
  for (int i = 0; i < kUntilRemembered; ++i)
    ASSERT_EQ(ask(), MXD_OK) << "the new one was not used yet";
  ASSERT_EQ(store.authenticate(after.access_token).status, MXD_OK);
  EXPECT_EQ(ask(), MXD_TOKEN_EXPIRED);
  expect_bob_is_remembered();
}

TEST_F(OwnCommitsTest, AValidationIsKnownWithTheToken) {
  ASSERT_EQ(store.mark_validated(alice, "PHONE", 1234).status, MXD_OK);
  EXPECT_EQ(store.authenticate(phone.access_token).principals.at(0).validated_ms, 1234);
  expect_bob_is_remembered();
}

TEST_F(OwnCommitsTest, ASessionForgetsNobody) {
  ASSERT_EQ(store.create_session(session_of("session", surroundings.now_ms + 1000)).status, MXD_OK);
  EXPECT_EQ(reads_of(kReadsToken, [&] { store.authenticate(phone.access_token); }), 0);
  expect_bob_is_remembered();
}

TEST_F(OwnCommitsTest, WhatSaysNothingForgetsAll) {
  ASSERT_EQ(store.set_flags("alice", MXD_STORE_ACCOUNT_LOCKED), MXD_OK);
  EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_USER_LOCKED);
  EXPECT_EQ(reads_of(kReadsList, [&] { store.list(bob); }), 1);
}

// Between the commit and what the writer makes of it somebody asks.
TEST_F(OwnCommitsTest, WhatIsReadAtACommitGoesWithTheNext) {
  statements.at_next("COMMIT", When::kIsOver, [&] {
    for (int i = 0; i < kUntilRemembered; ++i)
      EXPECT_EQ(store.list(alice).devices.at(0).display_name, "first");
  });
  ASSERT_EQ(store.rename(alice, "PHONE", "first").status, MXD_OK);
  EXPECT_EQ(store.list(alice).devices.at(0).display_name, "first");
  ASSERT_EQ(store.rename(alice, "PHONE", "second").status, MXD_OK);
  EXPECT_EQ(store.list(alice).devices.at(0).display_name, "second");
}

// Where a commit of another process comes.
struct Interleaving {
  const char* name;
  const char* sql;  // a statement of the writer
  When when;
  bool gets_through;  // or finds the database locked
};

class OtherCommitTest : public OwnCommitsTest, public testing::WithParamInterface<Interleaving> {
 protected:
  // Renames what Bob has, and ends his token; false: the database is locked.
  bool commit_elsewhere() {
    try {
      other.exec("BEGIN IMMEDIATE");
    } catch (const SQLite::Exception& error) {
      EXPECT_EQ(error.getErrorCode(), SQLITE_BUSY) << error.what();
      return false;
    }
    other.exec("UPDATE devices SET display_name = 'elsewhere' WHERE device_id = 'LAPTOP'");
    other.exec(
        "DELETE FROM access_tokens WHERE device ="
        " (SELECT device FROM devices WHERE device_id = 'LAPTOP')");
    other.exec("COMMIT");
    return true;
  }

  void expect_bob_is_forgotten() {
    EXPECT_EQ(store.list(bob).devices.at(0).display_name, "elsewhere");
    EXPECT_EQ(store.authenticate(laptop.access_token).status, MXD_UNKNOWN_TOKEN)
        << "a deleted token lets in";
  }

  SQLite::Database other{path(), SQLite::OPEN_READWRITE, 0};
};

TEST_P(OtherCommitTest, EndsWhatIsRemembered) {
  std::optional<bool> got_through;
  statements.at_next(GetParam().sql, GetParam().when, [&] { got_through = commit_elsewhere(); });
  ASSERT_EQ(store.rename(alice, "PHONE", "new").status, MXD_OK);
  ASSERT_EQ(got_through, GetParam().gets_through);
  EXPECT_EQ(store.list(alice).devices.at(0).display_name, "new");
  if (*got_through) {
    expect_bob_is_forgotten();
  } else {
    expect_bob_is_remembered();
  }
  // Nor does it come back with further commits.
  ASSERT_EQ(store.rename(alice, "PHONE", "newer").status, MXD_OK);
  if (*got_through) expect_bob_is_forgotten();
}

INSTANTIATE_TEST_SUITE_P(
    , OtherCommitTest,
    testing::Values(Interleaving{"BeforeTheTransaction", "BEGIN IMMEDIATE", When::kBegins, true},
                    Interleaving{"OnceItHasBegun", "BEGIN IMMEDIATE", When::kIsOver, false},
                    Interleaving{"AtItsStatement", "UPDATE devices AS d", When::kBegins, false},
                    Interleaving{"BeforeItsCommit", "COMMIT", When::kBegins, false},
                    Interleaving{"AfterItsCommit", "COMMIT", When::kIsOver, true},
                    Interleaving{"AfterTheHeadIsLookedAt", "PRAGMA data_version", When::kBegins,
                                 true},
                    Interleaving{"AfterTheQuestion", "PRAGMA data_version", When::kIsOver, true}),
    [](const auto& given) { return given.param.name; });

TEST_F(OtherCommitTest, IsNotCoveredByTwoOwn) {
  ASSERT_TRUE(commit_elsewhere());
  ASSERT_EQ(store.rename(alice, "PHONE", "new").status, MXD_OK);
  ASSERT_EQ(store.rename(alice, "PHONE", "newer").status, MXD_OK);
  expect_bob_is_forgotten();
}

}  // namespace
}  // namespace mxd::test
