#include "tests/bench/in_process/exchange.h"

#include <array>
#include <cstdio>
#include <stdexcept>

namespace mxd::bench {
namespace {

constexpr std::string_view kRoot = "/_matrix/client/v3";
constexpr size_t kBulk = 100;

// As an ordinary client sends them.
constexpr std::string_view kUserAgent = "Client/1.0 (Linux; x86-64)";

std::string password_auth() {
  return std::string(R"({"type":"m.login.password","identifier":{"type":"m.id.user","user":")") +
         std::string(kUserId) + R"("},"password":")" + std::string(kPassword) + R"("})";
}

std::string absent_id(size_t number) {
  std::array<char, 16> id;
  std::snprintf(id.data(), id.size(), "ABSENT%05zu", number);
  return id.data();
}

std::string bulk_body() {
  std::string body = R"({"devices":[)";
  for (size_t i = 0; i < kBulk; ++i) {
    if (i != 0) body += ',';
    body += '"' + absent_id(i) + '"';
  }
  return body + R"(],"auth":)" + password_auth() + "}";
}

}  // namespace

std::string device_id(size_t number) {
  std::array<char, 16> id;
  std::snprintf(id.data(), id.size(), "DEVICE%05zu", number);
  return id.data();
}

const std::vector<std::string_view>& exchange_names() {
  static const std::vector<std::string_view> names = {"list",      "get",    "rename",
                                                      "challenge", "delete", "delete_100"};
  return names;
}

uint32_t right_status(std::string_view name) {
  return name == "challenge" ? 401 : 200;
}

Exchange::Exchange(std::string_view name, std::string_view access_token)
    : name_(name),
      authorization_("Bearer " + std::string(access_token)),
      renames_(name == "rename") {
  const std::string devices = std::string(kRoot) + "/devices";
  if (name == "list") {
    method_ = "GET";
    target_ = devices;
  } else if (name == "get") {
    method_ = "GET";
    target_ = devices + "/" + std::string(kOwnDevice);
  } else if (name == "rename") {
    method_ = "PUT";
    target_ = devices + "/" + std::string(kOwnDevice);
    body_ = R"({"display_name":"Name 0000000000"})";
  } else if (name == "challenge") {
    method_ = "DELETE";
    target_ = devices + "/" + absent_id(0);
    body_ = "{}";
  } else if (name == "delete") {
    method_ = "DELETE";
    target_ = devices + "/" + absent_id(0);
    body_ = R"({"auth":)" + password_auth() + "}";
  } else if (name == "delete_100") {
    method_ = "POST";
    target_ = std::string(kRoot) + "/delete_devices";
    body_ = bulk_body();
  } else {
    throw std::invalid_argument("there is no exchange of this name: " + name_);
  }
  headers_ = {{view("Host"), view(kServerName)},
              {view("User-Agent"), view(kUserAgent)},
              {view("Authorization"), view(authorization_)},
              {view("Accept"), view("application/json")}};
  if (!body_.empty()) headers_.push_back({view("Content-Type"), view("application/json")});
}

const mxd_request& Exchange::next(mxd_cookie cookie) {
  if (renames_) {
    const size_t digits = body_.size() - sizeof(R"(0000000000"})") + 1;
    uint64_t number = ++sent_;
    for (size_t i = 10; i-- > 0; number /= 10) {
      body_[digits + i] = static_cast<char>('0' + number % 10);
    }
  }
  request_ = make<mxd_request>();
  request_.cookie = cookie;
  request_.headers = headers_.data();
  request_.header_count = headers_.size();
  request_.method = view(method_);
  request_.target = view(target_);
  request_.body = view(body_);
  request_.remote_addr = view("192.0.2.7");
  return request_;
}

void Answers::respond(mxd_cookie, mxd_cookie request, const mxd_response* response) noexcept {
  Answers& answers = *reinterpret_cast<Answers*>(request);
  answers.status_ = response->http_status;
  answers.body_.assign(text(response->body));
  answers.count_.fetch_add(1, std::memory_order_release);
  answers.count_.notify_one();
}

void Answers::wait_for(uint64_t count) const {
  uint64_t now = count_.load(std::memory_order_acquire);
  while (now < count) {
    count_.wait(now, std::memory_order_acquire);
    now = count_.load(std::memory_order_acquire);
  }
}

}  // namespace mxd::bench
