// When and from where a device was last seen.
#ifndef MXD_BINDINGS_STORE_COMMON_LAST_SEEN_H
#define MXD_BINDINGS_STORE_COMMON_LAST_SEEN_H

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mxd::store {

// Collects what was seen, until the engine writes it: at most once a minute a device, never in the
// way of the request. [any-thread]
class LastSeen {
 public:
  static constexpr int64_t kIntervalMs = 60'000;

  struct Sighting {
    int64_t device;       // its row
    std::string address;  // empty: not known
    int64_t seen_ms;
  };

  LastSeen() = default;
  LastSeen(const LastSeen&) = delete;
  LastSeen& operator=(const LastSeen&) = delete;

  // `written_ms`: what was just read of the device. True: the engine is to begin a write, and then
  // to call take() and end_write().
  [[nodiscard]] bool note(int64_t device, std::optional<int64_t> written_ms,
                          std::string_view address, int64_t now_ms);

  // What is to be written in one transaction, few enough that others are not kept waiting. Another
  // request, or another process, may have written some of it since it was read.
  std::vector<Sighting> take();

  // The write is over, or could not begin. True: there is more, and the engine is to begin another.
  // What could not be written is noted again at the device's next request, which tries again.
  [[nodiscard]] bool end_write(bool is_written) noexcept;

 private:
  struct Pending {
    std::string address;
    int64_t seen_ms;
  };

  // Over this many devices that are not yet written, further ones wait for their next request.
  static constexpr size_t kMaxPending = 16384;
  static constexpr size_t kPerTransaction = 256;

  std::mutex mutex_;
  boost::unordered_flat_map<int64_t, Pending> pending_;
  bool is_being_written_ = false;
};

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_LAST_SEEN_H
