-- A database of schema 1 with a row in every table, as the first version made it: its program and its
-- store wrote the accounts, tokens, devices and sessions; what is a homeserver's was added beside. The
-- tokens and passwords are those of upgrade_test.cc. Never changed: databases like it are out there.
PRAGMA application_id = 1297630323;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE access_tokens (
  access_token INTEGER PRIMARY KEY AUTOINCREMENT,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  pair INTEGER REFERENCES token_pairs ON DELETE CASCADE,
  oauth INTEGER NOT NULL CHECK (oauth IN (0, 1)),
  expires_ms INTEGER  -- NULL: never
) STRICT;
INSERT INTO "access_tokens" VALUES(1,X'DD95718415DBA775893A39CB44AA90F48F48D4DC81D6105EFC4D5DBA8215067D',1,1,0,1795781049010);
INSERT INTO "access_tokens" VALUES(2,X'B27F2F857433856DA662205399AEB48D9B6DF8401BC04CB6518AD2F942C296DF',1,2,0,1795781049019);
INSERT INTO "access_tokens" VALUES(3,X'9629987922E0FB521B4080BBD96D03884B95E78CFC824B93FD326F7939F5EA3A',2,NULL,0,NULL);
INSERT INTO "access_tokens" VALUES(5,X'6C24D3A2739ACB3709B4C69600BA9FA221D9659B1D9AA9617C0BBF95B045DE10',3,4,0,1795781049270);
INSERT INTO "access_tokens" VALUES(6,X'7DB01C80EE7EE4BC70DA2C373A194882FF83058C26CDFD9E8EDD378668C3FD48',4,NULL,1,NULL);
INSERT INTO "access_tokens" VALUES(7,X'CC29E1A77D0E045541AAA5681E82EEDA99017E36D552D8C736402944F9639126',5,NULL,0,1795780449317);
INSERT INTO "access_tokens" VALUES(8,X'CD73593B0C55A43A72FFBD0234B1BF3899ECD295AD146E25E173DF837F8C1D6C',6,NULL,0,NULL);
INSERT INTO "access_tokens" VALUES(9,X'EC721844D7B3D1824699F4B66B958EC499880390E736DC612DAF37F9F04F4F4F',7,NULL,0,NULL);
INSERT INTO "access_tokens" VALUES(11,X'C027B5CBAD8EF3935D6DB57F01B8E46A588F0951D4FDC56B49C71C2DDB3A1282',9,NULL,0,NULL);
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
INSERT INTO "accounts" VALUES(1,'@irc_bot:example.org',NULL,0,'irc',0,0,0,1795780448327);
INSERT INTO "accounts" VALUES(2,'@alice:example.org','$argon2id$v=19$m=65536,t=2,p=1$j21sSJ3qg0cCDL5VkdEhvQ$uOW9wQWOjxYAju7ElK8Je/bbofPZMRQ6WxRtQycRidk',0,NULL,0,0,0,1795780448489);
INSERT INTO "accounts" VALUES(3,'@bob:example.org','$argon2id$v=19$m=65536,t=2,p=1$bzx8UfVP2VYn7QVq3Zh5zQ$yTAO8KFBcswtqd0mGRWh2wYDDd11WMr5WyAp1mv/oks',0,NULL,1,0,0,1795780448616);
INSERT INTO "accounts" VALUES(4,'@carol:example.org','$argon2id$v=19$m=65536,t=2,p=1$bI4aeRph0hVjIw4G0IrhLA$sOPnSSzsBc7z8GwhBcV7d4i3dpU8bt9kt2hayaLRxIE',0,NULL,0,1,0,1795780448738);
INSERT INTO "accounts" VALUES(5,'@dave:example.org',NULL,0,NULL,0,0,1,1795780448873);
INSERT INTO "accounts" VALUES(6,'@guest-tfqnokrfcdxmwfop:example.org',NULL,1,NULL,0,0,0,1795780449415);
INSERT INTO "accounts" VALUES(7,'@_irc_erin:example.org',NULL,0,'irc',0,0,0,1795780449416);
CREATE TABLE device_keys (
  device INTEGER PRIMARY KEY REFERENCES devices ON DELETE CASCADE,
  key_json TEXT NOT NULL
) STRICT;
INSERT INTO "device_keys" VALUES(1,'{"keys of":"PHONE"}');
INSERT INTO "device_keys" VALUES(2,'{"keys of":"LAPTOP"}');
INSERT INTO "device_keys" VALUES(3,'{"keys of":"TABLET"}');
INSERT INTO "device_keys" VALUES(4,'{"keys of":"OAUTH"}');
INSERT INTO "device_keys" VALUES(5,'{"keys of":"EXPIRED"}');
INSERT INTO "device_keys" VALUES(6,'{"keys of":"BOBS"}');
INSERT INTO "device_keys" VALUES(7,'{"keys of":"CAROLS"}');
INSERT INTO "device_keys" VALUES(9,'{"keys of":"XYQOFYBNTB"}');
INSERT INTO "device_keys" VALUES(10,'{"keys of":"BRIDGE"}');
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
  validated_ms INTEGER,  -- when its user last proved who they are
  UNIQUE (account, device_id)
) STRICT;
INSERT INTO "devices" VALUES(1,2,'PHONE','Phone',NULL,NULL,NULL);
INSERT INTO "devices" VALUES(2,2,'LAPTOP','Laptop','127.0.0.1',1795780449550,1795780449550);
INSERT INTO "devices" VALUES(3,2,'TABLET',NULL,'127.0.0.1',1795780449278,NULL);
INSERT INTO "devices" VALUES(4,2,'OAUTH',NULL,NULL,NULL,NULL);
INSERT INTO "devices" VALUES(5,2,'EXPIRED',NULL,NULL,NULL,NULL);
INSERT INTO "devices" VALUES(6,3,'BOBS',NULL,NULL,NULL,NULL);
INSERT INTO "devices" VALUES(7,4,'CAROLS',NULL,NULL,NULL,NULL);
INSERT INTO "devices" VALUES(9,6,'XYQOFYBNTB',NULL,NULL,NULL,NULL);
INSERT INTO "devices" VALUES(10,7,'BRIDGE','Bridge',NULL,NULL,NULL);
CREATE TABLE fallback_keys (
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  algorithm TEXT NOT NULL,
  key_id TEXT NOT NULL,
  key_json TEXT NOT NULL,
  used INTEGER NOT NULL DEFAULT 0 CHECK (used IN (0, 1)),
  PRIMARY KEY (device, algorithm)
) STRICT, WITHOUT ROWID;
INSERT INTO "fallback_keys" VALUES(1,'signed_curve25519','AAAAAw','{"key":"fallback"}',1);
CREATE TABLE one_time_keys (
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  algorithm TEXT NOT NULL,
  key_id TEXT NOT NULL,
  key_json TEXT NOT NULL,
  PRIMARY KEY (device, algorithm, key_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "one_time_keys" VALUES(1,'signed_curve25519','AAAAAQ','{"key":"one"}');
INSERT INTO "one_time_keys" VALUES(1,'signed_curve25519','AAAAAg','{"key":"two"}');
CREATE TABLE pushers (
  pusher INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  app_id TEXT NOT NULL,
  pushkey TEXT NOT NULL,
  pusher_json TEXT NOT NULL,
  UNIQUE (account, app_id, pushkey)
) STRICT;
INSERT INTO "pushers" VALUES(1,2,1,'org.example.app','key of the phone','{"kind":"http"}');
CREATE TABLE refresh_tokens (
  refresh_token INTEGER PRIMARY KEY AUTOINCREMENT,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  pair INTEGER NOT NULL REFERENCES token_pairs ON DELETE CASCADE,
  oauth INTEGER NOT NULL CHECK (oauth IN (0, 1))
) STRICT;
INSERT INTO "refresh_tokens" VALUES(1,X'FFA01D8121655B692D4D64FB0C38D342F4E0BC42267702BCEF21BC78D0D0154F',1,1,0);
INSERT INTO "refresh_tokens" VALUES(2,X'DAA9686DC5682ED4D654366BDA8CDB83E36974FE76B2E22E97FF003F30EF9270',1,2,0);
INSERT INTO "refresh_tokens" VALUES(4,X'94F7DD40EEFE282B82E6106348BE841696B06C5B3E923FB983ED8B4F5211CD55',3,4,0);
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
INSERT INTO "to_device_inbox" VALUES(1,3,'{"type":"m.dummy"}');
CREATE TABLE token_pairs (
  pair INTEGER PRIMARY KEY AUTOINCREMENT,
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  replaces INTEGER REFERENCES token_pairs ON DELETE SET NULL
) STRICT;
INSERT INTO "token_pairs" VALUES(1,1,NULL);
INSERT INTO "token_pairs" VALUES(2,1,1);
INSERT INTO "token_pairs" VALUES(4,3,NULL);
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
INSERT INTO "uia_sessions" VALUES(1,X'31296021A5732D615EBD6294D334C8AD48E7ABF8AEF6F1AA4EBFE3675A5BB1DF','@alice:example.org','LAPTOP','','DELETE','/devices/{deviceId}','/_matrix/client/v3/devices/TABLET','TABLET','{}',X'CF12B9AA38445E4BBFF7E768DD4C1513951792683A39FDE4BCBDB20CE9D7C1F9','Sign out one device',1795780449550,3600000,1795784049550,NULL,NULL);
INSERT INTO "uia_sessions" VALUES(2,X'AC7283365C0D5D804C3BAC5BF0214AC1091962065FAF9ED751E7E2889DADA20D','@alice:example.org','LAPTOP','','POST','/delete_devices','/_matrix/client/v3/delete_devices','','{"devices":["NOT_THERE"]}',X'4797F156DFF1D8B7C56A389CA6132D461D42702AA03B45A751014806CD1C79A3','Sign out one device',1795780449554,3600000,1795784049554,1795780449672,X'4797F156DFF1D8B7C56A389CA6132D461D42702AA03B45A751014806CD1C79A3');
CREATE TABLE uia_stages (
  session INTEGER NOT NULL REFERENCES uia_sessions ON DELETE CASCADE,
  position INTEGER NOT NULL,  -- in the order completed
  type TEXT NOT NULL,
  identity TEXT,              -- the user ID that it proved; NULL: none
  PRIMARY KEY (session, type)
) STRICT, WITHOUT ROWID;
INSERT INTO "uia_stages" VALUES(2,0,'m.login.password','@alice:example.org');
CREATE TABLE user_threepids (
  medium TEXT NOT NULL,   -- "email", "msisdn"
  address TEXT NOT NULL,  -- canonical: an email address in lower case, a number in digits
  account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
  PRIMARY KEY (medium, address)
) STRICT, WITHOUT ROWID;
INSERT INTO "user_threepids" VALUES('email','alice@example.com',2);
INSERT INTO "user_threepids" VALUES('msisdn','447700900001',2);
CREATE INDEX user_threepids_account ON user_threepids (account);
CREATE INDEX token_pairs_device ON token_pairs (device);
CREATE INDEX token_pairs_replaces ON token_pairs (replaces);
CREATE INDEX access_tokens_device ON access_tokens (device);
CREATE INDEX access_tokens_pair ON access_tokens (pair);
CREATE INDEX refresh_tokens_device ON refresh_tokens (device);
CREATE INDEX refresh_tokens_pair ON refresh_tokens (pair);
CREATE INDEX pushers_device ON pushers (device);
CREATE INDEX to_device_inbox_device ON to_device_inbox (device);
CREATE INDEX uia_sessions_user ON uia_sessions (user_id, device_id);
CREATE INDEX uia_sessions_expires ON uia_sessions (expires_ms);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('accounts',7);
INSERT INTO "sqlite_sequence" VALUES('devices',11);
INSERT INTO "sqlite_sequence" VALUES('token_pairs',4);
INSERT INTO "sqlite_sequence" VALUES('access_tokens',12);
INSERT INTO "sqlite_sequence" VALUES('refresh_tokens',4);
INSERT INTO "sqlite_sequence" VALUES('device_list_changes',2);
INSERT INTO "sqlite_sequence" VALUES('uia_sessions',2);
INSERT INTO "sqlite_sequence" VALUES('pushers',1);
INSERT INTO "sqlite_sequence" VALUES('to_device_inbox',1);
COMMIT;
