#include "bindings/store/postgres/batches.h"

#include <optional>
#include <string>

namespace mxd::store::postgres {
namespace {

constexpr int64_t kAtOnce = 500;
constexpr int64_t kLookIntervalMs = 55 * 60'000;  // in the hour, whichever server is first

constexpr Statement kIsDue{
    "SELECT EXISTS (SELECT FROM matrix_devices.access_tokens WHERE expires_ms <= $1::bigint)"
    " OR EXISTS (SELECT FROM matrix_devices.uia_sessions WHERE expires_ms <= $2::bigint)"
    " OR EXISTS (SELECT FROM matrix_devices.refresh_tokens WHERE given_ms <= $3::bigint)"
    " OR EXISTS (SELECT FROM matrix_devices.limits WHERE full_at_ms <= $2::bigint)"};

constexpr Statement kAccessTokens{
    "SELECT matrix_devices.sweep_access_tokens($1::bigint, $2::bigint, $3::boolean)"};
constexpr Statement kSessions{
    "SELECT matrix_devices.sweep_sessions($1::bigint, $2::bigint, $3::boolean)"};
constexpr Statement kRefreshTokens{
    "SELECT matrix_devices.sweep_refresh_tokens($1::bigint, $2::bigint, $3::boolean)"};
constexpr Statement kLimits{
    "SELECT matrix_devices.sweep_limits($1::bigint, $2::bigint, $3::boolean)"};

constexpr Statement kClaimLook{
    "UPDATE matrix_devices.store SET looked_ms = $1::bigint"
    " WHERE $3::boolean OR looked_ms NOT BETWEEN $1::bigint - $2::bigint AND $1::bigint"};

constexpr Statement kGuests{
    "SELECT removed, last_account, last_device"
    " FROM matrix_devices.sweep_guests($1::bigint, $2::text, $3::bigint, $4::bigint)"};
constexpr Statement kDevices{
    "SELECT removed, last_account, last_device"
    " FROM matrix_devices.sweep_devices($1::bigint, $2::text, $3::bigint, $4::bigint)"};

}  // namespace

bool SweepingInBatches::repeat(const Statement& statement, int64_t until_ms, bool is_asked,
                               Count& count, const std::atomic<bool>& stopping) {
  int64_t removed = kAtOnce;
  while (removed == kAtOnce && !stopping) {
    const Database::Reply reply =
        database_.run(Kind::kLongWrite, statement, Parameters(until_ms, kAtOnce, is_asked));
    if (!succeeded(reply.outcome.status)) return false;
    removed = reply.rows.optional_integer(0, 0).value_or(0);
    count += removed;
  }
  return removed < kAtOnce;
}

bool SweepingInBatches::sweep_indexed(const Over& over, bool is_asked, SweptCounts& counts,
                                      const std::atomic<bool>& stopping) {
  const Database::Reply due = database_.run(
      Kind::kRead, kIsDue, Parameters(over.expired_ms, over.now_ms, over.refresh_tokens_ms));
  if (!succeeded(due.outcome.status)) return false;
  if (!due.rows.flag(0, 0)) return true;
  Count limits{0};  // nobody counts them
  return repeat(kAccessTokens, over.expired_ms, is_asked, counts.access_tokens, stopping) &&
         repeat(kSessions, over.now_ms, is_asked, counts.sessions, stopping) &&
         (!over.refresh_tokens_ms || repeat(kRefreshTokens, *over.refresh_tokens_ms, is_asked,
                                            counts.refresh_tokens, stopping)) &&
         repeat(kLimits, over.now_ms, is_asked, limits, stopping);
}

bool SweepingInBatches::claim_look(int64_t now_ms, bool is_asked, bool& is_claimed) {
  const Database::Reply reply =
      database_.run(Kind::kLongWrite, kClaimLook, Parameters(now_ms, kLookIntervalMs, is_asked));
  if (!succeeded(reply.outcome.status)) return false;
  is_claimed = reply.rows.affected() != 0;
  return true;
}

bool SweepingInBatches::look(const Over& over, bool is_asked, SweptCounts& counts,
                             const std::atomic<bool>& stopping) {
  if (!over.guests_ms && !over.devices_ms) return true;
  bool is_claimed = false;
  if (!claim_look(over.now_ms, is_asked, is_claimed)) return false;
  if (!is_claimed) return true;
  return (!over.guests_ms || look_for(kGuests, *over.guests_ms, counts.guests, stopping)) &&
         (!over.devices_ms || look_for(kDevices, *over.devices_ms, counts.devices, stopping));
}

bool SweepingInBatches::look_for(const Statement& statement, int64_t unused_since_ms, Count& count,
                                 const std::atomic<bool>& stopping) {
  std::optional<int64_t> account;
  std::string device_id;
  do {
    const Database::Reply reply = database_.run(
        Kind::kLongWrite, statement, Parameters(account, device_id, unused_since_ms, kAtOnce));
    if (!succeeded(reply.outcome.status)) return false;
    count += reply.rows.integer(0, 0);
    account = reply.rows.optional_integer(0, 1);
    device_id = std::string(reply.rows.text(0, 2));
  } while (account && !stopping);
  return !stopping;
}

}  // namespace mxd::store::postgres
