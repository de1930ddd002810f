package matrixdevices_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	mxd "matrixdevices"
)

func TestMiddlewarePassesOn(t *testing.T) {
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "next: %s %s", r.URL.Path, body)
	})
	handler := open(t, newHost(), nil).Middleware(next)
	expect(t, "ours", send(handler, "GET", list, ""), 200, "LAPTOP")
	expect(t, "ours, 405", send(handler, "PATCH", list, ""), 405, "M_UNRECOGNIZED")
	for _, path := range []string{"/", list + "/", list + "/a/b", "/_matrix/client/v3/sync"} {
		expect(t, path, send(handler, "POST", path, "body"), 200, "next: "+path+" body")
	}
}

func TestTheModulesHeadersReplaceThoseBefore(t *testing.T) {
	module := open(t, newHost(), nil)
	got := send(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "elsewhere")
		w.Header().Set("Vary", "Origin")
		module.ServeHTTP(w, r)
	}), "GET", list, "")
	if all := got.header.Values("Access-Control-Allow-Origin"); len(all) != 1 || all[0] != "*" {
		t.Errorf("expected one header, got %v", all)
	}
	if got.header.Get("Vary") != "Origin" {
		t.Errorf("expected the others to stay, got %v", got.header)
	}
}

func TestServeHTTPKnowsWhatIsNotItsOwn(t *testing.T) {
	got := send(open(t, newHost(), nil), "GET", "/_matrix/client/v3/sync", "")
	expect(t, "another path", got, 404, `{"errcode":"M_UNRECOGNIZED",`)
	if got.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("expected CORS headers, got %v", got.header)
	}
}

func TestRoutes(t *testing.T) {
	module := open(t, newHost(), mxd.Config{"path_versions": []string{"v3"}})
	got := fmt.Sprint(module.Routes())
	want := "[{[GET HEAD OPTIONS] " + list + "} {[GET HEAD PUT DELETE OPTIONS] " + list +
		"/{deviceId}} {[POST OPTIONS] " + bulk + "}]"
	if got != want {
		t.Errorf("expected %s, got %s", want, got)
	}
	if module.Version() == "" || module.MaxBodyBytes() != 1<<20 {
		t.Errorf("version %q, max_body_bytes %d", module.Version(), module.MaxBodyBytes())
	}
}

func TestTheTargetIsNotDecoded(t *testing.T) {
	h := newHost()
	h.devices = []string{"a/b%c d+e", "é", "..", `a"b`}
	module := open(t, h, nil)
	mounted := http.StripPrefix("/prefix", module)
	for target, id := range map[string]string{
		"/a%2Fb%25c%20d+e": "a/b%c d+e",
		"/%C3%A9":          "é",
		"/..":              "..",
		"/a%22b?x=%zz":     `a\"b`,
	} {
		want := `"device_id":"` + id + `"`
		expect(t, target, send(module, "GET", list+target, ""), 200, want)
		expect(t, "absolute "+target, send(module, "GET", "http://x.org"+list+target, ""), 200, want)
		expect(t, "stripped "+target, send(mounted, "GET", "/prefix"+list+target, ""), 200, want)
	}
	expect(t, "query", send(module, "GET", list+"?access_token=%zz", ""), 400, "M_INVALID_PARAM")
}

func TestHeadersComeAsTheyWere(t *testing.T) {
	twice := func(r *http.Request) { r.Header.Add("Authorization", "Bearer secret") }
	expect(t, "A3", send(open(t, newHost(), nil), "GET", list, "", twice), 401, "M_MISSING_TOKEN")
}

func TestABodyOverTheLimit(t *testing.T) {
	module := open(t, newHost(), mxd.Config{"max_body_bytes": 1024})
	body := `{"display_name": "` + strings.Repeat("x", 1024) + `"}`
	unsized := func(r *http.Request) { r.ContentLength = -1 }
	limited := http.MaxBytesHandler(module, 10)
	expect(t, "by its length", send(module, "PUT", laptop, body), 413, "M_TOO_LARGE")
	expect(t, "as it is read", send(module, "PUT", laptop, body, unsized), 413, "M_TOO_LARGE")
	expect(t, "by a handler before", send(limited, "PUT", laptop, body[:60], unsized), 413, "M_TOO_LARGE")
	expect(t, "at the limit", send(module, "PUT", laptop, strings.Repeat(" ", 1022)+"{}", unsized), 200, "{}")
}

func TestHeadHasALengthAndNoBody(t *testing.T) {
	server := httptest.NewServer(open(t, newHost(), nil))
	defer server.Close()
	request, _ := http.NewRequest("HEAD", server.URL+list, nil)
	request.Header.Set("Authorization", "Bearer secret")
	got, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	want := int64(len(send(open(t, newHost(), nil), "GET", list, "").body))
	if got.StatusCode != 200 || got.ContentLength != want {
		t.Errorf("expected 200 and %d bytes, got %d and %d", want, got.StatusCode, got.ContentLength)
	}
}

func TestTheClientsAddress(t *testing.T) {
	h := newHost()
	seen := ""
	h.authenticate = func(_ context.Context, c *mxd.Credentials) (*mxd.Principal, error) {
		seen = c.RemoteAddr
		return nil, mxd.ErrUnknownToken
	}
	module := open(t, h, nil)
	for from, want := range map[string]string{
		"192.0.2.1:1234": "192.0.2.1", "[2001:db8::1]:1": "2001:db8::1", "@": "",
	} {
		send(module, "GET", list, "", func(r *http.Request) { r.RemoteAddr = from })
		if seen != want {
			t.Errorf("%s: expected %q, got %q", from, want, seen)
		}
	}
	behind := open(t, h, nil)
	behind.ClientAddr = func(r *http.Request) string { return r.Header.Get("X-Forwarded-For") }
	send(behind, "GET", list, "", func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.9") })
	if seen != "192.0.2.9" {
		t.Errorf("expected what the proxy says, got %q", seen)
	}
}

// net/http itself answers a target with a broken escape, as text, and no handler runs (R9).
func TestBrokenEscapesAreAnsweredByNetHTTP(t *testing.T) {
	server := httptest.NewServer(open(t, newHost(), nil))
	defer server.Close()
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "GET %s/%%zz HTTP/1.1\r\nHost: x\r\n\r\n", list)
	got, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if got.StatusCode != 400 || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("expected net/http's own 400, got %v; then docs/go.md is out of date", got)
	}
}
