package matrixdevices

// #include "matrix_devices/module.h"
import "C"

import (
	"context"
	"log/slog"
	"runtime/cgo"
	"unsafe"
)

// What the module calls, through shim.c. Nothing in here waits, and no panic leaves it.

//export mxdgoAsk
func mxdgoAsk(request C.mxd_cookie, kind C.int, op C.mxd_op, asked unsafe.Pointer) (status C.int32_t) {
	defer func() {
		if recover() != nil { // not a request of ours
			status = C.MXD_INTERNAL
		}
	}()
	x := cgo.Handle(request).Value().(*exchange)
	x.next <- event{question: &question{exchange: x, kind: kind, op: op, asked: asked}}
	return C.MXD_OK
}

//export mxdgoRespond
func mxdgoRespond(request C.mxd_cookie, response unsafe.Pointer) {
	handle := cgo.Handle(request)
	x := handle.Value().(*exchange)
	handle.Delete()
	x.next <- event{response: responseOf((*C.mxd_response)(response))}
}

//export mxdgoDone
func mxdgoDone(host C.mxd_cookie) {
	close(cgo.Handle(host).Value().(*Module).drained)
}

//export mxdgoNow
func mxdgoNow(host C.mxd_cookie) (now C.int64_t) {
	m := cgo.Handle(host).Value().(*Module)
	defer m.recovered("Now")
	return milliseconds(m.host.(Clock).Now())
}

//export mxdgoRandom
func mxdgoRandom(host C.mxd_cookie, out unsafe.Pointer, size C.size_t) (status C.int32_t) {
	m := cgo.Handle(host).Value().(*Module)
	status = C.MXD_INTERNAL
	defer m.recovered("ReadRandom")
	if err := m.host.(RandomSource).ReadRandom(unsafe.Slice((*byte)(out), int(size))); err != nil {
		m.logger.Error("matrixdevices: the method failed", "method", "ReadRandom", "error", err)
		return status
	}
	return C.MXD_OK
}

//export mxdgoLog
func mxdgoLog(host, request C.mxd_cookie, level C.int32_t, message *C.char, size C.size_t) {
	m := cgo.Handle(host).Value().(*Module)
	defer func() { _ = recover() }() // a log that panics has nowhere to say so
	var attributes []slog.Attr
	if level == C.MXD_LOG_HOST_MISBEHAVING {
		attributes = append(attributes, slog.Bool("misbehaving", true))
	}
	line := string(unsafe.Slice((*byte)(unsafe.Pointer(message)), int(size)))
	m.logger.LogAttrs(contextOf(request), levelOf(level), "matrixdevices: "+line, attributes...)
}

func (m *Module) recovered(method string) {
	if panicked := recover(); panicked != nil {
		m.logger.Error("matrixdevices: the method panicked", "method", method, "panic", panicked)
	}
}

// contextOf is the request's, if the line is about one that is not answered yet.
func contextOf(request C.mxd_cookie) (ctx context.Context) {
	ctx = context.Background()
	if request == 0 {
		return ctx
	}
	defer func() { _ = recover() }() // answered meanwhile
	return cgo.Handle(request).Value().(*exchange).ctx
}

func levelOf(level C.int32_t) slog.Level {
	switch level {
	case C.MXD_LOG_DEBUG:
		return slog.LevelDebug
	case C.MXD_LOG_INFO:
		return slog.LevelInfo
	case C.MXD_LOG_WARNING:
		return slog.LevelWarn
	}
	return slog.LevelError
}
