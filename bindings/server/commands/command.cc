#include "bindings/server/commands/command.h"

#include <boost/json.hpp>
#include <iostream>

#include "bindings/server/commands/failure.h"
#include "bindings/server/commands/output.h"

namespace mxd::server {
namespace {

const char* word_for(ExitStatus status) {
  switch (status) {
    case kMistake:
      return "usage";
    case kNotFound:
      return "not_found";
    case kRefused:
      return "refused";
    default:
      return "failed";
  }
}

int tell(ExitStatus status, const std::string& text, bool json) {
  if (json) {
    const boost::json::object error{{"code", word_for(status)}, {"message", printable(text)}};
    std::cerr << boost::json::serialize(boost::json::object{{"error", error}}) << "\n";
  } else {
    std::cerr << "matrix-devices-server: " << printable(text) << "\n";
  }
  return status;
}

ExitStatus exit_status_of(int32_t status) {
  switch (status) {
    case MXD_NOT_FOUND:
    case MXD_UNKNOWN_TOKEN:
      return kNotFound;
    case MXD_BUSY:
    case MXD_FORBIDDEN:
    case MXD_USER_LOCKED:
    case MXD_LIMIT_EXCEEDED:
      return kRefused;
    case MXD_INVALID_ARGUMENT:
      return kMistake;
    default:
      return kFailed;
  }
}

}  // namespace

void check(const Store::Said& said) {
  if (said.status == MXD_OK) return;
  throw Failure(exit_status_of(said.status),
                said.text[0] != '\0'
                    ? said.text.data()
                    : "the store failed with status " + std::to_string(said.status));
}

int run(const OperatorCommand& command) {
  const bool json = command.options.json;
  try {
    const int status = command.entry->run(command.options);
    flush_output();
    return status;
  } catch (const Failure& failure) {
    return tell(failure.status(), failure.what(), json);
  } catch (const std::exception& error) {
    return tell(kFailed, error.what(), json);
  }
}

int tell_mistake(const std::string& text, bool json) {
  return tell(kMistake, text, json);
}

}  // namespace mxd::server
