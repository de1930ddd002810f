#include "bindings/store/postgres/functions.h"

namespace mxd::store::postgres {

// Each is a transaction of its own, of so many rows at most, and says how many it has removed. Rows
// and accounts that somebody else holds are passed over: none of this waits while it holds
// anything, so that no deadlock comes of it. One server at a time sweeps; NULL: another one does.
const char* const kSweepFunctions = R"sql(
CREATE FUNCTION matrix_devices.begin_sweep(p_waits boolean)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  k_lock CONSTANT integer := 1297630323;  -- "MXDs"
BEGIN
  IF NOT p_waits THEN
    RETURN pg_try_advisory_xact_lock(k_lock, 1);
  END IF;
  PERFORM pg_advisory_xact_lock(k_lock, 1);
  RETURN true;
END $$;

CREATE FUNCTION matrix_devices.sweep_access_tokens(p_until_ms bigint, p_most bigint, p_waits boolean)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  removed bigint;
BEGIN
  IF NOT matrix_devices.begin_sweep(p_waits) THEN
    RETURN NULL;
  END IF;
  DELETE FROM matrix_devices.access_tokens AS t USING (
      SELECT account, digest FROM matrix_devices.access_tokens WHERE expires_ms <= p_until_ms
      ORDER BY expires_ms LIMIT p_most FOR UPDATE SKIP LOCKED) AS o
    WHERE t.account = o.account AND t.digest = o.digest;
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN removed;
END $$;

CREATE FUNCTION matrix_devices.sweep_sessions(p_until_ms bigint, p_most bigint, p_waits boolean)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  removed bigint;
BEGIN
  IF NOT matrix_devices.begin_sweep(p_waits) THEN
    RETURN NULL;
  END IF;
  DELETE FROM matrix_devices.uia_sessions AS s USING (
      SELECT account, id_digest FROM matrix_devices.uia_sessions WHERE expires_ms <= p_until_ms
      ORDER BY expires_ms LIMIT p_most FOR UPDATE SKIP LOCKED) AS o
    WHERE s.account = o.account AND s.id_digest = o.id_digest;
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN removed;
END $$;

-- Buckets that are full again.
CREATE FUNCTION matrix_devices.sweep_limits(p_until_ms bigint, p_most bigint, p_waits boolean)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  removed bigint;
BEGIN
  IF NOT matrix_devices.begin_sweep(p_waits) THEN
    RETURN NULL;
  END IF;
  DELETE FROM matrix_devices.limits AS l USING (
      SELECT account, bucket FROM matrix_devices.limits WHERE full_at_ms <= p_until_ms
      ORDER BY full_at_ms LIMIT p_most FOR UPDATE SKIP LOCKED) AS o
    WHERE l.account = o.account AND l.bucket = o.bucket;
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN removed;
END $$;

-- One that a pair still waits to replace was used after it was given out. The access tokens that
-- came with the others run out by their own time.
CREATE FUNCTION matrix_devices.sweep_refresh_tokens(p_until_ms bigint, p_most bigint, p_waits boolean)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  held bigint[];
  pairs bigint[];
BEGIN
  IF NOT matrix_devices.begin_sweep(p_waits) THEN
    RETURN NULL;
  END IF;
  held := ARRAY(SELECT a.account FROM matrix_devices.accounts AS a WHERE a.account IN (
      SELECT r.account FROM matrix_devices.refresh_tokens AS r WHERE r.given_ms <= p_until_ms
      AND NOT EXISTS (SELECT FROM matrix_devices.token_pairs AS n
        WHERE n.account = r.account AND n.replaces = r.pair)
      ORDER BY r.given_ms LIMIT p_most)
    FOR NO KEY UPDATE SKIP LOCKED);
  pairs := ARRAY(SELECT r.pair FROM matrix_devices.refresh_tokens AS r
    WHERE r.account = ANY (held) AND r.given_ms <= p_until_ms
    AND NOT EXISTS (SELECT FROM matrix_devices.token_pairs AS n
      WHERE n.account = r.account AND n.replaces = r.pair)
    ORDER BY r.given_ms LIMIT p_most);
  UPDATE matrix_devices.access_tokens SET pair = NULL
    WHERE account = ANY (held) AND pair = ANY (pairs);
  DELETE FROM matrix_devices.token_pairs WHERE account = ANY (held) AND pair = ANY (pairs);
  RETURN cardinality(pairs);
END $$;

-- Looks at the next so many guests after this one (NULL: from the first), and removes those that
-- are unused. Where it has come to: NULL, to the end.
CREATE FUNCTION matrix_devices.sweep_guests(p_account bigint, p_device_id text,
  p_unused_since_ms bigint, p_most bigint,
  OUT removed bigint, OUT last_account bigint, OUT last_device text)
LANGUAGE plpgsql AS $$
DECLARE
  looked bigint[];
  unused bigint[];
BEGIN
  PERFORM matrix_devices.begin_sweep(true);
  looked := ARRAY(SELECT account FROM matrix_devices.accounts
    WHERE guest AND account > coalesce(p_account, -9223372036854775808)
    ORDER BY account LIMIT p_most);
  IF cardinality(looked) = p_most THEN
    last_account := looked[p_most];
  END IF;
  unused := ARRAY(SELECT account FROM matrix_devices.accounts
    WHERE account = ANY (looked) AND guest AND created_ms <= p_unused_since_ms
    FOR UPDATE SKIP LOCKED);
  unused := ARRAY(SELECT u.account FROM unnest(unused) AS u (account)
    WHERE (SELECT count(*) FROM matrix_devices.devices WHERE account = u.account)
    = (SELECT count(*) FROM (SELECT FROM matrix_devices.devices AS d WHERE d.account = u.account
      AND coalesce(d.last_seen_ms, d.created_ms) <= p_unused_since_ms
      FOR UPDATE SKIP LOCKED) AS unused_devices));
  DELETE FROM matrix_devices.uia_sessions WHERE account = ANY (unused);
  DELETE FROM matrix_devices.user_threepids WHERE account = ANY (unused);
  DELETE FROM matrix_devices.accounts WHERE account = ANY (unused);
  removed := cardinality(unused);
END $$;

-- The same for devices, by account and ID: each goes as one that its user deletes (D12).
CREATE FUNCTION matrix_devices.sweep_devices(p_account bigint, p_device_id text,
  p_unused_since_ms bigint, p_most bigint,
  OUT removed bigint, OUT last_account bigint, OUT last_device text)
LANGUAGE plpgsql AS $$
DECLARE
  looked_accounts bigint[];
  looked_devices text[];
  held bigint;
BEGIN
  PERFORM matrix_devices.begin_sweep(true);
  SELECT array_agg(account), array_agg(device_id) INTO looked_accounts, looked_devices
    FROM (SELECT account, device_id FROM matrix_devices.devices
      WHERE p_account IS NULL OR (account, device_id) > (p_account, p_device_id)
      ORDER BY account, device_id LIMIT p_most) AS page;
  IF cardinality(looked_accounts) = p_most THEN
    last_account := looked_accounts[p_most];
    last_device := looked_devices[p_most];
  END IF;
  removed := 0;
  FOR held IN SELECT a.account FROM matrix_devices.accounts AS a WHERE a.account IN (
      SELECT d.account FROM unnest(looked_accounts, looked_devices) AS l (account, device_id)
      JOIN matrix_devices.devices AS d USING (account, device_id)
      WHERE coalesce(d.last_seen_ms, d.created_ms) <= p_unused_since_ms)
    FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    removed := removed + matrix_devices.delete_devices(held, ARRAY(
      SELECT d.device_id FROM unnest(looked_accounts, looked_devices) AS l (account, device_id)
      JOIN matrix_devices.devices AS d USING (account, device_id)
      WHERE d.account = held AND coalesce(d.last_seen_ms, d.created_ms) <= p_unused_since_ms
      FOR UPDATE OF d SKIP LOCKED));
  END LOOP;
END $$;
)sql";

}  // namespace mxd::store::postgres
