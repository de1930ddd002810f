#include "bindings/sqlite/last_seen.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "bindings/sqlite/connection.h"
#include "bindings/sqlite/status.h"
#include "bindings/sqlite/writer.h"

namespace mxd::sqlite {
namespace {

constexpr int64_t kIntervalMs = 60'000;

// A clock that was set back must not silence a device, hence both directions.
bool is_due(int64_t written_ms, int64_t now_ms) {
  return now_ms - written_ms >= kIntervalMs || written_ms - now_ms >= kIntervalMs;
}

}  // namespace

class LastSeen::Flush : public Write {
 public:
  Flush(LastSeen& last_seen, Writer& writer) : last_seen_(last_seen), writer_(writer) {}

  int32_t run(Connection& connection) override {
    last_seen_.flush(connection);
    return MXD_OK;
  }

  // What could not be written is noted again at the device's next request.
  void finish(int32_t status) noexcept override { last_seen_.flushed(writer_, succeeded(status)); }

 private:
  LastSeen& last_seen_;
  Writer& writer_;
};

void LastSeen::note(Writer& writer, int64_t device, std::optional<int64_t> written_ms,
                    std::string_view address, int64_t now_ms) {
  if (written_ms && !is_due(*written_ms, now_ms)) return;
  {
    const std::lock_guard lock(mutex_);
    if (pending_.size() < kMaxPending && !pending_.contains(device)) {
      pending_.emplace(device, Sighting{std::string(address), now_ms});
    }
  }
  queue_flush(writer);
}

void LastSeen::queue_flush(Writer& writer) {
  {
    const std::lock_guard lock(mutex_);
    if (is_queued_ || pending_.empty()) return;
    is_queued_ = true;
  }
  try {
    writer.submit_later(std::make_unique<Flush>(*this, writer));
  } catch (const std::exception&) {
    const std::lock_guard lock(mutex_);
    is_queued_ = false;
    throw;
  }
}

void LastSeen::flush(Connection& connection) {
  std::vector<std::pair<int64_t, Sighting>> taken;
  {
    const std::lock_guard lock(mutex_);
    taken.reserve(std::min(pending_.size(), kPerTransaction));
    for (auto at = pending_.begin(); at != pending_.end() && taken.size() < kPerTransaction;) {
      taken.emplace_back(at->first, std::move(at->second));
      pending_.erase(at++);
    }
  }
  for (const auto& [device, sighting] : taken) {
    const std::optional<std::string_view> address =
        sighting.address.empty() ? std::nullopt : std::optional<std::string_view>(sighting.address);
    // Another request, or another process, may have written it since it was read.
    Query(connection,
          "UPDATE devices SET last_seen_ms = ?2, last_seen_ip = coalesce(?3, last_seen_ip)"
          " WHERE device = ?1 AND (last_seen_ms IS NULL OR abs(?2 - last_seen_ms) >= ?4)",
          device, sighting.seen_ms, address, kIntervalMs)
        .execute();
  }
}

void LastSeen::flushed(Writer& writer, bool is_written) noexcept {
  {
    const std::lock_guard lock(mutex_);
    is_queued_ = false;
  }
  if (!is_written) return;  // the next one that is seen tries again
  try {
    queue_flush(writer);  // there were more than go into one transaction
  } catch (const std::exception&) {
  }
}

}  // namespace mxd::sqlite
