#include "module/limits/limits.h"

#include <algorithm>
#include <charconv>

#include "module/host/limit_call.h"
#include "module/http/text.h"
#include "module/limits/limiter.h"

namespace mxd::limits {
namespace {

// U23: what is told where others give their units back soon.
constexpr int64_t kInFlightWaitMs = 1000;

// A host that refuses is to say for how long; one that does not must not be asked again at once.
int64_t told_wait(int64_t wait_ms) {
  return wait_ms > 0 ? wait_ms : 1000;
}

mxd_limit bucket(std::string_view name, std::string_view key, const config::Limit& limit) {
  return {limit.burst, limit.interval_ms, host::view(name), host::view(key)};
}

// Names the device of a user, or the token that stands for it.
std::string_view device_key(host::Exchange& exchange) {
  const host::Principal& who = exchange.who;
  const std::string_view device = who.device.text.empty() ? who.token_id : who.device.text;
  return http::concatenate(exchange.arena(), {who.user.text, " ", device});
}

Buckets failure_buckets(host::Exchange& exchange, std::string_view stage) {
  const config::Limit device = exchange.config.limits.uia_failures;
  const config::Limit user{4 * device.burst, std::max<int64_t>(1, device.interval_ms / 4)};
  const std::string_view what =
      stage == "m.login.password" ? "wrong passwords" : "wrong credentials";
  return {{bucket("uia_failures_device", device_key(exchange), device),
           bucket("uia_failures_user", exchange.who.user.text, user)},
          2,
          what};
}

// L1: the text is for a person.
const http::ApiError* limited(memory::Arena& arena, std::string_view too_many, int64_t wait_ms) {
  const int64_t seconds = wait_ms / 1000 + (wait_ms % 1000 != 0 ? 1 : 0);
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, seconds).ptr;
  const std::string_view number(digits, static_cast<size_t>(end - digits));
  const std::string_view unit = seconds == 1 ? " second." : " seconds.";
  const http::ApiError error{
      429,
      "M_LIMIT_EXCEEDED",
      http::concatenate(arena, {"Too many ", too_many, ". Try again in ", number, unit}),
      {},
      wait_ms};
  return http::make_error(arena, error);
}

struct Taken {
  host::Answer answer;  // MXD_OK or MXD_LIMIT_EXCEEDED
  int64_t wait_ms;
  bool attempts_alone;  // where the module counts: Limiter::Taken
};

// A unit from each bucket: the host's count, or where it has none the module's own. `attempt`: as
// in Limiter::take().
async::Task<Taken> take_units(host::Exchange& exchange, const Buckets& buckets, bool attempt) {
  if (exchange.line.table->take_limit == nullptr) {
    const auto taken =
        exchange.limiter.take(buckets.limits, buckets.count, exchange.now_ms(), attempt);
    const int32_t status = taken.wait_ms == 0 ? MXD_OK : MXD_LIMIT_EXCEEDED;
    const host::Answer answer{status, nullptr};
    const Taken counted{answer, taken.wait_ms, taken.attempts_alone};
    co_return counted;
  }
  host::TakeLimitCall question(exchange.line, buckets.limits, buckets.count, 1);
  const auto asked = co_await question;
  const Taken taken{asked.answer, asked.retry_after_ms, false};
  co_return taken;
}

}  // namespace

Buckets challenge_buckets(host::Exchange& exchange) {
  return {
      {bucket("uia_challenges", device_key(exchange), exchange.config.limits.uia_challenges), {}},
      1,
      "sign-outs begun"};
}

Buckets repeat_buckets(host::Exchange& exchange) {
  return {{bucket("uia_repeats", device_key(exchange), exchange.config.limits.uia_repeats), {}},
          1,
          "repeats"};
}

Buckets creation_buckets(host::Exchange& exchange) {
  return {
      {bucket("device_creation", exchange.who.service_id, exchange.config.limits.device_creation),
       {}},
      1,
      "new devices"};
}

async::Task<const http::ApiError*> take(host::Exchange& exchange, const Buckets& buckets) {
  if (exchange.who.unlimited) co_return nullptr;
  const auto taken = co_await take_units(exchange, buckets, false);
  if (taken.answer.error != nullptr) co_return taken.answer.error;
  if (taken.answer.status != MXD_LIMIT_EXCEEDED) co_return nullptr;
  co_return limited(exchange.arena(), buckets.too_many, told_wait(taken.wait_ms));
}

async::Task<const http::ApiError*> give_back(host::Exchange& exchange, const Buckets& buckets) {
  if (exchange.who.unlimited) co_return nullptr;
  exchange.limiter.give_back(buckets.limits, buckets.count);
  if (exchange.line.table->take_limit == nullptr) co_return nullptr;
  host::TakeLimitCall question(exchange.line, buckets.limits, buckets.count, -1);
  const auto given = co_await question;
  static_cast<void>(given);
  co_return nullptr;
}

Attempt::Attempt(host::Exchange& exchange, std::string_view stage)
    : exchange_(exchange), buckets_(failure_buckets(exchange, stage)) {}

Attempt::~Attempt() {
  end();
}

void Attempt::end() noexcept {
  Limiter& limiter = exchange_.limiter;
  if (state_ == State::kAsking) limiter.end_asking(buckets_.limits, buckets_.count);
  if (state_ == State::kInFlight) limiter.end_attempt(buckets_.limits, buckets_.count);
  state_ = State::kNone;
}

async::Task<const http::ApiError*> Attempt::begin() {
  if (exchange_.who.unlimited) co_return nullptr;
  Limiter& limiter = exchange_.limiter;
  const bool host_counts = exchange_.line.table->take_limit != nullptr;
  if (host_counts) {
    limiter.begin_asking(buckets_.limits, buckets_.count);
    state_ = State::kAsking;
  }
  const auto taken = co_await take_units(exchange_, buckets_, true);
  if (taken.answer.error != nullptr) co_return taken.answer.error;
  if (taken.answer.status != MXD_LIMIT_EXCEEDED) {
    if (host_counts) limiter.note_taken(buckets_.limits, buckets_.count, exchange_.now_ms());
    state_ = State::kInFlight;
    co_return nullptr;
  }
  end();
  const int64_t wait_ms = told_wait(taken.wait_ms);
  const bool attempts_alone = host_counts ? limiter.attempts_alone(buckets_.limits, buckets_.count,
                                                                   exchange_.now_ms(), wait_ms)
                                          : taken.attempts_alone;
  if (attempts_alone) {
    co_return limited(exchange_.arena(), "attempts at once", std::min(wait_ms, kInFlightWaitMs));
  }
  co_return limited(exchange_.arena(), buckets_.too_many, wait_ms);
}

async::Task<const http::ApiError*> Attempt::give_back() {
  co_return co_await limits::give_back(exchange_, buckets_);
}

}  // namespace mxd::limits
