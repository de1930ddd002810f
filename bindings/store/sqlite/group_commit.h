// How long a transaction is held open for writes that are on their way.
#ifndef MXD_BINDINGS_STORE_SQLITE_GROUP_COMMIT_H
#define MXD_BINDINGS_STORE_SQLITE_GROUP_COMMIT_H

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace mxd::store::sqlite {

// Clients that each wait for their write before they make the next one come back a moment after a
// commit. Without a wait they fall into groups, of which each misses the flush of another. So as
// many writes are waited for as there were at the last commit, in it and behind it; for a fraction
// of what a flush costs, since otherwise it would be cheaper not to wait. Who writes alone never
// waits.
class GroupCommit {
 public:
  using Duration = std::chrono::steady_clock::duration;

  // A transaction of `writes` took so long to commit, while `queued` more came in.
  void note(size_t writes, Duration flush, size_t queued) {
    expected_ = writes + queued;
    flush_ += (flush - flush_) / 8;
  }

  // How many more a transaction waits for that has so many, and for how long in all.
  size_t missing(size_t writes) const { return expected_ - std::min(writes, expected_); }
  Duration patience() const {
    const Duration patience = std::min<Duration>(flush_ / 4, kMostPatience);
    return patience < kLeastPatience ? Duration{} : patience;
  }

 private:
  static constexpr std::chrono::microseconds kMostPatience{2000};
  // To wait for less takes longer.
  static constexpr std::chrono::microseconds kLeastPatience{50};

  size_t expected_ = 0;
  Duration flush_{};  // of late
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_GROUP_COMMIT_H
