#include "module/auth/stage_types.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <string>

#include "matrix_devices/module.h"

namespace mxd::auth {
namespace {

// The errcode for the stage's data, or nothing where all is there.
std::string check(const std::string& text) {
  const auto auth = boost::json::parse(text).as_object();
  Credentials credentials;
  const auto* error =
      read_credentials(std::string_view(auth.at("type").as_string()), auth, credentials);
  return error == nullptr ? "" : std::string(error->errcode);
}

TEST(ReadCredentials, Complete) {
  const char* const stages[] = {
      R"({"type":"m.login.password","password":"","identifier":{"type":"m.id.user","user":""}})",
      R"({"type":"m.login.password","password":"x","identifier":{"type":"m.id.thirdparty",)"
      R"("medium":"email","address":"a"}})",
      R"({"type":"m.login.password","password":"x","identifier":{"type":"m.id.phone",)"
      R"("country":"GB","phone":"1"}})",
      R"({"type":"m.login.password","password":"x","identifier":{"type":"x.other"}})",
      R"({"type":"m.login.registration_token","token":"x"})",
      R"({"type":"m.login.recaptcha","response":"x"})",
      R"({"type":"m.login.email.identity","threepid_creds":{}})",
      R"({"type":"m.login.msisdn","threepid_creds":{}})",
      R"({"type":"m.login.dummy"})",
      R"({"type":"m.login.terms"})",
      R"({"type":"m.login.sso"})",
      R"({"type":"x.custom","anything":[1]})",
  };
  for (const char* auth : stages)
    EXPECT_EQ(check(auth), "") << auth;
}

TEST(ReadCredentials, MissingOrOfAWrongType) {  // U4a
  const char* const stages[] = {
      R"({"type":"m.login.password"})",
      R"({"type":"m.login.password","password":1,"identifier":{"type":"m.id.user","user":"a"}})",
      R"({"type":"m.login.password","password":"x"})",
      R"({"type":"m.login.password","password":"x","user":"a"})",
      R"({"type":"m.login.password","password":"x","identifier":"a"})",
      R"({"type":"m.login.password","password":"x","identifier":{}})",
      R"({"type":"m.login.password","password":"x","identifier":{"type":1}})",
      R"({"type":"m.login.password","password":"x","identifier":{"type":"m.id.user"}})",
      R"({"type":"m.login.password","password":"x","identifier":{"type":"m.id.thirdparty",)"
      R"("medium":"email"}})",
      R"({"type":"m.login.password","password":"x","identifier":{"type":"m.id.phone",)"
      R"("country":1,"phone":"1"}})",
      R"({"type":"m.login.registration_token","token":1})",
      R"({"type":"m.login.recaptcha"})",
      R"({"type":"m.login.email.identity","threepid_creds":[]})",
      R"({"type":"m.login.msisdn"})",
  };
  for (const char* auth : stages)
    EXPECT_EQ(check(auth), "M_BAD_JSON") << auth;
}

TEST(StageTypes, WhatTheSpecificationNames) {
  for (const char* type :
       {"m.login.password", "m.login.sso", "m.login.email.identity", "m.login.msisdn"}) {
    ASSERT_NE(find_stage_type(type), nullptr) << type;
    EXPECT_TRUE(find_stage_type(type)->proves_identity) << type;
  }
  for (const char* type :
       {"m.login.recaptcha", "m.login.dummy", "m.login.registration_token", "m.login.terms"}) {
    ASSERT_NE(find_stage_type(type), nullptr) << type;
    EXPECT_FALSE(find_stage_type(type)->proves_identity) << type;
  }
  for (const char* type : {"", "m.login", "m.login.passwor", "m.login.password ", "M.LOGIN.DUMMY"})
    EXPECT_EQ(find_stage_type(type), nullptr) << type;
}

TEST(StageTypes, ThoseWithAPage) {  // F1
  for (const char* type : {"m.login.password", "m.login.terms", "m.login.registration_token"})
    EXPECT_TRUE(has_page(type)) << type;
  for (const char* type : {"m.login.dummy", "m.login.sso", "m.login.recaptcha", "x.custom", ""})
    EXPECT_FALSE(has_page(type)) << type;
}

}  // namespace
}  // namespace mxd::auth
