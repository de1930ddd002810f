#include "bindings/server/http/client_address.h"

#include <gtest/gtest.h>

namespace mxd::server {
namespace {

std::vector<Network> networks(const std::vector<std::string>& texts) {
  std::vector<Network> parsed;
  for (const std::string& text : texts)
    parsed.push_back(Network::parse(text).value());
  return parsed;
}

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

TEST(Network, HasTheAddressesThatBeginLikeIt) {
  const struct {
    const char* network;
    std::vector<const char*> inside;
    std::vector<const char*> outside;
  } cases[] = {
      {"172.16.0.0/12", {"172.16.0.0", "172.31.255.255"}, {"172.15.255.255", "172.32.0.0", "::1"}},
      {"172.17.0.1/16", {"172.17.200.3"}, {"172.16.0.1"}},
      {"192.0.2.1", {"192.0.2.1"}, {"192.0.2.2", "192.0.2.0"}},
      {"192.0.2.0/31", {"192.0.2.0", "192.0.2.1"}, {"192.0.2.2"}},
      {"0.0.0.0/0", {"0.0.0.0", "255.255.255.255"}, {"::1", "fd00::1"}},
      {"fd00::/8", {"fd00::1", "fdff::1"}, {"fe00::1", "fc00::1", "253.0.0.1"}},
      {"2001:db8::1", {"2001:db8::1"}, {"2001:db8::2"}},
      {"::/0", {"::1", "2001:db8::1"}, {"192.0.2.1"}},
      {"::ffff:10.0.0.0/104", {"10.1.2.3"}, {"11.0.0.1"}},
      {"::1", {"::1"}, {"127.0.0.1"}},
  };
  for (const auto& [text, inside, outside] : cases) {
    const auto network = Network::parse(text);
    ASSERT_TRUE(network) << text;
    for (const char* const address : inside)
      EXPECT_TRUE(network->contains(address)) << text << " " << address;
    for (const char* const address : outside)
      EXPECT_FALSE(network->contains(address)) << text << " " << address;
    EXPECT_FALSE(network->contains("")) << text;
    EXPECT_FALSE(network->contains("unix")) << text;
  }
}

TEST(Network, ThePeersOnUnixSocketsAreOne) {
  const auto network = Network::parse("unix");
  ASSERT_TRUE(network);
  EXPECT_TRUE(network->contains(""));
  EXPECT_FALSE(network->contains("127.0.0.1"));
  EXPECT_EQ(TrustedProxies(networks({"unix"})).client("", {"198.51.100.1"}), "198.51.100.1");
  EXPECT_EQ(TrustedProxies(networks({"127.0.0.1"})).client("", {"198.51.100.1"}), "");
}

TEST(Network, RefusesWhatIsNone) {
  for (const char* const text :
       {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/ 8",
        "fd00::/129", "10.0.0/8", "10.0.0.0/8/8", "localhost", "fe80::1%1", "10.0.0.1:80",
        "10.0.0.0/99999999999"}) {
    EXPECT_FALSE(Network::parse(text)) << text;
  }
}

// T5
TEST(LimitedNetwork, IsAnIPv4AddressOrAnIPv6Network) {
  EXPECT_EQ(limited_network("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(limited_network("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(limited_network("2001:db8:0:2:aaaa::1"), "2001:db8:0:2::/64");
  EXPECT_EQ(limited_network("2001:db8:0:2::2"), limited_network("2001:db8:0:2:ffff::1"));
  EXPECT_NE(limited_network("2001:db8:0:2::2"), limited_network("2001:db8:0:3::2"));
  EXPECT_EQ(limited_network(""), "");
}

TEST(TrustedProxies, NetworksAreTrusted) {
  const TrustedProxies proxies(networks({"172.16.0.0/12", "fd00::/8"}));
  EXPECT_EQ(proxies.client("172.18.0.5", {"198.51.100.1, fd00::7"}), "198.51.100.1");
}

TEST(TrustedProxies, AnUntrustedPeerIsTheClientWhateverItSends) {
  const TrustedProxies proxies(networks({"10.0.0.1"}));
  EXPECT_EQ(proxies.client("192.0.2.9", {"198.51.100.1"}), "192.0.2.9");
  EXPECT_FALSE(proxies.trusts("192.0.2.9"));
}

TEST(TrustedProxies, ATrustedPeerNamesTheClient) {
  const TrustedProxies proxies(networks({"10.0.0.1"}));
  EXPECT_EQ(proxies.client("10.0.0.1", {"198.51.100.1"}), "198.51.100.1");
}

TEST(TrustedProxies, WhatTheClientItselfWroteIsPassedOver) {
  const TrustedProxies proxies(networks({"10.0.0.1"}));
  EXPECT_EQ(proxies.client("10.0.0.1", {"127.0.0.1, 203.0.113.5, 198.51.100.1"}), "198.51.100.1");
}

TEST(TrustedProxies, AChainOfProxiesIsWalkedFromTheRight) {
  const TrustedProxies proxies(networks({"10.0.0.1", "10.0.0.2"}));
  EXPECT_EQ(proxies.client("10.0.0.1", {"203.0.113.5, 198.51.100.1, 10.0.0.2"}), "198.51.100.1");
}

TEST(TrustedProxies, SeveralHeadersAreOneList) {
  const TrustedProxies proxies(networks({"10.0.0.1", "10.0.0.2"}));
  EXPECT_EQ(proxies.client("10.0.0.1", {"198.51.100.1", "10.0.0.2"}), "198.51.100.1");
}

TEST(TrustedProxies, AnEntryThatIsNoAddressEndsTheWalk) {
  const TrustedProxies proxies(networks({"10.0.0.1", "10.0.0.2"}));
  EXPECT_EQ(proxies.client("10.0.0.1", {"198.51.100.1, unknown, 10.0.0.2"}), "10.0.0.2");
  EXPECT_EQ(proxies.client("10.0.0.1", {""}), "10.0.0.1");
  EXPECT_EQ(proxies.client("10.0.0.1", {}), "10.0.0.1");
}

TEST(TrustedProxies, OnlyProxiesInTheList) {
  const TrustedProxies proxies(networks({"10.0.0.1", "10.0.0.2"}));
  EXPECT_EQ(proxies.client("10.0.0.1", {"10.0.0.2"}), "10.0.0.2");
}

}  // namespace
}  // namespace mxd::server
