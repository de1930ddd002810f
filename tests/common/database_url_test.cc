#include "bindings/common/database_url.h"

#include <gtest/gtest.h>

namespace mxd::common {
namespace {

TEST(DatabaseUrl, TheEngineThatOpensIt) {
  static constexpr struct {
    const char* database;
    const char* engine;
  } kCases[] = {
      {"devices.db", "sqlite"},
      {"/var/lib/matrix-devices/devices.db", "sqlite"},
      {"sqlite:devices.db", "sqlite"},
      {"SQLite:devices.db", "sqlite"},
      {"", "sqlite"},
      {"./a:b", "sqlite"},
      {"postgresql://localhost/devices", "postgres"},
      {"postgres://", "postgres"},
      {"POSTGRES://localhost", "postgres"},
      {"mysql://localhost/devices", "mysql"},
      {"x+y.z-1:anything", "x+y.z-1"},
      {"host=/run/postgresql dbname=devices", "postgres"},
      {"host=::1", "postgres"},
      {" \n host\t= localhost", "postgres"},
      {"service=devices", "postgres"},
      {"./host=x", "sqlite"},
      {"ghost=x", "sqlite"},
      {"Host=x", "sqlite"},  // as libpq: with case
      {"host", "sqlite"},
      {"=x", "sqlite"},
      {"a host=x", "sqlite"},
  };
  for (const auto& [database, engine] : kCases)
    EXPECT_EQ(engine_of(database), engine) << database;
}

// What is shown, with "***" for each password; the same where there is none.
struct Shown {
  const char* database;
  const char* shown;
};

void expect_shown(std::initializer_list<Shown> cases) {
  for (const auto& [database, shown] : cases) {
    EXPECT_EQ(without_passwords(database), shown);
    EXPECT_EQ(holds_password(database), std::string(database) != shown) << database;
    EXPECT_EQ(without_passwords(shown), shown) << "what is shown stays";
  }
}

TEST(DatabaseUrl, WhatHoldsNoPasswordIsShownAsItIs) {
  for (const char* const database :
       {"",
        "devices.db",
        "a b.db",
        "sqlite:a password=b",
        "sqlite:/a:b@c",
        "postgresql://",
        "postgresql://host",
        "postgresql://user@host:5432/devices",
        "postgresql://user@one:5432,two:5433/devices?target_session_attrs=read-write",
        "postgresql://[::1]:5432/devices",
        "postgresql:///devices?host=/run/postgresql",
        "postgresql://host:5432/devices?user=me@corp",
        "postgresql://user:@host/devices",
        "postgresql://host/devices?passfile=/etc/pass&password=",
        "host=a user=b dbname='c d'",
        "host=a passfile = /etc/pass",
        R"(application_name='it\'s password=x' host=a)",
        R"(dbname=a\ password=x host=a)",
        "password='' host=a",
        "password= "}) {
    EXPECT_EQ(without_passwords(database), database);
    EXPECT_FALSE(holds_password(database)) << database;
  }
}

TEST(DatabaseUrl, PasswordsOfUrlsAreHidden) {
  expect_shown({
      {"postgresql://user:secret@host/devices", "postgresql://user:***@host/devices"},
      {"postgres://user:s%40cret%3A@host", "postgres://user:***@host"},
      {"postgresql://:secret@host", "postgresql://:***@host"},
      {"postgresql://user:secret@one:5432,[::1]:5433/devices?sslmode=require",
       "postgresql://user:***@one:5432,[::1]:5433/devices?sslmode=require"},
      {"mysql://user:secret@host/devices", "mysql://user:***@host/devices"},
      {"postgresql://host/devices?password=secret", "postgresql://host/devices?password=***"},
      {"postgresql:///devices?host=/run&password=secret&user=a",
       "postgresql:///devices?host=/run&password=***&user=a"},
      {"postgresql:///devices?p%61ssword=secret", "postgresql:///devices?p%61ssword=***"},
      {"postgresql:///devices?sslpassword=secret&oauth_client_secret=s&scram_client_key=k",
       "postgresql:///devices?sslpassword=***&oauth_client_secret=***&scram_client_key=***"},
      {"postgresql://user:one@host/devices?password=two",
       "postgresql://user:***@host/devices?password=***"},
  });
}

TEST(DatabaseUrl, WhatShouldHaveBeenEscapedInAUrlIsHidden) {
  expect_shown({
      {"postgresql://user:se@cret@host/devices", "postgresql://user:***@host/devices"},
      {"postgresql://user:se/cret@host/devices", "postgresql://user:***@host/devices"},
      {"postgresql://user:se?cret@host/devices", "postgresql://user:***@host/devices"},
      {"postgresql://user:se@/?:cret@host/devices?user=a@b",
       "postgresql://user:***@host/devices?user=a@b"},
      {"postgresql://user:se%cret@host", "postgresql://user:***@host"},
      {"postgresql:///devices?password=se&cret&user=a",
       "postgresql:///devices?password=***&user=a"},
      {"postgresql://host:5432/d@b", "postgresql://host:***@b"},  // too much
  });
}

TEST(DatabaseUrl, PasswordsOfKeyWordsAreHidden) {
  expect_shown({
      {"host=a password=secret dbname=b", "host=a password=*** dbname=b"},
      {"password=secret", "password=***"},
      {"host = a password = secret", "host = a password = ***"},
      {"host=a password='sec ret' dbname=b", "host=a password=*** dbname=b"},
      {R"(password='it\'s \\' dbname=b)", "password=*** dbname=b"},
      {R"(password=sec\ ret dbname=b)", "password=*** dbname=b"},
      {"password\n=\nsecret\tdbname=b", "password\n=\n***\tdbname=b"},
      {"sslkey=k sslpassword=secret", "sslkey=k sslpassword=***"},
      {"password=one password=two", "password=*** password=***"},
      {"host=one,two port=1,2 password=secret", "host=one,two port=1,2 password=***"},
      {"PASSWORD=secret host=a", "PASSWORD=*** host=a"},
      {"hots=a password=secret", "hots=a password=***"},
  });
}

TEST(DatabaseUrl, WhatShouldHaveBeenQuotedInKeyWordsIsHidden) {
  expect_shown({
      {"host=a password='secret dbname=b", "host=a password=***"},
      {"host=a password=sec ret word dbname=b", "host=a password=*** dbname=b"},
      {"password='sec'ret word dbname=b", "password=*** dbname=b"},
      {"application_name='x password=secret dbname=b", "application_name='x password=*** dbname=b"},
      {"host a password=secret", "host a password=***"},
      {"host=a password=sec ret dbname = b", "host=a password=*** dbname = b"},
  });
}

TEST(DatabaseUrl, APasswordIsPutIn) {
  EXPECT_EQ(with_password("postgresql://user@host/devices", "a b'\\&"),
            "postgresql://user@host/devices?password=a%20b%27%5C%26");
  EXPECT_EQ(with_password("postgresql:///devices?host=/run", "a"),
            "postgresql:///devices?host=/run&password=a");
  EXPECT_EQ(with_password("host=a", R"(it's a \)"), R"(host=a password='it\'s a \\')");
  for (const char* const database : {"postgresql://user@host/devices", "host=a"}) {
    const std::string with = with_password(database, "x' y=1&z@/?%41");
    EXPECT_TRUE(holds_password(with));
    EXPECT_EQ(without_passwords(with), without_passwords(with_password(database, "other")));
  }
}

}  // namespace
}  // namespace mxd::common
