-- A database of schema 3 with a row in every table, as the version that had it made it: its store
-- wrote the accounts, tokens, devices and sessions; what is a homeserver's was added beside. The
-- tokens and passwords are those of upgrade_test.cc. Never changed: databases like it are out there.
PRAGMA application_id = 1297630323;
PRAGMA user_version = 3;
BEGIN TRANSACTION;
CREATE TABLE access_tokens (
  access_token INTEGER PRIMARY KEY AUTOINCREMENT,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  pair INTEGER REFERENCES token_pairs ON DELETE CASCADE,
  oauth INTEGER NOT NULL CHECK (oauth IN (0, 1)),
  expires_ms INTEGER  -- NULL: never
) STRICT;
INSERT INTO "access_tokens" VALUES(1,X'91D690BC0EFE3646291B01886290F06DC9B7AF408FCD7C460C2148C42A6C8F0E',1,1,0,1796000600000);
INSERT INTO "access_tokens" VALUES(2,X'6F603081B54C887883DED28741BFE0FA18505B46358094340643047D3907D634',1,2,0,1796000601000);
INSERT INTO "access_tokens" VALUES(4,X'30FF92BC934887B7BA8B32AA5A837960B262349D46A5417FDD84C83A08899C89',2,4,0,1796000601000);
INSERT INTO "access_tokens" VALUES(5,X'5EA738064B176148EF125F6C4B0C4FB633A0B27215B514B5AA26B563B88726F3',3,NULL,1,NULL);
INSERT INTO "access_tokens" VALUES(6,X'D707D1D4DB6D7B2BFA606A5BAFC3E905D96AD81C291FCA7467A5D74EC6FC23B0',4,NULL,0,1796000001000);
INSERT INTO "access_tokens" VALUES(7,X'13B80E60D57ACDB6D1D6CB2C524BF24BB233D2189D142ED4918BF664A7B309FD',5,NULL,0,NULL);
INSERT INTO "access_tokens" VALUES(8,X'E9AA63F244D799B19E90ADBA42A2799FA6C3C6A189DB9169954EA9F1B632525D',6,NULL,0,NULL);
INSERT INTO "access_tokens" VALUES(10,X'1D4704164A66758BCE1AF24F7FA83FEB5F01DBFCA39FD0DA703AA2F2222902B5',8,NULL,0,NULL);
INSERT INTO "access_tokens" VALUES(11,X'47710D67431F8349BCC1E3D44B560CE8F1E3407A8D508D4A78E6C489BD53D4F2',9,NULL,0,NULL);
INSERT INTO "access_tokens" VALUES(12,X'6DE0F9BAF5126CEDE926E2CCCD96FEA7C402289AB9D50BFDB7C92BCADA7F504D',11,NULL,0,NULL);
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
, gone_through INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "accounts" VALUES(1,'@irc_bot:example.org',NULL,0,'irc',0,0,0,1796000000000,0);
INSERT INTO "accounts" VALUES(2,'@alice:example.org','$argon2id$v=19$m=65536,t=2,p=1$vTGT5lrP1eLyHbEy3B4v9Q$kEuBBwYI/2hF1IltXtk9O0B3xgA6+z9Onbv4rc3+fLI',0,NULL,0,0,0,1796000000000,0);
INSERT INTO "accounts" VALUES(3,'@bob:example.org','$argon2id$v=19$m=65536,t=2,p=1$lLttj7SX7NnWhCva5OztZQ$jSsgKXS6WQOoqTrHl0FUyFNgXvd/3/YHTSKx5iNrJao',0,NULL,1,0,0,1796000000000,0);
INSERT INTO "accounts" VALUES(4,'@carol:example.org','$argon2id$v=19$m=65536,t=2,p=1$2YpzuFxUaUlokl1V5VlnBA$0e20IRiXWKHk42MtpzO+P3q0DdBMtOtrPkvl3l78Im0',0,NULL,0,1,0,1796000000000,0);
INSERT INTO "accounts" VALUES(5,'@dave:example.org',NULL,0,NULL,0,0,1,1796000000000,0);
INSERT INTO "accounts" VALUES(6,'@_irc_Erin:example.org',NULL,0,'irc',0,0,0,1796000000000,0);
INSERT INTO "accounts" VALUES(7,'@guest-biouixcbnmxedjzw:example.org',NULL,1,NULL,0,0,0,1796000000000,0);
CREATE TABLE device_keys (
  device INTEGER PRIMARY KEY REFERENCES devices ON DELETE CASCADE,
  key_json TEXT NOT NULL
) STRICT;
INSERT INTO "device_keys" VALUES(1,'{}');
INSERT INTO "device_keys" VALUES(2,'{}');
INSERT INTO "device_keys" VALUES(3,'{}');
INSERT INTO "device_keys" VALUES(4,'{}');
INSERT INTO "device_keys" VALUES(5,'{}');
INSERT INTO "device_keys" VALUES(6,'{}');
INSERT INTO "device_keys" VALUES(8,'{}');
INSERT INTO "device_keys" VALUES(9,'{}');
INSERT INTO "device_keys" VALUES(11,'{}');
INSERT INTO "device_keys" VALUES(12,'{}');
CREATE TABLE device_list_changes (
  stream INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL UNIQUE REFERENCES accounts ON DELETE CASCADE
) STRICT;
INSERT INTO "device_list_changes" VALUES(1,5);
INSERT INTO "device_list_changes" VALUES(2,2);
CREATE TABLE devices (
  device INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
  device_id TEXT NOT NULL CHECK (length(CAST(device_id AS BLOB)) BETWEEN 1 AND 255),
  display_name TEXT,     -- NULL: none; may be empty
  last_seen_ip TEXT,
  last_seen_ms INTEGER,
  validated_ms INTEGER, created_ms INTEGER NOT NULL DEFAULT 0,  -- when its user last proved who they are
  UNIQUE (account, device_id)
) STRICT;
INSERT INTO "devices" VALUES(1,2,'PHONE','Phone',NULL,NULL,NULL,1796000000000);
INSERT INTO "devices" VALUES(2,2,'TABLET',NULL,'192.0.2.7',1796000001000,NULL,1796000001000);
INSERT INTO "devices" VALUES(3,2,'OAUTH',NULL,NULL,NULL,NULL,1796000001000);
INSERT INTO "devices" VALUES(4,2,'EXPIRED',NULL,NULL,NULL,NULL,1796000001000);
INSERT INTO "devices" VALUES(5,3,'BOBS',NULL,NULL,NULL,NULL,1796000001000);
INSERT INTO "devices" VALUES(6,4,'CAROLS',NULL,NULL,NULL,NULL,1796000001000);
INSERT INTO "devices" VALUES(8,7,'GUEST',NULL,NULL,NULL,NULL,1796000001000);
INSERT INTO "devices" VALUES(9,6,'BRIDGE',NULL,NULL,NULL,NULL,1796000001000);
INSERT INTO "devices" VALUES(11,2,'LAPTOP','Laptop','192.0.2.7',1796000001000,1796000001000,1796000001000);
INSERT INTO "devices" VALUES(12,4,'EXTRA',NULL,NULL,NULL,NULL,1796000001000);
CREATE TABLE fallback_keys (
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  algorithm TEXT NOT NULL,
  key_id TEXT NOT NULL,
  key_json TEXT NOT NULL,
  used INTEGER NOT NULL DEFAULT 0 CHECK (used IN (0, 1)),
  PRIMARY KEY (device, algorithm)
) STRICT, WITHOUT ROWID;
INSERT INTO "fallback_keys" VALUES(1,'signed_curve25519','AAAB','{}',1);
CREATE TABLE old_tokens (
  digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO "old_tokens" VALUES(X'1B5C4F4F88C8E730CAF66D05D4B2AD71714B60D2336C7E2FEF0B1F25F1A3271D',12);
CREATE TABLE one_time_keys (
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  algorithm TEXT NOT NULL,
  key_id TEXT NOT NULL,
  key_json TEXT NOT NULL,
  PRIMARY KEY (device, algorithm, key_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "one_time_keys" VALUES(1,'signed_curve25519','AAAA','{}');
INSERT INTO "one_time_keys" VALUES(11,'signed_curve25519','AAAA','{}');
CREATE TABLE pushers (
  pusher INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  app_id TEXT NOT NULL,
  pushkey TEXT NOT NULL,
  pusher_json TEXT NOT NULL,
  UNIQUE (account, app_id, pushkey)
) STRICT;
INSERT INTO "pushers" VALUES(1,2,1,'org.example.app','k','{}');
CREATE TABLE refresh_tokens (
  refresh_token INTEGER PRIMARY KEY AUTOINCREMENT,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  pair INTEGER NOT NULL REFERENCES token_pairs ON DELETE CASCADE,
  oauth INTEGER NOT NULL CHECK (oauth IN (0, 1))
, given_ms INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "refresh_tokens" VALUES(1,X'1B11EED2DB88986C75090D6778256D7EC83B76E34F135236F98A7EEC4F58BED7',1,1,0,1796000000000);
INSERT INTO "refresh_tokens" VALUES(2,X'F268BC82597D8B190AB34F6E54CBD6107F1BA3F0CCB231C74E43428C011D2186',1,2,0,1796000001000);
INSERT INTO "refresh_tokens" VALUES(4,X'1BC2239B7BCD342DA06941ACC4ED45748ADB9038FB338867D1C6F8DDE7188779',2,4,0,1796000001000);
CREATE TABLE store (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  server_name TEXT NOT NULL
) STRICT;
INSERT INTO "store" VALUES(1,'example.org');
CREATE TABLE to_device_inbox (
  stream INTEGER PRIMARY KEY AUTOINCREMENT,
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  message_json TEXT NOT NULL
) STRICT;
INSERT INTO "to_device_inbox" VALUES(1,1,'{}');
CREATE TABLE token_families (
  device INTEGER PRIMARY KEY REFERENCES devices ON DELETE CASCADE,
  name BLOB NOT NULL UNIQUE CHECK (length(name) = 9),
  key BLOB NOT NULL CHECK (length(key) = 32)
) STRICT;
INSERT INTO "token_families" VALUES(1,X'B00ACCA04A77CD596E',X'4976CF035D7D1864EE12CC2A28844461C0ECBF445EFCFA96072D088D2C5AC532');
INSERT INTO "token_families" VALUES(2,X'A316C3EF1240697251',X'C1987BB0CE162D19BB6FF67E705ED8289849AE4D54DB3AF9DB8B2515FDB61CAC');
INSERT INTO "token_families" VALUES(4,X'29B56F7C8409C23746',X'19353006A8F4CB7F3D57A5013012DC4533F87CD1B3A1EB3C4D281251DF4C4035');
CREATE TABLE token_pairs (
  pair INTEGER PRIMARY KEY AUTOINCREMENT,
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  replaces INTEGER REFERENCES token_pairs ON DELETE SET NULL
) STRICT;
INSERT INTO "token_pairs" VALUES(1,1,NULL);
INSERT INTO "token_pairs" VALUES(2,1,1);
INSERT INTO "token_pairs" VALUES(4,2,NULL);
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
INSERT INTO "uia_sessions" VALUES(1,X'1A2D02E51622B5DDABD03C29B44D99EC6B68D8D0A390B499C1A0CF373B07BAAF','@alice:example.org','dPHONE',1796003601000,0,1,X'7B7D');
INSERT INTO "uia_sessions" VALUES(2,X'535C38154B24FAC28A6B63580D83961B2B827FB09742117475571203A13B7512','@alice:example.org','dPHONE',1796003601000,1,1,X'7B7D');
CREATE TABLE user_threepids (
  medium TEXT NOT NULL,   -- "email", "msisdn"
  address TEXT NOT NULL,  -- canonical: an email address in lower case, a number in digits
  account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
  PRIMARY KEY (medium, address)
) STRICT, WITHOUT ROWID;
INSERT INTO "user_threepids" VALUES('email','alice@example.com',2);
CREATE INDEX user_threepids_account ON user_threepids (account);
CREATE INDEX token_pairs_device ON token_pairs (device);
CREATE INDEX token_pairs_replaces ON token_pairs (replaces);
CREATE INDEX access_tokens_device ON access_tokens (device);
CREATE INDEX access_tokens_pair ON access_tokens (pair);
CREATE INDEX refresh_tokens_device ON refresh_tokens (device);
CREATE INDEX refresh_tokens_pair ON refresh_tokens (pair);
CREATE INDEX pushers_device ON pushers (device);
CREATE INDEX to_device_inbox_device ON to_device_inbox (device);
CREATE INDEX accounts_gone ON accounts (account) WHERE gone_through > 0;
CREATE INDEX accounts_guests ON accounts (account) WHERE guest = 1;
CREATE INDEX refresh_tokens_given ON refresh_tokens (given_ms);
CREATE INDEX access_tokens_expires ON access_tokens (expires_ms) WHERE expires_ms IS NOT NULL;
CREATE INDEX old_tokens_device ON old_tokens (device);
CREATE INDEX uia_sessions_user ON uia_sessions (user_id, begun_with);
CREATE INDEX uia_sessions_expires ON uia_sessions (expires_ms);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('accounts',7);
INSERT INTO "sqlite_sequence" VALUES('devices',12);
INSERT INTO "sqlite_sequence" VALUES('token_pairs',4);
INSERT INTO "sqlite_sequence" VALUES('access_tokens',13);
INSERT INTO "sqlite_sequence" VALUES('refresh_tokens',4);
INSERT INTO "sqlite_sequence" VALUES('device_list_changes',2);
INSERT INTO "sqlite_sequence" VALUES('uia_sessions',2);
INSERT INTO "sqlite_sequence" VALUES('pushers',1);
INSERT INTO "sqlite_sequence" VALUES('to_device_inbox',1);
COMMIT;
