#include "bindings/store/postgres/sqlstate.h"

#include "matrix_devices/module.h"

namespace mxd::store::postgres {

Fault fault_of(std::string_view state) {
  const std::string_view kind = state.substr(0, 2);
  // A server that is, or has become, a standby: the primary is somewhere else now.
  if (state == "25006") return {MXD_UNAVAILABLE, true, true, false};
  // Shut down, crashed, starting; connections; PgBouncer's own.
  if (state.empty() || kind == "08" || state.starts_with("57P")) {
    return {MXD_UNAVAILABLE, true, false, false};
  }
  if (state == "57014") return {MXD_TIMEOUT, false, false, false};  // statement_timeout
  if (state == "55P03") return {MXD_TIMEOUT, false, false, false};  // lock_timeout
  if (kind == "40") return {MXD_UNAVAILABLE, false, true, false};   // deadlock, serialization
  if (state == "26000") return {MXD_UNAVAILABLE, false, true, true};
  if (kind == "53") return {MXD_UNAVAILABLE, false, false, false};      // disk, memory, connections
  if (kind == "58") return {MXD_UNAVAILABLE, false, false, false};      // the system below it
  if (state == "42501") return {MXD_UNAVAILABLE, false, false, false};  // a role without rights
  return {MXD_INTERNAL, false, false, false};
}

}  // namespace mxd::store::postgres
