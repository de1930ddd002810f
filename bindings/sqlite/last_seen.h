// When and from where a device was last seen.
#ifndef MXD_BINDINGS_SQLITE_LAST_SEEN_H
#define MXD_BINDINGS_SQLITE_LAST_SEEN_H

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace mxd::sqlite {

class Connection;
class Writer;

// Collects what was seen, and has it written at most once a minute a device, never in the way of
// the request. [any-thread]
class LastSeen {
 public:
  LastSeen() = default;
  LastSeen(const LastSeen&) = delete;
  LastSeen& operator=(const LastSeen&) = delete;

  // `device` is its row, `written_ms` what was just read there. An empty address: not known. The
  // writer must be done with its queue before this goes.
  void note(Writer& writer, int64_t device, std::optional<int64_t> written_ms,
            std::string_view address, int64_t now_ms);

 private:
  class Flush;

  struct Sighting {
    std::string address;
    int64_t seen_ms;
  };

  // Over this many devices that are not yet written, further ones wait for their next request.
  static constexpr size_t kMaxPending = 16384;
  // Of one transaction, so that the writes beside them are not kept waiting.
  static constexpr size_t kPerTransaction = 256;

  void queue_flush(Writer& writer);
  void flush(Connection& connection);
  void flushed(Writer& writer, bool is_written) noexcept;

  std::mutex mutex_;
  boost::unordered_flat_map<int64_t, Sighting> pending_;
  bool is_queued_ = false;  // a flush, which takes what is pending
};

}  // namespace mxd::sqlite

#endif  // MXD_BINDINGS_SQLITE_LAST_SEEN_H
