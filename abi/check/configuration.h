// The configuration's member `check`, which docs/host_check.md describes.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

namespace mxd::check {

struct ReadConfiguration {
  boost::json::value check;
  bool has_grace_period = false;  // uia.grace_period_ms, without which nobody is marked validated
  std::string fault;              // one line that names what to mend, with no secret; empty: none
};

// The module's other keys are passed over, and so are those of `check` that are not known.
ReadConfiguration read_configuration(std::string_view text);

}  // namespace mxd::check
