// Package matrixdevices serves the device endpoints of the Matrix Client-Server API from a
// homeserver in Go: it loads libmatrix_devices.so, asks a Host what is kept or decided in the
// homeserver, and is an http.Handler.
//
// A homeserver implements [Host], makes a [Module] with [New], and mounts it: as a handler, or as
// [Module.Middleware] in front of everything else. All methods of a Host are ordinary Go: they may
// block, return errors, and panic. Nothing in this package hands out a pointer into the library.
//
// What a client gets in each case is in docs/behaviour.md, with a number for each row (D12); the
// settings of [New] are in docs/configuration.md; docs/go.md is the guide to this package.
package matrixdevices

import (
	"context"
	"log/slog"
	"time"
)

// Host is what the module asks of the homeserver.
//
// Each method runs on the goroutine that called [Module.Handle] or [Module.ServeHTTP], so methods
// of one request come one after the other, and of several requests at the same time. It may take as
// long as it likes. ctx is the request's: it ends when the client hangs up, but not for
// DeleteDevices, which is carried out all the same. principal is what Authenticate returned for
// this request; it is nil in Authenticate, and where the fallback page asks, which has nobody.
//
// A method that fails returns a [Refusal] that its comment names, or one of these, wrapped or not:
// [ErrUnavailable] (503, H1), [ErrTimeout] or [context.DeadlineExceeded] (504, H2), an [*Error] (an
// answer of the host's own, A16), [context.Canceled]. Any other error, and a panic, is 500 (H3): it
// is logged, and the client learns nothing of the cause.
type Host interface {
	// Authenticate says whose token it is. Guests and suspended accounts are let in. It records last
	// seen for the device acted on, without making the request wait for that.
	// Refusals: ErrUnknownToken (A4), ErrTokenExpired (A5), ErrUserLocked (A6), ErrForbidden (A11),
	// ErrUnknownDevice (A13).
	Authenticate(ctx context.Context, credentials *Credentials) (*Principal, error)

	// ListDevices returns all devices of a user, in an order that stays the same; never a part (G4).
	ListDevices(ctx context.Context, principal *Principal, userID string) ([]Device, error)

	// GetDevice returns one device. ErrNotFound if the user has none of that ID (G5).
	GetDevice(ctx context.Context, principal *Principal, userID, deviceID string) (Device, error)

	// RenameDevice sets the name of a device, which may be empty, and changes nothing else (P12).
	// ErrNotFound if the user has none of that ID (P4).
	RenameDevice(ctx context.Context, principal *Principal, userID, deviceID, name string) error

	// DeleteDevices deletes those of these devices that the user has, and with each, in one
	// transaction where there is one, else in this order: its access and refresh tokens; the device
	// with its keys, one-time and fallback keys, and all cross-signing signatures over them; its
	// pushers, its queued messages, and the sessions that it began. Then one change notification for
	// those that existed (D12). The same call again finishes what a crash has left. It is durable
	// when the method returns. The IDs are distinct and in bytewise order; there may be none.
	DeleteDevices(ctx context.Context, principal *Principal, userID string, deviceIDs []string) error

	// UIAFlows returns the flows that this user could complete, in an order that stays the same
	// (U16); none if there is none (U17).
	UIAFlows(ctx context.Context, principal *Principal, operation *UIAOperation) ([]Flow, error)

	// UIACreateSession keeps a new session at revision 1, where every process of the host sees it
	// and a restart does not lose it, and returns its ID: the proposed one, or another of 1 to 255
	// bytes. In the same transaction it removes the user's expired sessions and then, while there
	// would be more than MaxLive, the one that was created first of those not finished and of the
	// same device (or token), then of those not finished, then of all (U25).
	UIACreateSession(ctx context.Context, principal *Principal, session *UIASession) (Secret, error)

	// UIALoadSession returns the session of this ID, whoever's it is, as last created or replaced by
	// whatever process. ErrNotFound if there is none, or it has expired.
	UIALoadSession(ctx context.Context, principal *Principal, sessionID Secret) (*UIAKept, error)

	// UIAReplaceSession puts state, expiry and Finished in the place of those of the session, if it
	// stands at this revision, and counts the revision up: in one atomic step that every process
	// sees. ErrConflict if another revision stands there, or the session is gone; ErrNotFound if it
	// is known to be gone.
	UIAReplaceSession(ctx context.Context, principal *Principal, change *UIAReplacement) error

	// UIACheck says whose the credentials of a stage are: a user ID, or "" where they prove nobody
	// (terms, a captcha). It never compares them with who asks, and takes as long for a user who is
	// not there. ErrRefused if they are wrong (U4), ErrBadData if a field is missing or of a wrong
	// type (U4a), either perhaps as a [*Reason]. What could not be tried, for want of memory or time,
	// is ErrUnavailable and never ErrRefused (H6).
	UIACheck(ctx context.Context, principal *Principal, attempt *UIAAttempt) (string, error)
}

// DeviceCreator is a Host that lets application services create devices. Without it they can't: 404.
type DeviceCreator interface {
	// PutDevice creates a device or renames it, and says whether it was created. ErrLimitExceeded if
	// it was not there and the user has MaxDevices; a rename is never refused for that (P7).
	PutDevice(ctx context.Context, principal *Principal, update *DeviceUpdate) (created bool, err error)
}

// Validator is a Host that remembers when a user proved who they are. The setting
// uia.grace_period_ms is refused without it (U22).
type Validator interface {
	// MarkValidated keeps At with the device or, where there is none, with the token. Later
	// principals have it in Validated.
	MarkValidated(ctx context.Context, principal *Principal, validation *Validation) error
}

// Limiter is a Host that counts for the rate limits. Without it the module counts, for this process.
type Limiter interface {
	// TakeLimit takes a unit from each bucket, all or none, or with Units -1 gives one back to each.
	// ErrLimitExceeded, best as a [*RetryAfter], where one has none. Memory has to be bounded: keys
	// come from clients (L4).
	TakeLimit(ctx context.Context, principal *Principal, request *LimitRequest) error
}

// Clock is a Host with a clock of its own, for tests. It must not call the module.
type Clock interface {
	Now() time.Time
}

// RandomSource is a Host with randomness of its own. It must not call the module.
type RandomSource interface {
	// ReadRandom fills p with cryptographic randomness.
	ReadRandom(p []byte) error
}

// Logging is a Host whose log is not [slog.Default]. Lines hold no token, password, session ID or
// display name. Each has the attribute "misbehaving" where the host broke its contract.
type Logging interface {
	Logger() *slog.Logger
}
