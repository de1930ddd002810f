#include "tests/bench/in_process/bare.h"

#include <array>
#include <charconv>
#include <cstdlib>
#include <stdexcept>

namespace mxd::bench {
namespace {

// A look-up that has to succeed.
template <class Found>
Found& there(Found* found) {
  if (found == nullptr) std::abort();
  return *found;
}

void append(std::string& body, std::string_view id, const Device& device) {
  std::array<char, 24> number;
  const auto end =
      std::to_chars(number.data(), number.data() + number.size(), device.last_seen_ms).ptr;
  body.append(R"({"device_id":")").append(id);
  body.append(R"(","display_name":")").append(device.display_name);
  body.append(R"(","last_seen_ip":")").append(device.last_seen_ip);
  body.append(R"(","last_seen_ts":)").append(number.data(), end).append("}");
}

}  // namespace

void Bare::list(std::string& body) {
  const Tables::Token& token = there(tables_.find_token(kAccessToken));
  body.assign(R"({"devices":[)");
  bool is_first = true;
  for (const auto& [id, device] : there(tables_.find_user(token.user_id)).devices) {
    if (!is_first) body += ',';
    is_first = false;
    append(body, id, device);
  }
  body.append("]}");
}

void Bare::get(std::string& body) {
  const Tables::Token& token = there(tables_.find_token(kAccessToken));
  const Tables::User& user = there(tables_.find_user(token.user_id));
  const auto found = user.devices.find(kOwnDevice);
  if (found == user.devices.end()) std::abort();
  body.clear();
  append(body, found->first, found->second);
}

void Bare::rename(std::string& body) {
  const Tables::Token& token = there(tables_.find_token(kAccessToken));
  Tables::User& user = there(tables_.find_user(token.user_id));
  const auto found = user.devices.find(kOwnDevice);
  if (found == user.devices.end()) std::abort();
  std::array<char, 24> number;
  const auto end = std::to_chars(number.data(), number.data() + number.size(), ++renamed_).ptr;
  found->second.display_name.assign("Name ").append(number.data(), end);
  body.assign("{}");
}

// A new session costs 32 random bytes whoever makes it; the bare one takes a constant.
void Bare::challenge(std::string& body) {
  const Tables::Token& token = there(tables_.find_token(kAccessToken));
  there(tables_.find_user(token.user_id));
  body.assign(R"({"flows":[{"stages":["m.login.password"]}],"params":{},)"
              R"("session":"0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"})");
}

void Bare::remove(std::string& body, size_t devices) {
  const Tables::Token& token = there(tables_.find_token(kAccessToken));
  Tables::User& user = there(tables_.find_user(token.user_id));
  if (user.password != kPassword) std::abort();
  std::array<char, 16> id;
  for (size_t i = 0; i < devices; ++i) {
    const auto end = std::to_chars(id.data(), id.data() + id.size(), i).ptr;
    const auto found = user.devices.find(std::string_view(id.data(), end));
    if (found != user.devices.end()) user.devices.erase(found);
  }
  body.assign("{}");
}

Bare::Function Bare::find(std::string_view name) {
  if (name == "list") return [](Bare& bare, std::string& body) { bare.list(body); };
  if (name == "get") return [](Bare& bare, std::string& body) { bare.get(body); };
  if (name == "rename") return [](Bare& bare, std::string& body) { bare.rename(body); };
  if (name == "challenge") return [](Bare& bare, std::string& body) { bare.challenge(body); };
  if (name == "delete") return [](Bare& bare, std::string& body) { bare.remove(body, 1); };
  if (name == "delete_100") return [](Bare& bare, std::string& body) { bare.remove(body, 100); };
  throw std::invalid_argument("there is no exchange of this name: " + std::string(name));
}

}  // namespace mxd::bench
