#include "tests/sweep/dialogue.h"

namespace mxd::sweep {
namespace {

constexpr const char* kPhone = "/devices/PHONE";
constexpr const char* kMany = "/delete_devices";
constexpr const char* kAsAlice = "?user_id=%40alice%3Aexample.org";

std::string config(const std::string& more = {}, const std::string& uia = {}) {
  return R"({"fallback_pages":true,"user_limit_info_uri":"https://example.org/limits")" + more +
         R"(,"uia":{"allow_unproved_flows":false)" + uia + "}}";
}

// A body with `members` beside the auth of this session.
std::string with_auth(const std::string& members, const std::string& auth,
                      const std::string& session = R"("session":"$S")") {
  const std::string separator = session.empty() || auth.empty() ? "" : ",";
  return "{" + members + (members.empty() ? "" : ",") + R"("auth":{)" + session + separator + auth +
         "}}";
}

std::string password(const std::string& word = std::string(kPassword)) {
  return R"("type":"m.login.password","identifier":{"type":"m.id.user","user":"alice"},)"
         R"("password":")" +
         word + "\"";
}

const std::string kTerms = R"("type":"m.login.terms")";
const std::string kTwo = R"("devices":["PHONE","TABLET"])";
const std::string kOne = R"("devices":["PHONE"])";
const std::string kPage = "/auth/m.login.password/fallback/web?session=$S";
const std::string kForm = "form_token=$F&password=" + std::string(kPassword);

Setup setup() {
  return {.config = config()};
}

Setup two_stages(const std::string& uia = {}) {
  return {.config = config({}, uia), .flows = {{"m.login.terms", "m.login.password"}}};
}

std::vector<Step> password_dialogue() {
  return {{"DELETE", kPhone, "", 401}, {"DELETE", kPhone, with_auth("", password()), 200}};
}

std::vector<Step> page_dialogue() {
  return {{"POST", kMany, "{" + kTwo + "}", 401},
          {"GET", kPage, "", 200, "", Scene::kPage},
          {"POST", kPage, kForm, 200, "", Scene::kPage},
          {"POST", kMany, with_auth(kTwo, ""), 200}};
}

void add_reading_and_writing(std::vector<Dialogue>& all) {
  all.push_back({"list", setup(), {{"GET", "/devices", "", 200}}});
  all.push_back({"list, null for what is not known",
                 {.config = config(R"(,"unknown_fields":"null")")},
                 {{"HEAD", "/devices", "", 200}}});
  all.push_back(
      {"get one", setup(), {{"GET", kPhone, "", 200}, {"GET", "/devices/NONE", "", 404}}});
  all.push_back({"rename",
                 setup(),
                 {{"PUT", kPhone, R"({"display_name":"New"})", 200}, {"GET", kPhone, "", 200}}});
  all.push_back({"put without a name", setup(), {{"PUT", kPhone, "{}", 200}}});
  const auto service = [](const std::string& id, const std::string& body, int status) {
    return Step{"PUT", "/devices/" + id + kAsAlice, body, status, kServiceToken, Scene::kService};
  };
  all.push_back({"create, for an application service",
                 setup(),
                 {service("NEW", R"({"display_name":"x"})", 201),
                  service("NEW", R"({"display_name":"y"})", 200), service("NEWER", "{}", 201),
                  service("NEWER", "{}", 200)}});
  all.push_back({"create, at the cap",
                 {.config = config(R"(,"max_devices_per_user":4)")},
                 {service("NEW", R"({"display_name":"x"})", 403)}});
  all.push_back({"create, without the optional callbacks",
                 {.config = config(), .bare = true},
                 {service("NEW", R"({"display_name":"x"})", 404)}});
}

void add_deleting(std::vector<Dialogue>& all) {
  all.push_back({"delete, password", setup(), password_dialogue()});
  all.push_back({"delete, password, without the optional callbacks",
                 {.config = config(), .bare = true},
                 password_dialogue()});
  all.push_back({"delete, in one request",
                 setup(),
                 {{"DELETE", kPhone, with_auth("", password(), ""), 200}}});
  all.push_back({"delete, a token without a device",
                 setup(),
                 {{"DELETE", kPhone, "", 401, kDevicelessToken},
                  {"DELETE", kPhone, with_auth("", password()), 200, kDevicelessToken}}});
  all.push_back({"delete, a wrong password first",
                 setup(),
                 {{"DELETE", kPhone, "", 401},
                  {"DELETE", kPhone, with_auth("", password("SECRET-wrong")), 401},
                  {"DELETE", kPhone, with_auth("", password()), 200}}});
  all.push_back({"delete, and repeat",
                 setup(),
                 {{"DELETE", kPhone, "", 401},
                  {"DELETE", kPhone, with_auth("", password()), 200},
                  {"DELETE", kPhone, with_auth("", ""), 200}}});
  all.push_back(
      {"delete, for an application service",
       setup(),
       {{"DELETE", std::string(kPhone) + kAsAlice, "", 200, kServiceToken, Scene::kService},
        {"POST", std::string(kMany) + kAsAlice, "{" + kTwo + "}", 200, kServiceToken,
         Scene::kService}}});
  all.push_back({"delete many, two stages",
                 two_stages(),
                 {{"POST", kMany, "{" + kTwo + "}", 401},
                  {"POST", kMany, with_auth(kTwo, kTerms), 401},
                  {"POST", kMany, with_auth(kTwo, ""), 401},
                  {"POST", kMany, with_auth(kTwo, password()), 200}}});
  all.push_back({"delete many, the kept body",
                 setup(),
                 {{"POST", kMany, "{" + kTwo + "}", 401},
                  {"POST", kMany, with_auth("", password()), 200, kAliceToken, Scene::kKeptBody}}});
  all.push_back({"delete many, a body that changes",
                 two_stages(R"(,"body_binding":"lenient")"),
                 {{"POST", kMany, "{" + kOne + "}", 401},
                  {"POST", kMany, with_auth(kTwo, ""), 401},
                  {"POST", kMany, with_auth(kOne, kTerms), 401},
                  {"POST", kMany, with_auth(kTwo, password()), 200}}});
  all.push_back({"delete, in a grace period",
                 {.config = config({}, R"(,"grace_period_ms":60000)"), .grace = true},
                 {{"DELETE", kPhone, "", 401},
                  {"DELETE", kPhone, with_auth("", password()), 200},
                  {"DELETE", "/devices/TABLET", "", 200}}});
}

void add_elsewhere(std::vector<Dialogue>& all) {
  Setup sso{.config = config(), .flows = {{"m.login.sso"}, {"m.login.password"}}};
  all.push_back({"delete, single sign-on",
                 sso,
                 {{"DELETE", kPhone, "", 401},
                  {"DELETE", kPhone, with_auth("", ""), 401},
                  {"DELETE", kPhone, with_auth("", ""), 200, kAliceToken, Scene::kUser,
                   StageElsewhere{"m.login.sso", std::string(kAlice)}}}});
  all.push_back({"delete, somebody else's single sign-on",
                 sso,
                 {{"DELETE", kPhone, "", 401},
                  {"DELETE", kPhone, with_auth("", ""), 403, kAliceToken, Scene::kDead,
                   StageElsewhere{"m.login.sso", std::string(kMallory)}},
                  {"DELETE", kPhone, with_auth("", password()), 403, kAliceToken, Scene::kDead,
                   std::nullopt, true}}});
  all.push_back({"fallback page", setup(), page_dialogue()});
  all.push_back({"fallback page, without the optional callbacks",
                 {.config = config(), .bare = true},
                 page_dialogue()});
  all.push_back({"fallback page, a wrong password first",
                 setup(),
                 {{"DELETE", kPhone, "", 401},
                  {"GET", kPage, "", 200, "", Scene::kPage},
                  {"POST", kPage, "form_token=$F&password=SECRET-wrong", 401, "", Scene::kPage},
                  {"POST", kPage, kForm, 200, "", Scene::kPage},
                  {"DELETE", kPhone, with_auth("", ""), 200}}});
}

}  // namespace

std::vector<Dialogue> dialogues() {
  std::vector<Dialogue> all;
  add_reading_and_writing(all);
  add_deleting(all);
  add_elsewhere(all);
  return all;
}

}  // namespace mxd::sweep
