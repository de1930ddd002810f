// What most tests of a store begin with.
#ifndef MXD_TESTS_STORE_STORE_TEST_H
#define MXD_TESTS_STORE_STORE_TEST_H

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "tests/store/database.h"
#include "tests/store/open_store.h"

namespace mxd::test {

// Waits for what the store does in its own time; false after a minute.
bool eventually(const std::function<bool()>& holds);

// A folder of the test's own.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// With a database that is empty.
class StoreTest : public testing::Test {
 protected:
  // Of a file in the folder; by default the one that SQLite has the database in.
  std::string path(std::string_view name = "store.db") const {
    return folder.path() + "/" + std::string(name);
  }
  std::string url() const { return database.url(); }

  int64_t number(const std::string& sql) { return database.number(sql); }
  void execute(const std::string& sql) { database.execute(sql); }
  // Rows of a table, or of "TABLE WHERE …".
  int64_t rows(const std::string& table) { return number("SELECT count(*) FROM " + table); }

  const Folder folder;
  Database database{folder.path()};
  Surroundings surroundings;
};

// With one store open, and Alice in it.
class AliceTest : public StoreTest {
 protected:
  AliceTest() : store(url(), surroundings) {
    EXPECT_EQ(store.status(), MXD_OK) << store.error();
    alice = store.add_user("alice");
  }

  OpenStore store;
  std::string alice;
};

}  // namespace mxd::test

#endif  // MXD_TESTS_STORE_STORE_TEST_H
