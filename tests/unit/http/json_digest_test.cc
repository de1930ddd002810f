#include "module/http/json_digest.h"

#include <gtest/gtest.h>

#include <boost/json/value.hpp>
#include <set>
#include <string>

#include "module/http/json_body.h"

namespace mxd::http {
namespace {

std::string digest_of(std::string_view text) {
  async::Arena arena;
  const auto parsed = parse_object(arena, text, EmptyBody::kRefused);
  if (!parsed) {
    ADD_FAILURE() << text << ": " << parsed.error()->text;
    return "";
  }
  const Digest made = digest(arena, **parsed);
  return std::string(made.data(), made.size());
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

TEST(JsonDigest, OfATextIsSha256) {
  async::Arena arena;
  EXPECT_EQ(digest_text(arena, "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest_text(arena, ""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace mxd::http
