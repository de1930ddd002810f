#include "tests/unit/auth/dialogue.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "tests/unit/auth/browser.h"

namespace mxd::test {
namespace {

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i)
    text.append(i == 0 ? "" : separator).append(parts[i]);
  return text;
}

std::string completed_of(const boost::json::value& completed) {
  Names types;
  for (const auto& type : completed.as_array())
    types.push_back(std::string(type.as_string().subview(std::string_view("m.login.").size())));
  return joined(types, ",");
}

// "200", "401 new" with a new session, "401 refused", "401 " and what is completed; of a page
// "done", "page 401" for the form again, "404"; else the status.
std::string outcome_of(const Response& response) {
  const std::string status = std::to_string(response.status);
  if (response.header("Content-Type") == "text/html; charset=utf-8") {
    if (response.status == 200 && response.body.find("authDone") != response.body.npos)
      return "done";
    return response.status == 404 ? status : "page " + status;
  }
  if (response.status != 401) return status;
  const auto body = response.json();
  const auto* completed = body.if_contains("completed");
  if (completed == nullptr) return "401 new";
  return body.contains("errcode") ? "401 refused" : "401 " + completed_of(*completed);
}

class Play {
 public:
  explicit Play(const Scenario& scenario) : scenario_(scenario) {
    host_.config = std::string(R"({"fallback_pages":true,"uia":{"body_binding":")") +
                   (scenario.lenient ? "lenient" : "strict") + "\"}}";
    host_.users[kAlice] = {.password = kAlicePassword,
                           .devices = {{"A", {}}, {"B", {}}, {"C", {}}, {"PHONE", {}}}};
    host_.users[kBob] = {.password = kBobPassword};
    host_.tokens[kPhoneToken] = {.user = kAlice, .device = "PHONE"};
    host_.flows = scenario.flows;
    begin();
  }

  Played run(const Schedule& schedule) {
    Played played;
    std::vector<size_t> active = actors_to_go();
    while (!active.empty()) {
      const size_t index = schedule(played.choices.size(), active);
      played.choices.push_back({index, active.size()});
      step(active[index]);
      active = actors_to_go();
    }
    for (size_t i = 0; i < scenario_.actors.size(); ++i) {
      if (is_event(i)) {
        answers_.emplace_back("-");
      } else {
        answers_.push_back(outcome_of(host_.wait_for(cookie_of(i))));
      }
    }
    std::sort(deleted_.begin(), deleted_.end());
    played.outcome = joined(answers_, " | ") + " -> " + joined(deleted_, ",");
    return played;
  }

 private:
  static mxd_cookie cookie_of(size_t actor) { return actor + 1; }
  bool is_event(size_t actor) const { return scenario_.actors[actor].kind == Actor::Kind::kEvent; }

  // The session, the forms, and every request as far as its first question.
  void begin() {
    const auto challenge = host_.send({.method = "POST",
                                       .target = kDeleteDevices,
                                       .token = kPhoneToken,
                                       .body = R"({"devices":["A"]})"});
    session_ = std::string(challenge.json().at("session").as_string());
    std::vector<Request> requests;
    for (const Actor& actor : scenario_.actors)
      requests.push_back(request_of(actor));
    host_.held = {"uia_create_session", "uia_load_session", "uia_replace_session", "uia_check",
                  "delete_devices"};
    happened_.assign(requests.size(), false);
    for (size_t i = 0; i < requests.size(); ++i) {
      if (is_event(i)) continue;
      EXPECT_EQ(host_.start(requests[i], cookie_of(i)), MXD_OK);
    }
  }

  Request request_of(const Actor& actor) {
    if (actor.kind == Actor::Kind::kEvent) return {};
    if (actor.kind == Actor::Kind::kPage) {
      Browser browser(host_, session_, "m.login." + actor.type);
      browser.open();
      return browser.form(actor.fields);
    }
    std::string auth = R"({"session":")" + session_ + "\"";
    if (!actor.auth.empty()) auth += "," + actor.auth;
    return {.method = "POST",
            .target = kDeleteDevices,
            .token = kPhoneToken,
            .body = with_auth(auth + "}", deletion_of({actor.body}))};
  }

  std::vector<size_t> actors_to_go() const {
    std::vector<size_t> active;
    for (size_t i = 0; i < scenario_.actors.size(); ++i) {
      const bool waits = is_event(i) ? !happened_[i] : host_.held_of(cookie_of(i)).has_value();
      if (waits) active.push_back(i);
    }
    return active;
  }

  void step(size_t actor) {
    if (is_event(actor)) {
      happened_[actor] = true;
      scenario_.actors[actor].event(host_, session_);
      return;
    }
    const int before = host_.deletions;
    host_.answer_held_of(cookie_of(actor));
    if (host_.deletions == before) return;
    // They are back, for whoever comes next.
    for (const auto& id : host_.deleted) {
      deleted_.push_back(id);
      host_.users[kAlice].devices[id] = {};
    }
  }

  const Scenario& scenario_;
  FakeHost host_{Completion::kInline};
  std::string session_;
  std::vector<bool> happened_;  // events
  Names answers_;
  Names deleted_;
};

}  // namespace

Played play(const Scenario& scenario, const Schedule& schedule) {
  Play play(scenario);
  return play.run(schedule);
}

std::vector<std::string> play_one_by_one(const Scenario& scenario) {
  std::vector<size_t> order(scenario.actors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::vector<std::string> outcomes;
  do {
    const auto rank = [&](size_t actor) {
      return std::find(order.begin(), order.end(), actor) - order.begin();
    };
    const auto first = [&](size_t, const std::vector<size_t>& actors) {
      const auto best = std::min_element(actors.begin(), actors.end(),
                                         [&](size_t a, size_t b) { return rank(a) < rank(b); });
      return static_cast<size_t>(best - actors.begin());
    };
    outcomes.push_back(play(scenario, first).outcome);
  } while (std::next_permutation(order.begin(), order.end()));
  return outcomes;
}

Search play_all(const Scenario& scenario, size_t most, unsigned seed) {
  Search search;
  std::vector<size_t> prefix;
  for (;;) {
    if (search.played == most) break;
    const Played played = play(scenario, [&](size_t step, const std::vector<size_t>&) {
      return step < prefix.size() ? prefix[step] : 0;
    });
    ++search.played;
    search.outcomes.insert(played.outcome);
    // The next path: the last choice that has another one after it, and that one.
    size_t length = played.choices.size();
    while (length > 0 && played.choices[length - 1].index + 1 >= played.choices[length - 1].count) {
      --length;
    }
    if (length == 0) return search;
    prefix.clear();
    for (size_t i = 0; i < length; ++i)
      prefix.push_back(played.choices[i].index);
    ++prefix.back();
  }
  search.all = false;
  std::mt19937 random(seed);
  for (size_t i = 0; i < most; ++i) {
    const Played played = play(scenario, [&](size_t, const std::vector<size_t>& actors) {
      return random() % actors.size();
    });
    ++search.played;
    search.outcomes.insert(played.outcome);
  }
  return search;
}

}  // namespace mxd::test
