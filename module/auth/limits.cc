#include "module/auth/limits.h"

#include <algorithm>

#include "module/host/uia_calls.h"
#include "module/http/text.h"

namespace mxd::auth {
namespace {

mxd_limit bucket(std::string_view name, std::string_view key, const config::Limit& limit) {
  return {host::view(name), host::view(key), limit.burst, limit.interval_ms};
}

/// Names the device of a user, or the token that stands for it.
std::string_view device_key(host::Exchange& exchange) {
  const host::Principal& who = exchange.who;
  const std::string_view device = who.device.text.empty() ? who.token_id : who.device.text;
  return http::concatenate(exchange.arena(), {who.user.text, " ", device});
}

}  // namespace

Buckets failure_buckets(host::Exchange& exchange) {
  const config::Limit device = exchange.config.limits.uia_failures;
  const config::Limit user{4 * device.burst, std::max<std::int64_t>(1, device.interval_ms / 4)};
  return {{bucket("uia_failures_device", device_key(exchange), device),
           bucket("uia_failures_user", exchange.who.user.text, user)},
          2};
}

Buckets challenge_buckets(host::Exchange& exchange) {
  return {
      {bucket("uia_challenges", device_key(exchange), exchange.config.limits.uia_challenges), {}},
      1};
}

Buckets creation_buckets(host::Exchange& exchange) {
  return {
      {bucket("device_creation", exchange.who.service_id, exchange.config.limits.device_creation),
       {}},
      1};
}

async::Task<const http::ApiError*> take(host::Exchange& exchange, const Buckets& buckets) {
  if (exchange.who.unlimited) co_return nullptr;
  host::TakeLimitCall question(exchange.line, buckets.limits, buckets.count, 1);
  const auto taken = co_await question;
  if (taken.answer.error != nullptr) co_return taken.answer.error;
  if (taken.answer.status != MXD_LIMIT_EXCEEDED) co_return nullptr;
  const http::ApiError error{429,
                             "M_LIMIT_EXCEEDED",
                             "Too many requests of this kind. Wait for retry_after_ms.",
                             {},
                             std::max<std::int64_t>(0, taken.retry_after_ms)};
  co_return http::make_error(exchange.arena(), error);
}

async::Task<const http::ApiError*> give_back(host::Exchange& exchange, const Buckets& buckets) {
  if (exchange.who.unlimited) co_return nullptr;
  host::TakeLimitCall question(exchange.line, buckets.limits, buckets.count, -1);
  const auto given = co_await question;
  static_cast<void>(given);
  co_return nullptr;
}

}  // namespace mxd::auth
