// Sessions of User-Interactive Authentication.
#ifndef MXD_BINDINGS_SQLITE_SESSIONS_H
#define MXD_BINDINGS_SQLITE_SESSIONS_H

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/sqlite/connection.h"
#include "matrix_devices/module.h"

namespace mxd::sqlite {

// In the writer's transaction: removes the user's expired sessions, makes room for one more below
// session.max_live (U25), and keeps the session under this ID.
void create_session(Connection& writer, const mxd_session& session, std::string_view session_id,
                    int64_t now_ms);

// Calls `on_session` once, then `on_stage` for each completed stage in order. The views are good
// for the call. False: unknown or expired.
bool read_session(
    Connection& connection, std::string_view session_id, int64_t now_ms,
    absl::FunctionRef<void(const mxd_session&)> on_session,
    absl::FunctionRef<void(std::string_view type, std::string_view identity)> on_stage);

// In the writer's transaction: the stage, once; the body, and the finish, unless it is finished.
// False: unknown or expired.
bool record_stage(Connection& writer, const mxd_uia_record& record, int64_t now_ms);

// In the writer's transaction: removes some of the expired sessions; true if there may be more.
bool sweep_sessions(Connection& writer, int64_t now_ms);

// A session as it was read, to be emitted after the commit.
class SessionCopy {
 public:
  bool read(Connection& connection, std::string_view session_id, int64_t now_ms);
  void emit(const mxd_module& module, mxd_op op) const;

 private:
  mxd_view keep(mxd_view given);

  struct Stage {
    std::string type;
    std::string identity;
  };

  std::deque<std::string> texts_;
  mxd_session session_{};
  std::vector<Stage> stages_;
};

}  // namespace mxd::sqlite

#endif  // MXD_BINDINGS_SQLITE_SESSIONS_H
