// The server's own endpoints on a store, without a socket.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/server/accounts/account_endpoints.h"

namespace mxd::server {

class Recorded final : public Exchange {
 public:
  Recorded(std::string_view method, std::string_view target, std::string_view body,
           std::string_view address = "192.0.2.1") {
    request_.method = method;
    request_.target = target;
    request_.body = body;
    request_.remote_addr = address;
  }
  const Request& request() const override { return request_; }
  void respond(Response response) noexcept override { answer_.set_value(std::move(response)); }
  Response answer() { return future_.get(); }
  bool is_answered() const {
    return future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }

 private:
  Request request_;
  std::promise<Response> answer_;
  std::future<Response> future_ = answer_.get_future();
};

class AccountTest : public ::testing::Test {
 protected:
  explicit AccountTest(const char* library = MXD_STORE_LIBRARY)
      : store({folder + "/devices.db", library, "example.org", {}}) {}
  static std::string make_folder() {
    std::string folder = (std::filesystem::temp_directory_path() / "mxd-accounts-XXXXXX").string();
    return ::mkdtemp(folder.data());
  }
  ~AccountTest() override {
    password_workers.join();
    workers.join();
    std::filesystem::remove_all(folder);
  }

  Response answer(std::string_view method, std::string_view target, std::string_view body = "",
                  std::string_view address = "192.0.2.1") {
    Recorded exchange(method, target, body, address);
    EXPECT_TRUE(serve_account_endpoint(context, exchange)) << method << " " << target;
    return exchange.answer();
  }

  Response post(const std::string& endpoint, const boost::json::object& body,
                std::string_view address = "192.0.2.1") {
    return answer("POST", "/_matrix/client/v3/" + endpoint, boost::json::serialize(body), address);
  }

  static boost::json::object json_of(const Response& response) {
    return boost::json::parse(response.body).as_object();
  }
  static std::string text_of(const Response& response, std::string_view name) {
    const boost::json::object body = json_of(response);
    const auto* const value = body.if_contains(boost::json::string_view(name.data(), name.size()));
    return value == nullptr ? std::string() : boost::json::value_to<std::string>(*value);
  }

  const std::string folder = make_folder();
  const CurrentRegistrations services{{}};
  Workers workers{2, 16};
  Workers password_workers{2, 16};
  CurrentSettings settings{Settings{}};
  AccountContext context{store,         workers, password_workers, services,
                         "example.org", false,   settings};
  // Ends before them, as in the server: a store's own thread may be on its way out of a worker's
  // queue when the answer is there already.
  const Store store;
};

}  // namespace mxd::server
