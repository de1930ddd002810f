// Which file is opened, whose it is, and which schema it has.
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Transaction.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

using FileTest = StoreTest;

TEST_F(FileTest, IsMadeForItsOwnerOnly) {
  const OpenStore store(path(), surroundings);
  ASSERT_EQ(store.status(), MXD_OK) << store.error();
  struct stat found;
  ASSERT_EQ(::stat(path().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

TEST_F(FileTest, IsNotMadeWithoutAServerName) {
  const OpenStore store(path(), surroundings, "");
  EXPECT_EQ(store.status(), MXD_INVALID_ARGUMENT);
  struct stat found;
  EXPECT_NE(::stat(path().c_str(), &found), 0);
}

TEST_F(FileTest, WriteAheadLogIsUsed) {
  OpenStore store(path(), surroundings);
  SQLite::Database file(path(), SQLite::OPEN_READONLY);
  EXPECT_EQ(file.execAndGet("PRAGMA journal_mode").getString(), "wal");
}

TEST_F(FileTest, UrlOfTheSchemeSqliteNamesAFile) {
  OpenStore store("sqlite:" + path(), surroundings);
  ASSERT_EQ(store.status(), MXD_OK) << store.error();
  EXPECT_EQ(OpenStore(path(), surroundings, "").status(), MXD_OK) << "the same file";
  EXPECT_EQ(OpenStore("SQLite:" + path(), surroundings, "").status(), MXD_OK);
}

TEST_F(FileTest, OtherSchemesAreRefusedByName) {
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

TEST_F(FileTest, FileWithAColonInItsNameIsNamedByItsPath) {
  const std::string name = path("a:b.db");
  OpenStore store(name, surroundings);
  ASSERT_EQ(store.status(), MXD_OK) << store.error();
  struct stat found;
  EXPECT_EQ(::stat(name.c_str(), &found), 0);
  EXPECT_EQ(OpenStore("sqlite:" + name, surroundings, "").status(), MXD_OK);
}

TEST_F(FileTest, EmptyFileWithoutAServerNameIsRefused) {
  std::ofstream(path()).close();
  EXPECT_EQ(OpenStore(path(), surroundings, "").status(), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(OpenStore(path(), surroundings).status(), MXD_OK);
}

TEST_F(FileTest, WhatIsNotADatabaseIsRefused) {
  std::ofstream(path()) << "server_name: example.org\n";
  OpenStore store(path(), surroundings);
  EXPECT_EQ(store.status(), MXD_INVALID_ARGUMENT);
  EXPECT_NE(store.error().find("not a SQLite database"), std::string::npos) << store.error();
}

TEST_F(FileTest, DatabaseOfAnotherApplicationIsRefusedAndNotTouched) {
  {
    SQLite::Database file(path(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    file.exec("CREATE TABLE users (name TEXT)");
  }
  OpenStore store(path(), surroundings);
  EXPECT_EQ(store.status(), MXD_INVALID_ARGUMENT);
  EXPECT_NE(store.error().find("another application"), std::string::npos) << store.error();
  SQLite::Database file(path(), SQLite::OPEN_READONLY);
  EXPECT_EQ(file.execAndGet("PRAGMA journal_mode").getString(), "delete");
  EXPECT_EQ(file.execAndGet("SELECT count(*) FROM sqlite_schema").getInt(), 1);
}

TEST_F(FileTest, NewerSchemaIsRefused) {
  OpenStore(path(), surroundings).close();
  execute("PRAGMA user_version = 999");
  OpenStore store(path(), surroundings);
  EXPECT_EQ(store.status(), MXD_INVALID_ARGUMENT);
  EXPECT_NE(store.error().find("newer version (schema 999"), std::string::npos) << store.error();
}

TEST_F(FileTest, UnusablePathsAreRefused) {
  EXPECT_EQ(OpenStore(path("no/such/directory.db"), surroundings).status(), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(OpenStore(path(""), surroundings).status(), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(OpenStore("", surroundings).status(), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(OpenStore("sqlite:", surroundings).status(), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(OpenStore(path("a") + std::string(1, '\0'), surroundings).status(),
            MXD_INVALID_ARGUMENT);
}

TEST_F(FileTest, DatabaseLockedByAnotherIsUnavailable) {
  SQLite::Database other(path(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  SQLite::Transaction transaction(other, SQLite::TransactionBehavior::EXCLUSIVE);
  OpenStore store(path(), surroundings);
  EXPECT_EQ(store.status(), MXD_UNAVAILABLE);
  EXPECT_NE(store.error().find("locked"), std::string::npos) << store.error();
}

}  // namespace
}  // namespace mxd::test
