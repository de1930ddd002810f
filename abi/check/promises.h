// The promises of a host that the checking module looks at: one table.
#pragma once

#include <span>
#include <string_view>

namespace mxd::check {

struct PromiseRow {
  std::string_view name;  // stable: CALLBACK.WHAT
  std::string_view step;  // of plan.cc, which tries it; empty: every request does
  std::string_view text;  // docs/host_check.md has the same
};

std::span<const PromiseRow> promises();

}  // namespace mxd::check
