#pragma once

#include <string>
#include <vector>

#include "tests/sweep/dialogue.h"
#include "tests/sweep/faulty_host.h"

namespace mxd::sweep {

// A body without what differs from time to time: IDs of sessions, tokens of forms, nonces.
std::string without_secrets(std::string_view body);

// The value of a member that is a text; empty: there is none.
std::string text_member(std::string_view body, std::string_view name);

// What every answer has to be, whatever it says. Adds what is wrong to `problems`.
void check_any(const Answer& answer, const Step& step, std::vector<std::string>& problems);

// Whether it is the answer that came without a fault.
void check_same(const Answer& answer, const Answer& without, std::vector<std::string>& problems);

// Whether it is what the row says. `sent` is what the host said instead of what is right.
void check_row(const Answer& answer, const Answer& without, Row row, const Fault& fault,
               const Reply& sent, const Step& step, std::vector<std::string>& problems);

// Whether the log names and accuses as expected, and gives nothing away.
void check_log(const std::vector<LogLine>& log, const Expected* expected, const Fault* fault,
               const std::vector<std::string>& secrets, std::vector<std::string>& problems);

}  // namespace mxd::sweep
