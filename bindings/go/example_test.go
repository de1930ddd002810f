package matrixdevices_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	mxd "matrixdevices"
)

// docs: begin

// small is a homeserver with one user, whose token is "secret".
type small struct {
	mxd.MemorySessions
	names map[string]string // of the devices
}

func (h *small) Authenticate(_ context.Context, c *mxd.Credentials) (*mxd.Principal, error) {
	if c.AccessToken != "secret" {
		return nil, mxd.ErrUnknownToken
	}
	return &mxd.Principal{UserID: "@alice:example.org", DeviceID: "LAPTOP"}, nil
}

func (h *small) ListDevices(context.Context, *mxd.Principal, string) ([]mxd.Device, error) {
	list := []mxd.Device{}
	for _, id := range []string{"LAPTOP", "PHONE"} { // in an order that stays the same
		if name, there := h.names[id]; there {
			list = append(list, mxd.Device{ID: id, DisplayName: &name})
		}
	}
	return list, nil
}

func (h *small) GetDevice(_ context.Context, _ *mxd.Principal, _, id string) (mxd.Device, error) {
	name, there := h.names[id]
	if !there {
		return mxd.Device{}, mxd.ErrNotFound
	}
	return mxd.Device{ID: id, DisplayName: &name}, nil
}

func (h *small) RenameDevice(_ context.Context, _ *mxd.Principal, _, id, name string) error {
	if _, there := h.names[id]; !there {
		return mxd.ErrNotFound
	}
	h.names[id] = name
	return nil
}

func (h *small) DeleteDevices(_ context.Context, _ *mxd.Principal, user string, ids []string) error {
	for _, id := range ids {
		delete(h.names, id)
	}
	h.DropSessions(user, ids)
	return nil
}

func (h *small) UIAFlows(context.Context, *mxd.Principal, *mxd.UIAOperation) ([]mxd.Flow, error) {
	return []mxd.Flow{mxd.PasswordFlow()}, nil
}

func (h *small) UIACheck(_ context.Context, _ *mxd.Principal, a *mxd.UIAAttempt) (string, error) {
	if a.User == nil || *a.User != "alice" || a.Password == nil || *a.Password != "correct horse" {
		return "", mxd.ErrRefused
	}
	return "@alice:example.org", nil
}

// docs: end

func newSmall() *small {
	return &small{names: map[string]string{"LAPTOP": "Laptop", "PHONE": "Phone"}}
}

func Example() {
	// docs_serve: begin
	module, err := mxd.New(os.Getenv("MATRIX_DEVICES_LIBRARY"), newSmall(), mxd.Config{
		"max_devices_per_user": 100,
	})
	if err != nil {
		log.Fatal(err) // says what to mend
	}
	mux := http.NewServeMux() // the homeserver's other endpoints
	server := httptest.NewServer(module.Middleware(mux))
	// docs_serve: end

	request, _ := http.NewRequest("GET", server.URL+"/_matrix/client/v3/devices/PHONE", nil)
	request.Header.Set("Authorization", "Bearer secret")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	body, _ := io.ReadAll(response.Body)
	fmt.Println(response.StatusCode, string(body))

	// docs_close: begin
	server.Close()
	if err := module.Close(context.Background()); err != nil {
		log.Fatal(err)
	}
	// docs_close: end

	// Output: 200 {"device_id":"PHONE","display_name":"Phone"}
}

func ExampleModule_Handle() {
	module, err := mxd.New(os.Getenv("MATRIX_DEVICES_LIBRARY"), newSmall(), nil)
	if err != nil {
		log.Fatal(err)
	}
	// docs_handle: begin
	response, err := module.Handle(context.Background(), &mxd.Request{
		Method: "GET",
		Target: "/_matrix/client/v3/devices/%4CAPTOP",
		Header: http.Header{"Authorization": {"Bearer secret"}},
	})
	// docs_handle: end
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.Status, string(response.Body))
	fmt.Println(module.Match("GET", "/_matrix/client/v3/sync"), module.Close(context.Background()))

	// Output:
	// 200 {"device_id":"LAPTOP","display_name":"Laptop"}
	// false <nil>
}

func ExampleError() {
	// docs_error: begin
	expired := &mxd.Error{HTTPStatus: 403, Errcode: "ORG_EXAMPLE_EXPIRED", Text: "Renew your account.",
		Extra: map[string]any{"renew_uri": "https://example.org/renew"}}
	// docs_error: end
	recorder := httptest.NewRecorder()
	expired.ServeHTTP(recorder, nil)
	fmt.Println(recorder.Code, recorder.Body)

	// Output:
	// 403 {"errcode":"ORG_EXAMPLE_EXPIRED","error":"Renew your account.","renew_uri":"https://example.org/renew"}
}
