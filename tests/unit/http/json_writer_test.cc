#include "module/http/json_writer.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <limits>
#include <string>

namespace mxd::http {
namespace {

TEST(JsonWriter, CommasWhereTheyBelong) {
  memory::OutputBuffer out;
  JsonWriter json(out);
  json.begin_object();
  json.member("a", "x");
  json.member("b", int64_t{-1});
  json.key("c");
  json.begin_array();
  json.begin_object();
  json.end_object();
  json.begin_array();
  json.end_array();
  json.null();
  json.string("s");
  json.raw("{\"r\":1}");
  json.end_array();
  json.members("");
  json.members("\"m\":1,\"n\":2");
  json.end_object();
  EXPECT_EQ(out.view(), R"({"a":"x","b":-1,"c":[{},[],null,"s",{"r":1}],"m":1,"n":2})");
}

TEST(JsonWriter, MembersFirst) {
  memory::OutputBuffer out;
  JsonWriter json(out);
  json.begin_object();
  json.members("\"m\":1");
  json.member("a", "x");
  json.end_object();
  EXPECT_EQ(out.view(), R"({"m":1,"a":"x"})");
}

TEST(JsonWriter, ExtremeNumbers) {
  memory::OutputBuffer out;
  JsonWriter json(out);
  json.begin_array();
  json.number(std::numeric_limits<int64_t>::min());
  json.number(std::numeric_limits<int64_t>::max());
  json.number(0);
  json.end_array();
  EXPECT_EQ(out.view(), "[-9223372036854775808,9223372036854775807,0]");
}

TEST(JsonWriter, AnyTextComesBack) {
  std::string ascii;
  for (char c = 0; c < 0x7F; ++c)
    ascii += c;
  const std::string texts[] = {"",
                               "plain",
                               ascii,
                               std::string(100'000, '\x01'),
                               "\x7F\xC2\x80\xE2\x80\xA8\xF0\x9F\x93\xB1",
                               std::string(100'000, '"') + "\xC3\xA9"};
  for (const auto& text : texts) {
    memory::OutputBuffer out;
    JsonWriter json(out);
    json.begin_array();
    json.string(text);
    json.string("behind");
    json.end_array();
    boost::json::error_code error;
    const auto parsed = boost::json::parse(out.view(), error);
    ASSERT_FALSE(error) << error.message() << ": " << text.substr(0, 50);
    EXPECT_EQ(parsed.at(0).as_string(), text) << text.substr(0, 50);
    EXPECT_EQ(parsed.at(1).as_string(), "behind");
  }
}

TEST(JsonWriter, KeysAreEscapedToo) {
  memory::OutputBuffer out;
  JsonWriter json(out);
  json.begin_object();
  json.member("a\"\n", "x");
  json.end_object();
  EXPECT_EQ(out.view(), R"({"a\"\n":"x"})");
}

}  // namespace
}  // namespace mxd::http
