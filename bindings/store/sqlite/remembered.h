// What was read, for as long as nobody changes it.
#ifndef MXD_BINDINGS_STORE_SQLITE_REMEMBERED_H
#define MXD_BINDINGS_STORE_SQLITE_REMEMBERED_H

#include <absl/functional/function_ref.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/store/sqlite/wal_index.h"

namespace mxd::store::sqlite {

// Values by their keys, of which those that are asked for again and again are kept. A place has one
// of them, so the memory is bounded. [any-thread]
template <class Value>
class Remembered {
 public:
  using Shared = std::shared_ptr<const Value>;
  using Mark = WalIndex::Mark;

  // `places`: at least one.
  explicit Remembered(size_t places) : places_(places), changes_(places * kUsersAPlace) {}

  struct Found {
    Shared value;         // null: not kept
    bool is_asked_again;  // since all was forgotten: it is worth keeping
  };

  // `hash`: of the key, such that nobody can aim at the place of another. `since`: see Carried.
  Found find(std::string_view key, uint64_t hash, const Mark& since) {
    Place& place = places_[hash % places_.size()];
    const std::lock_guard lock(place.mutex);
    const bool is_same = place.hash == hash && place.since == since;
    if (is_same && place.value != nullptr && place.key == key &&
        place.changes == changes_of(place.user).load(std::memory_order_acquire)) {
      return {place.value, true};
    }
    Shared old = std::exchange(place.value, nullptr);
    place.hash = hash;
    place.since = since;
    return {nullptr, is_same};
  }

  // What was read of a user, given by the hash of the ID, unless somebody has committed since:
  // `stands` says so, and is asked last. Throws std::bad_alloc.
  void keep(std::string_view key, uint64_t hash, const Mark& since, uint64_t user, Shared value,
            absl::FunctionRef<bool()> stands) {
    const uint64_t changes = changes_of(user).load(std::memory_order_acquire);
    if (!stands()) return;
    Place& place = places_[hash % places_.size()];
    const std::lock_guard lock(place.mutex);
    place.key = key;
    place.hash = hash;
    place.since = since;
    place.user = user;
    place.changes = changes;
    place.value = std::move(value);
  }

  // All that was read of this user, and of some others, before a commit that is over by now.
  void forget(uint64_t user) noexcept { changes_of(user).fetch_add(1, std::memory_order_acq_rel); }

 private:
  struct Place {
    std::mutex mutex;
    uint64_t hash = 0;
    Mark since;
    uint64_t user = 0;
    uint64_t changes = 0;  // of the user, when it was read
    std::string key;
    Shared value;
  };

  // So many users have a count of their changes in common as keep forgetting the wrong ones rare.
  static constexpr size_t kUsersAPlace = 4;

  std::atomic<uint64_t>& changes_of(uint64_t user) noexcept {
    return changes_[user % changes_.size()];
  }

  std::vector<Place> places_;
  std::vector<std::atomic<uint64_t>> changes_;
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_REMEMBERED_H
