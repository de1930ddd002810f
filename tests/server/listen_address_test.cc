#include "bindings/server/http/listen_address.h"

#include <gtest/gtest.h>

namespace mxd::server {
namespace {

TEST(ListenAddress, IsAnAddressAndAPort) {
  const auto v4 = parse_listen_address("127.0.0.1:8008");
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->host, "127.0.0.1");
  EXPECT_EQ(v4->port, 8008);

  const auto v6 = parse_listen_address("[::1]:0");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->port, 0);

  EXPECT_TRUE(parse_listen_address("0.0.0.0:65535"));
  EXPECT_TRUE(parse_listen_address("[::]:80"));
}

TEST(ListenAddress, RefusesAllElse) {
  for (const char* const text :
       {"", ":", "8008", ":8008", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:+1", "127.0.0.1: 1", "127.0.0.1:http", "localhost:8008", "::1:8008",
        "[127.0.0.1]:80", "[::1]", "[::1:80", "127.0.0.1:99999999999999999999"}) {
    EXPECT_FALSE(parse_listen_address(text)) << text;
  }
}

TEST(ListenAddress, AUnixSocketIsAPath) {
  const auto address = parse_listen_address("unix:/run/matrix-devices/http.sock");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->path, "/run/matrix-devices/http.sock");
  EXPECT_EQ(to_string(*address), "unix:/run/matrix-devices/http.sock");
  EXPECT_FALSE(parse_listen_address("unix:"));
  EXPECT_FALSE(parse_listen_address(std::string_view("unix:a\0b", 8)));
}

TEST(ListenAddress, IsWrittenAsInAUrl) {
  EXPECT_EQ(to_string({"127.0.0.1", 8008}), "127.0.0.1:8008");
  EXPECT_EQ(to_string({"::1", 8008}), "[::1]:8008");
}

}  // namespace
}  // namespace mxd::server
