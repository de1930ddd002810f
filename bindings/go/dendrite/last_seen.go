package main

import (
	"context"
	"sync"

	"github.com/matrix-org/dendrite/userapi/api"
	"github.com/sirupsen/logrus"
)

// lastSeen writes when devices were last used, without making a request wait for it. Of several
// requests of a device before the next write the last counts.
type lastSeen struct {
	api userAPI

	mu      sync.Mutex
	pending map[[2]string]*api.PerformLastSeenUpdateRequest // by user and device
	wake    chan struct{}                                   // of room for one; closed: write and end
	ended   chan struct{}
}

type userAgentKey struct{}

func newLastSeen(users userAPI) *lastSeen {
	l := &lastSeen{
		api:     users,
		pending: map[[2]string]*api.PerformLastSeenUpdateRequest{},
		wake:    make(chan struct{}, 1),
		ended:   make(chan struct{}),
	}
	go l.write()
	return l
}

func (l *lastSeen) note(ctx context.Context, userID, deviceID, address string) {
	userAgent, _ := ctx.Value(userAgentKey{}).(string)
	l.mu.Lock()
	l.pending[[2]string{userID, deviceID}] = &api.PerformLastSeenUpdateRequest{
		UserID: userID, DeviceID: deviceID, RemoteAddr: address, UserAgent: userAgent,
	}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // it is awake
	}
}

func (l *lastSeen) write() {
	defer close(l.ended)
	for range l.wake {
		l.mu.Lock()
		pending := l.pending
		l.pending = map[[2]string]*api.PerformLastSeenUpdateRequest{}
		l.mu.Unlock()
		for _, request := range pending {
			err := l.api.PerformLastSeenUpdate(context.Background(), request, &api.PerformLastSeenUpdateResponse{})
			if err != nil {
				logrus.WithError(err).Warn("matrix-devices: last seen could not be written")
			}
		}
	}
}

// end writes what is pending. Nothing may be noted afterwards.
func (l *lastSeen) end() {
	close(l.wake)
	<-l.ended
}
