#include "bindings/store/postgres/schema.h"

#include <algorithm>
#include <string>
#include <utility>

#include "bindings/store/common/server_name.h"
#include "bindings/store/common/text.h"
#include "bindings/store/postgres/blocking_connection.h"
#include "bindings/store/postgres/connection_string.h"
#include "bindings/store/postgres/migrations.h"
#include "bindings/store/postgres/parameters.h"
#include "bindings/store/postgres/rows.h"

namespace mxd::store::postgres {
namespace {

constexpr size_t kDefaultConnections = 8;

// Held by who looks at the schema or changes it: "MXDs".
constexpr const char* kLock = "SELECT pg_advisory_xact_lock(1297630323)";

constexpr const char* kNotWhole =
    "the schema matrix_devices is not whole, as one is that is being imported, or whose import "
    "failed: wait for the import, or say DROP SCHEMA matrix_devices CASCADE and import again";

void check_program(const Version& version) {
  if (!version.is_too_new()) return;
  throw Failed({MXD_INVALID_ARGUMENT,
                "the database was made by a newer version (schema " +
                    std::to_string(version.version) + ", for programs that know schema " +
                    std::to_string(version.oldest_program) + " or later; this one knows " +
                    std::to_string(kSchemaVersion) + "): update this program"});
}

void add_steps(BlockingConnection& migrator, int64_t version) {
  for (int64_t step = version; step < kSchemaVersion; ++step) {
    for (const char* const sql : kMigrations[static_cast<size_t>(step)].sql) {
      if (sql != nullptr) migrator.run(sql);
    }
  }
}

int64_t oldest_program() {
  int oldest = 1;
  for (const Migration& migration : kMigrations)
    oldest = std::max(oldest, migration.oldest_program);
  return oldest;
}

Store::Known read_known(BlockingConnection& migrator) {
  const Rows found = migrator.ask("SELECT server_name, account_key FROM matrix_devices.store");
  return {std::string(found.text(0, 0)), AccountKey(found.text(0, 1))};
}

void make_tables(BlockingConnection& migrator) {
  // The schema may have been made for a role that may make none.
  if (migrator.ask("SELECT to_regnamespace('matrix_devices') IS NULL").flag(0, 0)) {
    migrator.run("CREATE SCHEMA matrix_devices");
  }
  add_steps(migrator, 0);
}

// In a transaction.
Store::Known bring_up(BlockingConnection& migrator, std::string_view given_name) {
  const auto settle = [&](std::string_view kept, std::string& name) {
    Outcome outcome = settle_server_name(std::string(kept), name);
    if (!succeeded(outcome.status)) throw Failed(std::move(outcome));
  };
  std::string name(given_name);
  // Most find all as it is to be, and wait for nobody.
  Version version = read_version(migrator);
  if (version.version < kSchemaVersion) {
    if (version.version == 0) settle("", name);
    migrator.run(kLock);
    version = read_version(migrator);  // another one may have been first
  }
  check_program(version);
  if (version.version == 0) {
    make_tables(migrator);
    finish_schema(migrator, {name, AccountKey::make()});
  } else if (version.version < kSchemaVersion) {
    add_steps(migrator, version.version);
    migrator.ask(
        "UPDATE matrix_devices.store SET version = $1::bigint,"
        " oldest_program = greatest(oldest_program, $2::bigint)",
        Parameters(int64_t{kSchemaVersion}, oldest_program()));
  }
  Store::Known known = read_known(migrator);
  settle(known.server_name, name);
  return known;
}

}  // namespace

bool Version::is_too_new() const {
  return version > kSchemaVersion && oldest_program > kSchemaVersion;
}

Version read_version(BlockingConnection& migrator) {
  // In one statement: another program may be making it.
  const Rows there = migrator.ask(
      "SELECT to_regclass('matrix_devices.store') IS NOT NULL, EXISTS (SELECT 1 FROM pg_class"
      " WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'matrix_devices'))");
  if (!there.flag(0, 0)) {
    if (there.flag(0, 1)) {
      throw Failed({MXD_INVALID_ARGUMENT,
                    "there is a schema matrix_devices that belongs to another application: name "
                    "another database"});
    }
    return {};
  }
  const Rows found = migrator.ask("SELECT version, oldest_program FROM matrix_devices.store");
  if (found.empty()) {
    throw Failed({MXD_INVALID_ARGUMENT, kNotWhole});
  }
  return {found.integer(0, 0), found.integer(0, 1)};
}

void begin_schema(BlockingConnection& migrator) {
  migrator.run(kLock);
  if (migrator.ask("SELECT to_regclass('matrix_devices.store') IS NULL").flag(0, 0)) {
    static_cast<void>(read_version(migrator));  // another application's schema
    return make_tables(migrator);
  }
  const bool is_whole = migrator.ask("SELECT EXISTS (SELECT FROM matrix_devices.store)").flag(0, 0);
  throw Failed({MXD_BUSY, is_whole ? "there is a database of a server already: name another one"
                                   : kNotWhole});
}

void finish_schema(BlockingConnection& migrator, const Store::Known& known) {
  migrator.ask(
      "INSERT INTO matrix_devices.store (server_name, account_key, version, oldest_program)"
      " VALUES ($1::text, $2::bytea, $3::bigint, $4::bigint)",
      Parameters(known.server_name, Bytes{known.account_key.bytes()}, int64_t{kSchemaVersion},
                 oldest_program()));
}

Outcome read_target(const mxd_store_options& options, Target& target) {
  Outcome outcome = check_connection_string(text(options.url));
  if (!succeeded(outcome.status)) return outcome;
  target.connection_string = text(options.url);
  target.connections = options.connections != 0 ? options.connections : kDefaultConnections;
  target.prepares = (options.flags & MXD_STORE_UNPREPARED) == 0;
  return {};
}

Outcome prepare_database(const Target& target, std::string_view server_name,
                         std::optional<Store::Known>& known) {
  try {
    BlockingConnection migrator(target.connection_string, "the schema can't be read or changed");
    migrator.run("BEGIN");
    known = bring_up(migrator, server_name);
    migrator.run("COMMIT");
    return {};
  } catch (const Failed& failed) {
    return failed.outcome();
  }
}

}  // namespace mxd::store::postgres
