// A database that an older version made is opened by this one, and all in it is as it was.
#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>

#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <map>

#include "tests/sqlite/store_test.h"

namespace mxd::test {
namespace {

constexpr const char* kAlice = "@alice:example.org";
constexpr const char* kPassword = "correct horse battery staple";
constexpr int64_t kMadeMs = 1'795'780'449'672;  // when the last row of schema1.sql was written

// The tokens whose digests are in schema1.sql.
constexpr const char* kPhoneAccess = "mxt_g67B6lSozULCzZGo6JxQjGM-Qi_5bKwMB2VW0FBlNR0";
constexpr const char* kPhoneRefresh = "mxr_tkv8Wi_n0Dv__iknZU66mZdWCyvzyy0detKnxHnq6e4";
constexpr const char* kPhoneNewAccess = "mxt__A7mU9C3PuaN5Ft6rB3p-AIQ7VDM8656RRihALAMWL4";
constexpr const char* kPhoneNewRefresh = "mxr_RYTmH2reaENSAuuXNqSULU78TZQIPe_aZxmeRHrSoCU";
constexpr const char* kLaptopAccess = "mxt_ww46TW3_0WlywrQNi2AF3De8obRQI1yDb4MQsEmusUk";
constexpr const char* kTabletReplacedAccess = "mxt_yvwGS-eGS_05RhQ-9e4xFjSmPkapI7Ik_LEceOArTp8";
constexpr const char* kTabletReplacedRefresh = "mxr_IMg0-EgNJ5t3-DMCKmIayWUpZD3qm-GFvJhatYd0WfQ";
constexpr const char* kTabletAccess = "mxt_368FTyVYkEACyIKYifCqMJ7Ur0WTOPoKpwddSjM9tD8";
constexpr const char* kTabletRefresh = "mxr_oAuRReeZBL6nvC37Ey9Y4rqjEQUkJKJ6K9aOtKlMt9M";
constexpr const char* kOauthAccess = "mxt_gZ7ORjLCAiOe9cL_pt3VohossObdmS4HMyRjKeiTnsk";
constexpr const char* kExpiredAccess = "mxt_sgqrfx9Nmu6G1PLUtNJabf2rK1EoLplCga8PjwqJYCM";
constexpr const char* kLockedAccess = "mxt_vvLjyi1ktN6mYb46TKlCv9RLIyZ8Wqw_z6_hlDxrLV4";
constexpr const char* kSuspendedAccess = "mxt_bt5Dt37UIHCPPI0QIVVptK5rMRKZ7faFhsgcevKu3cw";
constexpr const char* kDeactivatedAccess = "mxt_qbk_WASc03hg90lPjSCR12i3MHbacKYdCDnng2DF07c";
constexpr const char* kGuestAccess = "mxt_L54tAy855YlIGai3vCksfYqdeRi87oI5l4fvFDUE-xQ";
constexpr const char* kLoggedOutAccess = "mxt_t3WZXrwZwuZyfADW_S7CvEY27BR5iHiopJBrETvulpE";
constexpr const char* kSessionBegun = "F1abbgLJGa6bmF28NPgKcThG";
constexpr const char* kSessionFinished = "eAf_WzJe3eRFv4aVjv8sJl31";

// What the file looks like, as text, and everything in it.
std::string dump(const std::string& path) {
  SQLite::Database database(path, SQLite::OPEN_READONLY);
  std::string text;
  SQLite::Statement tables(database,
                           "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY 1");
  while (tables.executeStep()) {
    text += tables.getColumn(0).getString() + ": " + tables.getColumn(1).getString() + "\n";
  }
  return text + database.execAndGet("PRAGMA user_version").getString();
}

class UpgradeTest : public StoreTest {
 protected:
  UpgradeTest() {
    make_old_file();
    surroundings.now_ms = kMadeMs;
  }

  void make_old_file() {
    std::ifstream file(MXD_SQLITE_TEST_DATA "/schema1.sql");
    const std::string sql(std::istreambuf_iterator<char>(file), {});
    ASSERT_NE(sql, "") << "schema1.sql can't be read";
    SQLite::Database database(path(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec(sql);
  }
};

TEST_F(UpgradeTest, OldFileHasARowInEveryTable) {
  SQLite::Database database(path(), SQLite::OPEN_READONLY);
  SQLite::Statement tables(database, "SELECT name FROM sqlite_schema WHERE type = 'table'");
  int count = 0;
  while (tables.executeStep()) {
    const std::string name = tables.getColumn(0).getString();
    EXPECT_GT(database.execAndGet("SELECT count(*) FROM " + name).getInt(), 0) << name;
    ++count;
  }
  EXPECT_EQ(count, 16);
  EXPECT_EQ(database.execAndGet("PRAGMA user_version").getInt(), 1);
}

TEST_F(UpgradeTest, OldTokensWork) {
  OpenStore store(path(), surroundings, "");
  ASSERT_EQ(store.status(), MXD_OK) << store.error();
  const Answer laptop = store.authenticate(kLaptopAccess);
  ASSERT_EQ(laptop.status, MXD_OK);
  EXPECT_EQ(laptop.principals.at(0).user_id, kAlice);
  EXPECT_EQ(laptop.principals.at(0).device_id, "LAPTOP");
  EXPECT_EQ(laptop.principals.at(0).flags, MXD_PRINCIPAL_HAS_VALIDATED_MS);
  EXPECT_EQ(laptop.principals.at(0).validated_ms, 1'795'780'449'550);
  EXPECT_EQ(store.authenticate(kOauthAccess).principals.at(0).flags, MXD_PRINCIPAL_OAUTH);
  EXPECT_EQ(store.authenticate(kGuestAccess).principals.at(0).flags, MXD_PRINCIPAL_GUEST);
  EXPECT_EQ(store.authenticate(kSuspendedAccess).status, MXD_OK);
  EXPECT_EQ(store.authenticate(kLockedAccess).status, MXD_USER_LOCKED);
  EXPECT_EQ(store.authenticate(kExpiredAccess).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(store.authenticate(kTabletAccess).status, MXD_OK);
  for (const char* gone : {kDeactivatedAccess, kLoggedOutAccess, kTabletReplacedAccess}) {
    EXPECT_EQ(store.authenticate(gone).status, MXD_UNKNOWN_TOKEN) << gone;
  }
}

TEST_F(UpgradeTest, OldTokensAreRefreshed) {
  OpenStore store(path(), surroundings);
  // The phone had refreshed, and not used what it got.
  EXPECT_EQ(store.authenticate(kPhoneAccess).status, MXD_OK);
  EXPECT_EQ(store.authenticate(kPhoneNewAccess).status, MXD_OK);
  EXPECT_EQ(store.authenticate(kPhoneAccess).status, MXD_TOKEN_EXPIRED);  // T2: also of old ones
  EXPECT_EQ(store.refresh(kPhoneRefresh).status, MXD_TOKEN_EXPIRED);
  const Tokens phone = store.refresh(kPhoneNewRefresh);
  ASSERT_EQ(phone.status, MXD_OK) << phone.error;
  EXPECT_EQ(phone.device_id, "PHONE");
  EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_OK);
  const Tokens tablet = store.refresh(kTabletRefresh);
  ASSERT_EQ(tablet.status, MXD_OK) << tablet.error;
  EXPECT_EQ(store.authenticate(tablet.access_token).principals.at(0).device_id, "TABLET");
  EXPECT_EQ(store.authenticate(kTabletAccess).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(store.refresh(kTabletReplacedRefresh).status, MXD_UNKNOWN_TOKEN);
}

TEST_F(UpgradeTest, OldPasswordsAreTaken) {
  OpenStore store(path(), surroundings);
  const auto check = [&](std::string_view name, std::string_view password) {
    return mxd_sqlite_check_password(store.get(), view(name), view(password), nullptr, nullptr);
  };
  EXPECT_EQ(check("alice", kPassword), MXD_OK);
  EXPECT_EQ(check("alice", "incorrect horse"), MXD_FORBIDDEN);
  EXPECT_EQ(check("carol", "password of carol"), MXD_OK);
  EXPECT_EQ(check("dave", "password of dave"), MXD_FORBIDDEN) << "deactivated";
  EXPECT_EQ(store
                .check("m.login.password",
                       std::string(R"({"identifier":{"type":"m.id.thirdparty","medium":"email",)") +
                           R"("address":"alice@example.com"},"password":")" + kPassword + "\"}")
                .identity,
            kAlice);
}

TEST_F(UpgradeTest, OldAccountsAndDevicesReadAsTheyWere) {
  OpenStore store(path(), surroundings);
  std::map<std::string, uint32_t> accounts;
  ASSERT_EQ(mxd_sqlite_list_accounts(
                store.get(),
                [](mxd_cookie cookie, const mxd_sqlite_account* account) noexcept {
                  (*reinterpret_cast<std::map<std::string, uint32_t>*>(
                      cookie))[{account->user_id.data, account->user_id.size}] = account->flags;
                },
                reinterpret_cast<mxd_cookie>(&accounts), nullptr),
            MXD_OK);
  EXPECT_EQ(accounts, (std::map<std::string, uint32_t>{
                          {"@_irc_erin:example.org", MXD_SQLITE_ACCOUNT_APPSERVICE},
                          {kAlice, 0},
                          {"@bob:example.org", MXD_SQLITE_ACCOUNT_LOCKED},
                          {"@carol:example.org", MXD_SQLITE_ACCOUNT_SUSPENDED},
                          {"@dave:example.org", MXD_SQLITE_ACCOUNT_DEACTIVATED},
                          {"@guest-tfqnokrfcdxmwfop:example.org", MXD_SQLITE_ACCOUNT_GUEST},
                          {"@irc_bot:example.org", MXD_SQLITE_ACCOUNT_APPSERVICE}}));
  EXPECT_EQ(device_ids(store.list(kAlice)),
            (std::vector<std::string>{"EXPIRED", "LAPTOP", "OAUTH", "PHONE", "TABLET"}));
  const Device laptop = store.get(kAlice, "LAPTOP").devices.at(0);
  EXPECT_EQ(laptop.display_name, "Laptop");
  EXPECT_EQ(laptop.last_seen_ip, "127.0.0.1");
  EXPECT_EQ(laptop.last_seen_ts_ms, 1'795'780'449'550);
  EXPECT_EQ(store.get(kAlice, "PHONE").devices.at(0).last_seen_ts_ms, std::nullopt);
  EXPECT_EQ(device_ids(store.list("@_irc_erin:example.org")), std::vector<std::string>{"BRIDGE"});
}

TEST_F(UpgradeTest, OldSessionsGoOn) {
  OpenStore store(path(), surroundings);
  const Answer begun = store.load_session(kSessionBegun);
  ASSERT_EQ(begun.status, MXD_OK);
  EXPECT_EQ(begun.session->user_id, kAlice);
  EXPECT_EQ(begun.session->device_id, "LAPTOP");
  EXPECT_EQ(begun.session->path_device_id, "TABLET");
  EXPECT_EQ(begun.session->flags, MXD_SESSION_HAS_BODY);
  EXPECT_TRUE(begun.completed.empty());
  const Answer finished = store.load_session(kSessionFinished);
  ASSERT_EQ(finished.status, MXD_OK);
  EXPECT_NE(finished.session->flags & MXD_SESSION_FINISHED, 0u);
  EXPECT_EQ(finished.session->finished_digest, finished.session->body_digest);
  EXPECT_EQ(finished.completed,
            (std::vector<std::pair<std::string, std::string>>{{"m.login.password", kAlice}}));
}

TEST_F(UpgradeTest, UpgradedFileHasTheSchemaOfANewOne) {
  OpenStore(path(), surroundings).close();
  OpenStore(path("new.db"), surroundings).close();
  EXPECT_EQ(dump(path()), dump(path("new.db")));
}

TEST_F(UpgradeTest, UpgradeThatFailsInTheMiddleLeavesTheOldFile) {
  // The last statements of the migration fail on this, after most of it has run.
  execute("CREATE TABLE old_tokens (x)");
  const std::string before = dump(path());
  {
    const OpenStore store(path(), surroundings);
    EXPECT_NE(store.status(), MXD_OK);
    EXPECT_NE(store.error(), "");
  }
  EXPECT_EQ(dump(path()), before);
  execute("DROP TABLE old_tokens");
  EXPECT_EQ(OpenStore(path(), surroundings).status(), MXD_OK);
}

TEST_F(UpgradeTest, ManyProcessesMayUpgradeAtOnce) {
  constexpr int kProcesses = 6;
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const OpenStore store(path(), surroundings);
      ::_exit(store.status() == MXD_OK ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(number("PRAGMA user_version"), 2);
  OpenStore store(path(), surroundings);
  EXPECT_EQ(store.authenticate(kLaptopAccess).status, MXD_OK);
}

// D12: also what an older version wrote.
TEST_F(UpgradeTest, WhatHangsOffAnOldDeviceIsThereAndGoesWithIt) {
  OpenStore store(path(), surroundings);
  const std::map<const char*, int64_t> before{
      {"device_keys", 9},     {"one_time_keys", 2},  {"fallback_keys", 1},      {"pushers", 1},
      {"to_device_inbox", 1}, {"user_threepids", 2}, {"device_list_changes", 2}};
  for (const auto& [table, rows] : before) {
    EXPECT_EQ(number(std::string("SELECT count(*) FROM ") + table), rows) << table;
  }
  EXPECT_EQ(store.remove(kAlice, {"PHONE", "TABLET"}).status, MXD_OK);
  for (const char* table : {"one_time_keys", "fallback_keys", "pushers", "to_device_inbox"}) {
    EXPECT_EQ(number(std::string("SELECT count(*) FROM ") + table), 0) << table;
  }
  EXPECT_EQ(store.authenticate(kPhoneAccess).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.refresh(kTabletRefresh).status, MXD_UNKNOWN_TOKEN);
}

}  // namespace
}  // namespace mxd::test
