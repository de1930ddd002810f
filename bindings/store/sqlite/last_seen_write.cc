#include "bindings/store/sqlite/last_seen_write.h"

#include <exception>
#include <memory>

#include "bindings/store/sqlite/connection.h"
#include "bindings/store/sqlite/status.h"

namespace mxd::store::sqlite {
namespace {

// Without memory for it the next request tries again.
void queue_write(LastSeen<int64_t>& last_seen, Writer& writer) noexcept;

class LastSeenWrite : public Write {
 public:
  LastSeenWrite(LastSeen<int64_t>& last_seen, Writer& writer)
      : last_seen_(last_seen), writer_(writer) {}

  int32_t run(WriteConnection& connection) override {
    connection.concerns_nobody();
    for (const LastSeen<int64_t>::Sighting& seen : last_seen_.take()) {
      std::optional<std::string_view> address;
      if (!seen.address.empty()) address = seen.address;
      const int changed =
          Query(connection,
                "UPDATE devices SET last_seen_ms = ?2, last_seen_ip = coalesce(?3, last_seen_ip)"
                " WHERE device = ?1 AND (last_seen_ms IS NULL OR abs(?2 - last_seen_ms) >= ?4)",
                seen.device, seen.seen_ms, address, kLastSeenIntervalMs)
              .execute();
      if (changed == 0) continue;
      Query row(connection,
                "SELECT a.user_id FROM devices JOIN accounts a USING (account) WHERE device = ?1",
                seen.device);
      if (row.next()) connection.concerns(row.text(0));
    }
    return MXD_OK;
  }

  void finish(int32_t status) noexcept override {
    if (last_seen_.end_write(succeeded(status))) queue_write(last_seen_, writer_);
  }

 private:
  LastSeen<int64_t>& last_seen_;
  Writer& writer_;
};

void queue_write(LastSeen<int64_t>& last_seen, Writer& writer) noexcept {
  try {
    writer.submit_later(std::make_unique<LastSeenWrite>(last_seen, writer));
  } catch (const std::exception&) {
    static_cast<void>(last_seen.end_write(false));
  }
}

}  // namespace

void note_last_seen(LastSeen<int64_t>& last_seen, Writer& writer, int64_t device,
                    std::optional<int64_t> written_ms, std::string_view address, int64_t now_ms) {
  if (last_seen.note(device, written_ms, address, now_ms)) queue_write(last_seen, writer);
}

}  // namespace mxd::store::sqlite
