-- A database of schema 2 with a row in every table, as the version that had it made it: its store
-- wrote the accounts, tokens, devices and sessions; what is a homeserver's was added beside. The
-- tokens and passwords are those of upgrade_test.cc. Never changed: databases like it are out there.
PRAGMA application_id = 1297630323;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE access_tokens (
  access_token INTEGER PRIMARY KEY AUTOINCREMENT,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  pair INTEGER REFERENCES token_pairs ON DELETE CASCADE,
  oauth INTEGER NOT NULL CHECK (oauth IN (0, 1)),
  expires_ms INTEGER  -- NULL: never
) STRICT;
INSERT INTO "access_tokens" VALUES(1,X'368123652D9FE5CC6815EFF3F20E94BB2FF0FE83C7070985AF036B5F07D61DCA',1,1,0,1795880600000);
INSERT INTO "access_tokens" VALUES(2,X'45053D7D459BC75350D9674664E7351B13161835F3CE9F14E8C710F98103EBB0',1,2,0,1795880601000);
INSERT INTO "access_tokens" VALUES(3,X'B05591397EF3329A3995CFF78D5F51233910D51DAAD718CD6F551A5827F71029',2,NULL,0,NULL);
INSERT INTO "access_tokens" VALUES(5,X'0CF9B22E341C4DBBFBBBED09472953F91458508B4254C6F3E60F36E76DF70610',3,4,0,1795880601000);
INSERT INTO "access_tokens" VALUES(6,X'B27C32ACE0C52B46B403FC2BF424CC9CD4F26E78BBE5D36F380B31635E21B4FF',4,NULL,1,NULL);
INSERT INTO "access_tokens" VALUES(7,X'2D067644AE62E6700E43A398941573D831B106030377CFF80CD3748F84445F19',5,NULL,0,1795880001000);
INSERT INTO "access_tokens" VALUES(8,X'AB02B9709E69E6020CB5155003AF5690697B9D4163BC66BBC3C25C8C66AFF923',6,NULL,0,NULL);
INSERT INTO "access_tokens" VALUES(9,X'F1A55D70E7975C95AE800CA85BF036A2B56115EB703B019891AA22902EDA1A4D',7,NULL,0,NULL);
INSERT INTO "access_tokens" VALUES(11,X'9D01CFF0AD46395D1F55770E927C38BD7E10E98DB7D4D4B5D87EFBEDCBA7A16A',9,NULL,0,NULL);
INSERT INTO "access_tokens" VALUES(12,X'5BE20537BFC4426DCB2C5E870F24B0AD72106009E5C12278E84034464A6BD785',10,NULL,0,NULL);
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
INSERT INTO "accounts" VALUES(1,'@irc_bot:example.org',NULL,0,'irc',0,0,0,1795880000000,0);
INSERT INTO "accounts" VALUES(2,'@alice:example.org','$argon2id$v=19$m=65536,t=2,p=1$gAge0ABjW+XQRGJ0AHER7Q$fu2Snwt8UW8D9RXstD1eFU4zVMPmvUkZnR2Lnc4wu0M',0,NULL,0,0,0,1795880000000,0);
INSERT INTO "accounts" VALUES(3,'@bob:example.org','$argon2id$v=19$m=65536,t=2,p=1$rUqnsNpfivtpaW5Fof8Tlw$qniLDmZho5WQhfccY/5lx65uokLbBXR4EBirKaDN9Vw',0,NULL,1,0,0,1795880000000,0);
INSERT INTO "accounts" VALUES(4,'@carol:example.org','$argon2id$v=19$m=65536,t=2,p=1$IDT+2eROSpp7HFcCMpIEIg$FmY6ZagJ8sYfoOP9U2K2YnejCZooWkVVL8FUA5A+D6A',0,NULL,0,1,0,1795880000000,0);
INSERT INTO "accounts" VALUES(5,'@dave:example.org',NULL,0,NULL,0,0,1,1795880000000,0);
INSERT INTO "accounts" VALUES(6,'@_irc_Erin:example.org',NULL,0,'irc',0,0,0,1795880000000,0);
INSERT INTO "accounts" VALUES(7,'@guest-ifdaqufpkcqksgwa:example.org',NULL,1,NULL,0,0,0,1795880000000,0);
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
INSERT INTO "device_keys" VALUES(7,'{}');
INSERT INTO "device_keys" VALUES(9,'{}');
INSERT INTO "device_keys" VALUES(10,'{}');
CREATE TABLE device_list_changes (
  stream INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL UNIQUE REFERENCES accounts ON DELETE CASCADE
) STRICT;
INSERT INTO "device_list_changes" VALUES(1,5);
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
INSERT INTO "devices" VALUES(1,2,'PHONE','Phone',NULL,NULL,NULL,1795880000000);
INSERT INTO "devices" VALUES(2,2,'LAPTOP','Laptop','192.0.2.7',1795880001000,1795880001000,1795880001000);
INSERT INTO "devices" VALUES(3,2,'TABLET',NULL,'192.0.2.7',1795880001000,NULL,1795880001000);
INSERT INTO "devices" VALUES(4,2,'OAUTH',NULL,NULL,NULL,NULL,1795880001000);
INSERT INTO "devices" VALUES(5,2,'EXPIRED',NULL,NULL,NULL,NULL,1795880001000);
INSERT INTO "devices" VALUES(6,3,'BOBS',NULL,NULL,NULL,NULL,1795880001000);
INSERT INTO "devices" VALUES(7,4,'CAROLS',NULL,NULL,NULL,NULL,1795880001000);
INSERT INTO "devices" VALUES(9,7,'GUEST',NULL,NULL,NULL,NULL,1795880001000);
INSERT INTO "devices" VALUES(10,6,'BRIDGE',NULL,NULL,NULL,NULL,1795880001000);
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
INSERT INTO "old_tokens" VALUES(X'5D1DAF00F6C067D19C92848319A6A1FA3AF510FF552219B792A5C0F096C0664A',2);
CREATE TABLE one_time_keys (
  device INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE,
  algorithm TEXT NOT NULL,
  key_id TEXT NOT NULL,
  key_json TEXT NOT NULL,
  PRIMARY KEY (device, algorithm, key_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "one_time_keys" VALUES(1,'signed_curve25519','AAAA','{}');
INSERT INTO "one_time_keys" VALUES(2,'signed_curve25519','AAAA','{}');
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
INSERT INTO "refresh_tokens" VALUES(1,X'8AA7C585EB0328A1DE33A04D989BFD4AE4F178A454B63AE72C9EE71C6F5E2287',1,1,0,1795880000000);
INSERT INTO "refresh_tokens" VALUES(2,X'8765EB700F17E373B6A942BDBB9FBE6A9B2140E48D19D6B1810E220B6076CA7B',1,2,0,1795880001000);
INSERT INTO "refresh_tokens" VALUES(4,X'8C1EFB2116759F3E30E243DBF29393E254168F0312CAFB236EED15304995EE11',3,4,0,1795880001000);
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
INSERT INTO "token_families" VALUES(1,X'F759D16CC862BFEB8E',X'7425133AE8DE12AC43D9BC060794147587504F99B75F458FA32EFF7459EA5C35');
INSERT INTO "token_families" VALUES(3,X'8ED61917B68F02453A',X'FFFF19FEA5B35F0FC82203828860629C4D5874A531C45789F375153F2B8ED8E1');
INSERT INTO "token_families" VALUES(5,X'A11C15078DA8ACD4F2',X'442EF9D6AA66A58DF0BC99708DE28D7BD02F682813B98A8B419CD671F9FE2E42');
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
INSERT INTO "uia_sessions" VALUES(1,X'F2690D6D2BDF6858BCD34F8020D691EDC9265D153BDE6E02EE66332A23B164D3','@alice:example.org','LAPTOP','','DELETE','/devices/{deviceId}','/_matrix/client/v3/devices/TABLET','TABLET','{}',X'3031323334353637383961626364656630313233343536373839616263646566','Sign out 1 device',1795880001000,3600000,1795883601000,NULL,NULL);
INSERT INTO "uia_sessions" VALUES(2,X'9C20B8BE74011E361BBB742404F76C7042C2932F6BC8813281EB45A455CD5088','@alice:example.org','LAPTOP','','DELETE','/devices/{deviceId}','/_matrix/client/v3/devices/TABLET','TABLET','{}',X'3031323334353637383961626364656630313233343536373839616263646566','Sign out 1 device',1795880001000,3600000,1795883601000,1795880001000,X'3031323334353637383961626364656630313233343536373839616263646566');
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
CREATE INDEX accounts_gone ON accounts (account) WHERE gone_through > 0;
CREATE INDEX accounts_guests ON accounts (account) WHERE guest = 1;
CREATE INDEX refresh_tokens_given ON refresh_tokens (given_ms);
CREATE INDEX access_tokens_expires ON access_tokens (expires_ms) WHERE expires_ms IS NOT NULL;
CREATE INDEX old_tokens_device ON old_tokens (device);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('accounts',7);
INSERT INTO "sqlite_sequence" VALUES('devices',10);
INSERT INTO "sqlite_sequence" VALUES('token_pairs',4);
INSERT INTO "sqlite_sequence" VALUES('access_tokens',12);
INSERT INTO "sqlite_sequence" VALUES('refresh_tokens',4);
INSERT INTO "sqlite_sequence" VALUES('device_list_changes',1);
INSERT INTO "sqlite_sequence" VALUES('uia_sessions',2);
INSERT INTO "sqlite_sequence" VALUES('pushers',1);
INSERT INTO "sqlite_sequence" VALUES('to_device_inbox',1);
COMMIT;
