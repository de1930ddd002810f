#include "bindings/server/accounts/registration_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace mxd::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kBridge = R"(
id: IRC Bridge
url: "http://127.0.0.1:1234"
as_token: "30c05ae90a248a4188e620216fa72e349803310ec83e2a77b34fe90be6081f46"
hs_token: "312df522183efd404ec1cd22d2ffa4bbc76a8c1ccf541dd692eef281356bb74e"
sender_localpart: "_irc_bot"
rate_limited: false
protocols: ["irc"]
namespaces:
  users:
    - exclusive: true
      regex: "@_irc_.*:example\\.org"
    - exclusive: false
      regex: "@shared_.*"
  aliases:
    - exclusive: false
      regex: "#_irc_.*"
  rooms: []
)";

std::string refusal(const std::string& yaml) {
  try {
    parse_registration(yaml, "bridge.yaml");
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "no refusal";
}

std::string without(const std::string& line_start) {
  std::string yaml = kBridge;
  const auto begin = yaml.find("\n" + line_start) + 1;
  return yaml.erase(begin, yaml.find('\n', begin) - begin);
}

std::string replaced(std::string_view from, std::string_view to) {
  std::string yaml = kBridge;
  return yaml.replace(yaml.find(from), from.size(), to);
}

TEST(RegistrationFile, IsTheSpecifications) {
  const Registration bridge = parse_registration(kBridge, "bridge.yaml");
  EXPECT_EQ(bridge.id, "IRC Bridge");
  EXPECT_EQ(bridge.as_token, "30c05ae90a248a4188e620216fa72e349803310ec83e2a77b34fe90be6081f46");
  EXPECT_EQ(bridge.sender_localpart, "_irc_bot");
  EXPECT_FALSE(bridge.rate_limited);
  ASSERT_EQ(bridge.users.size(), 2U);
  EXPECT_TRUE(bridge.users[0].exclusive);
  EXPECT_EQ(bridge.users[0].regex, "@_irc_.*:example\\.org");
  EXPECT_FALSE(bridge.users[1].exclusive);
}

TEST(RegistrationFile, IsRateLimitedUnlessItSaysOtherwise) {
  EXPECT_TRUE(parse_registration(without("rate_limited"), "x").rate_limited);
}

TEST(RegistrationFile, MayHaveNoUrlToPushTo) {
  EXPECT_NO_THROW(parse_registration(replaced("\"http://127.0.0.1:1234\"", "null"), "x"));
}

TEST(RegistrationFile, ManagesItsSenderAndItsNamespaces) {
  const Registration bridge = parse_registration(kBridge, "bridge.yaml");
  EXPECT_TRUE(bridge.manages("@_irc_bot:example.org", "example.org"));
  EXPECT_TRUE(bridge.manages("@_irc_alice:example.org", "example.org"));
  EXPECT_TRUE(bridge.manages("@shared_x:example.org", "example.org"));
  EXPECT_FALSE(bridge.manages("@alice:example.org", "example.org"));
  EXPECT_FALSE(bridge.manages("x@_irc_alice:example.org", "example.org"));
}

// T9
TEST(RegistrationFile, NamespacesAreMatchedFromTheStart) {
  const Registration bridge =
      parse_registration(replaced("\"@shared_.*\"", "\"@shared_|irc\""), "bridge.yaml");
  EXPECT_TRUE(bridge.manages("@shared_x:example.org", "example.org"));
  EXPECT_FALSE(bridge.manages("@shared:example.org", "example.org"));
  EXPECT_FALSE(bridge.manages("@x@shared_x:example.org", "example.org"));
  EXPECT_FALSE(bridge.manages("@irc:example.org", "example.org"));
}

// T9
TEST(RegistrationFile, NamesTheExpressionThatCanNotBeTaken) {
  for (const std::string expression : {"@irc_(?!bot).*", "@(?<=a)b", "@(a)\\\\1"}) {
    const std::string text = refusal(replaced("\"@shared_.*\"", "\"" + expression + "\""));
    const std::string shown = expression == "@(a)\\\\1" ? "@(a)\\1" : expression;
    EXPECT_THAT(text, HasSubstr("bridge.yaml: \"namespaces.users[1].regex\" is " + shown));
  }
}

TEST(RegistrationFile, NamesTheFileAndTheKeyThatIsMissing) {
  for (const std::string key :
       {"id", "url", "as_token", "hs_token", "sender_localpart", "namespaces"}) {
    const std::string yaml = key == "namespaces" ? std::string(kBridge).substr(
                                                       0, std::string(kBridge).find("namespaces"))
                                                 : without(key);
    EXPECT_THAT(refusal(yaml), HasSubstr("bridge.yaml: \"" + key + "\" is missing"));
  }
}

TEST(RegistrationFile, NamesTheKeyThatIsWrong) {
  EXPECT_THAT(refusal(replaced("id: IRC Bridge", "id: ''")), HasSubstr("\"id\""));
  EXPECT_THAT(refusal(replaced("id: IRC Bridge", "id: [x]")), HasSubstr("\"id\""));
  EXPECT_THAT(refusal(replaced("rate_limited: false", "rate_limited: sometimes")),
              HasSubstr("\"rate_limited\" must be true or false"));
  EXPECT_THAT(refusal(replaced("\"@shared_.*\"", "\"@(shared\"")),
              HasSubstr("\"namespaces.users[1].regex\" is @(shared, which RE2 can't take"));
  EXPECT_THAT(refusal(replaced("\"#_irc_.*\"", "\"#(irc\"")),
              HasSubstr("\"namespaces.aliases[0].regex\""));
  EXPECT_THAT(refusal(replaced("exclusive: true", "exclusive: 7")),
              HasSubstr("\"namespaces.users[0].exclusive\""));
  EXPECT_THAT(refusal(replaced("rooms: []", "rooms: 3")), HasSubstr("\"namespaces.rooms\""));
}

TEST(RegistrationFile, RefusesWhatIsNoRegistration) {
  for (const char* const yaml : {"", "- id: x", "text", "7", "null"}) {
    EXPECT_THAT(refusal(yaml), HasSubstr("bridge.yaml")) << yaml;
  }
}

TEST(RegistrationFile, NeverQuotesAToken) {
  constexpr const char* kToken = "30c05ae90a248a4188e620216fa72e349803310ec83e2a77b34fe90be6081f46";
  const std::string open = replaced("4fe90be6081f46\"", "4fe90be6081f46");  // a quote is missing
  EXPECT_THAT(refusal(open), HasSubstr("no YAML at line"));
  EXPECT_THAT(refusal(open), Not(HasSubstr(kToken)));
  EXPECT_THAT(refusal(std::string("as_token: [") + kToken), Not(HasSubstr(kToken)));
  EXPECT_THAT(refusal(replaced("namespaces:", "namespaces: 1\nx:")), Not(HasSubstr(kToken)));
}

TEST(RegistrationFile, SaysWhenItCannotBeRead) {
  try {
    read_registration("/nonexistent/bridge.yaml");
    FAIL() << "expected a refusal";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("/nonexistent/bridge.yaml"));
  }
}

}  // namespace
}  // namespace mxd::server
