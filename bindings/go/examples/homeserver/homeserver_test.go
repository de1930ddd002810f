package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	mxd "matrixdevices"
)

const parallel = 16

// named is a library: of an environment variable, or of this checkout's build.
func named(t *testing.T, variable, file string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		path = filepath.Join("../../../../build/release/out", file)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("nothing to load: %v; build it, or name it in %s", err, variable)
	}
	return path
}

// person is an account with a device and three to spare, as docs/host_check.md wants them.
func person(h *host, name string) map[string]any {
	f := &fields{Username: name, Password: "password of " + name}
	first := "first name"
	f.Name = &first
	f.DeviceID = name + "0"
	login, err := h.postRegister(f, "")
	if err != nil {
		panic(err)
	}
	var spares []map[string]any
	for i := 1; i <= 3; i++ {
		f.DeviceID = fmt.Sprint(name, i)
		spare := h.logIn(login.UserID, f)
		spares = append(spares, map[string]any{"device_id": spare.DeviceID, "token": spare.Token})
	}
	return map[string]any{"user_id": login.UserID, "password": f.Password, "spares": spares,
		"device_id": login.DeviceID, "token": login.Token}
}

func bridge() service {
	s := service{ID: "bridge", Token: "as-token-of-the-bridge", Sender: "bridge"}
	s.Namespaces.Users = []struct{ Regex string }{{`@_bridge_.*`}}
	return s
}

// Every promise of the contract that this host can be asked about is held (docs/host_check.md).
func TestTheHostKeepsItsPromises(t *testing.T) {
	library := named(t, "MXD_CHECK_LIBRARY", "libmatrix_devices_check.so")
	s := bridge()
	h := newHost(s)
	inside := &fields{Type: "m.login.application_service", Username: "_bridge_inside", InhibitLogin: true}
	if _, err := h.postRegister(inside, s.Token); err != nil {
		t.Fatal(err)
	}
	config := mxd.Config{"check": map[string]any{
		"disposable": true, "parallel": parallel,
		"users": []any{person(h, "alice"), person(h, "bob")},
		"service": map[string]any{"token": s.Token, "inside": idOf("_bridge_inside"),
			"outside": idOf("alice"), "unregistered": idOf("_bridge_nobody")},
	}}
	module, err := mxd.New(library, h, config)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(module.Middleware(h))
	file := filepath.Join(t.TempDir(), "config.json")
	text, _ := json.Marshal(config)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	asked := exec.Command("python3", "-B", "../../../../abi/check/run.py", "--json", "--config", file, server.URL)
	asked.Stderr = os.Stderr
	said, err := asked.Output()
	if err != nil {
		t.Errorf("abi/check/run.py: %v", err)
	}
	var promises []struct{ Name, Outcome, Detail string }
	if err := json.Unmarshal(said, &promises); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	held := 0
	for _, promise := range promises {
		switch {
		case promise.Outcome == "held":
			held++
		case promise.Outcome == "not tried" && isBeyond(promise.Name):
		default:
			t.Errorf("%s: %s: %s", promise.Outcome, promise.Name, promise.Detail)
		}
	}
	t.Logf("%d of %d promises held", held, len(promises))
	server.Close()
	if err := module.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// isBeyond: what a host in the memory of one process, with passwords alone, cannot be asked.
func isBeyond(promise string) bool {
	for _, part := range []string{"after_restart", "elsewhere", "authenticate.expired",
		"authenticate.replaced", "authenticate.locked", "authenticate.guest", "uia_check.email",
		"uia_check.phone", "uia_check.stages", "mark_validated.", "take_limit.", "now_ms.",
		"random_bytes."} {
		if strings.Contains(promise, part) {
			return true
		}
	}
	return false
}

func get(client *http.Client, ctx context.Context, url, token string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, "GET", url+"/_matrix/client/v3/devices", nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	return client.Do(request)
}
