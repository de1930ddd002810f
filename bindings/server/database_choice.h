// Which database is opened, and how: by the command line, the environment and the settings.
#pragma once

#include "bindings/server/commands/options.h"
#include "bindings/server/settings.h"
#include "bindings/server/store.h"

namespace mxd::server {

// Why what --database was given is refused; NULL: it is not. A password there can be seen by
// everybody who lists processes.
const char* mistake_in_database(const std::string& database);

// --database counts, else MXD_DATABASE, else what the settings say; whether one is named there.
bool names_database(const DatabaseOptions& options);

// The choice, with the password of the file that is named for it; without a server name. Throws
// Error with one line that says what to do.
Store::Options database_of(const DatabaseOptions& options, const Settings::Database& settings);

// The same, with the settings of --config.
Store::Options database_of(const DatabaseOptions& options);

}  // namespace mxd::server
