// Devices, and what goes with one when it is deleted.
#ifndef MXD_BINDINGS_SQLITE_DEVICES_H
#define MXD_BINDINGS_SQLITE_DEVICES_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "bindings/sqlite/connection.h"
#include "matrix_devices/module.h"

namespace mxd::sqlite {

// IDs over this can't exist.
inline constexpr std::size_t kMaxIdBytes = 255;

// 1 to 255 bytes without control characters.
bool is_valid_device_id(std::string_view device_id);

// On the writer's connection, in its transaction. Each deletes, in this order, the tokens of the
// devices, the sessions of User-Interactive Authentication that they began, and the devices with
// all that refers to them; and notes one change of the account's list if there were any.
void delete_devices(Connection& writer, std::string_view user_id, const mxd_view* device_ids,
                    std::size_t count);
void delete_device(Connection& writer, int64_t device);
void delete_all_devices(Connection& writer, int64_t account);

// The device stays, but nobody is logged in on it any more.
void delete_tokens(Connection& writer, int64_t device);

// Callbacks of the table; see module.h. The answers of the store, on any connection.
int32_t list_devices(Connection& connection, const mxd_module& module, mxd_op op,
                     std::string_view user_id);
int32_t get_device(Connection& connection, const mxd_module& module, mxd_op op,
                   std::string_view user_id, std::string_view device_id);

// What an update would find: NOT_FOUND; OK if it would change nothing; nullopt if it would change
// the name.
std::optional<int32_t> answer_without_write(Connection& connection,
                                            const mxd_device_update& update);

// OK or NOT_FOUND.
int32_t rename_device(Connection& writer, const mxd_device_update& update);

// OK, CREATED, LIMIT_EXCEEDED, or FORBIDDEN: no such account.
int32_t put_device(Connection& writer, const mxd_device_update& update);

}  // namespace mxd::sqlite

#endif  // MXD_BINDINGS_SQLITE_DEVICES_H
