#include "bindings/sqlite/schema.h"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include "bindings/sqlite/connection.h"

namespace mxd::sqlite {
namespace {

// Migration number N brings a file from user_version N to N + 1. They are only ever appended.
//
// What hangs off a device refers to it with ON DELETE CASCADE, and has an index for that. The
// tables of keys, pushers and messages are a homeserver's: this library only sees to it that they
// don't outlive their device.
constexpr std::array kMigrations = {
    R"sql(
CREATE TABLE store (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  server_name TEXT NOT NULL
) STRICT;

CREATE TABLE accounts (
  account INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id TEXT NOT NULL UNIQUE,
  password_hash TEXT,  -- Argon2id; NULL: no password
  guest INTEGER NOT NULL DEFAULT 0 CHECK (guest IN (0, 1)),
  service_id TEXT,     -- of the application service that registered it
  locked INTEGER NOT NULL DEFAULT 0 CHECK (locked IN (0, 1)),
  suspended INTEGER NOT NULL DEFAULT 0 CHECK (suspended IN (0, 1)),
  deactivated INTEGER NOT NULL DEFAULT 0 CHECK (deactivated IN (0, 1)),
  created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE user_threepids (
  medium TEXT NOT NULL,   -- "email", "msisdn"
  address TEXT NOT NULL,  -- canonical: an email address in lower case, a number in digits
  account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
  PRIMARY KEY (medium, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_threepids_account ON user_threepids (account);

CREATE TABLE devices (
  device INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
  device_id TEXT NOT NULL CHECK (length(CAST(device_id AS BLOB)) BETWEEN 1 AND 255),
  display_name TEXT,     -- NULL: none; may be empty
  last_seen_ip TEXT,
  last_seen_ms INTEGER,
  validated_ms INTEGER,  -- when its user last proved who they are
  UNIQUE (account, device_id)
) STRICT;

-- An access token and a refresh token that were given out together. Until one of them is used, the
-- pair that they replace goes on working.
CREATE TABLE token_pairs (
  pair INTEGER PRIMARY KEY AUTOINCREMENT,
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  replaces INTEGER REFERENCES token_pairs ON DELETE SET NULL
) STRICT;
CREATE INDEX token_pairs_device ON token_pairs (device);
CREATE INDEX token_pairs_replaces ON token_pairs (replaces);

CREATE TABLE access_tokens (
  access_token INTEGER PRIMARY KEY AUTOINCREMENT,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  pair INTEGER REFERENCES token_pairs ON DELETE CASCADE,
  oauth INTEGER NOT NULL CHECK (oauth IN (0, 1)),
  expires_ms INTEGER  -- NULL: never
) STRICT;
CREATE INDEX access_tokens_device ON access_tokens (device);
CREATE INDEX access_tokens_pair ON access_tokens (pair);

CREATE TABLE refresh_tokens (
  refresh_token INTEGER PRIMARY KEY AUTOINCREMENT,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  pair INTEGER NOT NULL REFERENCES token_pairs ON DELETE CASCADE,
  oauth INTEGER NOT NULL CHECK (oauth IN (0, 1))
) STRICT;
CREATE INDEX refresh_tokens_device ON refresh_tokens (device);
CREATE INDEX refresh_tokens_pair ON refresh_tokens (pair);

CREATE TABLE device_keys (
  device INTEGER PRIMARY KEY REFERENCES devices ON DELETE CASCADE,
  key_json TEXT NOT NULL
) STRICT;

CREATE TABLE one_time_keys (
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  algorithm TEXT NOT NULL,
  key_id TEXT NOT NULL,
  key_json TEXT NOT NULL,
  PRIMARY KEY (device, algorithm, key_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE fallback_keys (
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  algorithm TEXT NOT NULL,
  key_id TEXT NOT NULL,
  key_json TEXT NOT NULL,
  used INTEGER NOT NULL DEFAULT 0 CHECK (used IN (0, 1)),
  PRIMARY KEY (device, algorithm)
) STRICT, WITHOUT ROWID;

CREATE TABLE pushers (
  pusher INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  app_id TEXT NOT NULL,
  pushkey TEXT NOT NULL,
  pusher_json TEXT NOT NULL,
  UNIQUE (account, app_id, pushkey)
) STRICT;
CREATE INDEX pushers_device ON pushers (device);

CREATE TABLE to_device_inbox (
  stream INTEGER PRIMARY KEY AUTOINCREMENT,
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  message_json TEXT NOT NULL
) STRICT;
CREATE INDEX to_device_inbox_device ON to_device_inbox (device);

-- Whose list of devices changed, and when in the stream: the newest change of each account.
CREATE TABLE device_list_changes (
  stream INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL UNIQUE REFERENCES accounts ON DELETE CASCADE
) STRICT;

CREATE TABLE uia_sessions (
  session INTEGER PRIMARY KEY AUTOINCREMENT,
  id_digest BLOB NOT NULL UNIQUE CHECK (length(id_digest) = 32),
  user_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  token_id TEXT NOT NULL,
  method TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  target TEXT NOT NULL,
  path_device_id TEXT NOT NULL,
  body TEXT,  -- NULL: kept as its digest only
  body_digest BLOB NOT NULL,
  description TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  lifetime_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  finished_ms INTEGER,
  finished_digest BLOB
) STRICT;
CREATE INDEX uia_sessions_user ON uia_sessions (user_id, device_id);
CREATE INDEX uia_sessions_expires ON uia_sessions (expires_ms);

CREATE TABLE uia_stages (
  session INTEGER NOT NULL REFERENCES uia_sessions ON DELETE CASCADE,
  position INTEGER NOT NULL,  -- in the order completed
  type TEXT NOT NULL,
  identity TEXT,              -- the user ID that it proved; NULL: none
  PRIMARY KEY (session, type)
) STRICT, WITHOUT ROWID;
)sql",
};

constexpr int kVersion = static_cast<int>(kMigrations.size());

int pragma(SQLite::Database& database, const std::string& name) {
  return database.execAndGet("PRAGMA " + name).getInt();
}

// Only looks: a file that is not ours is not touched.
Outcome check_ownership(SQLite::Database& database) {
  const int application = pragma(database, "application_id");
  const int version = pragma(database, "user_version");
  if (application == kApplicationId) {
    if (version <= kVersion) return {};
    return {MXD_INVALID_ARGUMENT, "the database was made by a newer version (schema " +
                                      std::to_string(version) + ", known here up to " +
                                      std::to_string(kVersion) + "): update this program"};
  }
  const bool is_new = application == 0 && version == 0 &&
                      database.execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0;
  if (is_new) return {};
  return {MXD_INVALID_ARGUMENT, "the database belongs to another application: name another file"};
}

// SQLite does not wait for others when it changes the journal mode, so it is waited for here.
void set_write_ahead_log(SQLite::Database& database) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(kBusyTimeoutMs);
  while (true) {
    try {
      database.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (const SQLite::Exception& error) {
      const bool busy = (error.getErrorCode() & 0xff) == SQLITE_BUSY;
      if (!busy || std::chrono::steady_clock::now() >= deadline) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

Outcome claim_server_name(SQLite::Database& database, std::string& server_name) {
  std::string kept;
  SQLite::Statement read(database, "SELECT server_name FROM store");
  if (read.executeStep()) kept = read.getColumn(0).getString();
  read.reset();
  if (kept.empty()) {
    if (server_name.empty()) {
      return {MXD_INVALID_ARGUMENT,
              "the database has no server name yet: give a full user ID (@name:server), or start "
              "the server first"};
    }
    SQLite::Statement insert(database, "INSERT INTO store (only, server_name) VALUES (1, ?1)");
    insert.bind(1, server_name);
    insert.exec();
    return {};
  }
  if (!server_name.empty() && server_name != kept) {
    return {MXD_INVALID_ARGUMENT,
            "the database belongs to the server " + kept + ", not to " + server_name};
  }
  server_name = kept;
  return {};
}

Outcome migrate(SQLite::Database& database, std::string& server_name) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  // Another process may have been first.
  Outcome outcome = check_ownership(database);
  if (!succeeded(outcome.status)) return outcome;
  const int version = pragma(database, "user_version");
  for (int step = version; step < kVersion; ++step) {
    database.exec(kMigrations[static_cast<std::size_t>(step)]);
  }
  if (version < kVersion) {
    database.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
    database.exec("PRAGMA user_version = " + std::to_string(kVersion));
  }
  outcome = claim_server_name(database, server_name);
  if (succeeded(outcome.status)) transaction.commit();
  return outcome;
}

// The file holds digests and password hashes: only its owner reads it. An existing one is left
// alone, and not even opened (closing it would drop this process's locks on it).
Outcome make_file(const std::string& path, bool may_create) {
  if (::access(path.c_str(), F_OK) == 0) return {};
  if (errno == ENOENT && !may_create) {
    return {MXD_INVALID_ARGUMENT,
            "there is no such database: give a full user ID (@name:server), or start the server "
            "first"};
  }
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file >= 0) {
    ::close(file);
    return {};
  }
  if (errno == EEXIST) return {};
  return {MXD_INVALID_ARGUMENT,
          "the database file can't be made: " + std::generic_category().message(errno) +
              "; check its directory"};
}

}  // namespace

Outcome prepare_file(const std::string& path, std::string& server_name) {
  Outcome outcome = make_file(path, !server_name.empty());
  if (!succeeded(outcome.status)) return outcome;
  try {
    SQLite::Database database(path, SQLite::OPEN_READWRITE, kBusyTimeoutMs);
    {
      // What it looks at is of one moment: another process may be making the database.
      const SQLite::Transaction snapshot(database);
      outcome = check_ownership(database);
    }
    if (!succeeded(outcome.status)) return outcome;
    set_write_ahead_log(database);
    database.exec("PRAGMA synchronous = FULL");
    database.exec("PRAGMA foreign_keys = ON");
    return migrate(database, server_name);
  } catch (const SQLite::Exception& error) {
    return outcome_of_opening(error);
  }
}

}  // namespace mxd::sqlite
