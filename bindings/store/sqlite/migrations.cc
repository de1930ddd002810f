#include "bindings/store/sqlite/migrations.h"

namespace mxd::store::sqlite {

// What hangs off a device refers to it with ON DELETE CASCADE, and has an index for that. The
// tables of keys, pushers and messages are a homeserver's: this library only sees to it that they
// don't outlive their device.
const std::array<const char*, kSchemaVersion> kMigrations = {
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

    R"sql(
-- The account's devices up to this row are gone: no token of theirs is good, nobody is shown them,
-- and what is left of them is being removed (see deletion.h). A homeserver that reads the tables of
-- devices itself passes over them too. 0: none.
ALTER TABLE accounts ADD COLUMN gone_through INTEGER NOT NULL DEFAULT 0;
CREATE INDEX accounts_gone ON accounts (account) WHERE gone_through > 0;
CREATE INDEX accounts_guests ON accounts (account) WHERE guest = 1;

-- Of devices that were never seen. What is older than this column was made when it came.
ALTER TABLE devices ADD COLUMN created_ms INTEGER NOT NULL DEFAULT 0;
UPDATE devices SET created_ms = (SELECT now_ms FROM migration);

ALTER TABLE refresh_tokens ADD COLUMN given_ms INTEGER NOT NULL DEFAULT 0;
UPDATE refresh_tokens SET given_ms = (SELECT now_ms FROM migration);
CREATE INDEX refresh_tokens_given ON refresh_tokens (given_ms);
CREATE INDEX access_tokens_expires ON access_tokens (expires_ms) WHERE expires_ms IS NOT NULL;

-- See token_family.h.
CREATE TABLE token_families (
  device INTEGER PRIMARY KEY REFERENCES devices ON DELETE CASCADE,
  name BLOB NOT NULL UNIQUE CHECK (length(name) = 9),
  key BLOB NOT NULL CHECK (length(key) = 32)
) STRICT;

-- All tokens from before there were families, so that they are known after they are replaced.
CREATE TABLE old_tokens (
  digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX old_tokens_device ON old_tokens (device);
INSERT INTO old_tokens SELECT digest, device FROM access_tokens;
INSERT INTO old_tokens SELECT digest, device FROM refresh_tokens;
)sql",

    R"sql(
-- The state of a session is the module's own text from here on: those of before are begun again.
DROP TABLE uia_stages;
DROP TABLE uia_sessions;
CREATE TABLE uia_sessions (
  session INTEGER PRIMARY KEY AUTOINCREMENT,  -- in the order of creation
  id_digest BLOB NOT NULL UNIQUE CHECK (length(id_digest) = 32),
  user_id TEXT NOT NULL,
  begun_with TEXT NOT NULL,  -- 'd' and the device's ID or, without a device, 't' and the token's
  expires_ms INTEGER NOT NULL,
  finished INTEGER NOT NULL DEFAULT 0 CHECK (finished IN (0, 1)),
  revision INTEGER NOT NULL DEFAULT 1,
  state BLOB NOT NULL
) STRICT;
CREATE INDEX uia_sessions_user ON uia_sessions (user_id, begun_with);
CREATE INDEX uia_sessions_expires ON uia_sessions (expires_ms);
)sql",

    R"sql(
-- See common/account_key.h. Tokens name their account from here on; nothing is looked for by it in
-- this engine.
ALTER TABLE store ADD COLUMN account_key BLOB NOT NULL DEFAULT x'';
UPDATE store SET account_key = (SELECT account_key FROM migration);
)sql",

    R"sql(
-- Every request looks for a token by its digest. A table that is ordered by it is gone down once,
-- where an index and the rows that it points to are two leaves.
CREATE TEMP TABLE kept_tokens AS SELECT digest, device, pair, oauth, expires_ms FROM access_tokens;
DROP TABLE access_tokens;
CREATE TABLE access_tokens (
  digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  pair INTEGER REFERENCES token_pairs ON DELETE CASCADE,
  oauth INTEGER NOT NULL CHECK (oauth IN (0, 1)),
  expires_ms INTEGER  -- NULL: never
) STRICT, WITHOUT ROWID;
INSERT INTO access_tokens SELECT * FROM kept_tokens ORDER BY digest;
DROP TABLE kept_tokens;
CREATE INDEX access_tokens_device ON access_tokens (device);
CREATE INDEX access_tokens_expires ON access_tokens (expires_ms) WHERE expires_ms IS NOT NULL;
-- A row of an index has the digest in it: none is kept for tokens without a pair.
CREATE INDEX access_tokens_paired ON access_tokens (pair) WHERE pair IS NOT NULL;
)sql",
};

}  // namespace mxd::store::sqlite
