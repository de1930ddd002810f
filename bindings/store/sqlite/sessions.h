// Sessions of User-Interactive Authentication.
#ifndef MXD_BINDINGS_STORE_SQLITE_SESSIONS_H
#define MXD_BINDINGS_STORE_SQLITE_SESSIONS_H

#include <absl/functional/function_ref.h>

#include <cstdint>

#include "bindings/store/sqlite/connection.h"
#include "bindings/store/sqlite/sweeping.h"
#include "matrix_devices/module.h"

namespace mxd::store::sqlite {

// In the writer's transaction: removes the user's expired sessions, makes room for one more below
// session.max_live (U25), and keeps the session under its proposed ID, at revision 1.
void create_session(Connection& writer, const mxd_uia_session& session, int64_t now_ms);

// Calls `found` with the session, whose view is good for the call. False: unknown or expired.
bool read_session(Connection& connection, const mxd_uia_session_key& key, int64_t now_ms,
                  absl::FunctionRef<void(const mxd_uia_kept&)> found);

// In the writer's transaction. False: it does not stand at that revision, or is gone.
bool replace_session(Connection& writer, const mxd_uia_replacement& replacement);

// In the writer's transaction: removes some of the expired sessions.
Swept sweep_sessions(Connection& writer, int64_t now_ms);

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_SESSIONS_H
