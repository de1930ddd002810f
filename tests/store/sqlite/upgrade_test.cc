// A database that an older version made is opened by this one, and all in it is as it was.
#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>

#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <map>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

constexpr const char* kAlice = "@alice:example.org";
constexpr const char* kPassword = "correct horse battery staple";

// What an older version made: its file, and the tokens whose digests are in it.
struct OldFile {
  const char* sql;
  int schema;
  int tables;
  int64_t made_ms;  // its last row; LAPTOP was seen and validated then, from this address
  const char* seen_ip;
  int32_t of_replaced;  // what is said of tokens that were replaced
  const char* guest;
  const char* bridged;

  const char* phone_access;
  const char* phone_refresh;
  const char* phone_new_access;
  const char* phone_new_refresh;
  const char* laptop_access;
  const char* tablet_replaced_access;
  const char* tablet_replaced_refresh;
  const char* tablet_access;
  const char* tablet_refresh;
  const char* oauth_access;
  const char* expired_access;
  const char* locked_access;
  const char* suspended_access;
  const char* deactivated_access;
  const char* guest_access;
  const char* sessions[2];

  // Until then the state of a session was in columns.
  bool keeps_sessions() const { return schema >= 3; }
};

void PrintTo(const OldFile& file, std::ostream* out) {
  *out << file.sql;
}

constexpr OldFile kSchema1 = {"schema1.sql",
                              1,
                              16,
                              1'795'780'449'550,
                              "127.0.0.1",
                              MXD_UNKNOWN_TOKEN,
                              "@guest-tfqnokrfcdxmwfop:example.org",
                              "@_irc_erin:example.org",
                              "mxt_g67B6lSozULCzZGo6JxQjGM-Qi_5bKwMB2VW0FBlNR0",
                              "mxr_tkv8Wi_n0Dv__iknZU66mZdWCyvzyy0detKnxHnq6e4",
                              "mxt__A7mU9C3PuaN5Ft6rB3p-AIQ7VDM8656RRihALAMWL4",
                              "mxr_RYTmH2reaENSAuuXNqSULU78TZQIPe_aZxmeRHrSoCU",
                              "mxt_ww46TW3_0WlywrQNi2AF3De8obRQI1yDb4MQsEmusUk",
                              "mxt_yvwGS-eGS_05RhQ-9e4xFjSmPkapI7Ik_LEceOArTp8",
                              "mxr_IMg0-EgNJ5t3-DMCKmIayWUpZD3qm-GFvJhatYd0WfQ",
                              "mxt_368FTyVYkEACyIKYifCqMJ7Ur0WTOPoKpwddSjM9tD8",
                              "mxr_oAuRReeZBL6nvC37Ey9Y4rqjEQUkJKJ6K9aOtKlMt9M",
                              "mxt_gZ7ORjLCAiOe9cL_pt3VohossObdmS4HMyRjKeiTnsk",
                              "mxt_sgqrfx9Nmu6G1PLUtNJabf2rK1EoLplCga8PjwqJYCM",
                              "mxt_vvLjyi1ktN6mYb46TKlCv9RLIyZ8Wqw_z6_hlDxrLV4",
                              "mxt_bt5Dt37UIHCPPI0QIVVptK5rMRKZ7faFhsgcevKu3cw",
                              "mxt_qbk_WASc03hg90lPjSCR12i3MHbacKYdCDnng2DF07c",
                              "mxt_L54tAy855YlIGai3vCksfYqdeRi87oI5l4fvFDUE-xQ",
                              {"F1abbgLJGa6bmF28NPgKcThG", "eAf_WzJe3eRFv4aVjv8sJl31"}};

constexpr OldFile kSchema2 = {"schema2.sql",
                              2,
                              18,
                              1'795'880'001'000,
                              "192.0.2.7",
                              MXD_TOKEN_EXPIRED,
                              "@guest-ifdaqufpkcqksgwa:example.org",
                              "@_irc_Erin:example.org",
                              "mxt_91nRbMhiv-uO4HBU_5CeOQntuMBJz2N_QBDmqJS-28uVbofOFrxQtQPvIg",
                              "mxr_91nRbMhiv-uOb4D-LSshyJJf36unNyVz622zo0HsKhQDcAsOt4WoRh4lpw",
                              "mxt_91nRbMhiv-uOQAtupbK-N8VhKJUS8oOBZK7FxL2wHRHXMubYCaX6xSaY2g",
                              "mxr_91nRbMhiv-uOANCfkBv2ixo51_rd32xP1kq1TFTXjFLJHA4Pe56KotEU8w",
                              "mxt_A85mwtfkKgTl47mtimLrjR6i9Pebz-1w_r_1erjhfKw",
                              "mxt_jtYZF7aPAkU67SJTL_JHdgN5-7u9ieJZSHIUNiHJxQ6P6gYR6gi1cL10FA",
                              "mxr_jtYZF7aPAkU66tq81dAAFAnl8KbaMc_VwWHff-KV0dWRbymHHC1OHs15YA",
                              "mxt_jtYZF7aPAkU6OzjTMnso99WAq0_Sz3qJKK-NjUXLhhh_6OI_uLgUpLBrHA",
                              "mxr_jtYZF7aPAkU6wVmZzWX5ndHm9a6HB1bFifAafu7-NZAGXd5f_7Y5Ej3fCw",
                              "mxt_RKzxrPf9vNrPmjvi_VRq_rPfz2b87z8I0uQSmFJS2iU",
                              "mxt_oRwVB42orNTyFdL0iwiWTwQPialKRyK7keO8-aasKnTE6KdcziJ1LNFWFg",
                              "mxt__P8spmyWfFV4s9FovkLi4N9wgHVUN9jTiM3JU7QLNuY",
                              "mxt_FhKXJWLciuQZ22dAwI4qntDOwPKZwihGbfayu20cn44",
                              "mxt_BlgurUL1NY5tSMTTm9sZojpSvxlOg0HOsj1G7Rt7b0I",
                              "mxt_z8Bz7AurNXZK30tNrk3mCoqkr6mkt3Kp8IxhVAbytrk",
                              {"XdZUqn4RxaCtDRYfH-e4IYy2", "_NLeRo9blTw1V8zhfCcp-E83"}};

constexpr OldFile kSchema3 = {"schema3.sql",
                              3,
                              17,
                              1'796'000'001'000,
                              "192.0.2.7",
                              MXD_TOKEN_EXPIRED,
                              "@guest-biouixcbnmxedjzw:example.org",
                              "@_irc_Erin:example.org",
                              "mxt_sArMoEp3zVluR67t4zxINTMB4PlmndfghL3otPUxVpvZt0QZwkstZiSlCw",
                              "mxr_sArMoEp3zVluEPTa-OOaJ2f4285n0Sm9YdDAHcaOgIvx_YG7AXHzq0Tfzg",
                              "mxt_sArMoEp3zVlu8_P79uEswA43BBGlwybiQP7zFdGpN2TzqXV9a7r0p5Cnkw",
                              "mxr_sArMoEp3zVluJwlaXL05BBZo9qzVL_WDSz_XNSs67LBbFsoYMR4u91IUHA",
                              "mxt_khhqqCg6LJB5IeCEn2QSulQmMri4OI9pcNyLFfN3mPI",
                              "mxt_oxbD7xJAaXJRebUowWh5Ugxly7XsxA36U6c7lneXsiJrpXKrCRs3mMB2hw",
                              "mxr_oxbD7xJAaXJR1TkbQDgvmYd8-IYTfl-u--NBWuSpuadKdY-ycSRE8liGKw",
                              "mxt_oxbD7xJAaXJROAxq3lI73PjerZhTwvKDOwC7hhuFP7v7iz3KPjA9_gG5Ig",
                              "mxr_oxbD7xJAaXJR4dP4__KdWR_Xyj-7aIBaZmfZTI1qoZjKX_PmipvdBDkgTg",
                              "mxt_jng1oN-vi5q7hZXy2L5XXYjlE-ad2UzNvks-rzqg0Ns",
                              "mxt_KbVvfIQJwjdGowtm0ISXtJHWvfE89ifoxsveORqBwghFnK8_hx-HoUyT5Q",
                              "mxt_BIzj-SnrfXLbOY4fA3FnOD3ZPPaSYbHLplZkVuLiJm4",
                              "mxt_pTRnrbNKBKV94eQMgWkuIu9iLbPqQDQckATwETRVO1Y",
                              "mxt_YSjrlpbBLU7GVHJurygwWdS-IfQ6lRFrtXWpGV_Cl-s",
                              "mxt_fG5XxdyBZMzV9LtVU4hpnjazcwYyI12mAP_qmy3imbw",
                              {"XdZUqn4RxaCtDRYfH-e4IYy3", "_NLeRo9blTw1V8zhfCcp-E84"}};

constexpr OldFile kSchema4 = [] {
  OldFile file = kSchema3;
  file.sql = "schema4.sql";
  file.schema = 4;
  return file;
}();

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

// Every row of every table but those of sessions, in the columns that `like` has, but for the
// number of an access token, which nothing referred to.
std::map<std::string, std::vector<std::string>> rows_of(const std::string& path,
                                                        const std::string& like) {
  SQLite::Database database(path, SQLite::OPEN_READONLY);
  SQLite::Database old(like, SQLite::OPEN_READONLY);
  std::map<std::string, std::vector<std::string>> rows;
  SQLite::Statement tables(old,
                           "SELECT name FROM sqlite_schema WHERE type = 'table'"
                           " AND name NOT LIKE 'uia_%' AND name <> 'sqlite_sequence'");
  while (tables.executeStep()) {
    const std::string table = tables.getColumn(0).getString();
    std::string row;
    SQLite::Statement columns(
        old, "SELECT name FROM pragma_table_info('" + table + "') WHERE name <> 'access_token'");
    while (columns.executeStep()) {
      row +=
          (row.empty() ? "quote(" : " || ' ' || quote(") + columns.getColumn(0).getString() + ")";
    }
    SQLite::Statement read(database, "SELECT " + row + " FROM " + table + " ORDER BY 1");
    while (read.executeStep())
      rows[table].push_back(read.getColumn(0).getString());
  }
  return rows;
}

class UpgradeTest : public StoreTest, public testing::WithParamInterface<OldFile> {
 protected:
  UpgradeTest() : old(GetParam()) {
    make_old_file("store.db");
    surroundings.now_ms = old.made_ms + 100;
  }

  void make_old_file(std::string_view name) {
    std::ifstream file(std::string(MXD_STORE_TEST_DATA "/") + old.sql);
    const std::string sql(std::istreambuf_iterator<char>(file), {});
    ASSERT_NE(sql, "") << old.sql << " can't be read";
    SQLite::Database made(path(name), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    made.exec(sql);
  }

  const OldFile& old;
};

INSTANTIATE_TEST_SUITE_P(Of, UpgradeTest, testing::Values(kSchema1, kSchema2, kSchema3, kSchema4),
                         [](const auto& of) { return "Schema" + std::to_string(of.param.schema); });

TEST_P(UpgradeTest, OldFileHasARowInEveryTable) {
  SQLite::Database made(path(), SQLite::OPEN_READONLY);
  SQLite::Statement tables(made, "SELECT name FROM sqlite_schema WHERE type = 'table'");
  int count = 0;
  while (tables.executeStep()) {
    const std::string name = tables.getColumn(0).getString();
    EXPECT_GT(made.execAndGet("SELECT count(*) FROM " + name).getInt(), 0) << name;
    ++count;
  }
  EXPECT_EQ(count, old.tables);
  EXPECT_EQ(made.execAndGet("PRAGMA user_version").getInt(), old.schema);
}

TEST_P(UpgradeTest, EveryRowButOldSessionsIsKept) {
  make_old_file("old.db");
  OpenStore(path(), surroundings).close();
  const auto before = rows_of(path("old.db"), path("old.db"));
  const auto after = rows_of(path(), path("old.db"));
  EXPECT_EQ(before.size(), static_cast<size_t>(old.tables) - (old.keeps_sessions() ? 2 : 3));
  for (const auto& [table, rows] : before)
    EXPECT_EQ(after.at(table), rows) << table;
  EXPECT_EQ(number("SELECT count(*) FROM uia_sessions"), old.keeps_sessions() ? 2 : 0);
}

TEST_P(UpgradeTest, OldTokensWork) {
  OpenStore store(path(), surroundings, "");
  ASSERT_EQ(store.status(), MXD_OK) << store.error();
  const Answer laptop = store.authenticate(old.laptop_access);
  ASSERT_EQ(laptop.status, MXD_OK);
  EXPECT_EQ(laptop.principals.at(0).user_id, kAlice);
  EXPECT_EQ(laptop.principals.at(0).device_id, "LAPTOP");
  EXPECT_EQ(laptop.principals.at(0).flags, MXD_PRINCIPAL_HAS_VALIDATED_MS);
  EXPECT_EQ(laptop.principals.at(0).validated_ms, old.made_ms);
  EXPECT_EQ(store.authenticate(old.oauth_access).principals.at(0).flags, MXD_PRINCIPAL_OAUTH);
  EXPECT_EQ(store.authenticate(old.guest_access).principals.at(0).flags, MXD_PRINCIPAL_GUEST);
  EXPECT_EQ(store.authenticate(old.suspended_access).status, MXD_OK);
  EXPECT_EQ(store.authenticate(old.locked_access).status, MXD_USER_LOCKED);
  EXPECT_EQ(store.authenticate(old.expired_access).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(store.authenticate(old.tablet_access).status, MXD_OK);
  EXPECT_EQ(store.authenticate(old.deactivated_access).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.authenticate(old.tablet_replaced_access).status, old.of_replaced);
}

TEST_P(UpgradeTest, OldTokensAreRefreshed) {
  OpenStore store(path(), surroundings);
  // The phone had refreshed, and not used what it got.
  EXPECT_EQ(store.authenticate(old.phone_access).status, MXD_OK);
  EXPECT_EQ(store.authenticate(old.phone_new_access).status, MXD_OK);
  EXPECT_EQ(store.authenticate(old.phone_access).status,
            MXD_TOKEN_EXPIRED);  // T2: also of old ones
  EXPECT_EQ(store.refresh(old.phone_refresh).status, MXD_TOKEN_EXPIRED);
  const Tokens phone = store.refresh(old.phone_new_refresh);
  ASSERT_EQ(phone.status, MXD_OK) << phone.error;
  EXPECT_EQ(phone.device_id, "PHONE");
  EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_OK);
  const Tokens tablet = store.refresh(old.tablet_refresh);
  ASSERT_EQ(tablet.status, MXD_OK) << tablet.error;
  EXPECT_EQ(store.authenticate(tablet.access_token).principals.at(0).device_id, "TABLET");
  EXPECT_GT(tablet.access_token.size(), std::string_view(old.tablet_access).size())
      << "they name their account from here on";
  EXPECT_EQ(store.authenticate(old.tablet_access).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(store.refresh(old.tablet_replaced_refresh).status, old.of_replaced);
}

TEST_P(UpgradeTest, OldPasswordsAreTaken) {
  OpenStore store(path(), surroundings);
  const auto check = [&](std::string_view name, std::string_view password) {
    return store.check_password(name, password).status;
  };
  EXPECT_EQ(check("alice", kPassword), MXD_OK);
  EXPECT_EQ(check("alice", "incorrect horse"), MXD_FORBIDDEN);
  EXPECT_EQ(check("carol", "password of carol"), MXD_OK);
  EXPECT_EQ(check("dave", "password of dave"), MXD_FORBIDDEN) << "deactivated";
  mxd_uia_attempt attempt = attempt_of("", kPassword);
  attempt.flags = MXD_ATTEMPT_HAS_THIRDPARTY | MXD_ATTEMPT_HAS_PASSWORD;
  attempt.medium = view("email");
  attempt.address = view("alice@example.com");
  EXPECT_EQ(store.check(attempt).identity, kAlice);
}

TEST_P(UpgradeTest, OldAccountsAndDevicesReadAsTheyWere) {
  OpenStore store(path(), surroundings);
  std::map<std::string, uint32_t> accounts;
  mxd_store_account_query query{};
  query.size = sizeof query;
  ASSERT_EQ(library().list_accounts(
                store.get(), &query,
                [](mxd_cookie cookie, const mxd_store_account* account) noexcept -> int32_t {
                  (*reinterpret_cast<std::map<std::string, uint32_t>*>(
                      cookie))[{account->user_id.data, account->user_id.size}] = account->flags;
                  return MXD_OK;
                },
                reinterpret_cast<mxd_cookie>(&accounts), nullptr, 0),
            MXD_OK);
  EXPECT_EQ(
      accounts,
      (std::map<std::string, uint32_t>{
          {old.bridged, MXD_STORE_ACCOUNT_APPSERVICE},
          {kAlice, MXD_STORE_ACCOUNT_HAS_PASSWORD},
          {"@bob:example.org", MXD_STORE_ACCOUNT_LOCKED | MXD_STORE_ACCOUNT_HAS_PASSWORD},
          {"@carol:example.org", MXD_STORE_ACCOUNT_SUSPENDED | MXD_STORE_ACCOUNT_HAS_PASSWORD},
          {"@dave:example.org", MXD_STORE_ACCOUNT_DEACTIVATED},
          {old.guest, MXD_STORE_ACCOUNT_GUEST},
          {"@irc_bot:example.org", MXD_STORE_ACCOUNT_APPSERVICE}}));
  EXPECT_EQ(device_ids(store.list(kAlice)),
            (std::vector<std::string>{"EXPIRED", "LAPTOP", "OAUTH", "PHONE", "TABLET"}));
  const Device laptop = store.get(kAlice, "LAPTOP").devices.at(0);
  EXPECT_EQ(laptop.display_name, "Laptop");
  EXPECT_EQ(laptop.last_seen_ip, old.seen_ip);
  EXPECT_EQ(laptop.last_seen_ts_ms, old.made_ms);
  EXPECT_EQ(store.get(kAlice, "PHONE").devices.at(0).last_seen_ts_ms, std::nullopt);
  EXPECT_EQ(device_ids(store.list(old.bridged)), std::vector<std::string>{"BRIDGE"});
}

// What is not kept is asked for again: U9.
TEST_P(UpgradeTest, OldSessionsAreUnknownOrAsTheyWereAndNewOnesAreKept) {
  OpenStore store(path(), surroundings);
  for (const char* id : old.sessions)
    EXPECT_EQ(store.load_session(id).status, old.keeps_sessions() ? MXD_OK : MXD_NOT_FOUND);
  ASSERT_EQ(store.create_session(session_of("id", surroundings.now_ms + 1000)).status, MXD_OK);
  EXPECT_EQ(store.load_session("id").status, MXD_OK);
}

TEST_P(UpgradeTest, UpgradedFileHasTheSchemaOfANewOne) {
  OpenStore(path(), surroundings).close();
  OpenStore(path("new.db"), surroundings).close();
  EXPECT_EQ(dump(path()), dump(path("new.db")));
}

TEST_P(UpgradeTest, UpgradeThatFailsInTheMiddleLeavesTheOldFile) {
  // The last statement of the migrations fails on this, after all others have run.
  execute("CREATE INDEX access_tokens_paired ON store (server_name)");
  const std::string before = dump(path());
  {
    const OpenStore store(path(), surroundings);
    EXPECT_NE(store.status(), MXD_OK);
    EXPECT_NE(store.error(), "");
  }
  EXPECT_EQ(dump(path()), before);
  execute("DROP INDEX access_tokens_paired");
  EXPECT_EQ(OpenStore(path(), surroundings).status(), MXD_OK);
}

TEST_P(UpgradeTest, ManyProcessesMayUpgradeAtOnce) {
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
  EXPECT_EQ(number("PRAGMA user_version"), 5);
  OpenStore store(path(), surroundings);
  EXPECT_EQ(store.authenticate(old.laptop_access).status, MXD_OK);
}

// D12: also what an older version wrote.
TEST_P(UpgradeTest, WhatHangsOffAnOldDeviceIsThereAndGoesWithIt) {
  OpenStore store(path(), surroundings);
  const auto rows = [&](const std::string& table) {
    return number("SELECT count(*) FROM " + table +
                  " JOIN devices USING (device)"
                  " WHERE device_id IN ('PHONE', 'TABLET')");
  };
  const char* const tables[] = {"device_keys", "one_time_keys", "fallback_keys", "pushers",
                                "to_device_inbox"};
  for (const char* table : tables)
    EXPECT_GT(rows(table), 0) << table;
  EXPECT_EQ(store.remove(kAlice, {"PHONE", "TABLET"}).status, MXD_OK);
  for (const char* table : tables) {
    EXPECT_EQ(number(std::string("SELECT count(*) FROM ") + table +
                     " WHERE device NOT IN (SELECT device FROM devices)"),
              0)
        << table;
  }
  EXPECT_EQ(store.authenticate(old.phone_access).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.refresh(old.tablet_refresh).status, MXD_UNKNOWN_TOKEN);
}

}  // namespace
}  // namespace mxd::test
