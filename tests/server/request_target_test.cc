#include "bindings/server/http/request_target.h"

#include <gtest/gtest.h>

namespace mxd::server {
namespace {

TEST(RequestTarget, PathEndsWhereTheQueryBegins) {
  EXPECT_EQ(RequestTarget("/a/b?c=d?e").path(), "/a/b");
  EXPECT_EQ(RequestTarget("/a/b").path(), "/a/b");
  EXPECT_EQ(RequestTarget("/a%2Fb").path(), "/a%2Fb");
  EXPECT_EQ(RequestTarget("?x").path(), "");
}

TEST(RequestTarget, ParametersAreDecoded) {
  const RequestTarget target("/?a=1%2B2+3&empty=&bare&%62=%C3%A9#a=9");
  EXPECT_EQ(target.query("a").value, "1+2 3");
  EXPECT_EQ(target.query("empty").value, "");
  EXPECT_EQ(target.query("bare").value, "");
  EXPECT_EQ(target.query("b").value, "\xC3\xA9");
  EXPECT_EQ(target.query("absent").value, std::nullopt);
  EXPECT_FALSE(target.query("absent").broken);
}

TEST(RequestTarget, TwiceOrABrokenEscapeIsBroken) {
  EXPECT_TRUE(RequestTarget("/?a=1&a=1").query("a").broken);
  EXPECT_TRUE(RequestTarget("/?a=1&%61=1").query("a").broken);
  for (const char* const target : {"/?a=%", "/?a=%4", "/?a=%4g", "/?a=%zz&b=1"}) {
    EXPECT_TRUE(RequestTarget(target).query("a").broken) << target;
  }
}

TEST(RequestTarget, WhatIsNotAskedForMayBeBroken) {
  const RequestTarget target("/?%zz=1&b=%&b=2&a=1");
  EXPECT_FALSE(target.query("a").broken);
  EXPECT_EQ(target.query("a").value, "1");
}

}  // namespace
}  // namespace mxd::server
