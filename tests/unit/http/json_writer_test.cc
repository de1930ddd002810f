#include "module/http/json_writer.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <limits>
#include <optional>
#include <string>
#include <vector>

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
  json.string(std::string_view());
  json.raw("{\"r\":1}");
  json.end_array();
  json.members("");
  json.members("\"m\":1,\"n\":2");
  json.end_object();
  EXPECT_EQ(out.view(), R"({"a":"x","b":-1,"c":[{},[],null,"s","",{"r":1}],"m":1,"n":2})");
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

// What a reader makes of one string; none where the writer refuses it.
std::optional<std::string> read_back(std::string_view text) {
  memory::OutputBuffer out;
  JsonWriter json(out);
  json.begin_array();
  const size_t before = out.size();
  if (!json.string(text)) {
    EXPECT_EQ(out.size(), before) << "nothing of what is refused is written";
    return std::nullopt;
  }
  json.end_array();
  return std::string(boost::json::parse(out.view()).at(0).as_string());
}

TEST(JsonWriter, AnyCharacterAnywhere) {
  // Text is looked at eight bytes at a time: every place around such eights, for every byte that is
  // a character, and for characters of several bytes.
  std::vector<std::string> characters = {"\xC2\x80",     "\xC3\xA9",         "\xE2\x82\xAC",
                                         "\xEF\xBF\xBF", "\xF0\x9F\x93\xB1", "\xF4\x8F\xBF\xBF"};
  for (int byte = 0; byte < 0x80; ++byte)
    characters.emplace_back(1, static_cast<char>(byte));
  for (const auto& character : characters) {
    for (size_t before = 0; before <= 17; ++before) {
      for (const size_t after : {0, 1, 7, 8, 9}) {
        const std::string text = std::string(before, 'a') + character + std::string(after, 'b');
        ASSERT_EQ(read_back(text), text) << testing::PrintToString(text);
      }
    }
  }
}

TEST(JsonWriter, RefusesWhatIsNotUtf8) {
  for (const char* broken : {"\x80", "\xC3", "\xE2\x82", "\xC0\x80", "\xED\xA0\x80", "\xFF"}) {
    for (size_t before = 0; before <= 17; ++before) {
      for (const size_t after : {0, 1, 7, 8, 9}) {
        const std::string text = std::string(before, 'a') + broken + std::string(after, 'b');
        EXPECT_EQ(read_back(text), std::nullopt) << testing::PrintToString(text);
        EXPECT_EQ(read_back(text + "\""), std::nullopt) << testing::PrintToString(text);
      }
    }
  }
}

TEST(JsonWriter, KeysAreEscapedToo) {
  memory::OutputBuffer out;
  JsonWriter json(out);
  json.begin_object();
  json.member("z", "y");
  json.escaped_key("a\"\n");
  json.string("x");
  json.end_object();
  EXPECT_EQ(out.view(), R"({"z":"y","a\"\n":"x"})");
}

}  // namespace
}  // namespace mxd::http
