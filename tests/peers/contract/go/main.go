// Loads the module, serves a GET and a deletion to a client, and says what the client got.
//
//	matrix_devices_host libmatrix_devices.so
package main

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime/cgo"
	"strings"
	"sync"
	"time"
	"unsafe"
)

const (
	list  = "/_matrix/client/v3/devices"
	phone = list + "/PHONE"
)

type response struct {
	status int
	body   string
}

func fail(format string, values ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
	os.Exit(1)
}

func expect(what string, got response, status int, part string) {
	if got.status != status || !strings.Contains(got.body, part) {
		fail("%s: expected %d with %s, got %d %s", what, status, part, got.status, got.body)
	}
	fmt.Printf("%s: %d %s\n", what, got.status, got.body)
}

// A view of bytes of C's, which are freed when the request has been handed over: it is copied.
func view(value string, bytes *[]unsafe.Pointer) C.mxd_view {
	data := C.CString(value)
	*bytes = append(*bytes, unsafe.Pointer(data))
	return C.mxd_view{data: data, size: C.size_t(len(value))}
}

func send(instance *C.mxd_instance, method, target, bearer, body string) response {
	answer := make(chan response, 1)
	var bytes []unsafe.Pointer
	status := C.send_request(instance, C.mxd_cookie(cgo.NewHandle(answer)), view(method, &bytes),
		view(target, &bytes), view("Bearer "+bearer, &bytes), view(body, &bytes))
	for _, data := range bytes {
		C.free(data)
	}
	if status != C.MXD_OK {
		fail("%s %s: handle() gave status %d", method, target, status)
	}
	select {
	case got := <-answer:
		return got
	case <-time.After(time.Minute):
		fail("%s %s: no answer within a minute", method, target)
	}
	return response{}
}

func match(instance *C.mxd_instance, method, target string) C.int32_t {
	var bytes []unsafe.Pointer
	status := C.match_request(instance, view(method, &bytes), view(target, &bytes))
	for _, data := range bytes {
		C.free(data)
	}
	return status
}

func main() {
	if len(os.Args) != 2 {
		fail("usage: matrix_devices_host libmatrix_devices.so")
	}
	path := C.CString(os.Args[1])
	reason := (*C.char)(C.calloc(1, 256))
	instance := C.open_module(path, reason, 256)
	if instance == nil {
		fail("%s", C.GoString(reason))
	}
	if match(instance, "GET", phone) != C.MXD_OK || match(instance, "GET", "/") != C.MXD_NOT_MINE {
		fail("match: expected the module's path to be its own, and no other")
	}

	expect("a list", send(instance, "GET", list, token, ""), 200, `"device_id":"PHONE"`)
	expect("nobody's token", send(instance, "GET", list, "x", ""), 401, "M_UNKNOWN_TOKEN")
	challenge := send(instance, "DELETE", phone, token, "{}")
	expect("a deletion", challenge, 401, `"stages":["m.login.password"]`)
	var state struct{ Session string }
	if err := json.Unmarshal([]byte(challenge.body), &state); err != nil || state.Session == "" {
		fail("expected a session in the challenge, got %s", challenge.body)
	}
	with := func(password string) string {
		body, _ := json.Marshal(map[string]any{"auth": map[string]any{
			"type": "m.login.password", "password": password, "session": state.Session,
			"identifier": map[string]any{"type": "m.id.user", "user": "alice"}}})
		return string(body)
	}
	expect("a wrong password", send(instance, "DELETE", phone, token, with("x")), 401, "M_FORBIDDEN")
	expect("the password", send(instance, "DELETE", phone, token, with(password)), 200, "{}")
	after := send(instance, "GET", list, token, "")
	expect("the list after it", after, 200, `"device_id":"LAPTOP"`)
	if strings.Contains(after.body, "PHONE") {
		fail("expected the phone to be gone, got %s", after.body)
	}

	var group sync.WaitGroup
	for i := 0; i < 200; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			if got := send(instance, "GET", list, token, ""); got.status != 200 {
				fail("one of many at once: expected 200, got %d", got.status)
			}
		}()
	}
	group.Wait()

	if status := C.close_module(instance); status != C.MXD_OK {
		fail("shutdown: status %d", status)
	}
	if status := <-finished; status != C.MXD_OK {
		fail("destroy: status %d", status)
	}
	lock.Lock()
	defer lock.Unlock()
	if lastCookie == 0 || len(principals) != 0 {
		fail("of %d principals %d were not released", lastCookie, len(principals))
	}
	fmt.Printf("%d principals, each released once\n", lastCookie)
}
