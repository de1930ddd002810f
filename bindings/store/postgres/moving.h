// A database's records, out and in: common/moving.h.
#ifndef MXD_BINDINGS_STORE_POSTGRES_MOVING_H
#define MXD_BINDINGS_STORE_POSTGRES_MOVING_H

#include <memory>
#include <string_view>

#include "bindings/store/common/moving.h"
#include "bindings/store/common/outcome.h"
#include "bindings/store/postgres/database.h"

namespace mxd::store::postgres {

// An empty server_name is anybody's. Throws Failed.
Outcome export_database(const Target& target, std::string_view server_name, Exporter& exporter);

// The first record is BUSY where there is a database of ours, or what is left of an import. Throws
// Failed: it can't be reached.
std::unique_ptr<Importer> begin_database(const Target& target);

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_MOVING_H
