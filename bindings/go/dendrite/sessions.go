package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"matrixdevices"

	"github.com/matrix-org/dendrite/internal/sqlutil"
)

// Sessions of User-Interactive Authentication lie in a table of their own in the user database, by
// a digest of their ID.

const sessionsTable = `
CREATE TABLE matrix_devices_uia_sessions (
	created %s, -- the order of creation
	id TEXT NOT NULL UNIQUE,
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	token_id TEXT NOT NULL,
	expires_ms BIGINT NOT NULL,
	finished BOOLEAN NOT NULL,
	revision BIGINT NOT NULL,
	state TEXT NOT NULL
)`

func migrate(ctx context.Context, users *database) error {
	counted := "INTEGER PRIMARY KEY AUTOINCREMENT"
	if users.isPostgres {
		counted = "BIGSERIAL PRIMARY KEY"
	}
	m := sqlutil.NewMigrator(users.db)
	m.AddMigrations(sqlutil.Migration{
		Version: "matrix-devices: sessions of User-Interactive Authentication",
		Up: func(ctx context.Context, txn *sql.Tx) error {
			if _, err := txn.ExecContext(ctx, fmt.Sprintf(sessionsTable, counted)); err != nil {
				return err
			}
			_, err := txn.ExecContext(ctx, "CREATE INDEX matrix_devices_uia_sessions_of_user"+
				" ON matrix_devices_uia_sessions (user_id, created)")
			return err
		},
	})
	return m.Up(ctx)
}

func digest(id matrixdevices.Secret) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}

// evict makes room for one more (U25): unfinished ones of the same device (or token) first, then of
// the user, finished ones last; of each kind the one created first.
const evict = `
DELETE FROM matrix_devices_uia_sessions WHERE created IN (
	SELECT created FROM matrix_devices_uia_sessions WHERE user_id = $1
	ORDER BY finished, CASE WHEN device_id = $2 AND token_id = $3 THEN 0 ELSE 1 END, created
	LIMIT (SELECT CASE WHEN COUNT(*) >= $4 THEN COUNT(*) - $4 + 1 ELSE 0 END
		FROM matrix_devices_uia_sessions WHERE user_id = $1)
)`

func (h *host) UIACreateSession(ctx context.Context, _ *matrixdevices.Principal, s *matrixdevices.UIASession) (matrixdevices.Secret, error) {
	err := h.users.write(func(txn *sql.Tx) error {
		if _, err := txn.ExecContext(ctx, "DELETE FROM matrix_devices_uia_sessions WHERE user_id = $1"+
			" AND expires_ms <= $2", s.UserID, time.Now().UnixMilli()); err != nil {
			return err
		}
		if _, err := txn.ExecContext(ctx, evict, s.UserID, s.DeviceID, s.TokenID, s.MaxLive); err != nil {
			return err
		}
		_, err := txn.ExecContext(ctx, "INSERT INTO matrix_devices_uia_sessions"+
			" (id, user_id, device_id, token_id, expires_ms, finished, revision, state)"+
			" VALUES ($1, $2, $3, $4, $5, FALSE, 1, $6)", digest(s.ProposedID), s.UserID, s.DeviceID,
			s.TokenID, s.Expires.UnixMilli(), s.State)
		return err
	})
	return s.ProposedID, err
}

func (h *host) UIALoadSession(ctx context.Context, _ *matrixdevices.Principal, id matrixdevices.Secret) (*matrixdevices.UIAKept, error) {
	var kept matrixdevices.UIAKept
	err := h.users.db.QueryRowContext(ctx, "SELECT state, revision FROM matrix_devices_uia_sessions"+
		" WHERE id = $1 AND expires_ms > $2", digest(id), time.Now().UnixMilli()).
		Scan(&kept.State, &kept.Revision)
	if errors.Is(err, sql.ErrNoRows) {
		err = matrixdevices.ErrNotFound
	}
	return &kept, err
}

func (h *host) UIAReplaceSession(ctx context.Context, _ *matrixdevices.Principal, r *matrixdevices.UIAReplacement) error {
	return h.users.write(func(txn *sql.Tx) error {
		result, err := txn.ExecContext(ctx, "UPDATE matrix_devices_uia_sessions"+
			" SET state = $1, expires_ms = $2, finished = $3, revision = revision + 1"+
			" WHERE id = $4 AND revision = $5", r.State, r.Expires.UnixMilli(), r.Finished,
			digest(r.SessionID), r.Revision)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		if err == nil && rows == 0 {
			err = matrixdevices.ErrConflict
		}
		return err
	})
}
