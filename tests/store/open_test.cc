// Opening: whose file it is, and which schema it has.
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Transaction.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

using OpenTest = StoreTest;

TEST_F(OpenTest, NewFileIsMadeForItsOwnerOnlyAndKeepsItsServerName) {
  {
    OpenStore store(path(), surroundings);
    ASSERT_EQ(store.status(), MXD_OK) << store.error();
    EXPECT_EQ(store.error(), "");
  }
  struct stat found;
  ASSERT_EQ(::stat(path().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  OpenStore again(path(), surroundings, "");
  ASSERT_EQ(again.status(), MXD_OK) << again.error();
  const mxd_view name = library().server_name(again.get());
  EXPECT_EQ(std::string(name.data, name.size), "example.org");
}

TEST_F(OpenTest, WriteAheadLogIsUsed) {
  OpenStore store(path(), surroundings);
  SQLite::Database database(path(), SQLite::OPEN_READONLY);
  EXPECT_EQ(database.execAndGet("PRAGMA journal_mode").getString(), "wal");
}

TEST_F(OpenTest, FilledTableHasWhatTheStoreAnswers) {
  OpenStore store(path(), surroundings);
  const mxd_host& host = store.host();
  EXPECT_EQ(host.size, sizeof(mxd_host));
  EXPECT_EQ(host.caps, 0u);
  EXPECT_EQ(host.cookie, reinterpret_cast<mxd_cookie>(store.get()));
  EXPECT_NE(host.put_device, nullptr);
  EXPECT_NE(host.mark_validated, nullptr);
  EXPECT_EQ(host.respond, nullptr);
  EXPECT_EQ(host.take_limit, nullptr);
  EXPECT_EQ(host.random_bytes, nullptr);
  ASSERT_NE(host.now_ms, nullptr);
  surroundings.now_ms = 42;
  EXPECT_EQ(host.now_ms(host.cookie), 42);
  ASSERT_NE(host.log, nullptr);
  host.log(host.cookie, 0, MXD_LOG_ERROR, view("a line of the module's"));
  EXPECT_EQ(surroundings.whole_log(), "a line of the module's\n");
}

TEST_F(OpenTest, OneStoreAnswersOneModule) {
  OpenStore store(path(), surroundings);
  const mxd_module another = fake_module();
  mxd_host host{};
  host.size = sizeof host;
  char error[256];
  EXPECT_EQ(library().fill_host(store.get(), &another, &host, error, sizeof error), MXD_BUSY);
  EXPECT_NE(std::string(error).find("another module"), std::string::npos) << error;
  EXPECT_EQ(host.authenticate, nullptr);
  EXPECT_EQ(library().fill_host(store.get(), &fake_module(), &host, error, sizeof error), MXD_OK);
}

TEST_F(OpenTest, UrlOfTheSchemeSqliteNamesAFile) {
  OpenStore store("sqlite:" + path(), surroundings);
  ASSERT_EQ(store.status(), MXD_OK) << store.error();
  EXPECT_EQ(OpenStore(path(), surroundings, "").status(), MXD_OK) << "the same file";
  EXPECT_EQ(OpenStore("SQLite:" + path(), surroundings, "").status(), MXD_OK);
}

TEST_F(OpenTest, OtherSchemesAreRefusedByName) {
  for (const std::string& scheme :
       {std::string("postgresql"), std::string("postgres"), std::string("file"),
        std::string("sqlite3"), std::string("a")}) {
    const OpenStore store(scheme + "://user:secret@example.org/x", surroundings);
    EXPECT_EQ(store.status(), MXD_INVALID_ARGUMENT) << scheme;
    EXPECT_NE(store.error().find(" " + scheme + ": "), std::string::npos) << store.error();
    EXPECT_NE(store.error().find("sqlite:PATH"), std::string::npos) << store.error();
    EXPECT_EQ(store.error().find("secret"), std::string::npos) << store.error();
  }
}

TEST_F(OpenTest, FileWithAColonInItsNameIsNamedByItsPath) {
  const std::string name = path("a:b.db");
  OpenStore store(name, surroundings);
  ASSERT_EQ(store.status(), MXD_OK) << store.error();
  struct stat found;
  EXPECT_EQ(::stat(name.c_str(), &found), 0);
  EXPECT_EQ(OpenStore("sqlite:" + name, surroundings, "").status(), MXD_OK);
}

TEST_F(OpenTest, NewFileWithoutAServerNameIsRefusedAndNotMade) {
  OpenStore store(path(), surroundings, "");
  EXPECT_EQ(store.status(), MXD_INVALID_ARGUMENT);
  EXPECT_NE(store.error().find("give a server name"), std::string::npos) << store.error();
  struct stat found;
  EXPECT_NE(::stat(path().c_str(), &found), 0);
}

TEST_F(OpenTest, EmptyFileWithoutAServerNameIsRefused) {
  std::ofstream(path()).close();
  EXPECT_EQ(OpenStore(path(), surroundings, "").status(), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(OpenStore(path(), surroundings).status(), MXD_OK);
}

TEST_F(OpenTest, FileOfAnotherServerIsRefused) {
  OpenStore(path(), surroundings).close();
  OpenStore store(path(), surroundings, "example.com");
  EXPECT_EQ(store.status(), MXD_INVALID_ARGUMENT);
  EXPECT_NE(store.error().find("example.org"), std::string::npos) << store.error();
}

TEST_F(OpenTest, WhatIsNotADatabaseIsRefused) {
  std::ofstream(path()) << "server_name: example.org\n";
  OpenStore store(path(), surroundings);
  EXPECT_EQ(store.status(), MXD_INVALID_ARGUMENT);
  EXPECT_NE(store.error().find("not a SQLite database"), std::string::npos) << store.error();
}

TEST_F(OpenTest, DatabaseOfAnotherApplicationIsRefusedAndNotTouched) {
  {
    SQLite::Database database(path(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec("CREATE TABLE users (name TEXT)");
  }
  OpenStore store(path(), surroundings);
  EXPECT_EQ(store.status(), MXD_INVALID_ARGUMENT);
  EXPECT_NE(store.error().find("another application"), std::string::npos) << store.error();
  SQLite::Database database(path(), SQLite::OPEN_READONLY);
  EXPECT_EQ(database.execAndGet("PRAGMA journal_mode").getString(), "delete");
  EXPECT_EQ(database.execAndGet("SELECT count(*) FROM sqlite_schema").getInt(), 1);
}

TEST_F(OpenTest, NewerSchemaIsRefused) {
  OpenStore(path(), surroundings).close();
  execute("PRAGMA user_version = 999");
  OpenStore store(path(), surroundings);
  EXPECT_EQ(store.status(), MXD_INVALID_ARGUMENT);
  EXPECT_NE(store.error().find("newer version (schema 999"), std::string::npos) << store.error();
}

TEST_F(OpenTest, UnusablePathsAreRefused) {
  EXPECT_EQ(OpenStore(path("no/such/directory.db"), surroundings).status(), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(OpenStore(path(""), surroundings).status(), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(OpenStore("", surroundings).status(), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(OpenStore("sqlite:", surroundings).status(), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(OpenStore(path("a") + std::string(1, '\0'), surroundings).status(),
            MXD_INVALID_ARGUMENT);
}

// T10
TEST_F(OpenTest, ServerNameOfANewDatabaseIsOfTheSpecificationsGrammar) {
  const std::string longest = std::string(222, 'a') + ".example";
  int made = 0;
  for (const std::string& name :
       {std::string("example.org"), std::string("EXAMPLE.org:8448"), std::string("localhost:1"),
        std::string("1.2.3.4"), std::string("1.2.3.4:12345"), std::string("[::1]"),
        std::string("[1234:5678::abcd]:5678"), std::string("my-host"), longest}) {
    const OpenStore store(path(std::to_string(++made)), surroundings, name);
    EXPECT_EQ(store.status(), MXD_OK) << name << ": " << store.error();
  }
  for (const std::string& name :
       {std::string("@alice"), std::string("exa_mple.org"), std::string("exa mple.org"),
        std::string("example.org:"), std::string("example.org:123456"), std::string(":8448"),
        std::string("example.org:80a"), std::string("example.org:80:80"), std::string("::1"),
        std::string("[::1"), std::string("[::1]x"), std::string("[:]"), std::string("[::g]"),
        std::string("[]"),
        std::string("b\xc3\xbc"
                    "cher.example"),
        std::string("a/b"), std::string("example.org\0", 12), "a" + longest}) {
    const OpenStore store(path("refused"), surroundings, name);
    EXPECT_EQ(store.status(), MXD_INVALID_ARGUMENT) << name;
    EXPECT_NE(store.error().find("server name"), std::string::npos) << store.error();
  }
}

TEST_F(OpenTest, ManyMayOpenANewFileAtOnce) {
  constexpr int kOpeners = 8;
  std::vector<std::thread> openers;
  std::vector<int32_t> statuses(kOpeners, INT32_MIN);
  for (int i = 0; i < kOpeners; ++i) {
    openers.emplace_back([&, i] {
      const OpenStore store(path(), surroundings);
      statuses[static_cast<size_t>(i)] = store.status();
    });
  }
  for (std::thread& opener : openers)
    opener.join();
  EXPECT_EQ(statuses, std::vector<int32_t>(kOpeners, MXD_OK));
  EXPECT_EQ(number("SELECT count(*) FROM store"), 1);
}

TEST_F(OpenTest, DatabaseLockedByAnotherIsUnavailable) {
  SQLite::Database other(path(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  SQLite::Transaction transaction(other, SQLite::TransactionBehavior::EXCLUSIVE);
  OpenStore store(path(), surroundings);
  EXPECT_EQ(store.status(), MXD_UNAVAILABLE);
  EXPECT_NE(store.error().find("locked"), std::string::npos) << store.error();
}

}  // namespace
}  // namespace mxd::test
