#include "server/client_address.h"

#include <gtest/gtest.h>

namespace mxd::server {
namespace {

TEST(NormalAddress, HasOneWrittenForm) {
  EXPECT_EQ(normal_address("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(normal_address(" 192.0.2.1\t"), "192.0.2.1");
  EXPECT_EQ(normal_address("2001:DB8:0:0::1"), "2001:db8::1");
  EXPECT_EQ(normal_address("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(normal_address("fe80::1%1"), "fe80::1");
}

TEST(NormalAddress, DropsThePort) {
  EXPECT_EQ(normal_address("192.0.2.1:443"), "192.0.2.1");
  EXPECT_EQ(normal_address("[2001:db8::1]:443"), "2001:db8::1");
  EXPECT_EQ(normal_address("[2001:db8::1]"), "2001:db8::1");
}

TEST(NormalAddress, RefusesWhatIsNone) {
  for (const char* const text :
       {"", "unknown", "example.org", "192.0.2", "[::1", "_hidden", "1.2.3.4.5"}) {
    EXPECT_EQ(normal_address(text), std::nullopt) << text;
  }
}

TEST(TrustedProxies, AnUntrustedPeerIsTheClientWhateverItSends) {
  const TrustedProxies proxies({"10.0.0.1"});
  EXPECT_EQ(proxies.client("192.0.2.9", {"198.51.100.1"}), "192.0.2.9");
  EXPECT_FALSE(proxies.trusts("192.0.2.9"));
}

TEST(TrustedProxies, ATrustedPeerNamesTheClient) {
  const TrustedProxies proxies({"10.0.0.1"});
  EXPECT_EQ(proxies.client("10.0.0.1", {"198.51.100.1"}), "198.51.100.1");
}

TEST(TrustedProxies, WhatTheClientItselfWroteIsPassedOver) {
  const TrustedProxies proxies({"10.0.0.1"});
  EXPECT_EQ(proxies.client("10.0.0.1", {"127.0.0.1, 203.0.113.5, 198.51.100.1"}), "198.51.100.1");
}

TEST(TrustedProxies, AChainOfProxiesIsWalkedFromTheRight) {
  const TrustedProxies proxies({"10.0.0.1", "10.0.0.2"});
  EXPECT_EQ(proxies.client("10.0.0.1", {"203.0.113.5, 198.51.100.1, 10.0.0.2"}), "198.51.100.1");
}

TEST(TrustedProxies, SeveralHeadersAreOneList) {
  const TrustedProxies proxies({"10.0.0.1", "10.0.0.2"});
  EXPECT_EQ(proxies.client("10.0.0.1", {"198.51.100.1", "10.0.0.2"}), "198.51.100.1");
}

TEST(TrustedProxies, AnEntryThatIsNoAddressEndsTheWalk) {
  const TrustedProxies proxies({"10.0.0.1", "10.0.0.2"});
  EXPECT_EQ(proxies.client("10.0.0.1", {"198.51.100.1, unknown, 10.0.0.2"}), "10.0.0.2");
  EXPECT_EQ(proxies.client("10.0.0.1", {""}), "10.0.0.1");
  EXPECT_EQ(proxies.client("10.0.0.1", {}), "10.0.0.1");
}

TEST(TrustedProxies, OnlyProxiesInTheList) {
  const TrustedProxies proxies({"10.0.0.1", "10.0.0.2"});
  EXPECT_EQ(proxies.client("10.0.0.1", {"10.0.0.2"}), "10.0.0.2");
}

}  // namespace
}  // namespace mxd::server
