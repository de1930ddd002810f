#include <algorithm>
#include <boost/json.hpp>
#include <string>

#include "abi/check/steps/steps.h"

namespace mxd::check {
namespace {

constexpr std::string_view kPassword = "m.login.password";

bool offers(const Answer& flows, std::string_view type) {
  return std::any_of(flows.stages.begin(), flows.stages.end(),
                     [&](const Stage& stage) { return stage.type == type; });
}

std::string localpart_of(const std::string& user_id) {
  const size_t colon = user_id.find(':');
  return user_id.size() > 1 && colon != std::string::npos ? user_id.substr(1, colon - 1) : user_id;
}

// OK, and this identity.
void proves(Check& check, std::string_view promise, const Answer& answer,
            const std::string& identity, const std::string& what) {
  if (!check.is(promise, answer, MXD_OK, what)) return;
  check.say(promise, answer.identity.value_or("") == identity,
            what + ": the identity is " + quoted(answer.identity.value_or("")) + " instead of " +
                quoted(identity));
}

Task<> try_names(Check& check, const Attempt& common) {
  Attempt attempt = common;
  const std::string alice = check.setting("/users/0/user_id");
  const std::string bob = check.setting("/users/1/user_id");
  attempt.password = check.setting("/users/0/password");
  attempt.user = alice;
  const Answer by_id = co_await check.try_stage(attempt);
  proves(check, "uia_check.user", by_id, alice, "uia_check with the user ID and its password");
  attempt.user = localpart_of(alice);
  const Answer by_localpart = co_await check.try_stage(attempt);
  proves(check, "uia_check.user", by_localpart, alice,
         "uia_check with the localpart and its password");

  attempt.password = "wrong " + check.random_id();
  const Answer wrong = co_await check.try_stage(attempt);
  attempt.password = "";
  const Answer empty = co_await check.try_stage(attempt);
  if (check.is("uia_check.wrong_password", wrong, MXD_REFUSED, "uia_check, wrong password")) {
    check.is("uia_check.wrong_password", empty, MXD_REFUSED, "uia_check, empty password");
  }
  attempt.user = "check-nobody-" + check.random_id().substr(0, 8);
  attempt.password = check.setting("/users/0/password");
  const Answer unknown = co_await check.try_stage(attempt);
  check.is("uia_check.unknown_user", unknown, MXD_REFUSED, "uia_check of a made-up user");

  attempt.user = bob;
  const Answer mixed = co_await check.try_stage(attempt);
  check.is("uia_check.another_password", mixed, MXD_REFUSED,
           "uia_check with one user's name and another's password");
  attempt.password = check.setting("/users/1/password");
  const Answer others = co_await check.try_stage(attempt);
  proves(check, "uia_check.another_user", others, bob,
         "uia_check with another user's name and password");
}

// The module answers itself where a password or an identifier is missing.
Task<> try_unknown_identifier(Check& check, const Attempt& common) {
  Attempt attempt = common;
  attempt.password = check.setting("/users/0/password");
  attempt.auth["identifier"] = {{"type", "org.example.badge"}, {"badge", "7"}};
  const Answer answer = co_await check.try_stage(attempt);
  if (answer.status == MXD_BAD_DATA) {
    check.held("uia_check.unknown_identifier");
  } else {
    check.is("uia_check.unknown_identifier", answer, MXD_REFUSED,
             "uia_check with an identifier of an unknown type");
  }
}

Task<> try_addresses(Check& check, const Attempt& common) {
  Attempt attempt = common;
  const std::string alice = check.setting("/users/0/user_id");
  attempt.password = check.setting("/users/0/password");
  attempt.medium = "email";
  attempt.address = "nobody-" + check.random_id().substr(0, 8) + "@check.invalid";
  const Answer nobodys = co_await check.try_stage(attempt);
  check.is("uia_check.unknown_address", nobodys, MXD_REFUSED, "uia_check of nobody's e-mail");
  const std::string email = check.setting("/users/0/email");
  if (email.empty()) {
    check.not_tried("uia_check.email", "the configuration has no check/users/0/email");
  } else {
    attempt.address = email;
    const Answer by_email = co_await check.try_stage(attempt);
    proves(check, "uia_check.email", by_email, alice, "uia_check with the e-mail address");
  }
  const std::string number = check.setting("/users/0/phone/number");
  if (number.empty()) {
    check.not_tried("uia_check.phone", "the configuration has no check/users/0/phone");
  } else {
    attempt.medium = "msisdn";
    attempt.address = number;
    attempt.country = check.setting("/users/0/phone/country");
    const Answer by_phone = co_await check.try_stage(attempt);
    proves(check, "uia_check.phone", by_phone, alice, "uia_check with the phone number");
  }
}

// The stages of the configuration: {"TYPE": {"right": {…}, "wrong": {…}}}.
Task<> try_stages(Check& check, const Attempt& common, const Answer& flows) {
  Attempt attempt = common;
  const boost::json::value* const stages = check.instance().find_setting("/stages");
  if (stages == nullptr) {
    check.not_tried("uia_check.stages", "the configuration has no check/stages");
    co_return;
  }
  for (const auto& member : stages->as_object()) {
    attempt.type = member.key();
    if (!offers(flows, attempt.type)) {
      check.not_tried("uia_check.stages", "no flow offers " + quoted(attempt.type));
      continue;
    }
    attempt.auth = member.value().at("wrong").as_object();
    const Answer wrong = co_await check.try_stage(attempt);
    attempt.auth = member.value().at("right").as_object();
    const Answer right = co_await check.try_stage(attempt);
    const bool refused = wrong.status == MXD_BAD_DATA ||
                         check.is("uia_check.stages", wrong, MXD_REFUSED,
                                  "uia_check with wrong data of " + quoted(attempt.type));
    if (refused) {
      check.is("uia_check.stages", right, MXD_OK,
               "uia_check with right data of " + quoted(attempt.type));
    }
  }
}

}  // namespace

Task<> prove_identity(Check& check) {
  const Answer flows = co_await check.uia_flows();
  const Answer again = co_await check.uia_flows();
  if (!check.is("uia_flows.same_order", flows, MXD_OK, "uia_flows")) co_return;
  check.say("uia_flows.same_order", flows.stages == again.stages,
            "the second call gave other flows, parameters, or another order");
  check.say("uia_flows.offers", !flows.stages.empty(), "no flow is offered");

  Session session;
  session.state = "{}";
  const Answer created = co_await check.create_session(session);
  if (created.status != MXD_OK) co_return;
  Attempt attempt;
  attempt.session_id = check.id_of(created);
  if (offers(flows, kPassword)) {
    co_await try_names(check, attempt);
    co_await try_unknown_identifier(check, attempt);
    co_await try_addresses(check, attempt);
  } else {
    for (const char* promise :
         {"uia_check.user", "uia_check.wrong_password", "uia_check.unknown_user",
          "uia_check.another_user", "uia_check.another_password", "uia_check.unknown_identifier",
          "uia_check.email", "uia_check.phone", "uia_check.unknown_address"}) {
      check.not_tried(promise, "no flow offers m.login.password");
    }
  }
  co_await try_stages(check, attempt, flows);
}

Task<> mark_validated(Check& check) {
  const int64_t now = check.now_ms();
  check.notes()["validated_ms"] = now;
  const Answer marked = co_await check.mark_validated(now);
  check.is("mark_validated.kept", marked, MXD_OK, "mark_validated");
}

Task<> look_for_validation(Check& check) {
  const bool says = (check.me().flags & MXD_PRINCIPAL_HAS_VALIDATED_MS) != 0;
  check.say("mark_validated.kept", says && check.me().validated_ms == check.number("validated_ms"),
            says ? "the next principal has another validated_ms"
                 : "the next principal is without MXD_PRINCIPAL_HAS_VALIDATED_MS");
  co_return;
}

}  // namespace mxd::check
