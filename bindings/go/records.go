package matrixdevices

import (
	"fmt"
	"log/slog"
	"time"
)

// Secret is text that is not to be seen: fmt, log/slog and encoding/json write "[secret]" for it.
// string(s) is the text.
type Secret string

const hidden = "[secret]"

// Format writes "[secret]", whatever the verb.
func (Secret) Format(state fmt.State, _ rune) { fmt.Fprint(state, hidden) }

// MarshalText gives "[secret]".
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue gives "[secret]".
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// Credentials are what a request brought, for Authenticate.
type Credentials struct {
	AccessToken Secret  // 1 byte to 4 KiB
	UserID      *string // whom an application service wants to act as; else pass it over
	DeviceID    *string // and on which of that user's devices
	RemoteAddr  string  // of the client, for last seen; "" if it is not known
}

// Principal is who a request acts as.
type Principal struct {
	UserID    string    // "@alice:example.org"; 1 to 255 bytes
	DeviceID  string    // at most 255 bytes; "" if the token belongs to no device
	TokenID   string    // a lasting name of the token, never the token; needed where DeviceID is ""
	ServiceID string    // of the application service, with AppService
	Validated time.Time // what MarkValidated said last; zero: never

	Guest      bool
	AppService bool // an as_token; ServiceID is set
	OAuth      bool // the token is from the OAuth 2.0 API (D3)
	Unlimited  bool // an application service that is exempt from limits (P6)

	Value any // the host's own; the package does not look at it
}

// Device is one device of a user.
type Device struct {
	ID          string    // 1 to 255 bytes
	DisplayName *string   // nil: it has none. It may be empty
	LastSeenIP  string    // "": not known
	LastSeen    time.Time // zero: not known
}

// DeviceUpdate is what PutDevice does.
type DeviceUpdate struct {
	UserID      string
	DeviceID    string  // 1 to 255 bytes
	DisplayName *string // nil: the name stays as it is, and a new device has none
	MaxDevices  int64   // create only below this many; 0: no cap
}

// UIAOperation is what a user is to be authenticated for.
type UIAOperation struct {
	UserID   string
	DeviceID string // of the token; "" if it has none
	Method   string // "DELETE", "POST"
	Endpoint string // "/devices/{deviceId}", "/delete_devices"
}

// Stage is one stage of a flow.
type Stage struct {
	Type         string // "m.login.password"; 1 to 255 bytes
	Params       []byte // a JSON object, or nil; of one type the first counts
	ProvesNobody bool   // of a stage that the Matrix specification does not name
}

// Flow is a list of stages, at most 16, to be completed in order.
type Flow []Stage

// PasswordFlow is the flow of m.login.password alone.
func PasswordFlow() Flow { return Flow{{Type: "m.login.password"}} }

// UIASession is a new session of User-Interactive Authentication, to be kept.
type UIASession struct {
	ProposedID Secret // 43 of [A-Za-z0-9_-], 256 random bits: use it, or another
	UserID     string
	DeviceID   string // with which it was begun,
	TokenID    string // or, where that is "", with which token
	State      string // up to 256 KiB: keep it byte for byte, in no JSON column
	Expires    time.Time
	MaxLive    int // how many sessions the user may have with this one, 1 or more

	// For pages of the host's own; the module does not ask for them again.
	Method, Endpoint, Target, Description string
}

// UIAKept is a session as it was last created or replaced.
type UIAKept struct {
	State    string
	Revision int64 // 1 as created, one more by each replacement
	// Stages that were completed elsewhere (single sign-on, a link in a mail), in the order
	// completed, on every load for as long as the session lives.
	Completed []CompletedStage
}

// CompletedStage is a stage that was completed elsewhere.
type CompletedStage struct {
	Type     string
	Identity string // the user ID that it proved; "": none
}

// UIAReplacement is what takes the place of a session's state.
type UIAReplacement struct {
	SessionID Secret
	UserID    string // the session's
	Revision  int64  // of which it takes the place; afterwards it is one more
	Expires   time.Time
	Finished  bool
	State     string
}

// UIAAttempt is the data of one stage, to be checked. All but the first five fields are for
// m.login.password; nil is what the client did not send.
type UIAAttempt struct {
	UserID     string // who asks; never compare the credentials with it
	DeviceID   string
	SessionID  Secret
	Type       string
	RemoteAddr string
	User       *string // as the client wrote it: "alice", "@alice:example.org"
	Medium     *string // with Address, as the client wrote them: "email", "msisdn"
	Address    *string
	Country    *string // beside them for m.id.phone: ISO 3166-1 alpha-2, as written
	Password   *Secret
	AuthJSON   Secret // the client's object: null members are left out
}

// Validation says when a user proved who they are.
type Validation struct {
	UserID, DeviceID, TokenID string
	At                        time.Time
}

// Limit is a bucket, found by name and key.
type Limit struct {
	Name     string // "uia_failures_device" and others
	Key      string // whose bucket; at most 1 KiB
	Burst    int64  // units that may be taken at once, 1 or more
	Interval time.Duration
}

// LimitRequest is what TakeLimit does.
type LimitRequest struct {
	Units  int // 1: take one from each bucket; -1: give one back
	Limits []Limit
}
