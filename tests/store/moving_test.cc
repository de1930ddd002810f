// Export and import, within an engine; from one to another: postgres/moving_test.cc.
#include "tests/store/moving.h"

#include <algorithm>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

class MovingTest : public StoreTest {
 protected:
  MovingTest() : store(url(), surroundings), filled(fill(store, database)) {}

  // Everything that is in the first database.
  Records all() {
    Records records;
    const Result result = export_records(library(), url(), records);
    EXPECT_EQ(result.status, MXD_OK) << result.error;
    EXPECT_EQ(result.error, "");
    return records;
  }

  static int64_t count(const Records& records, std::string_view type) {
    const std::string member = "\"type\":\"" + std::string(type) + "\"";
    return std::count_if(records.begin(), records.end(), [&](const std::string& record) {
      return record.find(member) != std::string::npos;
    });
  }

  Database other{folder.path(), "other"};
  OpenStore store;
  Filled filled;
};

TEST_F(MovingTest, EveryRowIsInARecord) {
  const Records records = all();
  EXPECT_EQ(count(records, "database"), 1);
  EXPECT_EQ(count(records, "account"), rows("accounts"));
  EXPECT_EQ(count(records, "device"), rows("devices"));
  EXPECT_EQ(count(records, "message"), rows("to_device_inbox"));
  EXPECT_EQ(count(records, "end"), 1);
  EXPECT_GT(rows("to_device_inbox"), 20);
  for (const char* table :
       {"user_threepids", "token_pairs", "access_tokens", "refresh_tokens", "token_families",
        "old_tokens", "device_keys", "one_time_keys", "fallback_keys", "device_list_changes"}) {
    EXPECT_GT(rows(table), 0) << table << ": there is nothing to move";
  }
  for (const std::string& record : records)
    EXPECT_EQ(record.find('\n'), std::string::npos);
}

TEST_F(MovingTest, WhatIsImportedIsTheSame) {
  const Records records = all();
  const Result imported = import_records(library(), other.url(), records);
  ASSERT_EQ(imported.status, MXD_OK) << imported.error;
  Records again;
  ASSERT_EQ(export_records(library(), other.url(), again).status, MXD_OK);
  EXPECT_EQ(again, records);

  OpenStore moved(other.url(), surroundings, "");
  ASSERT_EQ(moved.status(), MXD_OK) << moved.error();
  EXPECT_EQ(moved.authenticate(filled.laptop.access_token).principals.at(0).device_id, "LAPTOP");
  EXPECT_EQ(moved.authenticate(filled.guest.access_token).principals.at(0).flags,
            MXD_PRINCIPAL_GUEST);
  EXPECT_EQ(moved.authenticate(filled.phone_before.access_token).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(moved.check_password("zoe", "the password of zoe").status, MXD_OK);
  EXPECT_EQ(moved.login("bob", "X").status, MXD_USER_LOCKED);
  EXPECT_EQ(moved.login("dave", "X").status, MXD_FORBIDDEN);
  const Tokens next = moved.refresh(filled.phone.refresh_token);
  EXPECT_EQ(next.status, MXD_OK) << next.error;
  EXPECT_EQ(next.access_token.substr(0, 14), filled.phone.access_token.substr(0, 14))
      << "the accounts have the numbers that they had";
  EXPECT_EQ(moved.login("zoe", "NEW", MXD_STORE_LOGIN_REFRESHABLE).status, MXD_OK);
}

TEST_F(MovingTest, NumbersGoOnWhereTheyWere) {
  execute("DELETE FROM to_device_inbox");
  ASSERT_EQ(import_records(library(), other.url(), all()).status, MXD_OK);
  for (Database* const in : {&database, &other}) {
    in->add_for_devices("to_device_inbox", "message_json", "'{}'");
  }
  EXPECT_EQ(other.number("SELECT min(stream) FROM to_device_inbox"),
            number("SELECT min(stream) FROM to_device_inbox"));
}

TEST_F(MovingTest, ExportIsOfOneMoment) {
  struct Writing {
    OpenStore& store;
    Records records;
  } writing{store, {}};
  const std::string from = url();
  mxd_store_options options{};
  options.size = sizeof options;
  options.url = view(from);
  mxd_store_export to{};
  to.size = sizeof to;
  to.take = [](mxd_cookie cookie, mxd_view record) MXD_NOEXCEPT -> int32_t {
    Writing& at = *reinterpret_cast<Writing*>(cookie);
    if (at.records.empty()) at.store.add_user("zz_late");
    at.records.emplace_back(record.data, record.size);
    return MXD_OK;
  };
  to.cookie = reinterpret_cast<mxd_cookie>(&writing);
  const Records before = all();
  ASSERT_EQ(library().export_records(&options, &to, nullptr, 0), MXD_OK);
  EXPECT_EQ(writing.records, before);
  EXPECT_EQ(all().size(), before.size() + 1);
}

TEST_F(MovingTest, TakerEndsAnExport) {
  const std::string from = url();
  mxd_store_options options{};
  options.size = sizeof options;
  options.url = view(from);
  mxd_store_export to{};
  to.size = sizeof to;
  to.take = [](mxd_cookie, mxd_view) MXD_NOEXCEPT -> int32_t { return MXD_CANCELLED; };
  EXPECT_EQ(library().export_records(&options, &to, nullptr, 0), MXD_CANCELLED);
}

TEST_F(MovingTest, DatabaseThatIsThereIsLeftAsItIs) {
  const Records records = all();
  const Result imported = import_records(library(), url(), records);
  EXPECT_EQ(imported.status, MXD_BUSY);
  EXPECT_NE(imported.error, "");
  EXPECT_EQ(all(), records);
}

TEST_F(MovingTest, WhatIsNoWholeExportMakesNoDatabase) {
  const Records records = all();
  Records without_end = records;
  without_end.pop_back();
  Records without_one = records;
  without_one.erase(without_one.begin() + 2);
  Records without_database(records.begin() + 1, records.end());
  Records twice = records;
  twice.insert(twice.begin() + 1, records.front());
  Records more = records;
  more.push_back(records[1]);
  Records no_json = records;
  no_json[1] = "{";
  Records other_type = records;
  other_type[1] = R"({"type":"nothing"})";
  Records newer = records;
  newer[0].replace(newer[0].find("\"format\":1"), 10, "\"format\":2");
  int number = 0;
  for (const Records& broken : {without_end, without_one, without_database, twice, more, no_json,
                                other_type, newer, Records()}) {
    Database into{folder.path(), "broken" + std::to_string(number++)};
    const Result imported = import_records(library(), into.url(), broken);
    EXPECT_EQ(imported.status, MXD_INVALID_ARGUMENT) << number;
    EXPECT_NE(imported.error, "") << number;
    Records none;
    EXPECT_EQ(export_records(library(), into.url(), none).status, MXD_INVALID_ARGUMENT) << number;
    EXPECT_EQ(none, Records()) << number;
    OpenStore opened(into.url(), surroundings, "");
    EXPECT_NE(opened.status(), MXD_OK) << number;
    EXPECT_NE(opened.error(), "") << number;
  }
}

TEST_F(MovingTest, ServerNameIsCompared) {
  Records records;
  EXPECT_EQ(export_records(library(), url(), records, "other.example").status,
            MXD_INVALID_ARGUMENT);
  EXPECT_EQ(records, Records());
  EXPECT_EQ(export_records(library(), url(), records, "example.org").status, MXD_OK);
  EXPECT_EQ(import_records(library(), other.url(), records, "other.example").status,
            MXD_INVALID_ARGUMENT);
  EXPECT_EQ(import_records(library(), other.url(), records, "example.org").status, MXD_OK);
}

}  // namespace
}  // namespace mxd::test
