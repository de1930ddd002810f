package matrixdevices

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"strconv"
	"time"
)

// What the package answers without the module.
var (
	notFound = &Error{HTTPStatus: http.StatusNotFound, Errcode: "M_UNRECOGNIZED",
		Text: "There is no such endpoint. Look at the path."}
	cutOff = &Error{HTTPStatus: http.StatusBadRequest, Errcode: "M_UNKNOWN",
		Text: "The body did not come whole. Send it again."}
	closing = &Error{HTTPStatus: http.StatusServiceUnavailable, Errcode: "M_UNKNOWN",
		Text: "The server is shutting down. Try again in 5 seconds.", RetryAfter: 5 * time.Second}
	failed = &Error{HTTPStatus: http.StatusInternalServerError, Errcode: "M_UNKNOWN",
		Text: "The server failed. Try again later."}
)

// ServeHTTP answers the module's requests, and others with 404 M_UNRECOGNIZED. Mount it below the
// paths of Routes with all methods, or use Middleware.
func (m *Module) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.serve(w, r, notFound, closing)
}

// Middleware answers the module's requests, and passes all others on to next; after Close all.
func (m *Module) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.serve(w, r, next, next)
	})
}

// serve leaves to next what is not the module's, before it has read a body, and to afterwards what
// comes when the module is gone.
func (m *Module) serve(w http.ResponseWriter, r *http.Request, next, afterwards http.Handler) {
	target := targetOf(r)
	if r.ContentLength != 0 && m.isOpen() && !m.Match(r.Method, target) {
		next.ServeHTTP(w, r)
		return
	}
	body, isTooLarge, err := m.read(r)
	if err != nil {
		cutOff.ServeHTTP(w, r)
		return
	}
	answered, err := m.handle(r.Context(), &Request{
		Method: r.Method, Target: target, Header: r.Header, Body: body,
		BodyTooLarge: isTooLarge, RemoteAddr: m.addressOf(r),
	})
	switch {
	case errors.Is(err, ErrNotMine):
		next.ServeHTTP(w, r)
		return
	case errors.Is(err, ErrClosed) && !m.isOpen():
		afterwards.ServeHTTP(w, r)
		return
	case errors.Is(err, ErrClosed):
		closing.ServeHTTP(w, r)
		return
	case err != nil:
		m.logger.ErrorContext(r.Context(), err.Error())
		failed.ServeHTTP(w, r)
		return
	}
	header := w.Header()
	answered.putInto(header)
	if len(answered.body) > 0 {
		header.Set("Content-Length", strconv.Itoa(len(answered.body)))
	}
	w.WriteHeader(answered.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(answered.body) // a client that is gone reads nothing
	}
}

// targetOf is the target as it was on the wire, without what http.StripPrefix took away: net/url
// keeps a path whose escapes decode, and net/http refuses others before a handler runs (R9).
func targetOf(r *http.Request) string {
	path := r.URL.EscapedPath()
	if r.URL.RawQuery == "" {
		return path
	}
	return path + "?" + r.URL.RawQuery
}

func (m *Module) addressOf(r *http.Request) string {
	if m.ClientAddr != nil {
		return m.ClientAddr(r)
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return "" // a Unix socket
}

// read reads the body, or no more than shows that it is too large (L2).
func (m *Module) read(r *http.Request) (body []byte, isTooLarge bool, err error) {
	if r.ContentLength > m.maxBodyBytes {
		return nil, true, nil
	}
	if r.Body == nil || r.ContentLength == 0 {
		return nil, false, nil
	}
	body, err = io.ReadAll(io.LimitReader(r.Body, m.maxBodyBytes+1))
	var over *http.MaxBytesError
	if errors.As(err, &over) || int64(len(body)) > m.maxBodyBytes {
		return nil, true, nil
	}
	return body, false, err
}

// ServeHTTP answers with the error, in the form and with the headers of the module's own (R12).
func (e *Error) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	members := map[string]any{}
	maps.Copy(members, e.Extra)
	members["errcode"], members["error"] = e.Errcode, e.Text
	header := w.Header()
	if e.RetryAfter > 0 {
		members["retry_after_ms"] = e.RetryAfter.Milliseconds()
		header.Set("Retry-After", strconv.FormatFloat(math.Ceil(e.RetryAfter.Seconds()), 'f', 0, 64))
	}
	body, err := json.Marshal(members)
	if err != nil {
		http.Error(w, "an Error's Extra is no JSON", http.StatusInternalServerError)
		return
	}
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS")
	header.Set("Access-Control-Allow-Headers", "X-Requested-With, Content-Type, Authorization")
	header.Set("Access-Control-Expose-Headers", "Retry-After")
	w.WriteHeader(e.HTTPStatus)
	_, _ = w.Write(body) // a client that is gone reads nothing
}
