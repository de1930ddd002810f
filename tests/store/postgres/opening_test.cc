// How a database is reached, and whose it is.
#include "tests/store/postgres/cluster.h"
#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

// With a role of the test's own, which goes with it.
class OpeningTest : public StoreTest {
 protected:
  OpeningTest() : role_("role_of_" + name()) {
    execute("CREATE ROLE " + role_ + " LOGIN PASSWORD 'secret word'");
  }
  ~OpeningTest() override { execute("DROP OWNED BY " + role_ + "; DROP ROLE " + role_); }

  // The name of the database.
  std::string name() const {
    const size_t begin = url().find("@/") + 2;
    return url().substr(begin, url().find('?') - begin);
  }
  std::string url_of_role() const { return cluster_url(name(), role_); }

  const std::string role_;
};

TEST_F(OpeningTest, EveryFormOfLibpqsIsTaken) {
  OpenStore(url(), surroundings).close();
  std::string other_scheme = url();
  other_scheme.replace(0, other_scheme.find(':'), "postgres");
  const std::string socket = url().substr(url().find("host=") + 5);
  for (const std::string& form :
       {other_scheme, "connect_timeout=30 host=" + socket + " user=postgres dbname=" + name(),
        "connect_timeout = 30 host='" + socket + "' user = postgres dbname='" + name() + "'"}) {
    OpenStore store(form, surroundings, "");
    ASSERT_EQ(store.status(), MXD_OK) << form << ": " << store.error();
    const mxd_view server = library().server_name(store.get());
    EXPECT_EQ(std::string(server.data, server.size), "example.org");
  }
}

TEST_F(OpeningTest, WhatLibpqDoesNotTakeIsRefusedWithoutItsPassword) {
  for (const std::string& form :
       {std::string("postgresql://bob:secret@["),
        std::string("postgresql://bob:secret@host/x?no_such_parameter=1"),
        std::string("host=x password=secret no_such_word=1"),
        std::string("postgresql://%zz:secret@x/"), url() + std::string(1, '\0') + "secret"}) {
    const OpenStore store(form, surroundings);
    EXPECT_EQ(store.status(), MXD_INVALID_ARGUMENT) << form;
    EXPECT_NE(store.error(), "");
    EXPECT_EQ(store.error().find("secret"), std::string::npos) << store.error();
  }
}

TEST_F(OpeningTest, OneThatCanNotBeReachedIsUnavailable) {
  const std::string secret = "secret";
  std::string no_role = cluster_url(name(), "nobody:" + secret);
  for (const std::string& form :
       {"postgresql://postgres:" + secret + "@/x?host=" + path("no_such_folder"),
        cluster_url("no_such_database", "postgres:" + secret), no_role}) {
    const OpenStore store(form, surroundings);
    EXPECT_EQ(store.status(), MXD_UNAVAILABLE) << form;
    EXPECT_NE(store.error().find("can't be reached"), std::string::npos) << store.error();
    EXPECT_EQ(store.error().find(secret), std::string::npos) << store.error();
  }
}

TEST_F(OpeningTest, ARoleWithoutRightsIsToldWhatItNeeds) {
  const OpenStore first(url_of_role(), surroundings);
  EXPECT_EQ(first.status(), MXD_INVALID_ARGUMENT) << "it can make no schema";
  EXPECT_NE(first.error().find(role_), std::string::npos) << first.error();
  EXPECT_NE(first.error().find("docs/"), std::string::npos) << first.error();
  OpenStore(url(), surroundings).close();
  const OpenStore second(url_of_role(), surroundings);
  EXPECT_EQ(second.status(), MXD_INVALID_ARGUMENT) << "it can read nothing";
  EXPECT_NE(second.error().find(role_), std::string::npos) << second.error();
}

// The rights that the documents list, and none more.
TEST_F(OpeningTest, ARoleWithTheLeastRightsIsEnough) {
  OpenStore(url(), surroundings).close();
  execute("GRANT USAGE ON SCHEMA matrix_devices TO " + role_ +
          "; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA matrix_devices TO " +
          role_ + "; GRANT USAGE ON ALL SEQUENCES IN SCHEMA matrix_devices TO " + role_);
  OpenStore store(url_of_role(), surroundings);
  ASSERT_EQ(store.status(), MXD_OK) << store.error();
  const std::string alice = store.add_user("alice", "right");
  const Tokens tokens = store.login("alice", "A", MXD_STORE_LOGIN_REFRESHABLE);
  EXPECT_EQ(store.authenticate(tokens.access_token).status, MXD_OK);
  EXPECT_EQ(store.refresh(tokens.refresh_token).status, MXD_OK);
  EXPECT_EQ(store.put(alice, "B", "name").status, MXD_CREATED);
  EXPECT_EQ(store.create_session(session_of("id", surroundings.now_ms + 1000)).status, MXD_OK);
  EXPECT_EQ(store.remove(alice, {"A"}).status, MXD_OK);
  EXPECT_EQ(store.set_flags("alice", MXD_STORE_ACCOUNT_DEACTIVATED), MXD_OK);
}

TEST_F(OpeningTest, ASchemaOfAnotherApplicationIsLeftAlone) {
  execute("CREATE SCHEMA matrix_devices; CREATE TABLE matrix_devices.of_another (x int)");
  const OpenStore store(url(), surroundings);
  EXPECT_EQ(store.status(), MXD_INVALID_ARGUMENT);
  EXPECT_NE(store.error().find("another application"), std::string::npos) << store.error();
  EXPECT_EQ(number("SELECT count(*) FROM pg_tables WHERE schemaname = 'matrix_devices'"), 1);
}

TEST_F(OpeningTest, TablesOfOthersInTheDatabaseAreInNobodysWay) {
  execute("CREATE TABLE public.devices (x int); CREATE TABLE public.accounts (x int)");
  OpenStore store(url(), surroundings);
  ASSERT_EQ(store.status(), MXD_OK) << store.error();
  const std::string alice = store.add_user("alice");
  EXPECT_EQ(store.put(alice, "A", "name").status, MXD_CREATED);
  EXPECT_EQ(rows("public.devices"), 0);
}

}  // namespace
}  // namespace mxd::test
