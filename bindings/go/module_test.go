package matrixdevices_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	mxd "matrixdevices"
)

func TestDialogue(t *testing.T) {
	module := open(t, newHost(), nil)
	expect(t, "list", send(module, "GET", list, ""), 200, `{"devices":[{"device_id":"LAPTOP"},`)
	expect(t, "one", send(module, "GET", phone, ""), 200,
		`{"device_id":"PHONE","display_name":"","last_seen_ip":"192.0.2.1","last_seen_ts":1700000000123}`)
	session := begun(t, module, "DELETE", phone, "{}")
	expect(t, "wrong", send(module, "DELETE", phone, auth(session, "x", nil)), 401, "M_FORBIDDEN")
	expect(t, "right", send(module, "DELETE", phone, auth(session, "right", nil)), 200, "{}")
	expect(t, "gone", send(module, "GET", phone, ""), 404, "M_NOT_FOUND")
	expect(t, "another token", send(module, "GET", list, "", func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer x")
	}), 401, "M_UNKNOWN_TOKEN")
}

func TestStatusesOfErrors(t *testing.T) {
	own := &mxd.Error{HTTPStatus: 418, Errcode: "M_TEAPOT", Text: "Take tea.",
		Extra: map[string]any{"sort": "green"}, RetryAfter: 1500 * time.Millisecond}
	for _, each := range []struct {
		err    error
		status int
		part   string
	}{
		{mxd.ErrTokenExpired, 401, `"soft_logout":true`},
		{mxd.ErrUserLocked, 401, "M_USER_LOCKED"},
		{mxd.ErrForbidden, 403, "M_FORBIDDEN"},
		{mxd.ErrUnknownDevice, 400, "M_UNKNOWN_DEVICE"},
		{fmt.Errorf("asking: %w", mxd.ErrUnavailable), 503, "M_UNKNOWN"},
		{&mxd.RetryAfter{Refusal: mxd.ErrUnavailable, Wait: 7 * time.Second}, 503, "M_UNKNOWN"},
		{mxd.ErrTimeout, 504, "M_UNKNOWN"},
		{context.DeadlineExceeded, 504, "M_UNKNOWN"},
		{own, 418, `"sort":"green"`},
		{mxd.ErrConflict, 500, "M_UNKNOWN"}, // of another question
		{mxd.Refusal(99), 500, "M_UNKNOWN"},
		{errors.New("disk on fire"), 500, "M_UNKNOWN"},
	} {
		h := newHost()
		h.authenticate = func(context.Context, *mxd.Credentials) (*mxd.Principal, error) {
			return nil, each.err
		}
		got := send(open(t, h, nil), "GET", list, "")
		expect(t, each.err.Error(), got, each.status, each.part)
		if strings.Contains(got.body, "fire") {
			t.Errorf("the cause is in the answer: %s", got.body)
		}
		if each.err.Error() == "disk on fire" && !strings.Contains(h.lines.String(), "disk on fire") {
			t.Errorf("the cause is not in the log: %s", h.lines.String())
		}
		if each.err == error(own) && got.header.Get("Retry-After") != "2" {
			t.Errorf("Retry-After: expected 2, got %q", got.header.Get("Retry-After"))
		}
	}
}

func TestNothingReturnedIsAnError(t *testing.T) {
	h := newHost()
	h.authenticate = func(context.Context, *mxd.Credentials) (*mxd.Principal, error) { return nil, nil }
	expect(t, "no principal", send(open(t, h, nil), "GET", list, ""), 500, "M_UNKNOWN")
}

func TestTextThatIsNotUTF8IsRefused(t *testing.T) {
	h := newHost()
	h.listDevices = func(context.Context) ([]mxd.Device, error) {
		return []mxd.Device{{ID: "A\xff"}}, nil
	}
	expect(t, "list", send(open(t, h, nil), "GET", list, ""), 500, "M_UNKNOWN")
	if !strings.Contains(h.lines.String(), `"misbehaving":true`) {
		t.Errorf("expected a line about the host, got %s", h.lines.String())
	}
}

func TestAPanicIsAnError(t *testing.T) {
	h := newHost()
	h.listDevices = func(context.Context) ([]mxd.Device, error) { panic("no such row") }
	module := open(t, h, nil)
	expect(t, "list", send(module, "GET", list, ""), 500, "M_UNKNOWN")
	expect(t, "after it", send(module, "GET", phone, ""), 200, "PHONE")
	for _, part := range []string{"no such row", "ListDevices", "host_test.go"} {
		if !strings.Contains(h.lines.String(), part) {
			t.Errorf("the log lacks %q: %s", part, h.lines.String())
		}
	}
}

// A goroutine that a method of the host ends (t.FailNow does) answers nobody, and leaks nothing.
func TestAGoroutineThatEndsLeaksNothing(t *testing.T) {
	h := newHost()
	h.check = func(*mxd.UIAAttempt) (string, error) { runtime.Goexit(); return "", nil }
	given := make(chan int, 8)
	h.limit = func(r *mxd.LimitRequest) error { given <- r.Units; return nil }
	module, err := mxd.New(library(t), h, nil)
	if err != nil {
		t.Fatal(err)
	}
	session := begun(t, module, "DELETE", phone, "{}")
	var ended sync.WaitGroup
	ended.Add(1)
	go func() {
		defer ended.Done()
		send(module, "DELETE", phone, auth(session, "right", nil))
	}()
	ended.Wait()
	if err := module.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	close(given)
	units := 0 // one stays taken, by the challenge
	for each := range given {
		units += each
	}
	if units != 1 {
		t.Errorf("expected what the attempt took to be given back, got %d units taken", units)
	}
}

func within(t *testing.T, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

func TestTheRequestsContextReachesTheHost(t *testing.T) {
	type key struct{}
	h := newHost()
	asked := make(chan any, 1)
	ctx, hangUp := context.WithCancel(context.WithValue(context.Background(), key{}, "mine"))
	h.listDevices = func(ctx context.Context) ([]mxd.Device, error) {
		asked <- ctx.Value(key{})
		<-ctx.Done()
		return nil, ctx.Err()
	}
	module := open(t, h, nil)
	go func() {
		if got := <-asked; got != "mine" {
			t.Errorf("expected the value of the request's context, got %v", got)
		}
		hangUp()
	}()
	expect(t, "cancelled", send(module, "GET", list, "", with(ctx)), 503, "M_UNKNOWN")
}

// What is cancelled between two questions is not asked any further.
func TestACancelledRequestAsksNoMore(t *testing.T) {
	h := newHost()
	ctx, hangUp := context.WithCancel(context.Background())
	h.authenticate = func(ctx context.Context, _ *mxd.Credentials) (*mxd.Principal, error) {
		hangUp()
		return nil, ctx.Err()
	}
	h.listDevices = func(context.Context) ([]mxd.Device, error) {
		t.Error("the list was asked for")
		return nil, nil
	}
	expect(t, "cancelled", send(open(t, h, nil), "GET", list, "", with(ctx)), 503, "")
}

func TestADeletionIsNotBrokenOff(t *testing.T) {
	h := newHost()
	ctx, hangUp := context.WithCancel(context.Background())
	var deleted []string
	h.deleteDevices = func(its context.Context, ids []string) error {
		hangUp()
		<-ctx.Done()
		deleted = ids
		return its.Err()
	}
	module := open(t, h, nil)
	members := map[string]any{"devices": []string{"TABLET", "PHONE", "PHONE"}}
	session := begun(t, module, "POST", bulk, `{"devices": ["PHONE", "TABLET"]}`)
	expect(t, "deleted", send(module, "POST", bulk, auth(session, "right", members), with(ctx)), 200, "{}")
	if fmt.Sprint(deleted) != "[PHONE TABLET]" {
		t.Errorf("expected the IDs in order and once, got %v", deleted)
	}
}

func TestOptionalInterfaces(t *testing.T) {
	h := newHost()
	h.authenticate = func(context.Context, *mxd.Credentials) (*mxd.Principal, error) {
		return &mxd.Principal{UserID: alice, TokenID: "bridge", ServiceID: "bridge", AppService: true}, nil
	}
	var updates []mxd.DeviceUpdate
	h.put = func(u *mxd.DeviceUpdate) (bool, error) {
		updates = append(updates, *u)
		return len(updates) == 1, nil
	}
	module := open(t, h, nil)
	expect(t, "created", send(module, "PUT", list+"/NEW", `{"display_name": ""}`), 201, "{}")
	expect(t, "again", send(module, "PUT", list+"/NEW", `{}`), 200, "{}")
	if len(updates) != 2 || updates[0].DisplayName == nil || *updates[0].DisplayName != "" ||
		updates[1].DisplayName != nil {
		t.Errorf("expected an empty name, then none, got %v", updates)
	}
	h.limit = func(*mxd.LimitRequest) error {
		return &mxd.RetryAfter{Refusal: mxd.ErrLimitExceeded, Wait: 2500 * time.Millisecond}
	}
	got := send(module, "PUT", list+"/OTHER", `{}`)
	if got.status == 429 && got.header.Get("Retry-After") != "3" {
		t.Errorf("Retry-After: expected 3, got %q", got.header.Get("Retry-After"))
	}

	withoutThem := open(t, struct{ mxd.Host }{h}, nil)
	expect(t, "without", send(withoutThem, "PUT", list+"/NEW", `{}`), 404, "M_NOT_FOUND")
}

func TestWhatNewRefuses(t *testing.T) {
	for part, open := range map[string]func() (*mxd.Module, error){
		"nowhere.so": func() (*mxd.Module, error) { return mxd.New("/nowhere.so", newHost(), nil) },
		"uia.grace_period_ms": func() (*mxd.Module, error) {
			return mxd.New(library(t), newHost(), mxd.Config{"uia": mxd.Config{"grace_period_ms": 1}})
		},
		"path_versions": func() (*mxd.Module, error) {
			return mxd.New(library(t), newHost(), mxd.Config{"path_versions": 3})
		},
		"json": func() (*mxd.Module, error) {
			return mxd.New(library(t), newHost(), mxd.Config{"path_versions": func() {}})
		},
	} {
		if _, err := open(); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("expected an error that names %s, got %v", part, err)
		}
	}
}

func TestCloseWaits(t *testing.T) {
	h := newHost()
	asked, goOn := make(chan struct{}), make(chan struct{})
	h.listDevices = func(context.Context) ([]mxd.Device, error) {
		close(asked)
		<-goOn
		return nil, nil
	}
	module, err := mxd.New(library(t), h, nil)
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan reply, 1)
	go func() { answered <- send(module, "GET", list, "") }()
	<-asked
	over, end := context.WithCancel(context.Background())
	end()
	if err := module.Close(over); !errors.Is(err, context.Canceled) {
		t.Errorf("expected that it waits, got %v", err)
	}
	got := send(module, "GET", phone, "")
	expect(t, "a new request", got, 503, "M_UNKNOWN")
	if got.header.Get("Retry-After") == "" {
		t.Error("expected a Retry-After")
	}
	close(goOn)
	expect(t, "the one under way", <-answered, 200, `{"devices":[]}`)
	for range 2 {
		if err := module.Close(within(t, time.Minute)); err != nil {
			t.Error(err)
		}
	}
	expect(t, "afterwards", send(module, "GET", list, ""), 503, "M_UNKNOWN")
	next := &mxd.Error{HTTPStatus: 418, Errcode: "M_NEXT"}
	expect(t, "passed on", send(module.Middleware(next), "GET", list, ""), 418, "M_NEXT")
	if module.Match("GET", list) || module.Routes() != nil {
		t.Error("expected no routes after Close")
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	h := newHost()
	h.check = func(a *mxd.UIAAttempt) (string, error) {
		return "", fmt.Errorf("%v %+v %#v %s %q %x", *a, a, a, a.Password, *a.Password, a.AuthJSON)
	}
	h.authenticate = func(_ context.Context, c *mxd.Credentials) (*mxd.Principal, error) {
		h.Logger().Info("who", "credentials", c, "token", c.AccessToken, "text", fmt.Sprint(*c))
		return &mxd.Principal{UserID: alice, DeviceID: "LAPTOP"}, nil
	}
	module := open(t, h, nil)
	session := begun(t, module, "DELETE", phone, "{}")
	send(module, "DELETE", phone, auth(session, "hunter2", nil))
	logged := h.lines.String()
	for _, secret := range []string{"hunter2", session, "Bearer secret", `"secret"`, "{secret"} {
		if strings.Contains(logged, secret) {
			t.Errorf("%s is in the log: %s", secret, logged)
		}
	}
	if !strings.Contains(logged, "[secret]") {
		t.Errorf("expected a label, got %s", logged)
	}
}

// The library gives back what an instance and a request take.
func TestMemoryStays(t *testing.T) {
	if testing.Short() {
		t.Skip("11,000 instances: not with -short")
	}
	path := library(t)
	runtime.LockOSThread() // each thread has memory of its own in malloc's arenas, and in the module
	defer runtime.UnlockOSThread()
	round := func(count int) {
		for range count {
			module, err := mxd.New(path, newHost(), nil)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, "list", send(module, "GET", list, ""), 200, "LAPTOP")
			if err := module.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	}
	round(1000)
	// What is lost in each round is lost in every window; threads and collections of the Go runtime
	// come once and are not.
	grown := int64(0)
	for range 3 {
		before := residentBytes(t)
		round(9000)
		grown = residentBytes(t) - before
		t.Logf("RSS %d KiB, 9,000 rounds later %+d KiB", before>>10, grown>>10)
		if grown <= 1<<20 {
			return
		}
	}
	t.Errorf("grown by %d bytes each time, expected 1 MiB at most", grown)
}

func residentBytes(t *testing.T) int64 {
	t.Helper()
	debug.FreeOSMemory() // what the runtime keeps to itself is no leak
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skipf("memory cannot be read here: %v", err)
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(statm), &size, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * int64(os.Getpagesize())
}
