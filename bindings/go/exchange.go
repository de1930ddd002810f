package matrixdevices

// #include "shim.h"
import "C"

import (
	"context"
	"net/http"
	"runtime/cgo"
	"strings"
	"unsafe"
)

// exchange is one request, from handle() to respond(). What the module wants of it comes through
// next, and is done by the goroutine that called Handle: so a method of the host may block without
// holding up the callback, and no goroutine is made. A request has one open question at a time and
// then its answer, so next, with room for one, never blocks a callback.
type exchange struct {
	owner     *Module
	ctx       context.Context
	principal *Principal
	token     C.mxd_request_token
	next      chan event
	over      bool
}

// event is a question or, in the end, the answer.
type event struct {
	question *question
	response *response
}

func (x *exchange) module() *C.mxd_module { return x.owner.table }

// begin hands a request over to the module.
func (x *exchange) begin(request *Request) C.int32_t {
	texts, sizes := packed(request)
	var flags C.uint32_t
	if request.BodyTooLarge {
		flags = C.MXD_REQUEST_BODY_TOO_LARGE
	}
	cookie := cgo.NewHandle(x)
	record := C.mxdgo_request{
		flags:        flags,
		header_count: C.uint32_t((len(sizes) - 4) / 2),
		cookie:       C.mxd_cookie(cookie),
	}
	status := C.mxdgo_handle(x.module(), x.owner.instance, record,
		(*C.char)(unsafe.Pointer(&texts[0])), &sizes[0], &x.token)
	if status != C.MXD_OK {
		cookie.Delete()
	}
	return status
}

// finish answers questions until the response is there.
func (x *exchange) finish() *response {
	defer func() {
		if !x.over { // a method of the host ended this goroutine; the questions go on
			go x.finish()
		}
	}()
	for {
		event := <-x.next
		if event.response != nil {
			x.over = true
			return event.response
		}
		event.question.answer()
	}
}

// packed puts the texts of a request one after the other, as mxdgo_handle() takes them: C may not
// be given a record of pointers to Go's memory.
func packed(request *Request) ([]byte, []C.size_t) {
	count, size := 4, len(request.Method)+len(request.Target)+len(request.Body)+
		len(request.RemoteAddr)+1
	for name, values := range request.Header {
		for _, value := range values {
			count += 2
			size += len(name) + len(value)
		}
	}
	texts, sizes := make([]byte, 0, size), make([]C.size_t, 0, count)
	add := func(text string) {
		texts = append(texts, text...)
		sizes = append(sizes, C.size_t(len(text)))
	}
	add(request.Method)
	add(request.Target)
	texts = append(texts, request.Body...)
	sizes = append(sizes, C.size_t(len(request.Body)))
	add(request.RemoteAddr)
	for name, values := range request.Header {
		for _, value := range values {
			add(name)
			add(value)
		}
	}
	return append(texts, 0), sizes // so that there is a first byte
}

// response is a Response before its headers are in a map.
type response struct {
	status int
	names  []string // of the headers,
	values []string // and their values
	body   []byte
}

// putInto puts the headers in the place of those of an answer.
func (r *response) putInto(header http.Header) {
	for i := range r.names {
		r.names[i] = http.CanonicalHeaderKey(r.names[i])
		delete(header, r.names[i])
	}
	for i, name := range r.names {
		if its, twice := header[name]; twice {
			header[name] = append(its, r.values[i])
		} else {
			header[name] = r.values[i : i+1 : i+1]
		}
	}
}

// responseOf copies a response: its texts at one go, since there are many short ones.
func responseOf(record *C.mxd_response) *response {
	headers := unsafe.Slice(record.headers, int(record.header_count))
	size := 0
	for i := range headers {
		size += int(headers[i].name.size + headers[i].value.size)
	}
	var texts strings.Builder
	texts.Grow(size)
	for i := range headers {
		texts.Write(bytesOf(headers[i].name))
		texts.Write(bytesOf(headers[i].value))
	}
	rest := texts.String()
	take := func(size C.size_t) (text string) {
		text, rest = rest[:size], rest[size:]
		return text
	}
	r := &response{
		status: int(record.http_status),
		names:  make([]string, len(headers)),
		values: make([]string, len(headers)),
		body:   append([]byte(nil), bytesOf(record.body)...),
	}
	for i := range headers {
		r.names[i], r.values[i] = take(headers[i].name.size), take(headers[i].value.size)
	}
	return r
}
