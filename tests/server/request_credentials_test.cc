// Rows R11, A1 to A4, A14 on the server's own endpoints.
#include "bindings/server/accounts/request_credentials.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <list>

#include "matrix_devices/module.hpp"

namespace mxd::server {
namespace {

class RequestCredentialsTest : public ::testing::Test {
 protected:
  // "TOKEN", or the status and errcode of the refusal.
  std::string token(const std::string& query, const std::vector<std::string>& headers = {}) {
    const RequestCredentials who = read(query, headers);
    if (!who.refusal) return who.access_token;
    const auto body = boost::json::parse(who.refusal->body).as_object();
    const auto* const soft_logout = body.if_contains("soft_logout");
    return std::to_string(who.refusal->status) + " " +
           std::string(std::string_view(body.at("errcode").as_string())) +
           (soft_logout != nullptr && soft_logout->as_bool() ? " soft" : "");
  }

  RequestCredentials read(const std::string& query, const std::vector<std::string>& headers = {}) {
    Request request;
    const std::string target = "/_matrix/client/v3/account/whoami" + query;
    request.target = target;
    for (const std::string& value : headers)
      request.headers.push_back({view("Authorization"), view(value)});
    return read_credentials(request, settings);
  }

  Settings::Devices settings;
};

const std::string kMissing = "401 M_MISSING_TOKEN";
const std::string kUnknown = "401 M_UNKNOWN_TOKEN";
const std::string kInvalid = "400 M_INVALID_PARAM";

TEST_F(RequestCredentialsTest, OneTokenInHeaderOrQuery) {
  EXPECT_EQ(token("", {"Bearer T"}), "T");
  EXPECT_EQ(token("", {"bEARER  T "}), "T");
  EXPECT_EQ(token("?access_token=T%2B+"), "T+ ");
  EXPECT_EQ(token(""), kMissing);
  EXPECT_EQ(token("", {"Basic T"}), kMissing);
  EXPECT_EQ(token("", {"Bearer "}), kMissing);
  EXPECT_EQ(token("", {"Bearer"}), kMissing);
  EXPECT_EQ(token("", {"Bearer a b"}), kMissing);
  EXPECT_EQ(token("?access_token="), kMissing);
  EXPECT_EQ(token("", {"Bearer T", "Bearer T"}), kMissing);
  EXPECT_EQ(token("", {"Bearer T", "Basic x"}), kMissing);
  EXPECT_EQ(token("?access_token=T", {"Bearer T"}), kMissing);
}

TEST_F(RequestCredentialsTest, A4_ATokenThatNobodyCanHaveIsUnknown) {
  using namespace std::string_literals;
  EXPECT_EQ(token("", {"Bearer a\0b"s}), kUnknown);
  EXPECT_EQ(token("", {"Bearer \xff\xfe"}), kUnknown);
  EXPECT_EQ(token("", {"Bearer \xed\xa0\x80"}), kUnknown) << "half a surrogate pair";
  EXPECT_EQ(token("", {"Bearer " + std::string(4097, 'x')}), kUnknown);
  EXPECT_EQ(token("", {"Bearer " + std::string(4096, 'x')}), std::string(4096, 'x'));
  EXPECT_EQ(token("?access_token=a%00b"), kUnknown);
  EXPECT_EQ(token("?access_token=" + std::string(4097, 'x')), kUnknown);
}

TEST_F(RequestCredentialsTest, R11_AParameterThatMattersIsGivenOnceAndWhole) {
  for (const std::string name :
       {"access_token", "user_id", "device_id", "org.matrix.msc3202.device_id"}) {
    const std::vector<std::string> header =
        name == "access_token" ? std::vector<std::string>{} : std::vector<std::string>{"Bearer T"};
    EXPECT_EQ(token("?" + name + "=a&" + name + "=a", header), kInvalid) << name;
    EXPECT_EQ(token("?" + name + "=%zz", header), kInvalid) << name;
    EXPECT_EQ(token("?" + name + "=%f", header), kInvalid) << name;
    EXPECT_EQ(token("?" + name + "=%ff", header), kInvalid) << name;
    EXPECT_EQ(token("?" + name + "=%ed%a0%80", header), kInvalid) << name;
    EXPECT_EQ(token("?" + name + "=a%00", header), name == "access_token" ? kUnknown : kInvalid)
        << name;
    EXPECT_EQ(token("?" + name + "=%zz"), kInvalid) << name << ": whoever asks";
  }
  EXPECT_EQ(token("?other=%zz&other=1", {"Bearer T"}), "T");
}

TEST_F(RequestCredentialsTest, A2_TheQueryTokenMayBeTurnedOff) {
  settings.allow_query_token = false;
  EXPECT_EQ(token("?access_token=T"), kMissing);
  EXPECT_EQ(token("?access_token=%zz", {"Bearer T"}), "T");
}

TEST_F(RequestCredentialsTest, A14_TheAliasOfADeviceId) {
  const std::string alias = "org.matrix.msc3202.device_id=OLD";
  EXPECT_EQ(read("?" + alias, {"Bearer T"}).device_id, "OLD");
  EXPECT_EQ(read("?device_id=NEW&" + alias, {"Bearer T"}).device_id, "NEW");
  settings.device_id_alias = false;
  EXPECT_EQ(read("?" + alias, {"Bearer T"}).device_id, std::nullopt);
}

}  // namespace
}  // namespace mxd::server
