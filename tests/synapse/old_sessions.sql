-- What the drop-in of commit aab60bc left in the database of Synapse 1.143.0, of three sessions that
-- LAPTOP, a device of @alice:example.org, began: one to delete PHONE, one to delete four devices, and
-- one that deleted TABLET and is finished. For SQLite and PostgreSQL.
CREATE TABLE matrix_devices_uia (
    session_id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    device_id TEXT,
    token_id TEXT,
    method TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    target TEXT NOT NULL,
    path_device_id TEXT,
    body TEXT,
    body_digest TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    finished_ms BIGINT,
    finished_digest TEXT,
    description TEXT NOT NULL
);
CREATE INDEX matrix_devices_uia_user ON matrix_devices_uia (user_id);
CREATE INDEX matrix_devices_uia_expiry ON matrix_devices_uia (expires_ms);
INSERT INTO matrix_devices_uia VALUES ('VNYtpIrClTbEFKjflbNdeVyh', '@alice:example.org', 'LAPTOP', NULL, 'DELETE', '/devices/{deviceId}', '/_matrix/client/v3/devices/PHONE', 'PHONE', '{}', 'cf12b9aa38445e4bbff7e768dd4c1513951792683a39fde4bcbdb20ce9d7c1f9', 1795798465192, 1795802065192, NULL, NULL, 'Sign out one device');
INSERT INTO matrix_devices_uia VALUES ('KjebFibtlEbZdfOVZMLMDTTL', '@alice:example.org', 'LAPTOP', NULL, 'POST', '/delete_devices', '/_matrix/client/v3/delete_devices', NULL, '{"devices":["TABLET","PHONE","Gerät 📱","\u0000"]}', '547abf68a3c214272448168db0561f9b2851eca4c6e44d60d3165acf860199d8', 1795798465197, 1795802065197, NULL, NULL, 'Sign out 4 devices');
INSERT INTO matrix_devices_uia VALUES ('iWQTgeqHiBEPjPMYxjIytbQF', '@alice:example.org', 'LAPTOP', NULL, 'POST', '/delete_devices', '/_matrix/client/v3/delete_devices', NULL, '{"devices":["TABLET"]}', '8d7a64495ab64a7dba27b6a1b7bdb5f4f3cb9d5d58ba776a2f906b87fb937bf7', 1795798465200, 1795802065200, 1795798465206, '8d7a64495ab64a7dba27b6a1b7bdb5f4f3cb9d5d58ba776a2f906b87fb937bf7', 'Sign out one device');
INSERT INTO ui_auth_sessions (session_id, creation_time, serverdict, clientdict, uri, method, description) VALUES ('VNYtpIrClTbEFKjflbNdeVyh', 1795798465192, '{"request_user_id":"@alice:example.org"}', '{}', '/_matrix/client/v3/devices/PHONE', 'DELETE', 'sign out one device');
INSERT INTO ui_auth_sessions (session_id, creation_time, serverdict, clientdict, uri, method, description) VALUES ('KjebFibtlEbZdfOVZMLMDTTL', 1795798465197, '{"request_user_id":"@alice:example.org"}', '{}', '/_matrix/client/v3/delete_devices', 'POST', 'sign out 4 devices');
INSERT INTO ui_auth_sessions (session_id, creation_time, serverdict, clientdict, uri, method, description) VALUES ('iWQTgeqHiBEPjPMYxjIytbQF', 1795798465200, '{"request_user_id":"@alice:example.org"}', '{}', '/_matrix/client/v3/delete_devices', 'POST', 'sign out one device');
INSERT INTO ui_auth_sessions_credentials (session_id, stage_type, result) VALUES ('iWQTgeqHiBEPjPMYxjIytbQF', 'm.login.password', '"@alice:example.org"');
INSERT INTO ui_auth_sessions_ips (session_id, ip, user_agent) VALUES ('iWQTgeqHiBEPjPMYxjIytbQF', '127.0.0.1', '');
