#include "tests/unit/rows.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>

namespace mxd::test {
namespace {

namespace json = boost::json;

std::string quoted(std::string_view text) {
  return json::serialize(json::value(json::string(text)));
}

std::string errcode_of(const json::object& body) {
  const auto* errcode = body.if_contains("errcode");
  return errcode != nullptr && errcode->is_string() ? std::string(errcode->get_string()) : "";
}

// `error` is there, and holds no secret.
testing::AssertionResult has_good_text(const json::object& body, const Response& response) {
  const auto* error = body.if_contains("error");
  if (error == nullptr || !error->is_string() || error->get_string().size() < 10) {
    return testing::AssertionFailure() << "expected a telling `error`, got " << response;
  }
  if (error->get_string().find("secret-") != std::string::npos) {
    return testing::AssertionFailure() << "`error` holds a secret: " << response;
  }
  return testing::AssertionSuccess();
}

json::value flows_json(const std::vector<Names>& flows) {
  json::array list;
  for (const auto& stages : flows)
    list.push_back(json::object{{"stages", json::value_from(stages)}});
  return list;
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Completion, Rows, kBothModes, mode_name);

std::string mode_name(const testing::TestParamInfo<Completion>& mode) {
  return mode.param == Completion::kInline ? "Inline" : "Deferred";
}

// ---- What a response is ----

testing::AssertionResult is_error(const Response& response, int status, std::string_view errcode) {
  const auto body = response.json();
  if (response.status != status || errcode_of(body) != errcode) {
    return testing::AssertionFailure()
           << "expected " << status << " " << errcode << ", got " << response;
  }
  return has_good_text(body, response);
}

testing::AssertionResult is_ok(const Response& response, int status, std::string_view body) {
  if (response.status == status && response.body == body) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << "expected " << status << " " << body << ", got " << response;
}

testing::AssertionResult is_challenge(const Response& response, const Challenge& expected) {
  json::object rest = response.json();
  const auto failure = [&](std::string_view what) {
    return testing::AssertionFailure()
           << "expected a challenge with " << what << ", got " << response;
  };
  if (response.status != 401) return failure("status 401");
  const auto take = [&](std::string_view key) {
    const auto found = rest.find(key);
    if (found == rest.end()) return json::value("nothing");
    json::value value = found->value();
    rest.erase(found);
    return value;
  };
  const auto flows = flows_json(expected.flows);
  if (take("flows") != flows) return failure("flows " + json::serialize(flows));
  if (!take("params").is_object()) return failure("params, an object");
  const auto session = take("session");
  if (!session.is_string() || session.get_string() == "nothing") return failure("a session");
  if (expected.completed) {
    const auto completed = json::value_from(*expected.completed);
    if (take("completed") != completed) return failure("completed " + json::serialize(completed));
  }
  if (!expected.errcode.empty()) {
    if (take("errcode") != json::value(expected.errcode)) return failure(expected.errcode);
    const auto good = has_good_text(response.json(), response);
    if (!good) return good;
    take("error");
  }
  return rest.empty() ? testing::AssertionSuccess()
                      : failure("nothing else, not " + json::serialize(rest));
}

// ---- What clients send ----

std::string password_stage(std::string_view session, std::string_view user,
                           std::string_view password) {
  std::string auth = R"({"type":"m.login.password",)";
  if (!session.empty()) auth += R"("session":)" + quoted(session) + ",";
  return auth + R"("identifier":{"type":"m.id.user","user":)" + quoted(user) + R"(},"password":)" +
         quoted(password) + "}";
}

std::string stage(std::string_view session, std::string_view type) {
  return R"({"session":)" + quoted(session) + R"(,"type":)" + quoted(type) + "}";
}

std::string session_alone(std::string_view session) {
  return R"({"session":)" + quoted(session) + "}";
}

std::string with_auth(std::string_view auth, std::string_view members) {
  std::string body = "{";
  if (!members.empty()) body.append(members).append(",");
  return body.append("\"auth\":").append(auth).append("}");
}

std::string deletion_of(const Names& ids) {
  return "\"devices\":" + json::serialize(json::value_from(ids));
}

// ---- The world ----

Rows::Rows() {
  host.users[kAlice] = {.password = kAlicePassword,
                        .devices = {{"LAPTOP", {"Alice's laptop", "192.0.2.7", 1'699'999'999'000}},
                                    {"PHONE", {}},
                                    {"TABLET", {.display_name = ""}}},
                        .email = "alice@example.org",
                        .phone = "447700900123"};
  host.users[kBob] = {.password = kBobPassword, .devices = {{"BOBPHONE", {}}}};
  host.users["@guest:test"] = {.devices = {{"GUESTDEVICE", {}}}};
  host.users["@bridge:test"] = {.devices = {{"BRIDGE", {}}}};
  host.users[kCarol] = {.devices = {{"IRC", {}}}};
  host.tokens = {
      {kPhoneToken, {.user = kAlice, .device = "PHONE"}},
      {kLaptopToken, {.user = kAlice, .device = "LAPTOP"}},
      {kLooseToken, {.user = kAlice, .token_id = "row-7"}},
      {kOtherLooseToken, {.user = kAlice, .token_id = "row-8"}},
      {kBobToken, {.user = kBob, .device = "BOBPHONE"}},
      {kGuestToken, {.user = "@guest:test", .device = "GUESTDEVICE", .flags = MXD_PRINCIPAL_GUEST}},
      {kOauthToken, {.user = kAlice, .device = "TABLET", .flags = MXD_PRINCIPAL_OAUTH}},
      {kServiceToken, {.user = "", .service = "irc"}},
  };
  host.services["irc"] = {.sender = "@bridge:test", .prefix = "@irc_"};
}

Response Rows::send(const Request& request) {
  const Response response = host.send(request);
  const auto expect_header = [&](std::string_view name, std::optional<std::string> value) {
    EXPECT_EQ(response.header(name), value)
        << name << " of " << request.method << " " << request.target;
  };
  // R12
  expect_header("Access-Control-Allow-Origin", "*");
  expect_header("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS");
  expect_header("Access-Control-Allow-Headers", "X-Requested-With, Content-Type, Authorization");
  expect_header("Access-Control-Expose-Headers", "Retry-After");
  expect_header("Cache-Control", "no-store");
  expect_header("Content-Type", response.body.empty()
                                    ? std::nullopt
                                    : std::optional<std::string>("application/json"));
  return response;
}

Response Rows::get(const std::string& target, const std::string& token) {
  return send({.method = "GET", .target = target, .token = token});
}

Response Rows::put(const std::string& id, const std::string& body, const std::string& token) {
  return send(
      {.method = "PUT", .target = std::string(kDevices) + "/" + id, .token = token, .body = body});
}

Response Rows::remove(const std::string& id, const std::string& body, const std::string& token) {
  return send({.method = "DELETE",
               .target = std::string(kDevices) + "/" + id,
               .token = token,
               .body = body});
}

Response Rows::remove_many(const std::string& body, const std::string& token) {
  return send({.method = "POST", .target = kDeleteDevices, .token = token, .body = body});
}

std::string Rows::begin(const Names& ids, const std::string& token) {
  return session_of(remove_many("{" + deletion_of(ids) + "}", token));
}

std::string Rows::session_of(const Response& response) {
  const auto body = response.json();
  const auto* session = body.if_contains("session");
  if (session != nullptr && session->is_string()) return std::string(session->get_string());
  ADD_FAILURE() << "expected a session, got " << response;
  return "";
}

Names Rows::devices_of(const std::string& user) const {
  Names ids;
  for (const auto& [id, device] : host.users.at(user).devices)
    ids.push_back(id);
  return ids;
}

}  // namespace mxd::test
