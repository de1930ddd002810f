// match(): whether handle() would take a request, for all routes and methods.
#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

class Match : public Rows {
 protected:
  int32_t match(std::string_view method, std::string_view target) {
    return host.module().match(host.instance(), view(method), view(target));
  }
};

// Methods of HTTP, and what is none.
constexpr const char* kMethods[] = {"GET",   "HEAD",    "PUT",   "POST", "DELETE", "OPTIONS",
                                    "PATCH", "CONNECT", "TRACE", "BREW", "get",    ""};

TEST_P(Match, AnyMethodOnOurPathsIsOurs) {
  host.config = R"({"fallback_pages":true,"path_versions":["v3","r0","unstable"]})";
  const std::string page = "/fallback/web";
  for (const std::string version : {"v3", "r0", "unstable"}) {
    const std::string base = "/_matrix/client/" + version;
    for (const std::string& path :
         {base + "/devices", base + "/devices/A%2FB", base + "/devices/%zz", base + "/devices/..",
          base + "/delete_devices", base + "/auth/m.login.password" + page,
          base + "/auth/m.login.terms" + page, base + "/auth/m.login.registration_token" + page}) {
      for (const char* method : kMethods) {
        EXPECT_EQ(match(method, path), MXD_OK) << method << " " << path;
        EXPECT_EQ(match(method, path + "?a=b&user_id=%zz"), MXD_OK) << method << " " << path;
        EXPECT_EQ(match(method, "http://example.org" + path), MXD_OK) << method << " " << path;
      }
    }
  }
  EXPECT_EQ(host.calls(), Names{}) << "it asks nothing of the host";
}

TEST_P(Match, EveryRouteThatIsEnumerated) {
  host.config = R"({"fallback_pages":true})";
  mxd_route route{};
  for (uint32_t i = 0;
       route.size = sizeof route, host.module().route(host.instance(), i, &route) == MXD_OK; ++i) {
    std::string path = copied(route.path);
    for (const auto& [from, to] : {std::pair<std::string, std::string>("{deviceId}", "PHONE"),
                                   {"{type}", "m.login.password"},
                                   {"{authType}", "m.login.password"}}) {
      const auto at = path.find(from);
      if (at != path.npos) path.replace(at, from.size(), to);
    }
    EXPECT_EQ(path.find('{'), path.npos) << path;
    std::string methods = copied(route.methods) + ", ";
    for (size_t at = 0; at < methods.size();) {
      const auto comma = methods.find(", ", at);
      const std::string method = methods.substr(at, comma - at);
      at = comma + 2;
      EXPECT_EQ(match(method, path), MXD_OK) << method << " " << path;
      EXPECT_NE(host.send({.method = method, .target = path}).status, 405) << method << " " << path;
    }
  }
}

TEST_P(Match, SaysWhatHandleDoes) {
  host.config = R"({"fallback_pages":true})";
  const char* const targets[] = {
      "/",
      "",
      "*",
      "/_matrix/client/v3/devices/",
      "/_matrix/client/v3/devices/a/b",
      "/_matrix/client/v3/%64evices",
      "/_matrix/client/v1/devices",
      "/_matrix/client/v3/delete_devicesX",
      "/_matrix/client/v3/auth/m.login.sso/fallback/web",
      "/_matrix/client/v3/auth/x.custom/fallback/web",
      "/_matrix/client/v3/auth/m.login.password/fallback",
      "/_matrix/client/v3/auth/m.login.password/fallback/web/",
      "ftp://example.org/_matrix/client/v3/devices",
      "http://example.org?/_matrix/client/v3/devices",
      "/_matrix/client/v3/devices",
      "/_matrix/client/v3/devices/\xFF",
      "/_matrix/client/v3/auth/m.login.password/fallback/web",
  };
  mxd_cookie cookie = 1;
  for (const char* target : targets) {
    for (const char* method : kMethods) {
      const int32_t handled = host.start({.method = method, .target = target}, cookie);
      EXPECT_EQ(match(method, target), handled) << method << " " << target;
      if (handled == MXD_OK) host.wait_for(cookie++);
    }
  }
}

TEST_P(Match, WithoutPagesTheirPathsAreNotOurs) {
  EXPECT_EQ(match("GET", "/_matrix/client/v3/auth/m.login.password/fallback/web"), MXD_NOT_MINE);
}

TEST_P(Match, AfterShutdownItSaysTheSame) {
  mxd_instance* instance = nullptr;
  ASSERT_EQ(host.module().create(&host.table, {}, &instance, nullptr, 0), MXD_OK);
  bool done = false;
  const auto note = [](mxd_cookie cookie) noexcept { *reinterpret_cast<bool*>(cookie) = true; };
  ASSERT_EQ(host.module().shutdown(instance, note, reinterpret_cast<mxd_cookie>(&done)), MXD_OK);
  EXPECT_TRUE(done);
  EXPECT_EQ(host.module().match(instance, view("GET"), view(kDevices)), MXD_OK);
  EXPECT_EQ(host.module().match(instance, view("GET"), view("/")), MXD_NOT_MINE);
  EXPECT_EQ(host.module().destroy(instance), MXD_OK);
}

INSTANTIATE_TEST_SUITE_P(Completion, Match, kBothModes, mode_name);

}  // namespace
}  // namespace mxd::test
