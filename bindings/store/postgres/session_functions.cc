#include "bindings/store/postgres/functions.h"

namespace mxd::store::postgres {

const char* const kSessionFunctions = R"sql(
-- Keeps a session at revision 1, after making room for it: expired ones go, then (U25) the oldest
-- unfinished of the same device, then of the user, finished ones last. The account is locked, so
-- that the cap holds over all servers; where there is none, its number is.
CREATE FUNCTION matrix_devices.create_session(p_account bigint, p_id_digest bytea,
  p_begun_with text, p_expires_ms bigint, p_state bytea, p_max_live bigint, p_now_ms bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM matrix_devices.accounts WHERE account = p_account FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM pg_advisory_xact_lock(p_account);
  END IF;
  DELETE FROM matrix_devices.uia_sessions WHERE account = p_account AND expires_ms <= p_now_ms;
  DELETE FROM matrix_devices.uia_sessions WHERE account = p_account AND id_digest IN (
    SELECT id_digest FROM matrix_devices.uia_sessions WHERE account = p_account
    ORDER BY CASE WHEN finished THEN 2 WHEN begun_with = p_begun_with THEN 0 ELSE 1 END, number
    LIMIT greatest(0, 1 - p_max_live
      + (SELECT count(*) FROM matrix_devices.uia_sessions WHERE account = p_account)));
  INSERT INTO matrix_devices.uia_sessions (account, id_digest, begun_with, expires_ms, state)
    VALUES (p_account, p_id_digest, p_begun_with, p_expires_ms, p_state);
END $$;

-- Takes a unit from each of these buckets, or from none (p_units = 1), by the generic cell rate
-- algorithm: 0, or for how many ms to wait. Or gives one back to each (p_units = -1). The account's
-- number is locked, whether there is an account or not.
--
-- A bucket is when it will be full; one that is full is the same as none. Servers' clocks differ by
-- a little, and what was taken by one is not given back by another that is behind; but one that
-- says it will be full much later than it can be is of before a clock was set back, and is empty.
CREATE FUNCTION matrix_devices.take_limit(p_account bigint, p_buckets bigint[], p_bursts bigint[],
  p_intervals_ms bigint[], p_units bigint, p_now_ms bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  k_most_skew_ms CONSTANT bigint := 60000;
  k_most_buckets CONSTANT bigint := 256;  -- of an account
  wait_ms bigint;
  known bigint;
  full_at bigint[];
BEGIN
  PERFORM pg_advisory_xact_lock(p_account);
  SELECT max(b.full_at_ms + b.interval_ms - b.empty_ms), count(b.bucket),
    array_agg(b.full_at_ms ORDER BY b.number)
    INTO wait_ms, known, full_at
    FROM (SELECT n.number, l.bucket, n.interval_ms, e.empty_ms,
        CASE WHEN l.full_at_ms > e.empty_ms + k_most_skew_ms THEN e.empty_ms
          ELSE greatest(l.full_at_ms, p_now_ms) END AS full_at_ms
      FROM unnest(p_buckets, p_bursts, p_intervals_ms) WITH ORDINALITY
        AS n (bucket, burst, interval_ms, number)
      CROSS JOIN LATERAL (SELECT p_now_ms + n.burst * n.interval_ms AS empty_ms) AS e
      LEFT JOIN matrix_devices.limits AS l ON l.account = p_account AND l.bucket = n.bucket) AS b;
  IF p_units < 0 OR wait_ms > 0 THEN
    UPDATE matrix_devices.limits AS l
      SET full_at_ms = n.full_at_ms + least(p_units, 0) * n.interval_ms
      FROM unnest(p_buckets, full_at, p_intervals_ms) AS n (bucket, full_at_ms, interval_ms)
      WHERE l.account = p_account AND l.bucket = n.bucket
      AND l.full_at_ms > n.full_at_ms + least(p_units, 0) * n.interval_ms;
    RETURN CASE WHEN p_units < 0 THEN 0 ELSE wait_ms END;
  END IF;
  IF known < cardinality(p_buckets) THEN  -- those nearest to full make room
    DELETE FROM matrix_devices.limits WHERE account = p_account AND bucket IN (
      SELECT bucket FROM matrix_devices.limits
      WHERE account = p_account AND bucket <> ALL (p_buckets)
      ORDER BY full_at_ms DESC OFFSET k_most_buckets - cardinality(p_buckets));
  END IF;
  INSERT INTO matrix_devices.limits (account, bucket, full_at_ms)
    SELECT p_account, n.bucket, n.full_at_ms + n.interval_ms
    FROM unnest(p_buckets, full_at, p_intervals_ms) AS n (bucket, full_at_ms, interval_ms)
    ON CONFLICT (account, bucket) DO UPDATE SET full_at_ms = excluded.full_at_ms;
  RETURN 0;
END $$;

-- The same of buckets that lie by themselves, each under its own number. What is given back was
-- never missed: they are locked until the end.
CREATE FUNCTION matrix_devices.take_limits(p_buckets bigint[], p_bursts bigint[],
  p_intervals_ms bigint[], p_units bigint, p_now_ms bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  waits_ms bigint[];
  most_ms bigint := 0;
BEGIN
  FOR i IN 1 .. cardinality(p_buckets) LOOP
    waits_ms[i] := matrix_devices.take_limit(p_buckets[i], p_buckets[i:i], p_bursts[i:i],
      p_intervals_ms[i:i], p_units, p_now_ms);
    most_ms := greatest(most_ms, waits_ms[i]);
  END LOOP;
  FOR i IN 1 .. cardinality(p_buckets) LOOP
    IF most_ms > 0 AND waits_ms[i] = 0 THEN
      PERFORM matrix_devices.take_limit(p_buckets[i], p_buckets[i:i], p_bursts[i:i],
        p_intervals_ms[i:i], -1, p_now_ms);
    END IF;
  END LOOP;
  RETURN most_ms;
END $$;
)sql";

}  // namespace mxd::store::postgres
