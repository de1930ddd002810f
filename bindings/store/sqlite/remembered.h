// What was read, for as long as nobody writes.
#ifndef MXD_BINDINGS_STORE_SQLITE_REMEMBERED_H
#define MXD_BINDINGS_STORE_SQLITE_REMEMBERED_H

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
  explicit Remembered(size_t places) : places_(places) {}

  struct Found {
    Shared value;         // null: not kept
    bool is_asked_again;  // since the last commit: it is worth keeping
  };

  // `hash`: of the key, such that nobody can aim at the place of another. `now`: see WalIndex.
  Found find(std::string_view key, uint64_t hash, const Mark& now) {
    Place& place = places_[hash % places_.size()];
    const std::lock_guard lock(place.mutex);
    const bool is_same = place.hash == hash && place.mark == now;
    if (is_same && place.value != nullptr && place.key == key) return {place.value, true};
    Shared old = std::exchange(place.value, nullptr);
    place.hash = hash;
    place.mark = now;
    return {nullptr, is_same};
  }

  // What was read while `mark` stood. Throws std::bad_alloc.
  void keep(std::string_view key, uint64_t hash, const Mark& mark, Shared value) {
    Place& place = places_[hash % places_.size()];
    const std::lock_guard lock(place.mutex);
    place.key = key;
    place.hash = hash;
    place.mark = mark;
    place.value = std::move(value);
  }

 private:
  struct Place {
    std::mutex mutex;
    uint64_t hash = 0;
    Mark mark;
    std::string key;
    Shared value;
  };

  std::vector<Place> places_;
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_REMEMBERED_H
