package main

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"sort"
	"time"

	"matrixdevices"

	"github.com/matrix-org/dendrite/userapi/api"
	"github.com/matrix-org/gomatrixserverlib/spec"
)

// Devices are read from Dendrite's own table: its QueryDevices gives a device without a name the
// name of the one before.

const deviceColumns = "SELECT device_id, display_name, ip, last_seen_ts, created_ts FROM userapi_devices" +
	" WHERE localpart = $1 AND server_name = $2"

func (h *host) ListDevices(ctx context.Context, _ *matrixdevices.Principal, userID string) ([]matrixdevices.Device, error) {
	localpart, domain, err := split(userID)
	if err != nil {
		return nil, err
	}
	rows, err := h.users.db.QueryContext(ctx, deviceColumns, localpart, domain)
	if err != nil {
		return nil, err
	}
	defer rows.Close() // nolint: errcheck
	devices := []matrixdevices.Device{}
	for rows.Next() {
		device, err := readDevice(rows.Scan)
		if err != nil {
			return nil, err
		}
		devices = append(devices, device)
	}
	sort.Slice(devices, func(a, b int) bool { return devices[a].ID < devices[b].ID })
	return devices, rows.Err()
}

func (h *host) GetDevice(ctx context.Context, _ *matrixdevices.Principal, userID, deviceID string) (matrixdevices.Device, error) {
	localpart, domain, err := split(userID)
	if err != nil {
		return matrixdevices.Device{}, err
	}
	row := h.users.db.QueryRowContext(ctx, deviceColumns+" AND device_id = $3", localpart, domain, deviceID)
	device, err := readDevice(row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = matrixdevices.ErrNotFound
	}
	return device, err
}

func readDevice(scan func(...any) error) (matrixdevices.Device, error) {
	var device matrixdevices.Device
	var name, address sql.NullString
	var lastSeen, created sql.NullInt64
	if err := scan(&device.ID, &name, &address, &lastSeen, &created); err != nil {
		return device, err
	}
	if name.Valid {
		device.DisplayName = &name.String
	}
	device.LastSeenIP = withoutPort(address.String)
	// In PostgreSQL last_seen_ts may not be NULL: a device that was never seen has the time of its
	// creation there, and no address.
	if lastSeen.Valid && (address.String != "" || lastSeen.Int64 != created.Int64) {
		device.LastSeen = time.UnixMilli(lastSeen.Int64)
	}
	return device, nil
}

func withoutPort(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

func (h *host) RenameDevice(ctx context.Context, _ *matrixdevices.Principal, userID, deviceID, name string) error {
	var answer api.PerformDeviceUpdateResponse
	err := h.api.PerformDeviceUpdate(ctx, &api.PerformDeviceUpdateRequest{
		RequestingUserID: userID, DeviceID: deviceID, DisplayName: &name,
	}, &answer)
	if err == nil && !answer.DeviceExists {
		err = matrixdevices.ErrNotFound
	}
	return err
}

const insertDevice = "INSERT INTO userapi_devices" +
	" (device_id, localpart, server_name, access_token, created_ts, display_name, last_seen_ts, session_id)" +
	" VALUES ($1, $2, $3, $4, $5, $6, $5, %s) ON CONFLICT DO NOTHING"

// PutDevice inserts by itself: Dendrite's PerformDeviceCreation replaces a device that is there, and
// ends its session. The token of the new one is nobody's.
func (h *host) PutDevice(ctx context.Context, principal *matrixdevices.Principal, update *matrixdevices.DeviceUpdate) (bool, error) {
	localpart, domain, err := split(update.UserID)
	if err != nil {
		return false, err
	}
	token, err := unusableToken()
	if err != nil {
		return false, err
	}
	created := false
	err = h.users.write(func(txn *sql.Tx) error {
		created = false
		if err := h.users.lockAccount(ctx, txn, localpart, domain); err != nil {
			return err
		}
		if update.MaxDevices > 0 {
			if err := hasRoom(ctx, txn, localpart, domain, update); err != nil {
				return err
			}
		}
		result, err := txn.ExecContext(ctx, h.users.insertDevice, update.DeviceID, localpart, domain,
			token, time.Now().UnixMilli(), update.DisplayName)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		created = rows == 1
		return err
	})
	switch {
	case err != nil:
		return false, err
	case created:
		return true, h.notify(update.UserID, []string{update.DeviceID})
	case update.DisplayName != nil:
		err = h.RenameDevice(ctx, principal, update.UserID, update.DeviceID, *update.DisplayName)
	}
	return false, err
}

// hasRoom fails where a device that is not there would be one too many.
func hasRoom(ctx context.Context, txn *sql.Tx, localpart string, domain spec.ServerName, update *matrixdevices.DeviceUpdate) error {
	var all, its int64
	err := txn.QueryRowContext(ctx, "SELECT COUNT(*), COUNT(CASE WHEN device_id = $1 THEN 1 END)"+
		" FROM userapi_devices WHERE localpart = $2 AND server_name = $3",
		update.DeviceID, localpart, domain).Scan(&all, &its)
	if err == nil && its == 0 && all >= update.MaxDevices {
		return matrixdevices.ErrLimitExceeded
	}
	return err
}

// notify tells everybody that these devices have no keys, as Dendrite does.
func (h *host) notify(userID string, deviceIDs []string) error {
	keys := make([]api.DeviceKeys, len(deviceIDs))
	for i, id := range deviceIDs {
		keys[i] = api.DeviceKeys{UserID: userID, DeviceID: id}
	}
	var answer api.PerformUploadKeysResponse
	request := api.PerformUploadKeysRequest{UserID: userID, DeviceKeys: keys}
	if err := h.api.PerformUploadKeys(context.Background(), &request, &answer); err != nil {
		return err
	}
	if answer.Error != nil {
		return answer.Error
	}
	return nil
}
