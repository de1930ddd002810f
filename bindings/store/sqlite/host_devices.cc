// The callbacks about tokens and devices; what each promises stands in module.h.
#include <memory>
#include <optional>
#include <string_view>

#include "bindings/store/common/text.h"
#include "bindings/store/sqlite/authenticate.h"
#include "bindings/store/sqlite/deletion.h"
#include "bindings/store/sqlite/devices.h"
#include "bindings/store/sqlite/host_table.h"
#include "bindings/store/sqlite/tokens.h"

namespace mxd::store::sqlite {
namespace {

// A refreshed token was used: the one before it is dead before the request goes on.
class ReplacePair : public OperationWrite {
 public:
  ReplacePair(Store& store, mxd_op op, int64_t pair) : OperationWrite(store, op), pair_(pair) {}

  int32_t run(WriteConnection& connection) override {
    use_new_pair(connection, pair_);
    return MXD_OK;
  }
  bool may_use_reserve() const override { return true; }

 private:
  // The token is good all the same, and its next use tries again: a disk that is full does not
  // keep people from reading.
  int32_t refuse(int32_t) noexcept override { return MXD_OK; }

  const int64_t pair_;
};

class Rename : public OperationWrite {
 public:
  Rename(Store& store, mxd_op op, const mxd_device_update& update)
      : OperationWrite(store, op), update_(update) {}

  int32_t run(WriteConnection& connection) override {
    connection.concerns_list_of(text(update_.user_id));
    return rename_device(connection, update_);
  }
  bool is_one_statement() const override { return true; }

 private:
  const mxd_device_update& update_;
};

class Put : public OperationWrite {
 public:
  Put(Store& store, mxd_op op, const mxd_device_update& update)
      : OperationWrite(store, op), update_(update) {}

  int32_t run(WriteConnection& connection) override {
    connection.concerns_list_of(text(update_.user_id));
    return put_device(connection, update_, store().now_ms());
  }

 private:
  int32_t refuse(int32_t status) noexcept override {
    if (status != MXD_FORBIDDEN) return status;
    mxd_error error{};
    error.size = sizeof error;
    error.http_status = 403;
    error.retry_after_ms = -1;
    error.errcode = view("M_FORBIDDEN");
    error.text = view("The user is not registered any more.");
    store().module().emit_error(op(), &error);
    return MXD_HOST_ERROR;
  }

  const mxd_device_update& update_;
};

class Delete : public OperationWrite {
 public:
  Delete(Store& store, mxd_op op, const mxd_deletion& deletion)
      : OperationWrite(store, op), deletion_(deletion) {}

  int32_t run(WriteConnection& connection) override {
    connection.concerns(text(deletion_.user_id));
    delete_devices(connection, deletion_);
    return MXD_OK;
  }
  bool may_use_reserve() const override { return true; }

 private:
  const mxd_deletion& deletion_;
};

class MarkValidated : public OperationWrite {
 public:
  MarkValidated(Store& store, mxd_op op, const mxd_validation& validation)
      : OperationWrite(store, op), validation_(validation) {}

  // It is the device that has proved it: a refreshed token of it goes on being believed.
  int32_t run(WriteConnection& connection) override {
    connection.concerns(text(validation_.user_id));
    Query(connection,
          "UPDATE devices AS d SET validated_ms = ?3 FROM accounts a WHERE a.user_id = ?1"
          " AND d.account = a.account AND d.device_id = ?2 AND d.device > a.gone_through",
          text(validation_.user_id), text(validation_.device_id), validation_.validated_ms)
        .execute();
    return MXD_OK;
  }
  bool is_one_statement() const override { return true; }
  bool may_use_reserve() const override { return true; }  // a deletion waits for it

 private:
  const mxd_validation& validation_;
};

int32_t authenticate_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                              const mxd_credentials* credentials) noexcept {
  Store& store = store_of(host);
  std::optional<int64_t> new_pair;
  const int32_t status = guarded(store, "authenticate", [&] {
    return authenticate(store, *credentials, [&](const Authenticated& found) {
      new_pair = found.new_pair;
      store.module().emit_principal(op, &found.principal);
    });
  });
  if (status == MXD_OK && new_pair) return enqueue<ReplacePair>(store, op, *new_pair);
  store.module().complete(op, status);
  return MXD_OK;
}

// OK: on the thread for long lists.
int32_t list_later(Store& store, mxd_op op, const mxd_device_query& query) {
  const bool is_queued = store.long_lists.submit([&store, op, &query](Connection& connection) {
    answer(store, op, "list_devices",
           [&] { return list_devices(connection, store.module(), op, text(query.user_id)); });
  });
  return is_queued ? MXD_OK : MXD_UNAVAILABLE;
}

// The list of devices, remembered or read; null: it is a long one.
std::shared_ptr<const DeviceList> find_list(Store& store, std::string_view user_id) {
  constexpr size_t kMostKept = 4096;  // bytes
  const Memory::Moment now = store.memory.now();
  const int64_t key = store.account_key.account_of(user_id);
  const auto user = static_cast<uint64_t>(key);
  const auto [kept, is_asked_again] = store.memory.find_list(user_id, user, now);
  if (kept != nullptr) return kept;
  const auto list = std::make_shared<DeviceList>();
  const Owner owner{user_id, store.known_accounts.find(key)};
  if (!read_short_list(*ReadPool::Lease(store.readers), owner, *list)) return nullptr;
  if (is_asked_again && list->bytes() <= kMostKept) {
    store.memory.keep_list(user_id, user, now, list);
  }
  return list;
}

int32_t list_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                      const mxd_device_query* query) noexcept {
  Store& store = store_of(host);
  bool is_queued = false;
  const int32_t status = guarded(store, "list_devices", [&]() -> int32_t {
    const std::shared_ptr<const DeviceList> list = find_list(store, text(query->user_id));
    if (list != nullptr) {
      list->emit(store.module(), op);
      return MXD_OK;
    }
    const int32_t later = list_later(store, op, *query);
    is_queued = later == MXD_OK;
    return later;
  });
  if (!is_queued) store.module().complete(op, status);
  return MXD_OK;
}

int32_t get_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                     const mxd_device_key* key) noexcept {
  Store& store = store_of(host);
  return answer(store, op, "get_device", [&] {
    const std::string_view user_id = text(key->user_id);
    const Owner owner{user_id, store.known_accounts.find(store.account_key.account_of(user_id))};
    return get_device(*ReadPool::Lease(store.readers), store.module(), op, owner,
                      text(key->device_id));
  });
}

// Bridges repeat their updates at every start: what would change nothing is only read.
// Otherwise a `W` is queued, also for an unknown device if `creates`.
template <class W>
int32_t update(mxd_cookie host, mxd_op op, const mxd_device_update& update, bool creates) noexcept {
  Store& store = store_of(host);
  std::optional<int32_t> known;
  const int32_t failure = guarded(store, "reading a device", [&] {
    known = answer_without_write(*ReadPool::Lease(store.readers), update);
    return MXD_OK;
  });
  if (failure != MXD_OK) known = failure;
  if (!known || (*known == MXD_NOT_FOUND && creates)) return enqueue<W>(store, op, update);
  store.module().complete(op, *known);
  return MXD_OK;
}

int32_t rename_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                        const mxd_device_update* given) noexcept {
  return update<Rename>(host, op, *given, false);
}

int32_t put_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                     const mxd_device_update* given) noexcept {
  return update<Put>(host, op, *given, true);
}

int32_t delete_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                        const mxd_deletion* deletion) noexcept {
  return enqueue<Delete>(store_of(host), op, *deletion);
}

int32_t mark_validated_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                                const mxd_validation* validation) noexcept {
  return enqueue<MarkValidated>(store_of(host), op, *validation);
}

}  // namespace

void fill_device_callbacks(mxd_host& host) {
  host.authenticate = authenticate_callback;
  host.list_devices = list_callback;
  host.get_device = get_callback;
  host.rename_device = rename_callback;
  host.put_device = put_callback;
  host.delete_devices = delete_callback;
  host.mark_validated = mark_validated_callback;
}

}  // namespace mxd::store::sqlite
