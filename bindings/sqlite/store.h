// An open store: the parts that its functions share.
#ifndef MXD_BINDINGS_SQLITE_STORE_H
#define MXD_BINDINGS_SQLITE_STORE_H

#include <cstddef>
#include <cstdint>
#include <string>

#include "bindings/sqlite/last_seen.h"
#include "bindings/sqlite/log.h"
#include "bindings/sqlite/password.h"
#include "bindings/sqlite/read_pool.h"
#include "bindings/sqlite/read_thread.h"
#include "bindings/sqlite/services.h"
#include "bindings/sqlite/sweeper.h"
#include "bindings/sqlite/writer.h"
#include "matrix_devices/sqlite.h"

namespace mxd::sqlite {

// Milliseconds since the epoch, by the host's clock where it gave one.
int64_t now_ms(const mxd_sqlite_options& options) noexcept;

struct Store {
  // Of a file that prepare_file() has prepared. Throws SQLite::Exception, std::system_error.
  Store(const mxd_sqlite_options& given, const std::string& path, const std::string& name);

  int64_t now_ms() const noexcept { return sqlite::now_ms(options); }

  const mxd_sqlite_options options;  // its views are not to be used
  const std::string server_name;
  const Log log;
  Services services;
  const mxd_module* module = nullptr;  // gets the results of the callbacks

  // Destroyed from the last to the first: the password threads finish what they have, then the
  // sweeper does, then the writer, whose queue refers to last_seen.
  ReadPool readers;
  ReadThread long_lists;
  LastSeen last_seen;
  Writer writer;
  Sweeper sweeper;
  PasswordThreads passwords;
};

}  // namespace mxd::sqlite

// The handle of sqlite.h.
struct mxd_sqlite : mxd::sqlite::Store {
  using Store::Store;
};

#endif  // MXD_BINDINGS_SQLITE_STORE_H
