package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mxd "matrixdevices"
)

// counted counts what is asked of a host and what it has answered.
type counted struct {
	*host
	asked, answered atomic.Int64
	slow            chan struct{} // a list is not answered before it has taken one of these
}

func (c *counted) ListDevices(ctx context.Context, p *mxd.Principal, user string) ([]mxd.Device, error) {
	c.asked.Add(1)
	defer c.answered.Add(1)
	select {
	case <-c.slow:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return c.host.ListDevices(ctx, p, user)
}

// Clients hang up at every moment while others are served, and the server stops in the midst of it:
// who is still there gets a whole answer, nothing is left running, and the module closes.
func TestLoadWithClientsThatHangUpAndAShutdown(t *testing.T) {
	before := runtime.NumGoroutine()
	h := &counted{host: newHost(), slow: make(chan struct{})}
	alice, err := h.postRegister(&fields{Username: "alice", Password: "x"}, "")
	if err != nil {
		t.Fatal(err)
	}
	module, err := mxd.New(named(t, "MATRIX_DEVICES_LIBRARY", "libmatrix_devices.so"), h, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(module.Middleware(h))
	stop := make(chan struct{})
	var wholes, broken atomic.Int64
	var clients sync.WaitGroup
	for i := range 32 {
		clients.Add(1)
		go func() {
			defer clients.Done()
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				ctx, hangUp := context.WithCancel(context.Background())
				if n%2 == 0 { // gone, at one moment or another of it
					time.AfterFunc(time.Duration(i*n%50)*100*time.Microsecond, hangUp)
				}
				got, err := get(client, ctx, server.URL, alice.Token)
				if err == nil {
					var body []byte
					body, err = io.ReadAll(got.Body)
					got.Body.Close()
					if err == nil && (got.StatusCode != 200 || !strings.HasSuffix(string(body), "}]}")) {
						t.Errorf("expected a whole list, got %d %s", got.StatusCode, body)
					}
				}
				switch {
				case err == nil:
					wholes.Add(1)
				case errors.Is(err, context.Canceled):
					broken.Add(1)
				default:
					select {
					case <-stop: // the server is gone
						hangUp()
						return
					default:
						t.Errorf("a client that stayed: %v", err)
					}
				}
				hangUp()
			}
		}()
	}
	for wholes.Load() < 2000 || broken.Load() < 500 {
		select {
		case h.slow <- struct{}{}:
		case <-time.After(30 * time.Second):
			t.Fatal("nothing is asked any more")
		}
	}
	close(stop)
	drained := make(chan struct{})
	go func() { // what is under way goes on, until nobody asks
		defer close(drained)
		server.Config.Shutdown(context.Background())
	}()
	for under := true; under; {
		select {
		case h.slow <- struct{}{}:
		case <-drained:
			under = false
		}
	}
	clients.Wait()
	server.Close()
	limit, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := module.Close(limit); err != nil {
		t.Fatal(err)
	}
	if h.asked.Load() != h.answered.Load() {
		t.Errorf("%d questions, %d answers", h.asked.Load(), h.answered.Load())
	}
	for runtime.NumGoroutine() > before+2 {
		if limit.Err() != nil {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before,
				stacks[:runtime.Stack(stacks, true)])
		}
		runtime.Gosched()
	}
	t.Logf("%d answered, %d hung up", wholes.Load(), broken.Load())
}

// Close begins while requests are under way and more come: each gets a whole answer or 503.
func TestCloseUnderLoad(t *testing.T) {
	h := newHost()
	alice, err := h.postRegister(&fields{Username: "alice", Password: "x"}, "")
	if err != nil {
		t.Fatal(err)
	}
	library := named(t, "MATRIX_DEVICES_LIBRARY", "libmatrix_devices.so")
	for range 20 {
		module, err := mxd.New(library, h, nil)
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		begun := make(chan struct{}, 8)
		for range 8 {
			group.Add(1)
			go func() {
				defer group.Done()
				for n := 0; ; n++ {
					recorder := httptest.NewRecorder()
					request := httptest.NewRequest("GET", "/_matrix/client/v3/devices", nil)
					request.Header.Set("Authorization", "Bearer "+alice.Token)
					module.ServeHTTP(recorder, request)
					switch recorder.Code {
					case 200:
						if n == 10 {
							begun <- struct{}{}
						}
					case 503:
						return
					default:
						t.Errorf("got %d %s", recorder.Code, recorder.Body)
						return
					}
				}
			}()
		}
		for range 8 {
			<-begun
		}
		if err := module.Close(context.Background()); err != nil {
			t.Error(err)
		}
		group.Wait()
	}
}
