#pragma once

#include <cstdint>
#include <string_view>

namespace mxd::sweep {

// What a request gets: rows of docs/behaviour.md, and what a fault leaves as it was.
enum class Row {
  kAsWithout,        // the answer that comes without the fault
  kStatusAsWithout,  // its status; what is in it may differ
  kAny,              // legal, and means something else: no failure of the server's
  kA4,
  kA5,
  kA6,
  kA11,
  kA13,
  kA16,  // the host's own
  kG1,   // with no devices
  kNotFound,
  kP1,
  kP5,
  kP7,
  kL1,
  kU4,
  kU4a,
  kU6,
  kU6a,  // the session is dead
  kU9,
  kGone,  // U9, of a session that goes meanwhile
  kU10,
  kU17,
  kD7,
  kF2,
  kConflicts,  // eight of them
  kH1,
  kH2,
  kH3,
};

// Who asks, and how, as far as rows differ by it.
enum class Scene {
  kUser,
  kService,
  kPage,      // of the fallback, in HTML
  kKeptBody,  // U8 on POST: without 'devices'
  kDead,      // the session proves somebody else
};

struct RowRule {
  Row row;
  std::string_view name;
  int status;
  std::string_view errcode;  // empty: there is none
  std::string_view members;  // all of the body's, sorted
  bool retry_after;          // the header is there
};

// Of a row with an answer of its own; null for those that depend on the answer without the fault.
const RowRule* find_rule(Row row);

struct Fault;

// What the request that meets the fault comes to.
struct Expected {
  Row row;
  bool named;    // a line of the log, an error or an accusation, names the callback
  bool accused;  // some line accuses the host
};

// `question_follows`: another question that is not asked of a cancelled request.
Expected expected(const Fault& fault, Scene scene, bool question_follows);

}  // namespace mxd::sweep
