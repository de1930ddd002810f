// The commands for operators: accounts and tokens, on the file of a server that may be running.
// They throw std::runtime_error with one line that says what to do.
#pragma once

#include "bindings/server/command_line.h"

namespace mxd::server {

void manage_user(const UserOptions& options);
void issue_token(const TokenOptions& options);

}  // namespace mxd::server
