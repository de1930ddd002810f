// How a command ends: docs/operations.md lists the exit statuses.
#pragma once

#include <stdexcept>
#include <string>

#include "bindings/server/store.h"

namespace mxd::server {

enum ExitStatus : int {
  kDone = 0,
  kFailed = 1,    // the database, the disk, …
  kMistake = 2,   // on the command line, or in what was given
  kNotFound = 3,  // the user, the device or the token
  kRefused = 4,   // not confirmed, there already, or not for this account
  kProblems = 5,  // check has found some
};

class Failure : public std::runtime_error {
 public:
  Failure(ExitStatus status, const std::string& text) : runtime_error(text), status_(status) {}

  ExitStatus status() const { return status_; }

 private:
  ExitStatus status_;
};

// Throws a Failure if the store has said no.
void check(const Store::Said& said);

}  // namespace mxd::server
