#include "bindings/store/postgres/functions.h"

namespace mxd::store::postgres {

// Numbers that are returned as a status are those of module.h; NULL, or no row: no such account.
const char* const kAccountFunctions = R"sql(
-- For good or not: NULL leaves it. Whether there is such an account.
CREATE FUNCTION matrix_devices.change_account(p_account bigint, p_user_id text, p_locked boolean,
  p_suspended boolean, p_deactivates boolean)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE matrix_devices.accounts
    SET locked = coalesce(p_locked, locked), suspended = coalesce(p_suspended, suspended)
    WHERE account = p_account AND user_id = p_user_id;
  IF NOT FOUND OR NOT p_deactivates THEN
    RETURN FOUND;
  END IF;
  PERFORM matrix_devices.delete_all_devices(p_account);
  DELETE FROM matrix_devices.uia_sessions WHERE account = p_account;
  DELETE FROM matrix_devices.user_threepids WHERE account = p_account;
  UPDATE matrix_devices.accounts SET deactivated = true, password_hash = NULL
    WHERE account = p_account;
  RETURN true;
END $$;

-- OK, or FORBIDDEN: deactivated.
CREATE FUNCTION matrix_devices.set_password(p_account bigint, p_user_id text, p_hash text,
  p_signs_out boolean)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  k_ok CONSTANT integer := 0;
  k_forbidden CONSTANT integer := 7;
  is_deactivated boolean;
BEGIN
  SELECT deactivated INTO is_deactivated FROM matrix_devices.accounts
    WHERE account = p_account AND user_id = p_user_id FOR NO KEY UPDATE;
  IF is_deactivated IS NULL THEN
    RETURN NULL;
  END IF;
  IF is_deactivated THEN
    RETURN k_forbidden;
  END IF;
  UPDATE matrix_devices.accounts SET password_hash = p_hash WHERE account = p_account;
  IF p_signs_out THEN
    PERFORM matrix_devices.delete_all_devices(p_account);
  END IF;
  RETURN k_ok;
END $$;

-- The first of these devices that is not there, counted from 1; NULL: all are.
CREATE FUNCTION matrix_devices.missing_device(p_account bigint, p_device_ids text[])
RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
  RETURN (SELECT min(n.number)
    FROM unnest(p_device_ids) WITH ORDINALITY AS n (device_id, number)
    WHERE NOT EXISTS (SELECT FROM matrix_devices.devices AS d
      WHERE d.account = p_account AND d.device_id = n.device_id));
END $$;

-- Deletes these devices, or (NULL) all, as their user does; none, if one is missing.
CREATE FUNCTION matrix_devices.delete_named_devices(p_account bigint, p_user_id text,
  p_device_ids text[], OUT missing bigint, OUT affected bigint)
RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM matrix_devices.accounts
    WHERE account = p_account AND user_id = p_user_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  missing := matrix_devices.missing_device(p_account, p_device_ids);
  IF missing IS NULL THEN
    affected := CASE WHEN p_device_ids IS NULL THEN matrix_devices.delete_all_devices(p_account)
      ELSE matrix_devices.delete_devices(p_account, p_device_ids) END;
  END IF;
  RETURN NEXT;
END $$;

-- T14: the same, but the devices stay, and their tokens are known to have been there. How many had
-- any.
CREATE FUNCTION matrix_devices.revoke_named_devices(p_account bigint, p_user_id text,
  p_device_ids text[], OUT missing bigint, OUT affected bigint)
RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM matrix_devices.accounts
    WHERE account = p_account AND user_id = p_user_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  missing := matrix_devices.missing_device(p_account, p_device_ids);
  IF missing IS NULL THEN
    affected := matrix_devices.revoke_devices(p_account, p_device_ids);
  END IF;
  RETURN NEXT;
END $$;

CREATE FUNCTION matrix_devices.revoke_devices(p_account bigint, p_device_ids text[])
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  found_ids text[];
BEGIN
  PERFORM FROM matrix_devices.accounts WHERE account = p_account FOR NO KEY UPDATE;
  found_ids := ARRAY(SELECT d.device_id FROM matrix_devices.devices AS d
    WHERE d.account = p_account AND (p_device_ids IS NULL OR d.device_id = ANY (p_device_ids))
    AND (EXISTS (SELECT FROM matrix_devices.access_tokens AS t
        WHERE t.account = p_account AND t.device_id = d.device_id)
      OR EXISTS (SELECT FROM matrix_devices.refresh_tokens AS t
        WHERE t.account = p_account AND t.device_id = d.device_id)));
  DELETE FROM matrix_devices.uia_sessions WHERE account = p_account
    AND begun_with IN (SELECT 'd' || f.device_id FROM unnest(found_ids) AS f (device_id));
  -- Those of no family, as known from here on as the others are.
  INSERT INTO matrix_devices.old_tokens (account, digest, device_id)
    SELECT t.account, t.digest, t.device_id FROM matrix_devices.access_tokens AS t
    WHERE t.account = p_account AND t.device_id = ANY (found_ids) AND t.expires_ms IS NULL
    ON CONFLICT DO NOTHING;
  DELETE FROM matrix_devices.access_tokens
    WHERE account = p_account AND device_id = ANY (found_ids);
  DELETE FROM matrix_devices.refresh_tokens
    WHERE account = p_account AND device_id = ANY (found_ids);
  DELETE FROM matrix_devices.token_pairs
    WHERE account = p_account AND device_id = ANY (found_ids);
  UPDATE matrix_devices.devices SET validated_ms = NULL
    WHERE account = p_account AND device_id = ANY (found_ids);
  RETURN cardinality(found_ids);
END $$;

-- The same for the device of an access or refresh token; no row: nobody's.
CREATE FUNCTION matrix_devices.revoke_token(p_account bigint, p_digest bytea,
  OUT user_id text, OUT device_id text, OUT affected bigint)
RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
  SELECT a.user_id INTO user_id FROM matrix_devices.accounts AS a
    WHERE a.account = p_account FOR NO KEY UPDATE;
  SELECT t.device_id INTO device_id FROM matrix_devices.access_tokens AS t
    WHERE t.account = p_account AND t.digest = p_digest;
  IF NOT FOUND THEN
    SELECT t.device_id INTO device_id FROM matrix_devices.refresh_tokens AS t
      WHERE t.account = p_account AND t.digest = p_digest;
  END IF;
  IF FOUND THEN
    affected := matrix_devices.revoke_devices(p_account, ARRAY[device_id]);
    RETURN NEXT;
  END IF;
END $$;

-- The device stays, but nobody is logged in on it any more, and its tokens were never there.
CREATE FUNCTION matrix_devices.end_login(p_account bigint, p_device_id text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM matrix_devices.access_tokens WHERE account = p_account AND device_id = p_device_id;
  DELETE FROM matrix_devices.refresh_tokens WHERE account = p_account AND device_id = p_device_id;
  DELETE FROM matrix_devices.token_pairs WHERE account = p_account AND device_id = p_device_id;
  DELETE FROM matrix_devices.token_families WHERE account = p_account AND device_id = p_device_id;
  DELETE FROM matrix_devices.old_tokens WHERE account = p_account AND device_id = p_device_id;
  DELETE FROM matrix_devices.uia_sessions
    WHERE account = p_account AND begun_with = 'd' || p_device_id;
  UPDATE matrix_devices.devices SET validated_ms = NULL
    WHERE account = p_account AND device_id = p_device_id AND validated_ms IS NOT NULL;
END $$;

-- Keeps tokens: an access token and, where it is not NULL, a refresh token, which make a pair.
CREATE FUNCTION matrix_devices.keep_tokens(p_account bigint, p_device_id text, p_replaces bigint,
  p_oauth boolean, p_access_digest bytea, p_expires_ms bigint, p_refresh_digest bytea,
  p_now_ms bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  new_pair bigint;
BEGIN
  IF p_refresh_digest IS NOT NULL THEN
    INSERT INTO matrix_devices.token_pairs (account, device_id, replaces)
      VALUES (p_account, p_device_id, p_replaces) RETURNING pair INTO new_pair;
    INSERT INTO matrix_devices.refresh_tokens (account, digest, device_id, pair, oauth, given_ms)
      VALUES (p_account, p_refresh_digest, p_device_id, new_pair, p_oauth, p_now_ms);
  END IF;
  INSERT INTO matrix_devices.access_tokens (account, digest, device_id, pair, oauth, expires_ms)
    VALUES (p_account, p_access_digest, p_device_id, new_pair, p_oauth, p_expires_ms);
END $$;

-- On a device that is there, which loses its old tokens, or a new one if there is room. OK,
-- FORBIDDEN: deactivated, USER_LOCKED, LIMIT_EXCEEDED (T12), CONFLICT: one that is to be new is
-- there.
CREATE FUNCTION matrix_devices.login(p_account bigint, p_user_id text, p_device_id text,
  p_is_new boolean, p_name text, p_max_devices bigint, p_family_name bytea, p_family_key bytea,
  p_oauth boolean, p_access_digest bytea, p_expires_ms bigint, p_refresh_digest bytea,
  p_now_ms bigint)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  k_ok CONSTANT integer := 0;
  k_user_locked CONSTANT integer := 6;
  k_forbidden CONSTANT integer := 7;
  k_limit_exceeded CONSTANT integer := 9;
  k_conflict CONSTANT integer := 13;
  is_locked boolean;
  is_deactivated boolean;
BEGIN
  SELECT locked, deactivated INTO is_locked, is_deactivated FROM matrix_devices.accounts
    WHERE account = p_account AND user_id = p_user_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  IF is_deactivated THEN
    RETURN k_forbidden;
  END IF;
  IF is_locked THEN
    RETURN k_user_locked;
  END IF;
  IF EXISTS (SELECT FROM matrix_devices.devices
      WHERE account = p_account AND device_id = p_device_id) THEN
    IF p_is_new THEN
      RETURN k_conflict;
    END IF;
    PERFORM matrix_devices.end_login(p_account, p_device_id);
  ELSIF matrix_devices.has_room(p_account, p_max_devices) THEN
    INSERT INTO matrix_devices.devices (account, device_id, display_name, created_ms)
      VALUES (p_account, p_device_id, p_name, p_now_ms);
  ELSE
    RETURN k_limit_exceeded;
  END IF;
  IF p_family_name IS NOT NULL THEN
    INSERT INTO matrix_devices.token_families (account, name, device_id, key)
      VALUES (p_account, p_family_name, p_device_id, p_family_key);
  END IF;
  PERFORM matrix_devices.keep_tokens(p_account, p_device_id, NULL, p_oauth, p_access_digest,
    p_expires_ms, p_refresh_digest, p_now_ms);
  RETURN k_ok;
END $$;

-- T1. The new tokens are of a family that the device has, or (one of before there were families)
-- has from here on. OK, UNKNOWN_TOKEN, USER_LOCKED, CONFLICT: the device has another family.
CREATE FUNCTION matrix_devices.refresh(p_account bigint, p_digest bytea, p_family_name bytea,
  p_family_key bytea, p_access_digest bytea, p_expires_ms bigint, p_refresh_digest bytea,
  p_max_siblings bigint, p_now_ms bigint)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  k_ok CONSTANT integer := 0;
  k_unknown_token CONSTANT integer := 4;
  k_user_locked CONSTANT integer := 6;
  k_conflict CONSTANT integer := 13;
  is_locked boolean;
  old record;
BEGIN
  SELECT locked INTO is_locked FROM matrix_devices.accounts
    WHERE account = p_account FOR NO KEY UPDATE;
  SELECT device_id, pair, oauth INTO old FROM matrix_devices.refresh_tokens
    WHERE account = p_account AND digest = p_digest;
  IF NOT FOUND THEN
    RETURN k_unknown_token;
  END IF;
  IF is_locked THEN
    RETURN k_user_locked;
  END IF;
  INSERT INTO matrix_devices.token_families (account, name, device_id, key)
    VALUES (p_account, p_family_name, old.device_id, p_family_key) ON CONFLICT DO NOTHING;
  IF NOT EXISTS (SELECT FROM matrix_devices.token_families
      WHERE account = p_account AND name = p_family_name AND device_id = old.device_id) THEN
    RETURN k_conflict;
  END IF;
  PERFORM matrix_devices.delete_replaced_pair(p_account, old.pair);
  PERFORM matrix_devices.keep_tokens(p_account, old.device_id, old.pair, old.oauth,
    p_access_digest, p_expires_ms, p_refresh_digest, p_now_ms);
  DELETE FROM matrix_devices.token_pairs WHERE account = p_account AND pair IN (
    SELECT pair FROM matrix_devices.token_pairs WHERE account = p_account AND replaces = old.pair
    ORDER BY pair DESC OFFSET p_max_siblings);
  RETURN k_ok;
END $$;

-- The device of this access token, or all of its account's. Whether there is such a token.
CREATE FUNCTION matrix_devices.logout(p_account bigint, p_digest bytea, p_all boolean)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  of_device text;
BEGIN
  PERFORM FROM matrix_devices.accounts WHERE account = p_account FOR NO KEY UPDATE;
  SELECT device_id INTO of_device FROM matrix_devices.access_tokens
    WHERE account = p_account AND digest = p_digest;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  IF p_all THEN
    PERFORM matrix_devices.delete_all_devices(p_account);
  ELSE
    PERFORM matrix_devices.delete_devices(p_account, ARRAY[of_device]);
  END IF;
  RETURN true;
END $$;
)sql";

}  // namespace mxd::store::postgres
