package matrixdevices

// #include "matrix_devices/module.h"
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Refusal is an answer of a Host's method other than what was asked for. It is an error; wrap it
// with %w where there is more to say.
type Refusal int32

// The refusals. Which method may return which stands in Host; of another method's it is 500 (H3).
const (
	ErrNotFound      Refusal = C.MXD_NOT_FOUND      // no such device or session
	ErrUnknownToken  Refusal = C.MXD_UNKNOWN_TOKEN  // nobody's token, or its device is gone
	ErrTokenExpired  Refusal = C.MXD_TOKEN_EXPIRED  // expired or replaced, and its device is there
	ErrUserLocked    Refusal = C.MXD_USER_LOCKED    // the account is locked
	ErrForbidden     Refusal = C.MXD_FORBIDDEN      // not a user of that application service
	ErrUnknownDevice Refusal = C.MXD_UNKNOWN_DEVICE // not a device of that user
	ErrLimitExceeded Refusal = C.MXD_LIMIT_EXCEEDED // the cap on devices; a rate limit
	ErrRefused       Refusal = C.MXD_REFUSED        // wrong credentials
	ErrBadData       Refusal = C.MXD_BAD_DATA       // a field is missing or of a wrong type
	ErrConflict      Refusal = C.MXD_CONFLICT       // another revision stands there
	ErrUnavailable   Refusal = C.MXD_UNAVAILABLE    // it could not be tried: 503
	ErrTimeout       Refusal = C.MXD_TIMEOUT        // it took too long: 504
)

var refusals = map[Refusal]string{
	ErrNotFound:      "not found",
	ErrUnknownToken:  "unknown token",
	ErrTokenExpired:  "token expired",
	ErrUserLocked:    "user locked",
	ErrForbidden:     "forbidden",
	ErrUnknownDevice: "unknown device",
	ErrLimitExceeded: "limit exceeded",
	ErrRefused:       "wrong credentials",
	ErrBadData:       "bad data",
	ErrConflict:      "conflict",
	ErrUnavailable:   "unavailable",
	ErrTimeout:       "timed out",
}

func (r Refusal) Error() string {
	if text, known := refusals[r]; known {
		return "matrixdevices: " + text
	}
	return fmt.Sprintf("matrixdevices: status %d", int32(r))
}

// Error is an answer of the host's own (A16): the client gets it as it stands here.
type Error struct {
	HTTPStatus int            // 400 to 599; not 401 from a UIA method
	Errcode    string         // "M_…"
	Text       string         // for a client's developer: what to do next; no secrets
	Extra      map[string]any // members beside those, for encoding/json
	RetryAfter time.Duration  // 0: no Retry-After
}

func (e *Error) Error() string {
	return fmt.Sprintf("matrixdevices: %d %s: %s", e.HTTPStatus, e.Errcode, e.Text)
}

// RetryAfter is ErrLimitExceeded or ErrUnavailable, and when it may be tried again.
type RetryAfter struct {
	Refusal Refusal
	Wait    time.Duration
}

func (r *RetryAfter) Error() string { return fmt.Sprintf("%v for %v", r.Refusal, r.Wait) }

// Unwrap gives the Refusal.
func (r *RetryAfter) Unwrap() error { return r.Refusal }

// Reason is ErrRefused or ErrBadData of UIACheck, and a text for the client.
type Reason struct {
	Refusal Refusal
	Text    string // says what to do next; no secrets
}

func (r *Reason) Error() string { return fmt.Sprintf("%v: %s", r.Refusal, r.Text) }

// Unwrap gives the Refusal.
func (r *Reason) Unwrap() error { return r.Refusal }

// refuse emits what goes with an error, and gives the status that says it. An error that is no
// answer is given back, to be logged.
func (q *question) refuse(err error) (C.int32_t, error) {
	var (
		refusal Refusal
		own     *Error
		wait    *RetryAfter
		reason  *Reason
	)
	switch {
	case errors.As(err, &own):
		return q.refuseWith(own)
	case errors.As(err, &refusal):
		if errors.As(err, &wait) {
			q.emitRetryAfter(wait.Wait)
		}
		if errors.As(err, &reason) {
			q.emitReason(reason.Text)
		}
		return C.int32_t(refusal), nil
	case errors.Is(err, context.DeadlineExceeded):
		return C.MXD_TIMEOUT, nil
	case errors.Is(err, context.Canceled):
		return C.MXD_CANCELLED, nil
	}
	return C.MXD_INTERNAL, err
}

func (q *question) refuseWith(own *Error) (C.int32_t, error) {
	extra := []byte(nil)
	if len(own.Extra) > 0 {
		var err error
		if extra, err = json.Marshal(own.Extra); err != nil {
			return C.MXD_INTERNAL, fmt.Errorf("the member Extra of an Error: %w", err)
		}
	}
	q.emitError(own, string(extra))
	return C.MXD_HOST_ERROR, nil
}
