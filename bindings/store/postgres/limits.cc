// Rate limits, counted for all servers together: the callback of module.h and the function of
// store.h.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/store/common/text.h"
#include "bindings/store/postgres/host_table.h"

namespace mxd::store::postgres {
namespace {

using Numbers = std::span<const int64_t>;

constexpr Statement kTakeOfOne{
    "SELECT matrix_devices.take_limit($1::bigint, $2::bigint[], $3::bigint[], $4::bigint[],"
    " $5::bigint, $6::bigint)"};

constexpr Statement kTakeOfEach{
    "SELECT matrix_devices.take_limits($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint,"
    " $5::bigint)"};

// A limit has nothing to wait for on the disk, as other writes have, and locks its owner.
constexpr Kind kByItself = Kind::kLongWrite;

struct Buckets {
  std::vector<int64_t> numbers;
  std::vector<int64_t> bursts;
  std::vector<int64_t> intervals_ms;

  Buckets(const AccountKey& key, const mxd_limit_request& request) {
    for (const mxd_limit& limit : std::span(request.limits, request.limit_count)) {
      std::string name(text(limit.name));
      name += '\0';  // the border between name and key counts
      name += text(limit.key);
      numbers.push_back(key.hash_of(name));
      bursts.push_back(limit.burst);
      intervals_ms.push_back(limit.interval_ms);
    }
  }
};

// With whom a bucket of the module's lies. The keys of a user's begin with the user ID, and a space
// where more follows, so they lie with the account; an application service's lie by themselves,
// whoever it acts as. Those of one request are of one owner.
std::string_view owner_of(const mxd_limit& limit) {
  const std::string_view key = text(limit.key);
  return key.substr(0, key.find(' '));
}

int32_t take_limit_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                            const mxd_limit_request* request) noexcept {
  return question(host, op, "take_limit", [&](Store& store) {
    const Buckets buckets(store.account_key, *request);
    return ask(store, op, kByItself, kTakeOfOne,
               Parameters(store.account_of(owner_of(request->limits[0])), Numbers(buckets.numbers),
                          Numbers(buckets.bursts), Numbers(buckets.intervals_ms),
                          int64_t{request->units}, store.now_ms()),
               [&store, op](const Rows& rows) {
                 const int64_t wait_ms = rows.integer(0, 0);
                 if (wait_ms == 0) return MXD_OK;
                 store.module().emit_retry_after(op, wait_ms);
                 return MXD_LIMIT_EXCEEDED;
               });
  });
}

}  // namespace

// The server's buckets are of several owners (a user, an address), and lie by themselves.
Outcome Store::take_limit(const mxd_limit_request& request, LimitDone done) {
  const Buckets buckets(account_key, request);
  database.ask(
      kByItself, kTakeOfEach,
      Parameters(Numbers(buckets.numbers), Numbers(buckets.bursts), Numbers(buckets.intervals_ms),
                 int64_t{request.units}, now_ms()),
      [done](const Rows& rows) {
        const int64_t wait_ms = rows.integer(0, 0);
        wait_ms == 0 ? done.answer() : done.exceeded(wait_ms);
      },
      [done](int32_t status) noexcept {
        done.refuse(status, "the limits could not be asked for: try again");
      });
  return {};
}

void fill_limit_callbacks(mxd_host& host) {
  host.take_limit = take_limit_callback;
}

}  // namespace mxd::store::postgres
