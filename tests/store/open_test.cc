// Opening: whose database it is, and what an open store offers.
#include <thread>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

using OpenTest = StoreTest;

TEST_F(OpenTest, ADatabaseKeepsItsServerName) {
  {
    const OpenStore store(url(), surroundings);
    ASSERT_EQ(store.status(), MXD_OK) << store.error();
    EXPECT_EQ(store.error(), "");
  }
  OpenStore again(url(), surroundings, "");
  ASSERT_EQ(again.status(), MXD_OK) << again.error();
  const mxd_view name = library().server_name(again.get());
  EXPECT_EQ(std::string(name.data, name.size), "example.org");
}

TEST_F(OpenTest, ANewOneWithoutAServerNameIsRefused) {
  const OpenStore store(url(), surroundings, "");
  EXPECT_EQ(store.status(), MXD_INVALID_ARGUMENT);
  EXPECT_NE(store.error().find("server name"), std::string::npos) << store.error();
  EXPECT_EQ(OpenStore(url(), surroundings).status(), MXD_OK);
}

TEST_F(OpenTest, FilledTableHasWhatTheStoreAnswers) {
  OpenStore store(url(), surroundings);
  const mxd_host& host = store.host();
  EXPECT_EQ(host.size, sizeof(mxd_host));
  EXPECT_EQ(host.caps, 0u);
  EXPECT_EQ(host.cookie, reinterpret_cast<mxd_cookie>(store.get()));
  EXPECT_NE(host.put_device, nullptr);
  EXPECT_NE(host.mark_validated, nullptr);
  EXPECT_EQ(host.respond, nullptr);
  EXPECT_EQ(host.take_limit != nullptr, kSharesLimits);
  EXPECT_EQ(host.random_bytes, nullptr);
  ASSERT_NE(host.now_ms, nullptr);
  surroundings.now_ms = 42;
  EXPECT_EQ(host.now_ms(host.cookie), 42);
  ASSERT_NE(host.log, nullptr);
  host.log(host.cookie, 0, MXD_LOG_ERROR, view("a line of the module's"));
  EXPECT_EQ(surroundings.whole_log(), "a line of the module's\n");
}

TEST_F(OpenTest, OneStoreAnswersOneModule) {
  OpenStore store(url(), surroundings);
  const mxd_module another = fake_module();
  mxd_host host{};
  host.size = sizeof host;
  char error[256];
  EXPECT_EQ(library().fill_host(store.get(), &another, &host, error, sizeof error), MXD_BUSY);
  EXPECT_NE(std::string(error).find("another module"), std::string::npos) << error;
  EXPECT_EQ(host.authenticate, nullptr);
  EXPECT_EQ(library().fill_host(store.get(), &fake_module(), &host, error, sizeof error), MXD_OK);
}

TEST_F(OpenTest, DatabaseOfAnotherServerIsRefused) {
  OpenStore(url(), surroundings).close();
  OpenStore store(url(), surroundings, "example.com");
  EXPECT_EQ(store.status(), MXD_INVALID_ARGUMENT);
  EXPECT_NE(store.error().find("example.org"), std::string::npos) << store.error();
}

// T10
TEST_F(OpenTest, ServerNameOfANewDatabaseIsOfTheSpecificationsGrammar) {
  const std::string longest = std::string(222, 'a') + ".example";
  int made = 0;
  for (const std::string& name :
       {std::string("example.org"), std::string("EXAMPLE.org:8448"), std::string("localhost:1"),
        std::string("1.2.3.4"), std::string("1.2.3.4:12345"), std::string("[::1]"),
        std::string("[1234:5678::abcd]:5678"), std::string("my-host"), longest}) {
    const Database another(folder.path(), std::to_string(++made));
    const OpenStore store(another.url(), surroundings, name);
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
    const OpenStore store(url(), surroundings, name);
    EXPECT_EQ(store.status(), MXD_INVALID_ARGUMENT) << name;
    EXPECT_NE(store.error().find("server name"), std::string::npos) << store.error();
  }
}

TEST_F(OpenTest, ManyMayOpenANewOneAtOnce) {
  constexpr int kOpeners = 8;
  std::vector<std::thread> openers;
  std::vector<int32_t> statuses(kOpeners, INT32_MIN);
  for (int i = 0; i < kOpeners; ++i) {
    openers.emplace_back([&, i] {
      const OpenStore store(url(), surroundings);
      statuses[static_cast<size_t>(i)] = store.status();
    });
  }
  for (std::thread& opener : openers)
    opener.join();
  EXPECT_EQ(statuses, std::vector<int32_t>(kOpeners, MXD_OK));
  EXPECT_EQ(rows("store"), 1);
}

}  // namespace
}  // namespace mxd::test
