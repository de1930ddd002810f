package main

import (
	"context"
	"database/sql"

	"matrixdevices"

	"github.com/matrix-org/gomatrixserverlib"
)

// DeleteDevices deletes by itself: Dendrite's PerformDeviceDeletion deletes all devices where none is
// named, leaves pushers and queued messages, and takes minutes for thousands. The rows, with the
// tokens, go in one transaction; keys and messages lie in other databases and follow. The same
// deletion again finishes what a crash has left.
func (h *host) DeleteDevices(ctx context.Context, _ *matrixdevices.Principal, userID string, deviceIDs []string) error {
	if len(deviceIDs) == 0 {
		return nil
	}
	existed, err := h.deleteRows(ctx, userID, deviceIDs)
	if err != nil {
		return err
	}
	withKeys, err := h.withKeys(ctx, userID, deviceIDs)
	if err != nil {
		return err
	}
	if err := h.deleteKeys(ctx, userID, deviceIDs); err != nil {
		return err
	}
	if err := h.deleteMessages(ctx, userID, deviceIDs); err != nil {
		return err
	}
	// A change of the list is told once for each device with keys, which others have; else once.
	changed := withKeys
	if len(changed) == 0 && len(existed) > 0 {
		changed = existed[:1]
	}
	if len(changed) == 0 {
		return nil
	}
	return h.notify(userID, changed)
}

// deleteRows deletes what is in the user database: tokens and devices, which are one row; pushers;
// sessions. Which of the devices there were.
func (h *host) deleteRows(ctx context.Context, userID string, deviceIDs []string) ([]string, error) {
	localpart, domain, err := split(userID)
	if err != nil {
		return nil, err
	}
	its := " FROM userapi_devices WHERE localpart = $1 AND server_name = $2 AND device_id "
	among, ids := h.users.in(3), h.users.list(deviceIDs)
	var existed []string
	err = h.users.write(func(txn *sql.Tx) error {
		existed = nil
		rows, err := txn.QueryContext(ctx, "SELECT device_id"+its+among, localpart, domain, ids)
		if err != nil {
			return err
		}
		defer rows.Close() // nolint: errcheck
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			existed = append(existed, id)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		// In SQLite two devices can have one session_id: what the other set stays.
		for _, statement := range []string{
			"DELETE FROM userapi_pushers WHERE localpart = $1 AND server_name = $2" +
				" AND session_id IN (SELECT session_id" + its + among + ")" +
				" AND session_id NOT IN (SELECT session_id" + its + h.users.notIn(3) + ")",
			"DELETE" + its + among,
		} {
			if _, err := txn.ExecContext(ctx, statement, localpart, domain, ids); err != nil {
				return err
			}
		}
		_, err = txn.ExecContext(ctx, "DELETE FROM matrix_devices_uia_sessions WHERE user_id = $1"+
			" AND device_id "+h.users.in(2), userID, ids)
		return err
	})
	return existed, err
}

func (h *host) withKeys(ctx context.Context, userID string, deviceIDs []string) ([]string, error) {
	keys, err := h.keys.DeviceKeysForUser(ctx, userID, nil, false)
	if err != nil {
		return nil, err
	}
	among := make(map[string]bool, len(deviceIDs))
	for _, id := range deviceIDs {
		among[id] = true
	}
	var found []string
	for _, key := range keys {
		if key.DeviceKeys != nil && among[key.DeviceID] {
			found = append(found, key.DeviceID)
		}
	}
	return found, nil
}

// deletesFallbackKeys is a newer Dendrite's KeyDatabase.
type deletesFallbackKeys interface {
	DeleteFallbackKeys(ctx context.Context, userID, deviceID string) error
}

// deleteKeys deletes keys, one-time and fallback keys, and signatures over them: of those devices that
// have any, since Dendrite asks its database three times for each.
func (h *host) deleteKeys(ctx context.Context, userID string, deviceIDs []string) error {
	some, err := h.withSomeKeys(ctx, userID, deviceIDs)
	if err != nil || len(some) == 0 {
		return err
	}
	if newer, has := h.keys.(deletesFallbackKeys); has {
		for _, id := range some {
			if err := newer.DeleteFallbackKeys(ctx, userID, string(id)); err != nil {
				return err
			}
		}
	}
	return h.keys.DeleteDeviceKeys(ctx, userID, some)
}

func (h *host) withSomeKeys(ctx context.Context, userID string, deviceIDs []string) ([]gomatrixserverlib.KeyID, error) {
	among := h.keyDatabase.in(2)
	rows, err := h.keyDatabase.db.QueryContext(ctx,
		"SELECT device_id FROM keyserver_device_keys WHERE user_id = $1 AND device_id "+among+
			" UNION SELECT device_id FROM keyserver_one_time_keys WHERE user_id = $1 AND device_id "+among+
			" UNION SELECT target_key_id FROM keyserver_cross_signing_sigs"+
			" WHERE target_user_id = $1 AND target_key_id "+among,
		userID, h.keyDatabase.list(deviceIDs))
	if err != nil {
		return nil, err
	}
	defer rows.Close() // nolint: errcheck
	var some []gomatrixserverlib.KeyID
	for rows.Next() {
		var id gomatrixserverlib.KeyID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		some = append(some, id)
	}
	return some, rows.Err()
}

func (h *host) deleteMessages(ctx context.Context, userID string, deviceIDs []string) error {
	return h.sync.write(func(txn *sql.Tx) error {
		_, err := txn.ExecContext(ctx, "DELETE FROM syncapi_send_to_device WHERE user_id = $1"+
			" AND device_id "+h.sync.in(2), userID, h.sync.list(deviceIDs))
		return err
	})
}
