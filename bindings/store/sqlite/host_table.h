// The callbacks of the table, by subject, and what they have in common.
#ifndef MXD_BINDINGS_STORE_SQLITE_HOST_TABLE_H
#define MXD_BINDINGS_STORE_SQLITE_HOST_TABLE_H

#include <cstdint>
#include <memory>
#include <utility>

#include "bindings/store/sqlite/store.h"
#include "bindings/store/sqlite/write.h"

namespace mxd::store::sqlite {

inline Store& store_of(mxd_cookie host) {
  return static_cast<Store&>(*reinterpret_cast<mxd_store*>(host));
}

// Answers an operation on the calling thread. `ask` gives back what it has borrowed (a connection)
// before it returns.
template <class Ask>
int32_t answer(Store& store, mxd_op op, const char* doing, Ask&& ask) noexcept {
  store.module().complete(op, guarded(store, doing, std::forward<Ask>(ask)));
  return MXD_OK;
}

// A write that answers an operation. The callback's arguments are good until then, and are not
// copied.
class OperationWrite : public Write {
 public:
  OperationWrite(Store& store, mxd_op op) : store_(store), op_(op) {}

  void finish(int32_t status) noexcept final {
    store_.module().complete(op_, succeeded(status) ? status : refuse(status));
  }

 protected:
  mxd_op op() const { return op_; }
  Store& store() const { return store_; }

 private:
  // What to complete with where it could not be done.
  virtual int32_t refuse(int32_t status) noexcept { return status; }

  Store& store_;
  const mxd_op op_;
};

// Queues a `W`; the operation is completed after its commit.
template <class W, class... Arguments>
int32_t enqueue(Store& store, mxd_op op, Arguments&&... arguments) noexcept {
  return guarded(store, "a write can't be queued", [&] {
    store.writer.submit(std::make_unique<W>(store, op, std::forward<Arguments>(arguments)...));
    return MXD_OK;
  });
}

// Their parts of the table.
void fill_device_callbacks(mxd_host& host);
void fill_uia_callbacks(mxd_host& host);

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_HOST_TABLE_H
