// One change to the file, as the writer's queue holds it.
#ifndef MXD_BINDINGS_STORE_SQLITE_WRITE_H
#define MXD_BINDINGS_STORE_SQLITE_WRITE_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/store/common/account_key.h"
#include "bindings/store/sqlite/connection.h"

namespace mxd::store::sqlite {

// Whose tokens and lists are others after a transaction.
struct Concerned {
  struct User {
    uint64_t user;  // AccountKey::account_of() of the user ID
    bool with_tokens;
  };

  std::vector<User> users;
  bool everybody = false;
};

// The writer's. A write that succeeds says on it, with one of concerns…(), whose answers it
// changes; of one that says nothing it is taken that it changes everybody's.
class WriteConnection final : public Connection {
 public:
  WriteConnection(const std::string& path, const AccountKey& account_key)
      : Connection(path, Mode::kWrite), account_key_(account_key) {}

  // No authenticate(), no list and no device of anybody.
  void concerns_nobody() { has_said_ = true; }
  // The list of devices, and nothing that authenticate() answers.
  void concerns_list_of(std::string_view user_id) { add(user_id, false); }
  void concerns(std::string_view user_id) { add(user_id, true); }

  // The writer's own.
  void begin_transaction() {
    concerned_.users.clear();
    concerned_.everybody = false;
  }
  void begin_write() { has_said_ = false; }
  void end_write() {
    if (!has_said_) concerned_.everybody = true;
  }
  const Concerned& concerned() const { return concerned_; }

 private:
  void add(std::string_view user_id, bool with_tokens) {
    concerned_.users.push_back(
        {static_cast<uint64_t>(account_key_.account_of(user_id)), with_tokens});
    has_said_ = true;
  }

  const AccountKey& account_key_;
  Concerned concerned_;
  bool has_said_ = false;
};

// Both functions are called on the writer's thread, once each, run() first; run() is passed over
// when the transaction can't begin.
class Write {
 public:
  virtual ~Write() = default;

  // Makes the change, inside a transaction. A status other than OK and CREATED, or an exception
  // (SQLite::Exception, std::bad_alloc), undoes what this write did, and only that.
  virtual int32_t run(WriteConnection& connection) = 0;

  // Whether it changes the file with one statement, which SQLite undoes where it fails, and changes
  // nothing where it returns another status than OK and CREATED: it costs no savepoint then.
  virtual bool is_one_statement() const { return false; }

  // O4: whether it may use the room that is kept for deletions on a full disk.
  virtual bool may_use_reserve() const { return false; }

  // The change is on disk, or it never will be: UNAVAILABLE or INTERNAL.
  virtual void finish(int32_t status) noexcept = 0;
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_WRITE_H
