package matrixdevices_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mxd "matrixdevices"
)

const (
	alice  = "@alice:example.org"
	list   = "/_matrix/client/v3/devices"
	laptop = list + "/LAPTOP"
	phone  = list + "/PHONE"
	bulk   = "/_matrix/client/v3/delete_devices"
)

// library is the module to load: env MATRIX_DEVICES_LIBRARY, or that of this checkout.
func library(t testing.TB) string {
	t.Helper()
	path := os.Getenv("MATRIX_DEVICES_LIBRARY")
	if path == "" {
		path = "../../build/release/out/libmatrix_devices.so"
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no module to load: %v; make build makes it, MATRIX_DEVICES_LIBRARY names another", err)
	}
	return path
}

// host has one user, whose password is "right" and whose token is "secret". A test puts its own
// function in the place of a method.
type host struct {
	mxd.MemorySessions
	lines lines // of the log

	mu      sync.Mutex
	devices []string

	authenticate  func(context.Context, *mxd.Credentials) (*mxd.Principal, error)
	listDevices   func(context.Context) ([]mxd.Device, error)
	deleteDevices func(context.Context, []string) error
	check         func(*mxd.UIAAttempt) (string, error)
	put           func(*mxd.DeviceUpdate) (bool, error)
	limit         func(*mxd.LimitRequest) error
}

func newHost() *host { return &host{devices: []string{"LAPTOP", "PHONE", "TABLET"}} }

func (h *host) Logger() *slog.Logger { return slog.New(slog.NewJSONHandler(&h.lines, nil)) }

func (h *host) Authenticate(ctx context.Context, c *mxd.Credentials) (*mxd.Principal, error) {
	if h.authenticate != nil {
		return h.authenticate(ctx, c)
	}
	if c.AccessToken != "secret" {
		return nil, mxd.ErrUnknownToken
	}
	return &mxd.Principal{UserID: alice, DeviceID: "LAPTOP"}, nil
}

func (h *host) ListDevices(ctx context.Context, _ *mxd.Principal, _ string) ([]mxd.Device, error) {
	if h.listDevices != nil {
		return h.listDevices(ctx)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []mxd.Device
	for _, id := range h.devices {
		found = append(found, mxd.Device{ID: id})
	}
	return found, nil
}

func (h *host) GetDevice(_ context.Context, _ *mxd.Principal, _, id string) (mxd.Device, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Contains(h.devices, id) {
		return mxd.Device{}, mxd.ErrNotFound
	}
	name := ""
	return mxd.Device{ID: id, DisplayName: &name, LastSeenIP: "192.0.2.1",
		LastSeen: time.UnixMilli(1_700_000_000_123)}, nil
}

func (h *host) RenameDevice(ctx context.Context, p *mxd.Principal, user, id, _ string) error {
	_, err := h.GetDevice(ctx, p, user, id)
	return err
}

func (h *host) DeleteDevices(ctx context.Context, _ *mxd.Principal, user string, ids []string) error {
	if h.deleteDevices != nil {
		return h.deleteDevices(ctx, ids)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.devices = slices.DeleteFunc(h.devices, func(id string) bool { return slices.Contains(ids, id) })
	h.DropSessions(user, ids)
	return nil
}

func (h *host) UIAFlows(context.Context, *mxd.Principal, *mxd.UIAOperation) ([]mxd.Flow, error) {
	terms := mxd.Stage{Type: "m.login.terms", Params: []byte(`{"policies": {}}`)}
	return []mxd.Flow{mxd.PasswordFlow(), {terms, mxd.PasswordFlow()[0]}}, nil
}

func (h *host) UIACheck(_ context.Context, _ *mxd.Principal, a *mxd.UIAAttempt) (string, error) {
	if h.check != nil {
		return h.check(a)
	}
	if a.User == nil || *a.User != "alice" || a.Password == nil || *a.Password != "right" {
		return "", mxd.ErrRefused
	}
	return alice, nil
}

func (h *host) PutDevice(_ context.Context, _ *mxd.Principal, u *mxd.DeviceUpdate) (bool, error) {
	return h.put(u)
}

func (h *host) TakeLimit(_ context.Context, _ *mxd.Principal, r *mxd.LimitRequest) error {
	if h.limit != nil {
		return h.limit(r)
	}
	return nil
}

// lines is what was logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func open(t testing.TB, h mxd.Host, config mxd.Config) *mxd.Module {
	t.Helper()
	module, err := mxd.New(library(t), h, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := module.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return module
}

// reply is what a client got.
type reply struct {
	status int
	header http.Header
	body   string
}

func send(handler http.Handler, method, target, body string, change ...func(*http.Request)) reply {
	request := httptest.NewRequest(method, target, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer secret")
	for _, each := range change {
		each(request)
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	got := recorder.Result()
	content, _ := io.ReadAll(got.Body)
	return reply{got.StatusCode, got.Header, string(content)}
}

func with(ctx context.Context) func(*http.Request) {
	return func(r *http.Request) { *r = *r.WithContext(ctx) }
}

func expect(t *testing.T, what string, got reply, status int, part string) {
	t.Helper()
	if got.status != status || !strings.Contains(got.body, part) {
		t.Errorf("%s: expected %d with %s, got %d %s", what, status, part, got.status, got.body)
	}
}

// begun is the session of a challenge.
func begun(t *testing.T, handler http.Handler, method, target, body string) string {
	t.Helper()
	got := send(handler, method, target, body)
	var challenge struct{ Session string }
	if err := json.Unmarshal([]byte(got.body), &challenge); err != nil || challenge.Session == "" {
		t.Fatalf("expected a challenge, got %d %s", got.status, got.body)
	}
	return challenge.Session
}

// auth is a body with the password, beside other members.
func auth(session, password string, members map[string]any) string {
	body := map[string]any{"auth": map[string]any{
		"type": "m.login.password", "session": session, "password": password,
		"identifier": map[string]any{"type": "m.id.user", "user": "alice"}}}
	for name, value := range members {
		body[name] = value
	}
	text, _ := json.Marshal(body)
	return string(text)
}
