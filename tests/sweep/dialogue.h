#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sweep/homeserver.h"
#include "tests/sweep/row.h"

namespace mxd::sweep {

struct Step {
  std::string method;
  std::string target;  // after /_matrix/client/v3; $S: the session's ID
  std::string body;    // $S, and $F: the token of the page's form
  int status;          // without a fault
  std::string_view token = kAliceToken;
  Scene scene = Scene::kUser;
  std::optional<StageElsewhere> before = std::nullopt;  // is completed before the request
  bool forgets = false;  // before the request the host forgets what was completed elsewhere
};

// An endpoint's whole dialogue, from the first request to the last.
struct Dialogue {
  std::string name;
  Setup setup;
  std::vector<Step> steps;
};

std::vector<Dialogue> dialogues();

}  // namespace mxd::sweep
