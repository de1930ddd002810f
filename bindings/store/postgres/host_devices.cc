// The callbacks about tokens and devices; what each promises stands in module.h.
#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "bindings/store/common/text.h"
#include "bindings/store/postgres/authenticate.h"
#include "bindings/store/postgres/host_table.h"

namespace mxd::store::postgres {
namespace {

constexpr Statement kListDevices{
    "SELECT device_id, display_name, last_seen_ip, last_seen_ms FROM matrix_devices.devices"
    " WHERE account = $1::bigint ORDER BY device_id"};

constexpr Statement kGetDevice{
    "SELECT device_id, display_name, last_seen_ip, last_seen_ms FROM matrix_devices.devices"
    " WHERE account = $1::bigint AND device_id = $2::text"};

constexpr Statement kRenameDevice{
    "SELECT matrix_devices.rename_device($1::bigint, $2::text, $3::text)"};

constexpr Statement kPutDevice{
    "SELECT matrix_devices.put_device($1::bigint, $2::text, $3::text, $4::text, $5::bigint,"
    " $6::bigint)"};

constexpr Statement kDeleteDevices{"SELECT matrix_devices.delete_devices($1::bigint, $2::text[])"};

// It is the device that has proved it: a refreshed token of it goes on being believed.
constexpr Statement kMarkValidated{
    "UPDATE matrix_devices.devices SET validated_ms = $3::bigint"
    " WHERE account = $1::bigint AND device_id = $2::text"};

// Over so many, a deletion keeps no others waiting for their commit.
constexpr size_t kManyDevices = 32;

class AuthenticateOperation final : public Authentication {
 public:
  AuthenticateOperation(Store& of, const mxd_credentials& given, mxd_op op)
      : Authentication(of, given), op_(op) {}

  void found(const Authenticated& found) override {
    store.module().emit_principal(op_, &found.principal);
  }
  void finish(int32_t status) noexcept override { store.module().complete(op_, status); }

 private:
  const mxd_op op_;
};

void emit(const mxd_module& module, mxd_op op, const Rows& rows, int row) {
  mxd_device device{};
  device.size = sizeof device;
  device.device_id = view(rows.text(row, 0));
  if (!rows.is_null(row, 1)) {
    device.flags |= MXD_DEVICE_HAS_DISPLAY_NAME;
    device.display_name = view(rows.text(row, 1));
  }
  if (!rows.is_null(row, 2)) {
    device.flags |= MXD_DEVICE_HAS_LAST_SEEN_IP;
    device.last_seen_ip = view(rows.text(row, 2));
  }
  if (!rows.is_null(row, 3)) {
    device.flags |= MXD_DEVICE_HAS_LAST_SEEN_TS;
    device.last_seen_ts_ms = rows.integer(row, 3);
  }
  module.emit_device(op, &device);
}

std::optional<std::string_view> new_name(const mxd_device_update& update) {
  if ((update.flags & MXD_UPDATE_SET_DISPLAY_NAME) == 0) return std::nullopt;
  return text(update.display_name);
}

int32_t refuse_unregistered(const mxd_module& module, mxd_op op) {
  mxd_error error{};
  error.size = sizeof error;
  error.http_status = 403;
  error.retry_after_ms = -1;
  error.errcode = view("M_FORBIDDEN");
  error.text = view("The user is not registered any more.");
  module.emit_error(op, &error);
  return MXD_HOST_ERROR;
}

int32_t authenticate_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                              const mxd_credentials* credentials) noexcept {
  return question(host, op, "authenticate", [&](Store& store) {
    authenticate(std::make_shared<AuthenticateOperation>(store, *credentials, op));
    return MXD_OK;
  });
}

int32_t list_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                      const mxd_device_query* query) noexcept {
  return question(host, op, "list_devices", [&](Store& store) {
    return ask(store, op, Kind::kRead, kListDevices,
               Parameters(store.account_of(text(query->user_id))), [&store, op](const Rows& rows) {
                 for (int row = 0; row < rows.count(); ++row)
                   emit(store.module(), op, rows, row);
                 return MXD_OK;
               });
  });
}

int32_t get_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                     const mxd_device_key* key) noexcept {
  return question(host, op, "get_device", [&](Store& store) -> int32_t {
    if (!is_text(text(key->device_id))) return MXD_NOT_FOUND;
    return ask(store, op, Kind::kRead, kGetDevice,
               Parameters(store.account_of(text(key->user_id)), text(key->device_id)),
               [&store, op](const Rows& rows) {
                 if (rows.empty()) return MXD_NOT_FOUND;
                 emit(store.module(), op, rows, 0);
                 return MXD_OK;
               });
  });
}

int32_t rename_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                        const mxd_device_update* update) noexcept {
  return question(host, op, "rename_device", [&](Store& store) -> int32_t {
    if (!is_text(text(update->device_id))) return MXD_NOT_FOUND;
    return ask(store, op, Kind::kWrite, kRenameDevice,
               Parameters(store.account_of(text(update->user_id)), text(update->device_id),
                          new_name(*update)),
               [](const Rows& rows) { return rows.flag(0, 0) ? MXD_OK : MXD_NOT_FOUND; });
  });
}

int32_t put_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                     const mxd_device_update* update) noexcept {
  return question(host, op, "put_device", [&](Store& store) {
    return ask(
        store, op, Kind::kWrite, kPutDevice,
        Parameters(store.account_of(text(update->user_id)), text(update->user_id),
                   text(update->device_id), new_name(*update), update->max_devices, store.now_ms()),
        [&store, op](const Rows& rows) {
          const auto status = static_cast<int32_t>(rows.integer(0, 0));
          if (status != MXD_FORBIDDEN) return status;
          return refuse_unregistered(store.module(), op);
        });
  });
}

int32_t delete_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                        const mxd_deletion* deletion) noexcept {
  return question(host, op, "delete_devices", [&](Store& store) {
    // Nobody has a device whose ID is no text.
    const std::span given(deletion->device_ids, deletion->device_id_count);
    std::vector<mxd_view> ids;
    std::copy_if(given.begin(), given.end(), std::back_inserter(ids),
                 [](const mxd_view& id) { return is_text(text(id)); });
    return ask(
        store, op, ids.size() > kManyDevices ? Kind::kLongWrite : Kind::kWrite, kDeleteDevices,
        Parameters(store.account_of(text(deletion->user_id)), std::span<const mxd_view>(ids)),
        [](const Rows&) { return MXD_OK; });
  });
}

int32_t mark_validated_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                                const mxd_validation* validation) noexcept {
  return question(host, op, "mark_validated", [&](Store& store) {
    return ask(store, op, Kind::kWrite, kMarkValidated,
               Parameters(store.account_of(text(validation->user_id)), text(validation->device_id),
                          validation->validated_ms),
               [](const Rows&) { return MXD_OK; });
  });
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

}  // namespace mxd::store::postgres
