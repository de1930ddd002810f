#include "bindings/store/postgres/functions.h"

namespace mxd::store::postgres {

// Rows are looked for by their whole key, one by one where they are many: a list of keys, or a
// join, can be planned as a look through all that an account has, which may be any number of
// devices. Numbers that are returned as a status are those of module.h.
const char* const kDeviceFunctions = R"sql(
-- Whether the device is there. A name that it has already, or NULL, is only read: bridges repeat
-- their updates at every start.
CREATE FUNCTION matrix_devices.rename_device(p_account bigint, p_device_id text, p_name text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  old_name text;
BEGIN
  SELECT display_name INTO old_name FROM matrix_devices.devices
    WHERE account = p_account AND device_id = p_device_id;
  IF NOT FOUND OR p_name IS NULL OR p_name = old_name THEN
    RETURN FOUND;
  END IF;
  UPDATE matrix_devices.devices SET display_name = p_name
    WHERE account = p_account AND device_id = p_device_id;
  RETURN FOUND;
END $$;

-- OK, CREATED, LIMIT_EXCEEDED, or FORBIDDEN: no such account.
CREATE FUNCTION matrix_devices.put_device(p_account bigint, p_user_id text, p_device_id text,
  p_name text, p_max_devices bigint, p_now_ms bigint)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  k_ok CONSTANT integer := 0;
  k_created CONSTANT integer := 2;
  k_forbidden CONSTANT integer := 7;
  k_limit_exceeded CONSTANT integer := 9;
BEGIN
  IF matrix_devices.rename_device(p_account, p_device_id, p_name) THEN
    RETURN k_ok;
  END IF;
  PERFORM FROM matrix_devices.accounts
    WHERE account = p_account AND user_id = p_user_id AND NOT deactivated FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN k_forbidden;
  END IF;
  -- Whoever had the lock before may have made it.
  IF matrix_devices.rename_device(p_account, p_device_id, p_name) THEN
    RETURN k_ok;
  END IF;
  IF NOT matrix_devices.has_room(p_account, p_max_devices) THEN
    RETURN k_limit_exceeded;  -- P7
  END IF;
  INSERT INTO matrix_devices.devices (account, device_id, display_name, created_ms)
    VALUES (p_account, p_device_id, p_name, p_now_ms);
  RETURN k_created;
END $$;

-- Whether the account, which is locked, has fewer devices than this; 0: no cap.
CREATE FUNCTION matrix_devices.has_room(p_account bigint, p_max_devices bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  RETURN p_max_devices = 0 OR p_max_devices > (SELECT count(*) FROM (SELECT
    FROM matrix_devices.devices WHERE account = p_account LIMIT p_max_devices) AS found);
END $$;

-- D12: those of these devices that there are, with all that refers to them, and the sessions of
-- User-Interactive Authentication that they began; one change of the account's list is noted if
-- there were any. How many there were.
CREATE FUNCTION matrix_devices.delete_devices(p_account bigint, p_device_ids text[])
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  the_device_id text;
  deleted bigint := 0;
BEGIN
  PERFORM FROM matrix_devices.accounts WHERE account = p_account FOR NO KEY UPDATE;
  DELETE FROM matrix_devices.uia_sessions
    WHERE account = p_account AND begun_with IN (SELECT 'd' || unnest(p_device_ids));
  FOREACH the_device_id IN ARRAY p_device_ids LOOP
    DELETE FROM matrix_devices.devices
      WHERE account = p_account AND device_id = the_device_id;
    deleted := deleted + FOUND::integer;
  END LOOP;
  IF deleted > 0 THEN
    PERFORM matrix_devices.note_change(p_account);
  END IF;
  RETURN deleted;
END $$;

-- The same for every device of the account.
CREATE FUNCTION matrix_devices.delete_all_devices(p_account bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  deleted bigint;
BEGIN
  PERFORM FROM matrix_devices.accounts WHERE account = p_account FOR NO KEY UPDATE;
  DELETE FROM matrix_devices.uia_sessions
    WHERE account = p_account AND begun_with >= 'd' AND begun_with < 'e';
  DELETE FROM matrix_devices.devices WHERE account = p_account;
  GET DIAGNOSTICS deleted = ROW_COUNT;
  IF deleted > 0 THEN
    PERFORM matrix_devices.note_change(p_account);
  END IF;
  RETURN deleted;
END $$;

CREATE FUNCTION matrix_devices.note_change(p_account bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO matrix_devices.device_list_changes AS c (account, stream)
    VALUES (p_account, nextval('matrix_devices.device_list_stream'))
    ON CONFLICT (account) DO UPDATE SET stream = excluded.stream;
END $$;

-- T1: a token of this pair has been used. The pair that it replaces is deleted, and so are the
-- other pairs that replace that one, but for their access tokens, which run out by time.
CREATE FUNCTION matrix_devices.delete_replaced_pair(p_account bigint, p_pair bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  replaced bigint;
  sibling bigint;
BEGIN
  PERFORM FROM matrix_devices.accounts WHERE account = p_account FOR NO KEY UPDATE;
  SELECT replaces INTO replaced FROM matrix_devices.token_pairs
    WHERE account = p_account AND pair = p_pair;
  IF replaced IS NULL THEN
    RETURN;
  END IF;
  FOR sibling IN SELECT pair FROM matrix_devices.token_pairs
      WHERE account = p_account AND replaces = replaced AND pair <> p_pair LOOP
    UPDATE matrix_devices.access_tokens SET pair = NULL
      WHERE account = p_account AND pair = sibling;
    DELETE FROM matrix_devices.token_pairs WHERE account = p_account AND pair = sibling;
  END LOOP;
  DELETE FROM matrix_devices.token_pairs WHERE account = p_account AND pair = replaced;
  UPDATE matrix_devices.token_pairs SET replaces = NULL
    WHERE account = p_account AND pair = p_pair;
END $$;

-- A4a: of a token that is not there, the key of the family that it says it is of (see
-- common/token_family.h), or an empty one if it was there itself; NULL: it never was.
CREATE FUNCTION matrix_devices.lost_token(p_account bigint, p_digest bytea, p_family bytea)
RETURNS bytea STABLE LANGUAGE plpgsql AS $$
DECLARE
  family_key bytea;
BEGIN
  SELECT key INTO family_key FROM matrix_devices.token_families
    WHERE account = p_account AND name = p_family;
  IF NOT FOUND AND EXISTS (SELECT FROM matrix_devices.old_tokens
      WHERE account = p_account AND digest = p_digest) THEN
    RETURN '';
  END IF;
  RETURN family_key;
END $$;

-- When, and from where if that is known, devices were seen. In nobody's way: one that is locked is
-- passed over, and its next request says it again; the commit is not waited for. To be alone in its
-- transaction.
CREATE FUNCTION matrix_devices.note_last_seen(p_accounts bigint[], p_device_ids text[],
  p_seen_ms bigint[], p_addresses text[], p_interval_ms bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  UPDATE matrix_devices.devices AS d
    SET last_seen_ms = s.seen_ms, last_seen_ip = coalesce(nullif(s.address, ''), d.last_seen_ip)
    FROM (SELECT f.account, f.device_id, n.seen_ms, n.address
      FROM unnest(p_accounts, p_device_ids, p_seen_ms, p_addresses)
        AS n (account, device_id, seen_ms, address)
      JOIN matrix_devices.devices AS f USING (account, device_id)
      WHERE f.last_seen_ms IS NULL OR abs(n.seen_ms - f.last_seen_ms) >= p_interval_ms
      FOR NO KEY UPDATE OF f SKIP LOCKED) AS s
    WHERE d.account = s.account AND d.device_id = s.device_id;
END $$;
)sql";

}  // namespace mxd::store::postgres
