#pragma once

#include <cstddef>
#include <functional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/rows.h"

namespace mxd::test {

// Somebody who does something with a session while others do: a request, a page, or an event in
// the host.
struct Actor {
  enum class Kind { kRequest, kPage, kEvent };
  Kind kind = Kind::kRequest;
  std::string body;         // kRequest: the device that it is to delete
  std::string auth = {};    // kRequest: the rest of `auth`, beside the session; or empty
  std::string type = {};    // kPage: the stage of its page,
  std::string fields = {};  // and of the form that it sends
  std::function<void(FakeHost&, const std::string& session)> event = {};  // kEvent
};

// A session that was begun to delete device A, and those who are at it at the same time.
struct Scenario {
  const char* name;
  bool lenient;  // U12
  std::vector<Names> flows;
  std::vector<Actor> actors;
  // What must come of them one after the other, for each order: lexicographically, as
  // std::next_permutation has them.
  std::vector<std::string> serial;

  friend std::ostream& operator<<(std::ostream& out, const Scenario& scenario) {
    return out << scenario.name;
  }
};

// A choice that a schedule made: which of so many.
struct Choice {
  size_t index;
  size_t count;
};

// What came of one interleaving: "answer | answer -> device,device", with what was deleted in
// order of name; and the choices that led there.
struct Played {
  std::string outcome;
  std::vector<Choice> choices;
};

// Given how many choices were made before, and the actors that still have something to do, chooses
// whose question is answered next.
using Schedule = std::function<size_t(size_t step, const std::vector<size_t>& actors)>;

// Plays a scenario against the real module, in a new instance with a new host. All questions that
// concern the session wait, and are answered one at a time.
Played play(const Scenario& scenario, const Schedule& schedule);

// One actor after the other, for each order.
std::vector<std::string> play_one_by_one(const Scenario& scenario);

// Every interleaving, depth first, and what it comes to; where there are more than `most`, as many
// random ones beside the first.
struct Search {
  std::set<std::string> outcomes;
  size_t played = 0;
  bool all = true;
};
Search play_all(const Scenario& scenario, size_t most, unsigned seed);

}  // namespace mxd::test
