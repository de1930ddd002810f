// Requests to a host that follows a script. An input is text:
//
//   SCRIPT           scripted_host.h
//   CONFIGURATION    a JSON object in one line, or an empty line
//   METHOD TARGET
//   NAME: VALUE      any number of headers, and an empty line behind them
//
//   BODY
//   ---              before each further request
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/scripted_host.h"

namespace {

using mxd::fuzz::Request;

// What stands before the separator; `rest` then begins behind it.
std::string_view take_until(std::string_view separator, std::string_view& rest) {
  const auto end = rest.find(separator);
  const auto found = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + separator.size());
  return found;
}

Request parse(std::string_view rest) {
  Request request;
  auto line = take_until("\n", rest);
  request.method = take_until(" ", line);
  request.target = line;
  while (!(line = take_until("\n", rest)).empty()) {
    const auto name = take_until(": ", line);
    request.headers.emplace_back(name, line);
  }
  request.body = rest;
  return request;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto script = take_until("\n", rest);
  const auto config = take_until("\n", rest);
  mxd::fuzz::ScriptedHost host(script, config);
  if (!host.is_open()) return 0;
  while (!rest.empty())
    host.ask(parse(take_until("\n---\n", rest)));
  return 0;
}
