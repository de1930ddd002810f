#include "tests/check/world.h"

#include <boost/json.hpp>
#include <chrono>

namespace mxd::check_test {
namespace {

namespace json = boost::json;

std::string id_of(const std::string& name) {
  return "@" + name + ":check.example";
}

constexpr const char* kNames[] = {"alice", "bob"};
constexpr int kSpares = 3;

}  // namespace

World::World() {
  const auto add = [&](const std::string& user_id, const std::string& device,
                       TokenState state = TokenState::kGood) {
    users[user_id].devices[device].last_seen_ms = now_ms();
    users[user_id].devices[device].name = "first name";
    tokens["token-" + device] = Token{user_id, device, state};
  };
  for (const std::string name : kNames) {
    users[id_of(name)].password = name + "'s password";
    add(id_of(name), name + "_Main");
    for (int i = 0; i < kSpares; ++i)
      add(id_of(name), name + "_Spare" + std::to_string(i));
  }
  add(id_of("carol"), "expired", TokenState::kExpired);
  add(id_of("dave"), "locked");
  users[id_of("dave")].locked = true;
  add(id_of("guest"), "guest");
  users[id_of("guest")].guest = true;
  users[std::string(kSender)].of_service = true;
  users[id_of("_inside")].of_service = true;
}

int64_t World::now_ms() const {
  using std::chrono::system_clock;
  const auto now = system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count() + turned_ms;
}

std::string configuration(int parallel) {
  json::array users;
  for (const std::string name : kNames) {
    json::array spares;
    for (int i = 0; i < kSpares; ++i) {
      const std::string device = name + "_Spare" + std::to_string(i);
      spares.push_back(json::object{{"device_id", device}, {"token", "token-" + device}});
    }
    users.push_back(json::object{{"user_id", id_of(name)},
                                 {"device_id", name + "_Main"},
                                 {"token", "token-" + name + "_Main"},
                                 {"password", name + "'s password"},
                                 {"email", name + "@mail.example"},
                                 {"phone", {{"country", "GB"}, {"number", "07700 " + name}}},
                                 {"spares", std::move(spares)}});
  }
  const json::object check{
      {"disposable", true},
      {"parallel", parallel},
      {"users", std::move(users)},
      {"tokens",
       {{"expired", "token-expired"}, {"locked", "token-locked"}, {"guest", "token-guest"}}},
      {"service",
       {{"token", json::string_view(kServiceToken.data(), kServiceToken.size())},
        {"inside", id_of("_inside")},
        {"outside", id_of("alice")},
        {"unregistered", id_of("_nobody")}}},
      {"stages",
       {{"m.login.registration_token",
         {{"right", {{"token", "open sesame"}}}, {"wrong", {{"token", "open barley"}}}}}}}};
  return json::serialize(json::object{
      {"check", check}, {"uia", {{"grace_period_ms", 1'000}}}, {"unknown_fields", "null"}});
}

}  // namespace mxd::check_test
