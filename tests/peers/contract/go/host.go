// A host in Go over cgo: one user with a password, devices and sessions in maps. Each question is
// answered by a goroutine of its own, after its callback has returned, and so on any thread.
package main

// #cgo LDFLAGS: -ldl
// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"runtime/cgo"
	"sort"
	"sync"
	"unsafe"
)

const (
	user     = "@alice:example.org"
	token    = "secret"
	password = "correct horse battery staple"
)

type session struct {
	state    string
	revision C.int64_t
}

var (
	lock       sync.Mutex
	devices    = map[string]bool{"LAPTOP": true, "PHONE": true, "TABLET": true}
	sessions   = map[string]session{}
	principals = map[C.mxd_cookie]bool{} // those not released yet
	lastCookie C.mxd_cookie
	finished   = make(chan C.int32_t, 1)
)

// text copies what the module passes.
func text(view C.mxd_view) string {
	return C.GoStringN(view.data, C.int(view.size))
}

// with gives the view of a text for the length of a call. A view is a record with a pointer, and so
// its bytes have to be C's.
func with(value string, call func(C.mxd_view) C.int32_t) {
	bytes := C.CString(value)
	defer C.free(unsafe.Pointer(bytes))
	if status := call(C.mxd_view{data: bytes, size: C.size_t(len(value))}); status != C.MXD_OK {
		fail("a result was refused with status %d", status)
	}
}

//export goAsk
func goAsk(kind C.int, op C.mxd_op, principal C.mxd_cookie, asked unsafe.Pointer) C.int32_t {
	go func() { // what is asked stays good until the operation is completed
		if status := C.complete(op, answer(kind, op, principal, asked)); status != C.MXD_OK {
			fail("a completion was refused with status %d", status)
		}
	}()
	return C.MXD_OK
}

func answer(kind C.int, op C.mxd_op, principal C.mxd_cookie, asked unsafe.Pointer) C.int32_t {
	switch kind {
	case C.kAuthenticate:
		return authenticate(op, (*C.mxd_credentials)(asked))
	case C.kListDevices:
		for _, id := range deviceIDs() {
			with(id, func(view C.mxd_view) C.int32_t { return C.emit_device(op, view) })
		}
	case C.kGetDevice:
		id := text((*C.mxd_device_key)(asked).device_id)
		if !hasDevice(id) {
			return C.MXD_NOT_FOUND
		}
		with(id, func(view C.mxd_view) C.int32_t { return C.emit_device(op, view) })
	case C.kRenameDevice:
		return C.MXD_UNAVAILABLE // names are not kept here
	case C.kDeleteDevices:
		deleteDevices((*C.mxd_deletion)(asked))
	case C.kUiaFlows:
		with("m.login.password", func(view C.mxd_view) C.int32_t { return C.emit_stage(op, view) })
	case C.kUiaCreateSession:
		it := (*C.mxd_uia_session)(asked)
		keep(text(it.proposed_id), session{text(it.state), 1})
	case C.kUiaLoadSession:
		it, found := find(text((*C.mxd_uia_session_key)(asked).session_id))
		if !found {
			return C.MXD_NOT_FOUND
		}
		with(it.state, func(view C.mxd_view) C.int32_t {
			return C.emit_session(op, it.revision, view)
		})
	case C.kUiaReplaceSession:
		return replace((*C.mxd_uia_replacement)(asked))
	case C.kUiaCheck:
		return check(op, (*C.mxd_uia_attempt)(asked))
	}
	return C.MXD_OK
}

func authenticate(op C.mxd_op, credentials *C.mxd_credentials) C.int32_t {
	if text(credentials.access_token) != token {
		return C.MXD_UNKNOWN_TOKEN
	}
	lock.Lock()
	lastCookie++
	cookie := lastCookie
	principals[cookie] = true
	lock.Unlock()
	with(user, func(userID C.mxd_view) C.int32_t {
		var status C.int32_t
		with("LAPTOP", func(deviceID C.mxd_view) C.int32_t {
			status = C.emit_principal(op, userID, deviceID, cookie)
			return status
		})
		return status
	})
	return C.MXD_OK
}

func check(op C.mxd_op, attempt *C.mxd_uia_attempt) C.int32_t {
	if attempt.flags&C.MXD_ATTEMPT_HAS_PASSWORD == 0 {
		return C.MXD_BAD_DATA
	}
	if attempt.flags&C.MXD_ATTEMPT_HAS_USER == 0 || text(attempt.user) != "alice" ||
		text(attempt.password) != password {
		return C.MXD_REFUSED
	}
	with(user, func(view C.mxd_view) C.int32_t { return C.emit_identity(op, view) })
	return C.MXD_OK
}

func deviceIDs() []string {
	lock.Lock()
	defer lock.Unlock()
	ids := make([]string, 0, len(devices))
	for id := range devices {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return ids
}

func hasDevice(id string) bool {
	lock.Lock()
	defer lock.Unlock()
	return devices[id]
}

func deleteDevices(deletion *C.mxd_deletion) {
	lock.Lock()
	defer lock.Unlock()
	for _, id := range unsafe.Slice(deletion.device_ids, int(deletion.device_id_count)) {
		delete(devices, text(id))
	}
}

func keep(id string, it session) {
	lock.Lock()
	defer lock.Unlock()
	sessions[id] = it
}

func find(id string) (session, bool) {
	lock.Lock()
	defer lock.Unlock()
	it, found := sessions[id]
	return it, found
}

func replace(replacement *C.mxd_uia_replacement) C.int32_t {
	lock.Lock()
	defer lock.Unlock()
	id := text(replacement.session_id)
	if sessions[id].revision != replacement.revision {
		return C.MXD_CONFLICT
	}
	sessions[id] = session{text(replacement.state), replacement.revision + 1}
	return C.MXD_OK
}

//export goRespond
func goRespond(request C.mxd_cookie, status C.uint32_t, body C.mxd_view) {
	handle := cgo.Handle(request)
	handle.Value().(chan response) <- response{int(status), text(body)}
	handle.Delete()
}

//export goRelease
func goRelease(principal C.mxd_cookie) {
	lock.Lock()
	defer lock.Unlock()
	if !principals[principal] {
		fail("principal %d was released twice", principal)
	}
	delete(principals, principal)
}

//export goFinished
func goFinished(status C.int32_t) {
	finished <- status
}
