// What goes with a device when it is deleted, and in which order.
#ifndef MXD_BINDINGS_STORE_SQLITE_DELETION_H
#define MXD_BINDINGS_STORE_SQLITE_DELETION_H

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "bindings/store/sqlite/connection.h"
#include "matrix_devices/module.h"

namespace mxd::store::sqlite {

// All of this is on the writer's connection, in its transaction.

// D12: each deletes the tokens of the devices, the sessions of User-Interactive Authentication that
// they began, and the devices with all that refers to them; and notes one change of the account's
// list if there were any.
void delete_devices(Connection& writer, const mxd_deletion& deletion);
void delete_device(Connection& writer, int64_t device);
int64_t delete_devices(Connection& writer, std::span<const int64_t> devices);  // how many they are

// The same for all of an account, however many: from this transaction on no token of theirs is
// good, and nobody is shown them. Of more than a few the rest is left to remove_gone().
void delete_all_devices(Connection& writer, int64_t account);
inline constexpr std::chrono::milliseconds kFirstPortion{20};

// Removes devices that are gone, for about as long as `portion`; true if some are left.
bool remove_gone(Connection& writer, std::chrono::milliseconds portion);

// Removes a device that is gone already.
void remove_device(Connection& writer, int64_t device);

// The device stays, but nobody is logged in on it any more, and its tokens were never there.
void delete_tokens(Connection& writer, int64_t device);

// T14: the same for a device, or every one, of an account; but its tokens are known to have been
// there, so that its client keeps what it has and logs in again. How many devices had any.
int64_t revoke_tokens(Connection& writer, int64_t account, std::optional<int64_t> device);

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_DELETION_H
