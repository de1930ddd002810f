// The endpoints that ask without waiting, on a store that answers later, from a thread of its own;
// and which libraries are taken for a store.
#include <fstream>

#include "tests/server/account_test.h"

namespace mxd::server {
namespace {

namespace json = boost::json;

class LateStoreTest : public AccountTest {
 protected:
  LateStoreTest() : AccountTest(MXD_LATE_STORE_LIBRARY) {
    auto account = make<mxd_store_new_account>();
    account.name = view("alice");
    account.password = view("right");
    const Store::Said said = store.call(&mxd_store_library::add_account, &account, nullptr);
    EXPECT_EQ(said.status, MXD_OK) << said.text.data();
  }

  Response log_in(const std::string& user, const std::string& password) {
    return post("login", {{"type", "m.login.password"}, {"user", user}, {"password", password}});
  }

  Response whoami(const std::string& token) {
    return answer("GET", "/_matrix/client/v3/account/whoami?access_token=" + token);
  }
};

TEST_F(LateStoreTest, NamesAreResolvedBeforeTheLoginGoesOn) {
  for (const char* const name : {"alice", "Alice", "@ALICE:Example.org"}) {
    const Response done = log_in(name, "right");
    EXPECT_EQ(done.status, 200U) << done.body;
    EXPECT_EQ(text_of(done, "user_id"), "@alice:example.org") << name;
  }
  EXPECT_EQ(log_in("@alice:example.com", "right").status, 403U) << "nobody's here";
  EXPECT_EQ(log_in("alice", "wrong").status, 403U);
}

TEST_F(LateStoreTest, WhoamiIsAnsweredWhenTheStoreHas) {
  const std::string token = text_of(log_in("alice", "right"), "access_token");
  const Response found = whoami(token);
  EXPECT_EQ(found.status, 200U) << found.body;
  EXPECT_EQ(text_of(found, "user_id"), "@alice:example.org");
  EXPECT_FALSE(json_of(found).at("is_guest").as_bool());
  const Response refused = whoami("mxt_nobody");
  EXPECT_EQ(refused.status, 401U);
  EXPECT_EQ(text_of(refused, "errcode"), "M_UNKNOWN_TOKEN");
}

// Whoever asked is told, before the store is gone.
TEST(LateStore, CloseAnswersWhatWasAsked) {
  std::string folder = (std::filesystem::temp_directory_path() / "mxd-late-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  int answers = 0;
  {
    const Store store({folder + "/devices.db", MXD_LATE_STORE_LIBRARY, "example.org", {}});
    for (int i = 0; i < 50; ++i) {
      store.resolve_name(
          "alice", [&](int32_t status, const mxd_store_user* user, std::string_view) noexcept {
            if (status == MXD_OK && std::string_view(user->user_id) == "@alice:example.org")
              ++answers;
          });
    }
  }
  EXPECT_EQ(answers, 50);
  std::filesystem::remove_all(folder);
}

std::string refusal(const Store::Options& options) {
  try {
    const Store store(options);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing was refused";
}

TEST(StoreLibrary, WhatIsNoneIsRefusedByName) {
  EXPECT_NE(refusal({"x.db", "/no/such/library.so", "example.org", {}}).find("/no/such/library.so"),
            std::string::npos);
  // It is a library, and exports something else.
  const std::string other = refusal({"x.db", "libm.so.6", "example.org", {}});
  EXPECT_NE(other.find(MXD_STORE_ENTRY_V1), std::string::npos) << other;
  const std::string unknown = refusal({"nosql://x", "", "example.org", {}});
  EXPECT_NE(unknown.find("libmatrix_devices_nosql.so"), std::string::npos) << unknown;
  EXPECT_NE(unknown.find("--store"), std::string::npos) << unknown;
  const std::string scheme = refusal({"nosql://x", MXD_STORE_LIBRARY, "example.org", {}});
  EXPECT_NE(scheme.find("no nosql: URL"), std::string::npos) << scheme;
}

}  // namespace
}  // namespace mxd::server
