// What a store remembers of tokens and lists, and until when.
#ifndef MXD_BINDINGS_STORE_SQLITE_MEMORY_H
#define MXD_BINDINGS_STORE_SQLITE_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "bindings/store/sqlite/carried.h"
#include "bindings/store/sqlite/device_list.h"
#include "bindings/store/sqlite/remembered.h"
#include "bindings/store/sqlite/token_owner.h"
#include "bindings/store/sqlite/wal_index.h"
#include "bindings/store/sqlite/write.h"

namespace mxd::store::sqlite {

// Until somebody commits, whoever it is; and beyond the commits of this process's writer that say
// whom they concern, for everybody else. [any-thread]
class Memory {
 public:
  using Mark = WalIndex::Mark;

  // When something is asked for.
  struct Moment {
    Mark head;
    Mark since;
  };

  // See WalIndex. `places`: how many tokens, and how many lists.
  Memory(Connection& connection, size_t places)
      : index_(connection), owners_(places), lists_(places) {}

  Mark head() const noexcept { return index_.mark(); }
  Moment now() const noexcept {
    const Mark head = index_.mark();
    return {head, carried_.since(head)};
  }

  auto find_owner(std::string_view digest, uint64_t hash, const Moment& now) {
    return owners_.find(digest, hash, now.since);
  }
  auto find_list(std::string_view user_id, uint64_t user, const Moment& now) {
    return lists_.find(user_id, user, now.since);
  }

  // What was read since `now`. `user`: AccountKey::account_of() of the user ID.
  void keep_owner(std::string_view digest, uint64_t hash, const Moment& now, uint64_t user,
                  std::shared_ptr<const RememberedOwner> owner) {
    owners_.keep(digest, hash, now.since, user, std::move(owner),
                 [&] { return head() == now.head; });
  }
  void keep_list(std::string_view user_id, uint64_t user, const Moment& now,
                 std::shared_ptr<const DeviceList> list) {
    lists_.keep(user_id, user, now.since, user, std::move(list),
                [&] { return head() == now.head; });
  }

  // The writer's commit led from one head to the other, and changed nothing but of these.
  void carry(const Mark& from, const Mark& to, const Concerned& concerned) noexcept {
    for (const Concerned::User& one : concerned.users) {
      lists_.forget(one.user);
      if (one.with_tokens) owners_.forget(one.user);
    }
    carried_.carry(from, to);
  }

 private:
  WalIndex index_;
  Carried carried_;
  Remembered<RememberedOwner> owners_;  // by the token's digest
  Remembered<DeviceList> lists_;        // by the user ID
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_MEMORY_H
