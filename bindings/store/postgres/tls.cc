#include "bindings/store/postgres/tls.h"

#include <absl/strings/str_split.h>

#include <algorithm>
#include <string>
#include <utility>

namespace mxd::store::postgres {
namespace {

bool is_of_this_machine(std::string_view host) {
  return host.empty() || host.front() == '/' || host.front() == '@' || host == "localhost" ||
         host == "::1" || host.substr(0, 4) == "127.";
}

constexpr std::pair<std::string_view, std::string_view> kAdvice[] = {
    {"root certificate file",
     "name the certificate of the server's CA with sslrootcert=FILE, such as "
     "/etc/ssl/certs/ca-certificates.crt, or say sslmode=disable on a network of your own"},
    {"certificate verify failed",
     "name the certificate of the CA that signed the server's with sslrootcert=FILE"},
    {"does not match host name", "connect to a name that the server's certificate is for"},
    {"host name must be specified", "give the server's name with host=, beside hostaddr"},
    {"does not support SSL",
     "turn TLS on at the server (ssl = on), or say sslmode=disable on a network of your own"},
};

}  // namespace

bool leads_over_a_network(std::string_view hosts, std::string_view addresses) {
  // An address is what is connected to, whatever the host of the same place is called.
  const auto leads = [](std::string_view list) {
    const auto parts = absl::StrSplit(absl::string_view(list.data(), list.size()), ',');
    return std::any_of(parts.begin(), parts.end(), [](absl::string_view part) {
      return !is_of_this_machine({part.data(), part.size()});
    });
  };
  const std::string between = "," + std::string(addresses) + ",";
  const bool all_have_addresses = between.find(",,") == std::string::npos;
  return leads(addresses) || (!all_have_addresses && leads(hosts));
}

std::string_view tls_advice(std::string_view trouble) {
  for (const auto& [sign, advice] : kAdvice) {
    if (trouble.find(sign) != std::string_view::npos) return advice;
  }
  return {};
}

}  // namespace mxd::store::postgres
