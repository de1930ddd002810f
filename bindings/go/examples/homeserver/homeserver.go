package main

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	mxd "matrixdevices"
)

const serverName = "example.org"

func idOf(localpart string) string { return "@" + localpart + ":" + serverName }

type account struct {
	salt, hash []byte // of the password; no hash: it has none
	service    string // whose it is; "" of a person
	devices    map[string]*mxd.Device
}

// service is a registration of the Application Service API, in JSON, which is YAML too.
type service struct {
	ID          string `json:"id"`
	Token       string `json:"as_token"`
	Sender      string `json:"sender_localpart"`
	RateLimited *bool  `json:"rate_limited"`
	Namespaces  struct{ Users []struct{ Regex string } }
}

func (s service) covers(userID string) bool {
	return slices.ContainsFunc(s.Namespaces.Users, func(users struct{ Regex string }) bool {
		return regexp.MustCompile("^(?:" + users.Regex + ")").MatchString(userID)
	})
}

// host is what the module asks. It keeps everything in memory.
type host struct {
	mxd.MemorySessions
	mu       sync.Mutex
	services map[string]service // by as_token
	accounts map[string]account // by user ID
	tokens   map[string]mxd.Principal
}

func (h *host) locked() func() { h.mu.Lock(); return h.mu.Unlock }

func (h *host) Authenticate(_ context.Context, c *mxd.Credentials) (*mxd.Principal, error) {
	defer h.locked()()
	who, known := h.tokens[string(c.AccessToken)]
	if s, is := h.services[string(c.AccessToken)]; is {
		who = mxd.Principal{UserID: idOf(s.Sender), TokenID: s.ID, ServiceID: s.ID,
			AppService: true, Unlimited: true} // a sender is not limited (P6)
		if c.UserID != nil && *c.UserID != who.UserID {
			if who.UserID = *c.UserID; h.accounts[who.UserID].service != s.ID || !s.covers(who.UserID) {
				return nil, mxd.ErrForbidden
			}
			who.Unlimited = s.RateLimited != nil && !*s.RateLimited
		}
		if c.DeviceID != nil {
			if who.DeviceID = *c.DeviceID; h.accounts[who.UserID].devices[who.DeviceID] == nil {
				return nil, mxd.ErrUnknownDevice
			}
		}
	} else if !known {
		return nil, mxd.ErrUnknownToken
	}
	if d := h.accounts[who.UserID].devices[who.DeviceID]; d != nil {
		d.LastSeenIP, d.LastSeen = c.RemoteAddr, time.Now()
	}
	return &who, nil
}

func (h *host) ListDevices(_ context.Context, _ *mxd.Principal, user string) ([]mxd.Device, error) {
	defer h.locked()()
	var list []mxd.Device
	for _, id := range slices.Sorted(maps.Keys(h.accounts[user].devices)) {
		list = append(list, *h.accounts[user].devices[id])
	}
	return list, nil
}

func (h *host) GetDevice(_ context.Context, _ *mxd.Principal, user, id string) (mxd.Device, error) {
	defer h.locked()()
	if d := h.accounts[user].devices[id]; d != nil {
		return *d, nil
	}
	return mxd.Device{}, mxd.ErrNotFound
}

func (h *host) RenameDevice(_ context.Context, _ *mxd.Principal, user, id, name string) error {
	defer h.locked()()
	if d := h.accounts[user].devices[id]; d != nil {
		d.DisplayName = &name
		return nil
	}
	return mxd.ErrNotFound
}

func (h *host) PutDevice(_ context.Context, _ *mxd.Principal, u *mxd.DeviceUpdate) (bool, error) {
	defer h.locked()()
	devices := h.accounts[u.UserID].devices
	d, there := devices[u.DeviceID]
	if !there && u.MaxDevices > 0 && int64(len(devices)) >= u.MaxDevices {
		return false, mxd.ErrLimitExceeded
	} else if !there {
		devices[u.DeviceID] = &mxd.Device{ID: u.DeviceID, DisplayName: u.DisplayName}
	} else if u.DisplayName != nil {
		d.DisplayName = u.DisplayName
	}
	return !there, nil
}

func (h *host) DeleteDevices(_ context.Context, _ *mxd.Principal, user string, ids []string) error {
	defer h.locked()()
	gone := func(id string) bool { _, is := slices.BinarySearch(ids, id); return is }
	maps.DeleteFunc(h.tokens, func(_ string, p mxd.Principal) bool { return p.UserID == user && gone(p.DeviceID) })
	maps.DeleteFunc(h.accounts[user].devices, func(id string, _ *mxd.Device) bool { return gone(id) })
	h.DropSessions(user, ids)
	return nil
}

func (h *host) UIAFlows(_ context.Context, _ *mxd.Principal, o *mxd.UIAOperation) ([]mxd.Flow, error) {
	defer h.locked()()
	if h.accounts[o.UserID].hash == nil {
		return nil, nil
	}
	return []mxd.Flow{mxd.PasswordFlow()}, nil
}

func (h *host) UIACheck(_ context.Context, _ *mxd.Principal, a *mxd.UIAAttempt) (string, error) {
	if a.Password == nil {
		return "", mxd.ErrBadData
	} else if a.User == nil {
		return "", mxd.ErrRefused // addresses are not kept here
	}
	return h.check(*a.User, string(*a.Password))
}

// check says whose name and password these are, and takes as long for a user who is not there.
func (h *host) check(name, password string) (string, error) {
	localpart, server, isQualified := strings.Cut(strings.TrimPrefix(name, "@"), ":")
	unlock := h.locked()
	id := idOf(strings.ToLower(localpart))
	kept := h.accounts[id]
	unlock()
	isRight := subtle.ConstantTimeCompare(hash(password, kept.salt), kept.hash) == 1
	if !isRight || isQualified && !strings.EqualFold(server, serverName) {
		return "", mxd.ErrRefused
	}
	return id, nil
}

func hash(password string, salt []byte) []byte {
	hash, err := pbkdf2.Key(sha256.New, password, salt, 100_000, 32)
	if err != nil {
		panic(err) // the salt is too short for FIPS mode
	}
	return hash
}

// ---- Accounts and logins: what a client needs before it has devices ----

// fields are those of the bodies of /login and /register.
type fields struct {
	Type, Username, Password string
	Kind                     string `json:"-"` // of the query: "guest"
	Identifier               struct{ User string }
	DeviceID                 string  `json:"device_id"`
	Name                     *string `json:"initial_device_display_name"`
	InhibitLogin             bool    `json:"inhibit_login"`
}

type login struct {
	UserID   string `json:"user_id"`
	DeviceID string `json:"device_id,omitempty"`
	Token    string `json:"access_token,omitempty"`
}

func refuse(status int, errcode, text string) error {
	return &mxd.Error{HTTPStatus: status, Errcode: errcode, Text: text}
}

// logIn makes a token, and the device if it is new. Its token of before is dead.
func (h *host) logIn(user string, f *fields) *login {
	id := f.DeviceID
	if id == "" {
		id = rand.Text()[:10]
	}
	defer h.locked()()
	maps.DeleteFunc(h.tokens, func(_ string, p mxd.Principal) bool { return p.UserID == user && p.DeviceID == id })
	if h.accounts[user].devices[id] == nil {
		h.accounts[user].devices[id] = &mxd.Device{ID: id, DisplayName: f.Name}
	}
	token := rand.Text()
	h.tokens[token] = mxd.Principal{UserID: user, DeviceID: id}
	return &login{UserID: user, DeviceID: id, Token: token}
}

func (h *host) postLogin(f *fields) (*login, error) {
	id, err := h.check(f.Identifier.User, f.Password)
	if f.Type != "m.login.password" || err != nil {
		return nil, refuse(403, "M_FORBIDDEN", "Log in with the name and password of an account.")
	}
	return h.logIn(id, f), nil
}

func (h *host) postRegister(f *fields, token string) (*login, error) {
	id := idOf(strings.ToLower(f.Username))
	it := account{salt: []byte(rand.Text()), devices: map[string]*mxd.Device{}}
	if f.Type != "m.login.application_service" {
		it.hash = hash(f.Password, it.salt)
	} else if it.service = h.services[token].ID; !h.services[token].covers(id) {
		return nil, refuse(400, "M_EXCLUSIVE", "Choose a name in your namespace.")
	}
	unlock := h.locked()
	_, taken := h.accounts[id]
	if !taken && f.Kind != "guest" {
		h.accounts[id] = it
	}
	unlock()
	switch {
	case f.Kind == "guest":
		return nil, refuse(403, "M_GUEST_ACCESS_FORBIDDEN", "Register with a name and a password.")
	case taken:
		return nil, refuse(400, "M_USER_IN_USE", "Choose another name.")
	case f.InhibitLogin:
		return &login{UserID: id}, nil
	}
	return h.logIn(id, f), nil
}

func (h *host) whoami(token string) (*login, error) {
	who, err := h.Authenticate(context.Background(), &mxd.Credentials{AccessToken: mxd.Secret(token)})
	if err != nil {
		return nil, refuse(401, "M_UNKNOWN_TOKEN", "Log in again.")
	}
	return &login{UserID: who.UserID, DeviceID: who.DeviceID}, nil
}

// ServeHTTP answers what the module does not. An http.ServeMux would redirect some paths (R8).
func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var f fields
	_ = json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&f) // no body: no fields
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	var result any
	var err error
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, "/_matrix/client/") {
	case "GET versions":
		result = map[string]any{"versions": []string{"r0.6.1", "v1.11"}}
	case "GET v3/login", "GET r0/login":
		result = map[string]any{"flows": []any{map[string]string{"type": "m.login.password"}}}
	case "POST v3/login", "POST r0/login":
		result, err = h.postLogin(&f)
	case "POST v3/register", "POST r0/register":
		f.Kind = r.URL.Query().Get("kind")
		result, err = h.postRegister(&f, token)
	case "POST v3/logout", "POST r0/logout":
		var who *login
		if who, err = h.whoami(token); err == nil {
			result, err = struct{}{}, h.DeleteDevices(r.Context(), nil, who.UserID, []string{who.DeviceID})
		}
	case "GET v3/account/whoami", "GET r0/account/whoami":
		result, err = h.whoami(token)
	default:
		err = refuse(404, "M_UNRECOGNIZED", "There is no such endpoint. Look at the path.")
	}
	var refusal *mxd.Error
	if errors.As(err, &refusal) {
		refusal.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(result) // a client that is gone reads nothing
}
