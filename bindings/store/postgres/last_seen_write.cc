#include "bindings/store/postgres/last_seen_write.h"

#include <exception>
#include <span>
#include <utility>
#include <vector>

namespace mxd::store::postgres {
namespace {

constexpr Statement kNoteLastSeen{
    "SELECT matrix_devices.note_last_seen($1::bigint[], $2::text[], $3::bigint[], $4::text[],"
    " $5::bigint)"};

// As the statement takes them, column by column.
Parameters parameters_of(std::vector<LastSeen<DeviceKey>::Sighting> seen) {
  std::vector<int64_t> accounts;
  std::vector<std::string> device_ids;
  std::vector<int64_t> times;
  std::vector<std::string> addresses;
  for (LastSeen<DeviceKey>::Sighting& one : seen) {
    accounts.push_back(one.device.account);
    device_ids.push_back(std::move(one.device.device_id));
    times.push_back(one.seen_ms);
    addresses.push_back(std::move(one.address));
  }
  return Parameters(std::span<const int64_t>(accounts), std::span<const std::string>(device_ids),
                    std::span<const int64_t>(times), std::span<const std::string>(addresses),
                    kLastSeenIntervalMs);
}

// Without memory for it the next request tries again.
void write(LastSeen<DeviceKey>& last_seen, Database& database) noexcept {
  try {
    database.ask(
        Kind::kUnawaited, kNoteLastSeen, parameters_of(last_seen.take()),
        [&last_seen, &database](const Rows&) {
          if (last_seen.end_write(true)) write(last_seen, database);
        },
        [&last_seen](int32_t) noexcept { static_cast<void>(last_seen.end_write(false)); });
  } catch (const std::exception&) {
    static_cast<void>(last_seen.end_write(false));
  }
}

}  // namespace

void note_last_seen(LastSeen<DeviceKey>& last_seen, Database& database, const DeviceKey& device,
                    std::optional<int64_t> written_ms, std::string_view address, int64_t now_ms) {
  if (last_seen.note(device, written_ms, address, now_ms)) write(last_seen, database);
}

}  // namespace mxd::store::postgres
