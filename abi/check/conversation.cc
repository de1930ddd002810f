#include "abi/check/conversation.h"

#include <boost/json.hpp>
#include <string>
#include <utility>

#include "abi/check/check.h"
#include "abi/check/plan.h"

namespace mxd::check {
namespace {

boost::json::string_view json_view(std::string_view text) {
  return {text.data(), text.size()};
}

void respond_error(Dialogue& dialogue, uint32_t status, std::string_view errcode,
                   std::string_view text) {
  const boost::json::object body{{"errcode", json_view(errcode)}, {"error", json_view(text)}};
  dialogue.set_response(status, boost::json::serialize(body), true);
}

std::string as_json(Instance& instance, const boost::json::value& next) {
  boost::json::array promises;
  for (const Line& line : instance.report().lines()) {
    promises.push_back(boost::json::object{{"name", json_view(line.name)},
                                           {"promise", json_view(line.promise)},
                                           {"outcome", json_view(name_of(line.outcome))},
                                           {"detail", line.detail}});
  }
  const boost::json::object report{{"promises", std::move(promises)},
                                   {"completions", instance.report().completions()},
                                   {"next", next}};
  return boost::json::serialize(report);
}

std::string in_words(const boost::json::value& next) {
  if (next.is_null()) return "next: nothing, that was all";
  const boost::json::object& request = next.get_object();
  const std::string_view place = request.at("place").get_string();
  std::string text = "next: ";
  if (place == "restarted") text += "restart the host, then ";
  if (place == "elsewhere") text += "to another process of the host, ";
  if (request.at("after_ms").to_number<int64_t>() != 0) {
    text += "wait " + boost::json::serialize(request.at("after_ms")) + " ms, then ";
  }
  text += std::string(request.at("method").get_string()) + " " +
          std::string(request.at("target").get_string());
  text += request.at("token").is_null()
              ? " with a token that nobody has"
              : " with the token at check" + std::string(request.at("token").get_string());
  if (request.at("times").to_number<int64_t>() != 1) {
    text += ", " + boost::json::serialize(request.at("times")) + " times at once";
  }
  if (request.at("body_bytes").to_number<int64_t>() != 0) {
    text += ", with a body of " + boost::json::serialize(request.at("body_bytes")) + " bytes";
  }
  return text;
}

std::string as_text(Instance& instance, const boost::json::value& next) {
  std::string text;
  for (const Line& line : instance.report().lines()) {
    const std::string_view detail = line.detail.empty() ? line.promise : line.detail;
    text += std::string(name_of(line.outcome)) + " " + std::string(line.name) + ": " +
            std::string(detail) + "\n";
  }
  return text + "completions: " + instance.report().completions() + "\n" + in_words(next) + "\n";
}

void respond_report(Dialogue& dialogue, const Position& next) {
  Instance& instance = dialogue.instance();
  std::vector<std::string> lines;
  if (next.step == nullptr) {  // all of it, since a host may replace a response
    for (const Line& line : instance.report().lines()) {
      lines.push_back(std::string(name_of(line.outcome)) + " " + std::string(line.name) +
                      (line.detail.empty() ? "" : ": " + line.detail));
    }
  }
  instance.log(dialogue.request().cookie, lines);
  const boost::json::value request = request_for(next, instance);
  const bool is_json = dialogue.request().wants_json;
  dialogue.set_response(200, is_json ? as_json(instance, request) : as_text(instance, request),
                        is_json);
}

bool is_configured_token(Instance& instance, const std::string& token) {
  for (const std::string_view user : {"/users/0", "/users/1"}) {
    for (const std::string_view of :
         {"/token", "/spares/0/token", "/spares/1/token", "/spares/2/token"}) {
      if (token == instance.setting(std::string(user) + std::string(of))) return true;
    }
  }
  for (const std::string_view other : {"/tokens/expired", "/tokens/replaced", "/tokens/locked",
                                       "/tokens/guest", "/service/token"}) {
    if (token == instance.setting(other)) return true;
  }
  return false;
}

// Whether this is the token that the step is to be sent with.
bool is_token_of(const Step& step, Instance& instance, const std::string& token) {
  return step.token.empty() ? !is_configured_token(instance, token)
                            : token == instance.setting(step.token);
}

// The principal of a user's token must be the user and the device that the configuration names.
void compare_principal(const Step& step, Check& check) {
  if (step.token.substr(0, 7) != "/users/" || !step.acting_as.empty()) return;
  const std::string_view user = step.token.substr(0, 8);
  const std::string device =
      std::string(step.token.substr(0, step.token.rfind('/'))) + "/device_id";
  const std::string user_id = check.setting(std::string(user) + "/user_id");
  check.say("authenticate.principal",
            check.me().user_id == user_id && check.me().device_id == check.setting(device),
            "the token at check" + std::string(step.token) + " brought " +
                quoted(check.me().user_id) + " with device " + quoted(check.me().device_id));
}

// What the client of a refused token sees: "STATUS ERRCODE", and " soft_logout" where it is.
std::string_view client_answer(int32_t status) {
  switch (status) {
    case MXD_UNKNOWN_TOKEN:
      return "401 M_UNKNOWN_TOKEN";
    case MXD_TOKEN_EXPIRED:
      return "401 M_UNKNOWN_TOKEN soft_logout";
    case MXD_USER_LOCKED:
      return "401 M_USER_LOCKED soft_logout";
    case MXD_FORBIDDEN:
      return "403 M_FORBIDDEN";
    default:
      return "400 M_UNKNOWN_DEVICE";
  }
}

// The step brought no report. A host that gives its own answer to a refused token in the place of
// the module's must give the same.
void pass_over(const Step& step, Check& check) {
  const Request& request = check.request();
  if (!step.refusal || !request.answered) {
    skip(step, *request.skip, check.instance());
    const std::string_view status = request.answered ? *request.answered : std::string_view();
    if (status.substr(0, 4) == "401 " || status.substr(0, 4) == "403 ") {
      check.broken(step.let_in, "the host itself answered " + std::string(status) +
                                    " to the token at check" + std::string(step.token));
    }
    return;
  }
  const std::string_view expected = client_answer(step.refusal->status);
  check.say(
      step.refusal->promise, *request.answered == expected,
      "the host itself answered " + *request.answered + " instead of " + std::string(expected));
}

Task<> run(const Step& step, Check& check) {
  const Answer& answer = check.authenticated();
  const std::string token = "the token at check" + std::string(step.token);
  if (step.refusal) {
    check.is(step.refusal->promise, answer, step.refusal->status,
             "authenticate for " + (step.token.empty() ? "a made-up token" : token));
    co_return;
  }
  if (answer.status != MXD_OK) {
    skip(step, "its request was not let in", check.instance());
    check.is(step.let_in, answer, MXD_OK, "authenticate for " + token);
    co_return;
  }
  compare_principal(step, check);
  co_await step.run(check);
}

}  // namespace

Task<> converse(Dialogue& dialogue) {
  Instance& instance = dialogue.instance();
  const Request& request = dialogue.request();
  const RouteRow* const route = find_route(request.target);
  if (request.method == "OPTIONS") {
    dialogue.set_response(204, {}, true);
    co_return;
  }
  if ((", " + std::string(route->methods) + ", ").find(", " + request.method + ", ") ==
      std::string::npos) {
    respond_error(dialogue, 405, "M_UNRECOGNIZED", "This endpoint has other methods.");
    co_return;
  }
  if (request.token.empty()) {
    respond_error(dialogue, 401, "M_MISSING_TOKEN",
                  "Send the access token of a user of the configuration's `check`.");
    co_return;
  }
  const std::optional<Position> position = Position::read(request.resume);
  if (!position) {
    respond_error(dialogue, 400, "M_INVALID_PARAM", "Send `resume` as the last report gave it.");
    co_return;
  }
  instance.note_unanswered(dialogue);

  Check check(dialogue, position->notes);
  const Step& step = *position->step;
  Answer answer = co_await check.authenticate();
  dialogue.set_principal(answer.principal);
  check.set_authenticated(std::move(answer));
  if (!is_token_of(step, instance, request.token) &&
      !is_configured_token(instance, request.token)) {
    respond_error(dialogue, 403, "M_FORBIDDEN",
                  "This server checks its host, for the users of the configuration's `check`.");
    co_return;
  }
  if (request.skip) {
    pass_over(step, check);
  } else if (request.method == step.method && is_token_of(step, instance, request.token)) {
    instance.log(request.cookie, {"step " + std::string(step.name)});
    co_await run(step, check);
  } else {
    respond_report(dialogue, *position);  // it asks for the same step
    co_return;
  }
  const Position next = position_after(step, check.notes(), instance);
  respond_report(dialogue, next);
}

}  // namespace mxd::check
