// homeserver is an in-memory homeserver with the device endpoints: register, log in, and manage
// devices. It is a host to copy.
//
//	homeserver LIBRARY ADDRESS [SETTINGS_OF_THE_MODULE [REGISTRATION_OF_A_SERVICE...]]
package main

import (
	"context"
	"encoding/json"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	mxd "matrixdevices"
)

func newHost(services ...service) *host {
	h := &host{services: map[string]service{}, accounts: map[string]account{}, tokens: map[string]mxd.Principal{}}
	for _, s := range services {
		h.services[s.Token] = s
		h.accounts[idOf(s.Sender)] = account{service: s.ID, devices: map[string]*mxd.Device{}}
	}
	return h
}

func readJSON(path string, into any) {
	content, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(content, into)
	}
	if err != nil {
		log.Fatalf("%s: %v", path, err)
	}
}

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: homeserver LIBRARY ADDRESS [SETTINGS [REGISTRATION...]]")
	}
	var settings mxd.Config
	var services []service
	for i, path := range os.Args[3:] {
		if i == 0 {
			readJSON(path, &settings)
		} else {
			services = append(services, service{})
			readJSON(path, &services[i-1])
		}
	}
	h := newHost(services...)
	module, err := mxd.New(os.Args[1], h, settings)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: module.Middleware(h), ReadTimeout: time.Minute}
	listener, err := net.Listen("tcp", os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on http://%s", listener.Addr())
	go func() {
		if err := server.Serve(listener); err != http.ErrServerClosed {
			log.Fatal(err)
		}
	}()
	stopped, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	<-stopped.Done()
	// Requests under way are answered, and what they asked for is done, before the process ends.
	if err := server.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
	if err := module.Close(context.Background()); err != nil {
		log.Fatal(err)
	}
}
