// Devices. One that is gone, and only not yet removed (deletion.h), is not found by any of this.
#ifndef MXD_BINDINGS_STORE_SQLITE_DEVICES_H
#define MXD_BINDINGS_STORE_SQLITE_DEVICES_H

#include <cstdint>
#include <optional>
#include <string_view>

#include "bindings/store/sqlite/connection.h"
#include "bindings/store/sqlite/device_list.h"
#include "matrix_devices/module.h"

namespace mxd::store::sqlite {

std::optional<int64_t> find_device(Connection& connection, int64_t account,
                                   std::string_view device_id);

// Whether the account has fewer devices than this; 0: no cap.
bool has_room(Connection& connection, int64_t account, int64_t max_devices);

// In the writer's transaction: a new device, which the account does not have; its row.
int64_t add_device(Connection& writer, int64_t account, std::string_view device_id,
                   std::optional<std::string_view> display_name, int64_t now_ms);

// Whose devices are read, and the row of an account that is perhaps theirs; see KnownAccounts.
struct Owner {
  std::string_view user_id;
  int64_t known_account;
};

// Their list, unless it takes milliseconds: too long for an event loop's thread.
bool read_short_list(Connection& connection, const Owner& owner, DeviceList& list);

// Callbacks of the table; see module.h. The answers of the store, on any connection.
int32_t list_devices(Connection& connection, const mxd_module& module, mxd_op op,
                     std::string_view user_id);
int32_t get_device(Connection& connection, const mxd_module& module, mxd_op op, const Owner& owner,
                   std::string_view device_id);

// What an update would find: NOT_FOUND; OK if it would change nothing; nullopt if it would change
// the name.
std::optional<int32_t> answer_without_write(Connection& connection,
                                            const mxd_device_update& update);

// OK or NOT_FOUND.
int32_t rename_device(Connection& writer, const mxd_device_update& update);

// OK, CREATED, LIMIT_EXCEEDED, or FORBIDDEN: no such account.
int32_t put_device(Connection& writer, const mxd_device_update& update, int64_t now_ms);

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_DEVICES_H
