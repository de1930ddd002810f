#include "bindings/server/accounts/request_credentials.h"

#include <absl/strings/match.h>

#include <string_view>
#include <utility>

#include "bindings/server/accounts/account_context.h"
#include "bindings/server/http/request_target.h"
#include "bindings/server/utf8.h"

namespace mxd::server {
namespace {

constexpr size_t kMaxTokenBytes = 4096;  // A4

// The token of an Authorization header, or an empty text.
std::string_view bearer_token(std::string_view value) {
  constexpr std::string_view kScheme = "bearer ";
  constexpr std::string_view kWhite = " \t";
  if (!absl::StartsWithIgnoreCase({value.data(), value.size()}, {kScheme.data(), kScheme.size()})) {
    return {};
  }
  value.remove_prefix(kScheme.size());
  const auto first = value.find_first_not_of(kWhite);
  if (first == std::string_view::npos) return {};
  value = value.substr(first, value.find_last_not_of(kWhite) + 1 - first);
  return value.find_first_of(kWhite) == std::string_view::npos ? value : std::string_view();
}

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

Response broken_parameter(std::string_view name) {
  return error_response(400, "M_INVALID_PARAM",
                        "The query parameter " + std::string(name) +
                            " is given twice or is broken. Give it once, in UTF-8.");
}

// A1 to A4
std::optional<Response> read_token(const Request& request,
                                   const std::optional<std::string>& in_query, std::string& token) {
  const auto headers = header_lines(request, "Authorization");
  if (headers.size() + (in_query ? 1 : 0) == 1) {
    token = in_query ? *in_query : std::string(bearer_token(headers.front()));
  }
  if (token.empty()) {
    return error_response(401, "M_MISSING_TOKEN",
                          "Send one access token, in the header Authorization: Bearer TOKEN.");
  }
  if (token.size() > kMaxTokenBytes || has_nul(token) || !is_utf8(token)) {
    return unknown_token_response(false);
  }
  return std::nullopt;
}

}  // namespace

RequestCredentials read_credentials(const Request& request, const Settings::Devices& settings) {
  RequestCredentials credentials;
  const RequestTarget target(request.target);
  const auto read = [&](std::string_view name, bool may_have_nul) {
    RequestTarget::Parameter parameter = target.query(name);
    if (!credentials.refusal &&
        (parameter.broken || (!may_have_nul && parameter.value && has_nul(*parameter.value)))) {
      credentials.refusal = broken_parameter(name);
    }
    return std::move(parameter.value);
  };
  std::optional<std::string> token;
  if (settings.allow_query_token) token = read("access_token", true);  // A2
  credentials.user_id = read("user_id", false);
  credentials.device_id = read("device_id", false);
  if (settings.device_id_alias) {  // A14
    auto old_device_id = read("org.matrix.msc3202.device_id", false);
    if (!credentials.device_id) credentials.device_id = std::move(old_device_id);
  }
  if (!credentials.refusal) {
    credentials.refusal = read_token(request, token, credentials.access_token);
  }
  return credentials;
}

}  // namespace mxd::server
