#include "bindings/server/option_checks.h"

#include <CLI/CLI.hpp>

#include "bindings/server/duration.h"
#include "bindings/server/http/client_address.h"
#include "bindings/server/http/listen_address.h"

namespace mxd::server {

const CLI::Validator& listen_address() {
  static const CLI::Validator validator(
      [](std::string& text) {
        return parse_listen_address(text)
                   ? std::string()
                   : "not an address and port such as 127.0.0.1:8008 or [::1]:0, nor "
                     "unix:PATH: " +
                         text;
      },
      "ADDRESS:PORT|unix:PATH");
  return validator;
}

const CLI::Validator& network() {
  static const CLI::Validator validator(
      [](std::string& text) {
        return Network::parse(text) ? std::string()
                                    : "not an IP address or network such as 192.0.2.1, "
                                      "172.16.0.0/12, fd00::/8, nor unix: " +
                                          text;
      },
      "NETWORK");
  return validator;
}

void add_duration(CLI::App& app, const std::string& name,
                  std::optional<std::chrono::milliseconds>& out, const std::string& description) {
  const auto is_one = [](std::string& text) {
    return parse_duration(text) ? std::string()
                                : "not a duration such as 90s, 10m, 1h, 30d: " + text;
  };
  app.add_option_function<std::string>(
         name, [&out](const std::string& text) { out = parse_duration(text); }, description)
      ->check(CLI::Validator(is_one, "DURATION"));
}

}  // namespace mxd::server
