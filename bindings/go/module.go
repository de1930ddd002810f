package matrixdevices

// #cgo CFLAGS: -std=c11 -I${SRCDIR}/include -I${SRCDIR}/../../abi/include
// #cgo LDFLAGS: -ldl
// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/cgo"
	"strings"
	"sync"
	"unsafe"
)

// Errors of Handle.
var (
	ErrNotMine = errors.New("matrixdevices: not one of the module's routes")
	ErrClosed  = errors.New("matrixdevices: the module is closed, or being closed")
)

// Config are the settings of docs/configuration.md, as encoding/json decodes and encodes them.
type Config map[string]any

// Module is an instance of libmatrix_devices.so with a Host. All its methods may be called from
// any goroutine.
type Module struct {
	// ClientAddr says who sent a request, for last seen. Set it before the first request; nil takes
	// RemoteAddr without its port. Behind a reverse proxy it reads what that one has written.
	ClientAddr func(*http.Request) string

	host         Host
	logger       *slog.Logger
	table        *C.mxd_module
	cookie       cgo.Handle
	maxBodyBytes int64

	// Taken to read by whatever calls into the instance, and to write for destroying it.
	living   sync.RWMutex
	instance *C.mxd_instance // nil: destroyed

	shutdown sync.Once
	drained  chan struct{} // closed when nothing is in flight any more
}

// New loads the library at path and makes an instance. The error names what is to be mended: the
// file, a setting, or what the Host lacks for one. A library that was loaded stays loaded.
func New(path string, host Host, config Config) (*Module, error) {
	settings := "{}"
	if config != nil {
		encoded, err := json.Marshal(config)
		if err != nil {
			return nil, fmt.Errorf("matrixdevices: the configuration: %w", err)
		}
		settings = string(encoded)
	}
	const reasonSize = 512
	reason := (*C.char)(C.calloc(1, reasonSize))
	defer C.free(unsafe.Pointer(reason))
	file := C.CString(path)
	defer C.free(unsafe.Pointer(file))
	table := C.mxdgo_open(file, reason, reasonSize)
	if table == nil {
		return nil, fmt.Errorf("matrixdevices: %s", C.GoString(reason))
	}
	m := &Module{host: host, logger: slog.Default(), table: table, drained: make(chan struct{})}
	if its, has := host.(Logging); has {
		m.logger = its.Logger()
	}
	m.cookie = cgo.NewHandle(m)
	text := C.CString(settings)
	defer C.free(unsafe.Pointer(text))
	if C.mxdgo_create(table, C.mxd_cookie(m.cookie), capabilities(host), text,
		C.size_t(len(settings)), &m.instance, reason, reasonSize) != C.MXD_OK {
		m.cookie.Delete()
		return nil, fmt.Errorf("matrixdevices: %s", C.GoString(reason))
	}
	m.maxBodyBytes = int64(C.mxdgo_max_body_bytes(table, m.instance))
	return m, nil
}

func capabilities(host Host) C.uint32_t {
	var found C.uint32_t
	if _, has := host.(DeviceCreator); has {
		found |= C.kHasPutDevice
	}
	if _, has := host.(Validator); has {
		found |= C.kHasMarkValidated
	}
	if _, has := host.(Limiter); has {
		found |= C.kHasTakeLimit
	}
	if _, has := host.(Clock); has {
		found |= C.kHasNow
	}
	if _, has := host.(RandomSource); has {
		found |= C.kHasRandom
	}
	return found
}

// Version is that of the library, "1.0.0".
func (m *Module) Version() string { return C.GoString(m.table.product_version) }

// MaxBodyBytes is how much of a body Handle wants; over it, BodyTooLarge.
func (m *Module) MaxBodyBytes() int64 { return m.maxBodyBytes }

// Request is what came off the wire.
type Request struct {
	Method       string
	Target       string // path and query, not decoded
	Header       http.Header
	Body         []byte
	BodyTooLarge bool   // Body is empty: it was over MaxBodyBytes
	RemoteAddr   string // of the client; "" if it is not known
}

// Response is what the client gets. Content-Length, Date and Connection are the server's.
type Response struct {
	Status int
	Header http.Header
	Body   []byte // for HEAD what GET would have: send its length, not the bytes
}

// Handle answers a request: for servers that are not net/http. It returns when the Host has
// answered all that was asked for it, also where ctx ends before; then nothing new is begun.
// ErrNotMine: it is no request for the module. ErrClosed: answer 503.
func (m *Module) Handle(ctx context.Context, request *Request) (*Response, error) {
	answered, err := m.handle(ctx, request)
	if err != nil {
		return nil, err
	}
	header := make(http.Header, len(answered.names))
	answered.putInto(header)
	return &Response{Status: answered.status, Header: header, Body: answered.body}, nil
}

func (m *Module) handle(ctx context.Context, request *Request) (*response, error) {
	x := &exchange{owner: m, ctx: ctx, next: make(chan event, 1)}
	m.living.RLock()
	status := C.int32_t(C.MXD_UNAVAILABLE)
	if m.instance != nil {
		status = x.begin(request)
	}
	m.living.RUnlock()
	switch status {
	case C.MXD_OK:
	case C.MXD_NOT_MINE:
		return nil, ErrNotMine
	case C.MXD_UNAVAILABLE:
		return nil, ErrClosed
	default:
		return nil, fmt.Errorf("matrixdevices: handle() gave status %d", int32(status))
	}
	return x.finish(), nil
}

func (m *Module) isOpen() bool {
	m.living.RLock()
	defer m.living.RUnlock()
	return m.instance != nil
}

// Match says whether Handle would take a request. It asks nothing of the Host. After Close: false.
func (m *Module) Match(method, target string) bool {
	methodBytes, targetBytes := []byte(method), []byte(target)
	m.living.RLock()
	defer m.living.RUnlock()
	return m.instance != nil && C.mxdgo_match(m.table, m.instance, chars(methodBytes),
		C.size_t(len(method)), chars(targetBytes), C.size_t(len(target))) == C.MXD_OK
}

// Route is a path of the module's, as routers of others may want it.
type Route struct {
	Methods []string // others are the module's too: it answers 405 (R7)
	Path    string   // "/_matrix/client/v3/devices/{deviceId}"
}

// Routes are the module's paths. After Close: none.
func (m *Module) Routes() []Route {
	m.living.RLock()
	defer m.living.RUnlock()
	var routes []Route
	var record C.mxd_route
	for m.instance != nil &&
		C.mxdgo_route(m.table, m.instance, C.uint32_t(len(routes)), &record) == C.MXD_OK {
		methods := strings.Split(text(record.methods), ", ")
		routes = append(routes, Route{Methods: methods, Path: text(record.path)})
	}
	return routes
}

// Drain refuses new requests, with 503, and waits until those under way are answered. If ctx ends
// before, its error is returned, and Drain may be called again to go on waiting.
func (m *Module) Drain(ctx context.Context) error {
	m.shutdown.Do(func() {
		m.living.RLock()
		defer m.living.RUnlock()
		C.mxdgo_shutdown(m.table, m.instance, C.mxd_cookie(m.cookie))
	})
	select {
	case <-m.drained:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("matrixdevices: requests are in flight: %w", ctx.Err())
	}
}

// Close drains the module and frees the instance. Stop the HTTP server first, or Drain, so that no
// request finds it gone; close what the Host needs afterwards. It may be called again.
func (m *Module) Close(ctx context.Context) error {
	if err := m.Drain(ctx); err != nil {
		return err
	}
	m.living.Lock()
	defer m.living.Unlock()
	if m.instance == nil {
		return nil
	}
	if status := C.mxdgo_destroy(m.table, m.instance); status != C.MXD_OK {
		return fmt.Errorf("matrixdevices: destroy() gave status %d", int32(status))
	}
	m.instance = nil
	m.cookie.Delete()
	return nil
}

func chars(bytes []byte) *C.char { return (*C.char)(unsafe.Pointer(unsafe.SliceData(bytes))) }
