package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lib/pq"
	"github.com/matrix-org/dendrite/internal/sqlutil"
	"github.com/matrix-org/dendrite/setup/config"
	"github.com/matrix-org/gomatrixserverlib"
	"github.com/matrix-org/gomatrixserverlib/spec"
)

// database is one of Dendrite's, with the writer through which Dendrite itself writes. Inside write()
// no call of Dendrite's API may be made: it would wait for itself.
// Parameters appear in their order, $1 first: SQLite counts them as they come.
type database struct {
	db           *sql.DB
	writer       sqlutil.Writer
	isPostgres   bool
	insertDevice string
}

// open gives the connection that Dendrite has, or will have. Not from two goroutines at once.
func open(cm *sqlutil.Connections, global, own *config.DatabaseOptions) (*database, error) {
	db, writer, err := cm.Connection(own)
	if err != nil {
		return nil, err
	}
	address := own.ConnectionString
	if address == "" {
		address = global.ConnectionString
	}
	// In SQLite Dendrite counts session_id by itself.
	session := "(SELECT COALESCE(MAX(session_id), 0) + 1 FROM userapi_devices)"
	if address.IsPostgres() {
		session = "nextval('userapi_device_session_id_seq')"
	}
	return &database{db: db, writer: writer, isPostgres: address.IsPostgres(),
		insertDevice: fmt.Sprintf(insertDevice, session)}, nil
}

func (d *database) write(f func(txn *sql.Tx) error) error { return d.writer.Do(d.db, nil, f) }

// in is a condition: the column is one of those that list() gave for parameter n.
func (d *database) in(n int) string {
	if d.isPostgres {
		return fmt.Sprintf("= ANY($%d)", n)
	}
	return fmt.Sprintf("IN (SELECT value FROM json_each($%d))", n)
}

// notIn is its opposite.
func (d *database) notIn(n int) string {
	if d.isPostgres {
		return fmt.Sprintf("<> ALL($%d)", n)
	}
	return "NOT " + d.in(n)
}

func (d *database) list(texts []string) any {
	if d.isPostgres {
		return pq.Array(texts)
	}
	encoded, _ := json.Marshal(texts) // texts can be encoded
	return string(encoded)
}

// lockAccount lets what follows in the transaction be decided for this user by nobody else meanwhile.
// In SQLite there is one writer at a time anyway.
func (d *database) lockAccount(ctx context.Context, txn *sql.Tx, localpart string, domain spec.ServerName) error {
	if !d.isPostgres {
		return nil
	}
	var found int
	err := txn.QueryRowContext(ctx, "SELECT 1 FROM userapi_accounts WHERE localpart = $1"+
		" AND server_name = $2 FOR UPDATE", localpart, domain).Scan(&found)
	if errors.Is(err, sql.ErrNoRows) { // a sender without an account
		return nil
	}
	return err
}

func split(userID string) (string, spec.ServerName, error) {
	return gomatrixserverlib.SplitID('@', userID)
}

// unusableToken is one that nobody is told.
func unusableToken() (string, error) {
	var bytes [32]byte
	if _, err := rand.Read(bytes[:]); err != nil {
		return "", err
	}
	return "matrix-devices-" + base64.RawURLEncoding.EncodeToString(bytes[:]), nil
}
