// A file's records, out and in: common/moving.h.
#ifndef MXD_BINDINGS_STORE_SQLITE_MOVING_H
#define MXD_BINDINGS_STORE_SQLITE_MOVING_H

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "bindings/store/common/moving.h"
#include "bindings/store/common/outcome.h"

namespace mxd::store::sqlite {

// An empty server_name is anybody's.
Outcome export_file(const std::string& path, std::string_view server_name, Exporter& exporter);

// BUSY: there is something of this name.
Outcome begin_file(const std::string& path, int64_t now_ms, std::unique_ptr<Importer>& importer);

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_MOVING_H
