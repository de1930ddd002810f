#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/fake_host.h"

namespace mxd::test {

// Everything secret begins with "secret-", so that it is found where it must not be.
inline constexpr const char* kPhoneToken = "secret-token-phone";    // of alice's PHONE
inline constexpr const char* kLaptopToken = "secret-token-laptop";  // of alice's LAPTOP
inline constexpr const char* kLooseToken = "secret-token-loose";    // of alice, without a device
inline constexpr const char* kOtherLooseToken = "secret-token-other-loose";  // likewise
inline constexpr const char* kBobToken = "secret-token-bob";                 // of bob's BOBPHONE
inline constexpr const char* kGuestToken = "secret-token-guest";
inline constexpr const char* kOauthToken = "secret-token-oauth";      // of alice's TABLET
inline constexpr const char* kServiceToken = "secret-token-service";  // of the bridge
inline constexpr const char* kAlicePassword = "secret-alice";
inline constexpr const char* kBobPassword = "secret-bob";

inline constexpr const char* kAlice = "@alice:test";
inline constexpr const char* kBob = "@bob:test";
inline constexpr const char* kCarol = "@irc_carol:test";  // of the bridge's namespace

inline constexpr const char* kDevices = "/_matrix/client/v3/devices";
inline constexpr const char* kDeleteDevices = "/_matrix/client/v3/delete_devices";

using Names = std::vector<std::string>;

// The 401 of User-Interactive Authentication that is expected.
struct Challenge {
  std::vector<Names> flows = {{"m.login.password"}};
  std::optional<Names> completed = {};
  std::string errcode = {};
};

// ---- What a response is; a failure says what it is instead. ----

testing::AssertionResult is_error(const Response& response, int status, std::string_view errcode);
testing::AssertionResult is_ok(const Response& response, int status = 200,
                               std::string_view body = "{}");
testing::AssertionResult is_challenge(const Response& response, const Challenge& expected = {});

// ---- What clients send. ----

// The `auth` of a password stage; without a session where that is empty.
std::string password_stage(std::string_view session, std::string_view user = "alice",
                           std::string_view password = kAlicePassword);
// The `auth` of a stage that has nothing but its type.
std::string stage(std::string_view session, std::string_view type);
// `auth` with a session alone.
std::string session_alone(std::string_view session);
// {<members>, "auth": <auth>}
std::string with_auth(std::string_view auth, std::string_view members = {});

// The members of a request for User-Interactive Authentication to delete these.
std::string deletion_of(const Names& ids);

// For INSTANTIATE_TEST_SUITE_P.
inline const auto kBothModes = testing::Values(Completion::kInline, Completion::kDeferred);
std::string mode_name(const testing::TestParamInfo<Completion>& mode);

// A test of the behaviour table: a small world, asked through the contract in both modes of
// completion. Every response is checked for what all of them must have (R12).
class Rows : public testing::TestWithParam<Completion> {
 protected:
  Rows();

  Response send(const Request& request);
  Response get(const std::string& target, const std::string& token = kPhoneToken);
  Response put(const std::string& id, const std::string& body,
               const std::string& token = kPhoneToken);
  Response remove(const std::string& id, const std::string& body = "",
                  const std::string& token = kPhoneToken);
  Response remove_many(const std::string& body, const std::string& token = kPhoneToken);

  // Begins a deletion of these, and gives the session of its challenge.
  std::string begin(const Names& ids, const std::string& token = kPhoneToken);
  static std::string session_of(const Response& response);

  Names devices_of(const std::string& user) const;

  FakeHost host{GetParam()};
};

}  // namespace mxd::test
