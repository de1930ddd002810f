#include "bindings/store/postgres/migrations.h"

#include "bindings/store/postgres/functions.h"

namespace mxd::store::postgres {
namespace {

// Every table whose rows are somebody's begins with the account, by which it can be spread over
// partitions or shards: that is a keyed hash of the user ID, so that nobody has to look it up
// (common/account_key.h). What hangs off a device refers to it with ON DELETE CASCADE. The tables
// of keys, pushers and messages are a homeserver's: this library only sees to it that they don't
// outlive their device. Texts are compared bytewise.
constexpr const char* kTables = R"sql(
CREATE TABLE matrix_devices.store (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  server_name text NOT NULL,
  account_key bytea NOT NULL CHECK (octet_length(account_key) = 16),
  version integer NOT NULL,         -- of the schema
  oldest_program integer NOT NULL,  -- the oldest version that a program in use may know
  written bigint NOT NULL DEFAULT 0,  -- counts looks at whether it can be written
  looked_ms bigint NOT NULL DEFAULT 0 -- when unused guests and devices were last looked for
);

CREATE TABLE matrix_devices.accounts (
  account bigint PRIMARY KEY,
  user_id text COLLATE "C" NOT NULL,
  password_hash text,               -- Argon2id; NULL: no password
  guest boolean NOT NULL DEFAULT false,
  service_id text,                  -- of the application service that registered it
  locked boolean NOT NULL DEFAULT false,
  suspended boolean NOT NULL DEFAULT false,
  deactivated boolean NOT NULL DEFAULT false,
  created_ms bigint NOT NULL
);
CREATE INDEX accounts_user_id ON matrix_devices.accounts (user_id);
CREATE INDEX accounts_guests ON matrix_devices.accounts (account) WHERE guest;

-- The one table that is found by something else than the account: when somebody signs in.
CREATE TABLE matrix_devices.user_threepids (
  medium text COLLATE "C" NOT NULL,   -- "email", "msisdn"
  address text COLLATE "C" NOT NULL,  -- canonical: an email address in lower case, digits
  account bigint NOT NULL,
  PRIMARY KEY (medium, address)
);
CREATE INDEX user_threepids_account ON matrix_devices.user_threepids (account);

CREATE TABLE matrix_devices.devices (
  account bigint NOT NULL REFERENCES matrix_devices.accounts ON DELETE CASCADE,
  device_id text COLLATE "C" NOT NULL CHECK (octet_length(device_id) BETWEEN 1 AND 255),
  display_name text,                -- NULL: none; may be empty
  last_seen_ip text,
  last_seen_ms bigint,
  validated_ms bigint,              -- when its user last proved who they are
  created_ms bigint NOT NULL,
  PRIMARY KEY (account, device_id)
) WITH (fillfactor = 80);           -- names and last seen change in their page

-- An access token and a refresh token that were given out together. Until one of them is used, the
-- pair that they replace goes on working.
CREATE TABLE matrix_devices.token_pairs (
  account bigint NOT NULL,
  pair bigint GENERATED ALWAYS AS IDENTITY,
  device_id text COLLATE "C" NOT NULL,
  replaces bigint,                  -- NULL: none, or it is gone
  PRIMARY KEY (account, pair),
  FOREIGN KEY (account, device_id) REFERENCES matrix_devices.devices ON DELETE CASCADE
);
CREATE INDEX token_pairs_device ON matrix_devices.token_pairs (account, device_id);
CREATE INDEX token_pairs_replaces ON matrix_devices.token_pairs (account, replaces);

CREATE TABLE matrix_devices.access_tokens (
  account bigint NOT NULL,
  digest bytea NOT NULL CHECK (octet_length(digest) = 32),
  device_id text COLLATE "C" NOT NULL,
  pair bigint,
  oauth boolean NOT NULL,
  expires_ms bigint,                -- NULL: never
  PRIMARY KEY (account, digest),
  FOREIGN KEY (account, device_id) REFERENCES matrix_devices.devices ON DELETE CASCADE,
  FOREIGN KEY (account, pair) REFERENCES matrix_devices.token_pairs ON DELETE CASCADE
);
CREATE INDEX access_tokens_device ON matrix_devices.access_tokens (account, device_id);
CREATE INDEX access_tokens_pair ON matrix_devices.access_tokens (account, pair)
  WHERE pair IS NOT NULL;
CREATE INDEX access_tokens_expires ON matrix_devices.access_tokens (expires_ms)
  WHERE expires_ms IS NOT NULL;

CREATE TABLE matrix_devices.refresh_tokens (
  account bigint NOT NULL,
  digest bytea NOT NULL CHECK (octet_length(digest) = 32),
  device_id text COLLATE "C" NOT NULL,
  pair bigint NOT NULL,
  oauth boolean NOT NULL,
  given_ms bigint NOT NULL,
  PRIMARY KEY (account, digest),
  FOREIGN KEY (account, device_id) REFERENCES matrix_devices.devices ON DELETE CASCADE,
  FOREIGN KEY (account, pair) REFERENCES matrix_devices.token_pairs ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_device ON matrix_devices.refresh_tokens (account, device_id);
CREATE INDEX refresh_tokens_pair ON matrix_devices.refresh_tokens (account, pair);
CREATE INDEX refresh_tokens_given ON matrix_devices.refresh_tokens (given_ms);

-- See common/token_family.h.
CREATE TABLE matrix_devices.token_families (
  account bigint NOT NULL,
  name bytea NOT NULL CHECK (octet_length(name) = 9),
  device_id text COLLATE "C" NOT NULL,
  key bytea NOT NULL CHECK (octet_length(key) = 32),
  PRIMARY KEY (account, name),
  FOREIGN KEY (account, device_id) REFERENCES matrix_devices.devices ON DELETE CASCADE
);
CREATE UNIQUE INDEX token_families_device ON matrix_devices.token_families (account, device_id);

-- Tokens of no family that were revoked, so that they are known to have been there.
CREATE TABLE matrix_devices.old_tokens (
  account bigint NOT NULL,
  digest bytea NOT NULL CHECK (octet_length(digest) = 32),
  device_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (account, digest),
  FOREIGN KEY (account, device_id) REFERENCES matrix_devices.devices ON DELETE CASCADE
);
CREATE INDEX old_tokens_device ON matrix_devices.old_tokens (account, device_id);

CREATE TABLE matrix_devices.device_keys (
  account bigint NOT NULL,
  device_id text COLLATE "C" NOT NULL,
  key_json text NOT NULL,
  PRIMARY KEY (account, device_id),
  FOREIGN KEY (account, device_id) REFERENCES matrix_devices.devices ON DELETE CASCADE
);

CREATE TABLE matrix_devices.one_time_keys (
  account bigint NOT NULL,
  device_id text COLLATE "C" NOT NULL,
  algorithm text NOT NULL,
  key_id text NOT NULL,
  key_json text NOT NULL,
  PRIMARY KEY (account, device_id, algorithm, key_id),
  FOREIGN KEY (account, device_id) REFERENCES matrix_devices.devices ON DELETE CASCADE
);

CREATE TABLE matrix_devices.fallback_keys (
  account bigint NOT NULL,
  device_id text COLLATE "C" NOT NULL,
  algorithm text NOT NULL,
  key_id text NOT NULL,
  key_json text NOT NULL,
  used boolean NOT NULL DEFAULT false,
  PRIMARY KEY (account, device_id, algorithm),
  FOREIGN KEY (account, device_id) REFERENCES matrix_devices.devices ON DELETE CASCADE
);

CREATE TABLE matrix_devices.pushers (
  account bigint NOT NULL,
  device_id text COLLATE "C" NOT NULL,
  app_id text NOT NULL,
  pushkey text NOT NULL,
  pusher_json text NOT NULL,
  PRIMARY KEY (account, app_id, pushkey),
  FOREIGN KEY (account, device_id) REFERENCES matrix_devices.devices ON DELETE CASCADE
);
CREATE INDEX pushers_device ON matrix_devices.pushers (account, device_id);

CREATE TABLE matrix_devices.to_device_inbox (
  account bigint NOT NULL,
  stream bigint GENERATED ALWAYS AS IDENTITY,
  device_id text COLLATE "C" NOT NULL,
  message_json text NOT NULL,
  PRIMARY KEY (account, stream),
  FOREIGN KEY (account, device_id) REFERENCES matrix_devices.devices ON DELETE CASCADE
);
CREATE INDEX to_device_inbox_device ON matrix_devices.to_device_inbox (account, device_id);

-- Whose list of devices changed, and when in the stream: the newest change of each account.
CREATE SEQUENCE matrix_devices.device_list_stream;
CREATE TABLE matrix_devices.device_list_changes (
  account bigint PRIMARY KEY REFERENCES matrix_devices.accounts ON DELETE CASCADE,
  stream bigint NOT NULL
);
CREATE INDEX device_list_changes_stream ON matrix_devices.device_list_changes (stream);

-- A user may have sessions without an account here (an application service's).
CREATE TABLE matrix_devices.uia_sessions (
  account bigint NOT NULL,
  id_digest bytea NOT NULL CHECK (octet_length(id_digest) = 32),
  number bigint GENERATED ALWAYS AS IDENTITY,  -- in the order of creation
  begun_with text COLLATE "C" NOT NULL,  -- 'd' and the device's ID or, without, 't' and the token's
  expires_ms bigint NOT NULL,
  finished boolean NOT NULL DEFAULT false,
  revision bigint NOT NULL DEFAULT 1,
  state bytea NOT NULL,
  PRIMARY KEY (account, id_digest)
);
CREATE INDEX uia_sessions_begun_with ON matrix_devices.uia_sessions (account, begun_with);
CREATE INDEX uia_sessions_expires ON matrix_devices.uia_sessions (expires_ms);

-- Rate limits: when a bucket will be full again. One that is full is the same as none. They are
-- gone after a crash, and not waited for.
CREATE UNLOGGED TABLE matrix_devices.limits (
  account bigint NOT NULL,
  bucket bigint NOT NULL,           -- a keyed hash of its name and key
  full_at_ms bigint NOT NULL,
  PRIMARY KEY (account, bucket)
);
CREATE INDEX limits_full_at ON matrix_devices.limits (full_at_ms);
)sql";

}  // namespace

const std::array<Migration, kSchemaVersion> kMigrations = {
    Migration{{kTables, kDeviceFunctions, kSessionFunctions, kAccountFunctions, kSweepFunctions},
              1},
};

}  // namespace mxd::store::postgres
