// Does what the checking module's answers say is to be done next, as abi/check/run.py does over
// HTTP.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/check/planted_host.h"

namespace mxd::check_test {

struct Outcome {
  std::string outcome;  // "held", "broken", "not tried"
  std::string detail;
};

struct Result {
  std::map<std::string, Outcome> promises;
  std::vector<std::string> log;

  std::vector<std::string> of(const std::string& outcome) const;
  // All that are not held, a line each.
  std::string text() const;
};

// A whole run over a new world, with a restart and another process. A host that `planted` names is
// wrong in that.
Result run(const std::string& library, const std::string& planted, Answers answers);

}  // namespace mxd::check_test
