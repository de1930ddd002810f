#include "module/http/json_digest.h"

#include <gtest/gtest.h>

#include <boost/json/value.hpp>
#include <cmath>
#include <cstring>
#include <iomanip>
#include <random>
#include <set>
#include <sstream>
#include <string>

#include "module/http/json_body.h"

namespace mxd::http {
namespace {

std::string digest_of(std::string_view text) {
  memory::Arena arena;
  const auto parsed = parse_object(arena, text, EmptyBody::kRefused);
  if (!parsed) {
    ADD_FAILURE() << text << ": " << parsed.error()->text;
    return "";
  }
  return std::string(digest(arena, **parsed));
}

TEST(JsonDigest, OrderWhiteSpaceAndEscapesDoNotMatter) {
  const auto expected = digest_of(R"({"a":"A/\u00e9","b":{"x":1,"y":[true,null]}})");
  EXPECT_EQ(digest_of("{ \"b\" : { \"y\":[ true , null ], \"x\":1 },\n\"\\u0061\":"
                      "\"\\u0041\\/\xC3\xA9\" }"),
            expected);
}

TEST(JsonDigest, AnythingElseMatters) {
  const char* const different[] = {
      "{}",
      R"({"a":1})",
      R"({"a":2})",
      R"({"a":-1})",
      R"({"a":"1"})",
      R"({"a":true})",
      R"({"a":false})",
      R"({"a":null})",
      R"({"a":[]})",
      R"({"a":{}})",
      R"({"a":""})",
      R"({"a":[1]})",
      R"({"a":[[1]]})",
      R"({"a":[1,2]})",
      R"({"a":[2,1]})",
      R"({"a":[12]})",
      R"({"b":1})",
      R"({"a":0})",
      R"({"a":[0]})",
      R"({"a":[null]})",
      R"({"ab":""})",
      R"({"a":"b"})",
      R"({"A":1})",
      R"({"a":1,"b":1})",
      R"({"a":{"b":1}})",
      R"({"a":{},"b":1})",
      R"({"a":["b"]})",
      R"({"a":["b",""]})",
      R"({"a":["","b"]})",
      R"({"a":["\u0000"]})",
      R"({"":1})",
      R"({"a":9007199254740993})",
      R"({"a":9007199254740992})",
      R"({"a":18446744073709551615})",
  };
  std::set<std::string> digests;
  for (const char* text : different)
    EXPECT_TRUE(digests.insert(digest_of(text)).second) << text << " has another's digest";
}

// A body as a session keeps it.
std::string kept(std::string_view text) {
  memory::Arena arena;
  const auto parsed = parse_object(arena, text, EmptyBody::kRefused);
  return parsed ? std::string(serialize(arena, **parsed)) : "";
}

TEST(JsonDigest, U8_NumbersComeBackAsTheyWere) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 20'000; ++i) {
    const auto bits = random();
    double any;
    std::memcpy(&any, &bits, sizeof any);
    const std::string digits = std::to_string(random() >> (random() % 60));
    const std::string exponent = std::to_string(static_cast<int>(random() % 600) - 300);
    std::ostringstream shortest;
    shortest << std::setprecision(17) << any;
    std::string numbers = digits + "." + digits + "," + digits.substr(0, 8) + "e" + exponent;
    if (std::isfinite(any)) numbers += "," + shortest.str();
    const std::string body = "{\"a\":[" + numbers + "]}";
    ASSERT_EQ(digest_of(kept(body)), digest_of(body)) << body;
  }
  for (const char* const number :
       {"-0", "-0.0", "0.1", "1E2", "5e-324", "2e-324", "1e-400", "1.7976931348623157e308",
        "18446744073709551616", "0.1000000000000000055511151231257827", "4503599627370497.5",
        "123456789012345678901234567890123456789012345678901234567890.5"}) {
    const std::string body = std::string("{\"a\":") + number + "}";
    EXPECT_EQ(digest_of(kept(body)), digest_of(body)) << number << " kept as " << kept(body);
  }
}

// How a digest is made is a part of the format of sessions, and frozen: these were worked out
// without the module.
TEST(JsonDigest, IsFrozen) {
  EXPECT_EQ(digest_of("{}"), "cf12b9aa38445e4bbff7e768dd4c1513951792683a39fde4bcbdb20ce9d7c1f9");
  EXPECT_EQ(digest_of(R"({"devices":["LAPTOP","TABLET"],"n":[1,-2.5,null,true,"\u0000\u00e9"]})"),
            "79d5487013383d26d85edb7f369191873589ddd574f28528a1cb4931197cb215");
  EXPECT_EQ(digest_of(R"({"z":{"b":18446744073709551615,"a":-9223372036854775808},"":false})"),
            "acb3c77166954267010f43ed2203cff1add9d723d4ba89736f53388d39cf7a7d");
}

TEST(JsonDigest, OfATextIsSha256) {
  memory::Arena arena;
  EXPECT_EQ(digest_text(arena, "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest_text(arena, ""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace mxd::http
