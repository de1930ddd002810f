// Whose account was asked for of late.
#ifndef MXD_BINDINGS_STORE_SQLITE_KNOWN_ACCOUNTS_H
#define MXD_BINDINGS_STORE_SQLITE_KNOWN_ACCOUNTS_H

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mxd::store::sqlite {

// Rows of accounts, as their tokens led to them: what a request then asks about its user need not
// look for them by name, which is a leaf of one more index. Only hints: one may be of another user,
// or of one that is gone, so who takes it compares the user ID. [any-thread]
class KnownAccounts {
 public:
  // `key`: AccountKey::account_of() of the user ID.
  void note(int64_t key, int64_t account) noexcept {
    places_[place_of(key)].store(account, std::memory_order_relaxed);
  }

  // 0, which is nobody's: none is known.
  int64_t find(int64_t key) const noexcept {
    return places_[place_of(key)].load(std::memory_order_relaxed);
  }

 private:
  // Many times as many as requests are between a token and what is asked about its user.
  static constexpr size_t kPlaces = 4096;

  static size_t place_of(int64_t key) { return static_cast<uint64_t>(key) % kPlaces; }

  std::array<std::atomic<int64_t>, kPlaces> places_{};
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_KNOWN_ACCOUNTS_H
