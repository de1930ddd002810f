// Room on the disk that is kept for deletions.
#ifndef MXD_BINDINGS_STORE_SQLITE_RESERVE_H
#define MXD_BINDINGS_STORE_SQLITE_RESERVE_H

#include <sys/types.h>

#include <chrono>
#include <string>

#include "bindings/store/common/log.h"

namespace mxd::store::sqlite {

// O4: a file beside the database that holds nothing but its place. On a full disk it gives its
// place to the write-ahead log, for those writes that may use it, and takes it again once there is
// room. Processes with one database share the file. For the writer's thread.
class Reserve {
 public:
  // Makes the file of the database at this path, as large as may be: kBytes, or of a small disk a
  // quarter of what is free.
  Reserve(const std::string& database, const Log& log);
  Reserve(const Reserve&) = delete;
  Reserve& operator=(const Reserve&) = delete;
  ~Reserve();

  // Gives the place up: the disk is full. False if there was none.
  bool release() noexcept;

  // Whether only those may write that may use it: it was given up, and there is no room for it yet.
  bool is_spent() noexcept;

 private:
  // As SQLite does with the log and its index: what root has made does not shut out the server.
  void give_to_owner_of(const std::string& database) const noexcept;

  // The log of 10,000 deletions, one by one or at once, with much to spare.
  static constexpr off_t kBytes = off_t{16} * 1024 * 1024;
  static constexpr std::chrono::seconds kGrowAgain{1};
  // A disk may promise room that it has not, and be full again at once: that is not told each time.
  static constexpr std::chrono::seconds kTellAgain{10};

  // On a small disk: it may have more room by now.
  void grow() noexcept;
  bool take(off_t bytes) noexcept;
  off_t size() const noexcept;

  const Log& log_;
  int file_;
  off_t wanted_ = 0;
  std::chrono::steady_clock::time_point grow_at_{};
  std::chrono::steady_clock::time_point tell_at_{};
  bool is_told_ = false;  // that the disk is full
};

// Gives up the reserve of a database that is not open yet; false if it has none.
bool release_reserve(const std::string& database);

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_RESERVE_H
