#include "bindings/server/database_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace mxd::server {
namespace {

using testing::HasSubstr;
using testing::Not;

class DatabaseChoice : public testing::Test {
 protected:
  DatabaseChoice() { ::unsetenv("MXD_DATABASE"); }
  ~DatabaseChoice() override {
    ::unsetenv("MXD_DATABASE");
    std::filesystem::remove_all(folder_);
  }

  std::string file(const std::string& text, mode_t mode = 0600) {
    const std::string path = folder_ + "/file";
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }

  static std::string refusal(const DatabaseOptions& options,
                             const Settings::Database& settings = {}) {
    try {
      database_of(options, settings);
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was refused";
  }

  std::string folder_ = [] {
    std::string path = testing::TempDir() + "choiceXXXXXX";
    return std::string(::mkdtemp(path.data()));
  }();
};

DatabaseOptions named(const std::string& database, const std::string& password_file = {}) {
  DatabaseOptions options;
  options.database = database;
  options.database_password_file = password_file;
  return options;
}

TEST_F(DatabaseChoice, TheCommandLineThenTheEnvironmentThenTheSettings) {
  Settings::Database settings;
  settings.database = "of the settings";
  EXPECT_EQ(database_of({}, settings).url, "of the settings");
  ::setenv("MXD_DATABASE", "of the environment", 1);
  EXPECT_EQ(database_of({}, settings).url, "of the environment");
  EXPECT_EQ(database_of(named("given"), settings).url, "given");
  ::setenv("MXD_DATABASE", "", 1);
  EXPECT_EQ(database_of({}, settings).url, "of the settings");
  EXPECT_THAT(refusal({}), HasSubstr("--database"));
}

TEST_F(DatabaseChoice, WhatTheSettingsSayOfIt) {
  DatabaseOptions options;
  options.store_file = "s.so";
  options.config_file = file(R"({"server": {"database": "host=db password=x",
    "database_connections": 3, "database_prepared_statements": false}})");
  const Store::Options chosen = database_of(options);
  EXPECT_EQ(chosen.url, "host=db password=x");
  EXPECT_EQ(chosen.library, "s.so");
  EXPECT_EQ(chosen.connections, 3U);
  EXPECT_FALSE(chosen.prepared_statements);
}

TEST_F(DatabaseChoice, APasswordIsRefusedOnTheCommandLineOnly) {
  for (const char* const open : {"d.db", "postgresql://user@host/devices", "host=a user=b"})
    EXPECT_EQ(mistake_in_database(open), nullptr) << open;
  for (const char* const secret : {"postgresql://user:secret@host", "host=a password=secret",
                                   "postgres:///?password=secret"}) {
    ASSERT_NE(mistake_in_database(secret), nullptr) << secret;
    EXPECT_THAT(mistake_in_database(secret), HasSubstr("--database-password-file"));
    EXPECT_THAT(mistake_in_database(secret), Not(HasSubstr("secret")));
    Settings::Database settings;
    settings.database = secret;
    EXPECT_EQ(database_of({}, settings).url, secret);
  }
}

TEST_F(DatabaseChoice, ThePasswordOfAFile) {
  EXPECT_EQ(database_of(named("host=a", file("sec'ret\r\nrest\n")), {}).url,
            R"(host=a password='sec\'ret')");
  EXPECT_EQ(database_of(named("postgres://u@h/d", file("s:t")), {}).url,
            "postgres://u@h/d?password=s%3At");
  Settings::Database settings;
  settings.database = "host=a";
  settings.password_file = file("of the settings");
  EXPECT_EQ(database_of({}, settings).url, "host=a password='of the settings'");
}

TEST_F(DatabaseChoice, PasswordFilesThatAreRefused) {
  EXPECT_THAT(refusal(named("host=a", folder_ + "/none")), HasSubstr("there is none"));
  EXPECT_THAT(refusal(named("host=a", file("\nsecret"))), HasSubstr("first line"));
  const std::string open = file("secret", 0644);
  EXPECT_THAT(refusal(named("host=a", open)), HasSubstr("chmod o= " + open));
  EXPECT_THAT(refusal(named("host=a", file("secret", 0640))), HasSubstr("nothing was refused"));
  EXPECT_THAT(refusal(named("d.db", file("secret"))), HasSubstr("PostgreSQL"));
  const std::string twice = refusal(named("host=a password=hush", file("secret")));
  EXPECT_THAT(twice, HasSubstr("leave one of them out"));
  EXPECT_THAT(twice, Not(HasSubstr("hush")));
}

}  // namespace
}  // namespace mxd::server
