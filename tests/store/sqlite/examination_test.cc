// Whether a database is whole, told without changing it.
#include <SQLiteCpp/Database.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

struct Findings {
  int32_t status = INT32_MIN;
  std::string error;
  std::vector<std::string> subjects;
  std::vector<std::string> problems;  // "subject: text"
};

class ExaminationTest : public StoreTest {
 protected:
  ExaminationTest() {
    OpenStore store(path(), surroundings);
    EXPECT_EQ(store.status(), MXD_OK) << store.error();
    store.add_user("alice", "right");
    store.login("alice", "A", MXD_STORE_LOGIN_REFRESHABLE);
    store.login("alice", "B");
    mxd_uia_session session = session_of("id", surroundings.now_ms + 1000);
    session.device_id = view("A");
    store.create_session(session);
  }

  static Findings examine(const std::string& url, std::string_view server_name = "") {
    mxd_store_options options{};
    options.size = sizeof options;
    options.url = view(url);
    options.server_name = view(server_name);
    Findings findings;
    const auto visit = [](mxd_cookie cookie, const mxd_store_finding* found) noexcept -> int32_t {
      EXPECT_EQ(found->size, sizeof *found);
      auto& to = *reinterpret_cast<Findings*>(cookie);
      const std::string subject(found->subject.data, found->subject.size);
      const std::string text(found->text.data, found->text.size);
      EXPECT_NE(text, "") << subject;
      to.subjects.push_back(subject);
      if ((found->flags & MXD_STORE_FINDING_PROBLEM) != 0)
        to.problems.push_back(subject + ": " + text);
      return MXD_OK;
    };
    char error[256] = "not written";
    findings.status = library().examine(&options, visit, reinterpret_cast<mxd_cookie>(&findings),
                                        error, sizeof error);
    findings.error = error;
    return findings;
  }

  // One problem, of this subject, with this in its text.
  void expect_problem(const std::string& subject, const std::string& text) {
    const Findings found = examine(path());
    EXPECT_EQ(found.status, MXD_OK) << found.error;
    ASSERT_EQ(found.problems.size(), 1u) << testing::PrintToString(found.problems);
    EXPECT_EQ(found.problems[0].find(subject + ": "), 0u) << found.problems[0];
    EXPECT_NE(found.problems[0].find(text), std::string::npos) << found.problems[0];
  }

  std::map<std::string, std::string> files() {
    std::map<std::string, std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path(""))) {
      std::ifstream stream(entry.path(), std::ios::binary);
      found[entry.path()] = {std::istreambuf_iterator<char>(stream), {}};
    }
    return found;
  }
};

TEST_F(ExaminationTest, AWholeDatabaseIsAndStaysAsItIs) {
  const auto before = files();
  const Findings found = examine("sqlite:" + path(), "example.org");
  EXPECT_EQ(found.status, MXD_OK) << found.error;
  EXPECT_EQ(found.error, "");
  EXPECT_TRUE(found.problems.empty()) << testing::PrintToString(found.problems);
  EXPECT_EQ(found.subjects,
            (std::vector<std::string>{"version", "server name", "schema", "integrity",
                                      "foreign keys", "consistency", "files"}));
  EXPECT_TRUE(files() == before) << "nothing was written, and no file made";
}

TEST_F(ExaminationTest, AnOpenDatabaseIsLookedAtWithWhatIsInItsLog) {
  OpenStore store(path(), surroundings);
  execute("PRAGMA foreign_keys = OFF; DELETE FROM devices");  // only in the write-ahead log
  const Findings found = examine(path());
  EXPECT_EQ(found.status, MXD_OK) << found.error;
  ASSERT_FALSE(found.problems.empty());
  EXPECT_NE(found.problems[0].find("foreign keys: "), std::string::npos) << found.problems[0];
  EXPECT_EQ(store.login("alice", "C").status, MXD_OK) << "it goes on";
}

TEST_F(ExaminationTest, WhatRefersToNothingIsFound) {
  execute("PRAGMA foreign_keys = OFF; DELETE FROM devices WHERE device_id = 'B'");
  expect_problem("foreign keys", "access_tokens");
}

TEST_F(ExaminationTest, WhatNoForeignKeySeesToIsFound) {
  execute("UPDATE accounts SET user_id = '@alice:example.com'");
  const Findings found = examine(path());
  ASSERT_EQ(found.problems.size(), 2u) << testing::PrintToString(found.problems);
  EXPECT_NE(found.problems[0].find("1 accounts of another server"), std::string::npos);
  EXPECT_NE(found.problems[1].find("1 sessions"), std::string::npos);
  execute("UPDATE accounts SET user_id = '@alice:example.org', deactivated = 1");
  expect_problem("consistency", "1 deactivated accounts");
  execute("UPDATE accounts SET deactivated = 0");
  execute("UPDATE token_pairs SET device = (SELECT device FROM devices WHERE device_id = 'B')");
  expect_problem("consistency", "2 tokens of another device");
}

TEST_F(ExaminationTest, AnotherServerNameIsFound) {
  const Findings found = examine(path(), "example.com");
  ASSERT_EQ(found.problems.size(), 1u) << testing::PrintToString(found.problems);
  EXPECT_NE(found.problems[0].find("example.org"), std::string::npos) << found.problems[0];
}

TEST_F(ExaminationTest, AMissingIndexIsFound) {
  execute("DROP INDEX access_tokens_device");
  expect_problem("schema", "index access_tokens_device");
  execute("CREATE INDEX access_tokens_device ON access_tokens (oauth)");
  expect_problem("schema", "index access_tokens_device");
  execute("DROP INDEX access_tokens_device");
  execute("CREATE INDEX access_tokens_device ON access_tokens (device)");
  execute("CREATE TABLE of_somebody_else (x)");
  EXPECT_TRUE(examine(path()).problems.empty());
}

TEST_F(ExaminationTest, ANewerVersionIsAProblemAndAnOlderOneIsNone) {
  execute("PRAGMA user_version = 999");
  expect_problem("version", "newer");
  execute("PRAGMA user_version = 1");
  EXPECT_TRUE(examine(path()).problems.empty());
  EXPECT_EQ(number("PRAGMA user_version"), 1) << "it is not brought up to date";
}

TEST_F(ExaminationTest, DamageIsFound) {
  {
    std::fstream file(path(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(4096 * 3);
    file << std::string(4096 * 4, 'x');
  }
  const Findings found = examine(path());
  EXPECT_EQ(found.status, MXD_OK) << found.error;
  ASSERT_FALSE(found.problems.empty());
  for (const std::string& problem : found.problems)
    EXPECT_NE(problem.find("backup"), std::string::npos) << "what to do: " << problem;
}

TEST_F(ExaminationTest, FilesThatOthersCanReadAreFound) {
  ASSERT_EQ(::chmod(path().c_str(), 0644), 0);
  expect_problem("files", "store.db is open to others (mode 0644)");
  ASSERT_EQ(::chmod(path().c_str(), 0600), 0);
  ASSERT_EQ(::chmod((path() + "-reserve").c_str(), 0620), 0);
  expect_problem("files", "store.db-reserve is open to others (mode 0620)");
  ASSERT_EQ(::chmod((path() + "-reserve").c_str(), 0600), 0);
  ASSERT_EQ(::chmod(path("").c_str(), 0777), 0);
  expect_problem("files", "directory");
}

TEST_F(ExaminationTest, AReadOnlyCopyIsLookedAt) {
  std::filesystem::create_directory(path("backups"));
  const std::string copy = path("backups/a%20b?c#d.db");
  std::filesystem::copy_file(path(), copy);
  ASSERT_EQ(::chmod(copy.c_str(), 0400), 0);
  ASSERT_EQ(::chmod(path("backups").c_str(), 0500), 0);
  const Findings found = examine(copy);
  ASSERT_EQ(::chmod(path("backups").c_str(), 0700), 0);
  EXPECT_EQ(found.status, MXD_OK) << found.error;
  EXPECT_TRUE(found.problems.empty()) << testing::PrintToString(found.problems);
}

TEST_F(ExaminationTest, WhatIsNoneOfTheseIsRefused) {
  std::ofstream(path("text.db")) << std::string(10000, 'x');
  std::ofstream(path("empty.db"));
  SQLite::Database(path("other.db"), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
      .exec("CREATE TABLE x (y)");
  for (const std::string& url :
       {path("missing.db"), path("text.db"), path("empty.db"), path("other.db"), path(""),
        std::string("nosuch:x"), std::string()}) {
    const Findings found = examine(url);
    EXPECT_EQ(found.status, MXD_INVALID_ARGUMENT) << url;
    EXPECT_NE(found.error, "") << url;
    EXPECT_TRUE(found.subjects.empty()) << url;
  }
  EXPECT_FALSE(std::filesystem::exists(path("missing.db")));
}

}  // namespace
}  // namespace mxd::test
