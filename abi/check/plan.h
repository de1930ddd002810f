// The steps, in order, and what to send for each: one table.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "abi/check/callbacks.h"
#include "abi/check/task.h"

namespace mxd::check {

class Check;
class Instance;

enum class Place : uint8_t { kHere, kRestarted, kElsewhere };

// A step whose token must be refused; it asks nothing else.
struct Refusal {
  std::string_view promise;
  int32_t status = MXD_OK;
};

struct Step {
  std::string_view name;
  std::string_view token;  // where the configuration has it, a JSON pointer; empty: made up
  Task<> (*run)(Check&) = nullptr;
  std::optional<Refusal> refusal;
  std::string_view method = "POST";
  std::string_view target = "/_matrix/client/v3/delete_devices";
  std::string_view acting_as;  // where the configuration has the query's user_id
  std::string_view device;     // the note that has the query's device_id
  bool at_once = false;        // as many requests as `parallel` says
  bool large_body = false;     // a body of one byte more than max_body_bytes
  uint32_t after_ms = 0;       // to wait before it is sent
  Place place = Place::kHere;
  std::optional<Callback> needs;  // an optional callback
  // What is broken when its token is not let in, or else when its request does not arrive.
  std::string_view let_in = "authenticate.principal";
  std::string_view arrival;
};

inline constexpr uint64_t kMaxBodyBytes = 1'048'576;

std::span<const Step> steps();

// Where a run stands: a step, and what was noted before it.
struct Position {
  const Step* step = nullptr;  // nullptr: the run is over
  boost::json::object notes;

  // The query's resume value, "STEP.NOTES".
  std::string resume_value() const;
  // The first step where there is no value; nothing where it is none.
  static std::optional<Position> read(const std::optional<std::string>& resume_value);
};

// The position after `step`; what can't be tried on the way is put into the report.
Position position_after(const Step& step, boost::json::object notes, Instance& instance);

// All promises of the step, and why they were not tried.
void skip(const Step& step, const std::string& why, Instance& instance);

// What to send: {"step", "method", "target", "token", "times", …}, or null.
boost::json::value request_for(const Position& position, Instance& instance);

}  // namespace mxd::check
