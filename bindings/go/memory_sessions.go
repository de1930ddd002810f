package matrixdevices

import (
	"context"
	"slices"
	"sync"
	"time"
)

// MemorySessions keeps sessions of User-Interactive Authentication in this process: embed it in a
// Host, and three of its methods are there. It is for tests, and for homeservers of one process
// whose clients may begin again after a restart; U20 asks for more. The zero value is ready.
type MemorySessions struct {
	mu       sync.Mutex
	sessions []*memorySession // in the order of creation
}

type memorySession struct {
	UIASession
	revision int64
	finished bool
}

// DropSessions is for DeleteDevices: the sessions that these devices began go with them (D12). The
// IDs are in bytewise order, as DeleteDevices gets them.
func (m *MemorySessions) DropSessions(userID string, deviceIDs []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions = slices.DeleteFunc(m.sessions, func(s *memorySession) bool {
		_, gone := slices.BinarySearch(deviceIDs, s.DeviceID)
		return gone && s.UserID == userID
	})
}

// UIACreateSession is a method of Host.
func (m *MemorySessions) UIACreateSession(_ context.Context, _ *Principal, s *UIASession) (Secret, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropExpired()
	for m.isFull(s) {
		m.sessions = slices.Delete(m.sessions, m.victim(s), m.victim(s)+1)
	}
	m.sessions = append(m.sessions, &memorySession{UIASession: *s, revision: 1})
	return s.ProposedID, nil
}

func (m *MemorySessions) dropExpired() {
	now := time.Now()
	m.sessions = slices.DeleteFunc(m.sessions, func(s *memorySession) bool {
		return !s.Expires.After(now)
	})
}

func (m *MemorySessions) isFull(incoming *UIASession) bool {
	live := 0
	for _, s := range m.sessions {
		if s.UserID == incoming.UserID {
			live++
		}
	}
	return live >= max(incoming.MaxLive, 1)
}

// victim is the session that makes room (U25): of equals the one that was created first.
func (m *MemorySessions) victim(incoming *UIASession) int {
	found, least := -1, 3
	for i, s := range m.sessions {
		rank := 0
		switch {
		case s.UserID != incoming.UserID:
			continue
		case s.finished:
			rank = 2
		case s.DeviceID != incoming.DeviceID || s.TokenID != incoming.TokenID:
			rank = 1
		}
		if rank < least {
			found, least = i, rank
		}
	}
	return found
}

func (m *MemorySessions) find(id Secret) *memorySession {
	m.dropExpired()
	for _, s := range m.sessions {
		if s.ProposedID == id {
			return s
		}
	}
	return nil
}

// UIALoadSession is a method of Host.
func (m *MemorySessions) UIALoadSession(_ context.Context, _ *Principal, id Secret) (*UIAKept, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.find(id)
	if s == nil {
		return nil, ErrNotFound
	}
	return &UIAKept{State: s.State, Revision: s.revision}, nil
}

// UIAReplaceSession is a method of Host.
func (m *MemorySessions) UIAReplaceSession(_ context.Context, _ *Principal, r *UIAReplacement) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.find(r.SessionID)
	if s == nil || s.revision != r.Revision {
		return ErrConflict
	}
	s.State, s.Expires, s.finished, s.revision = r.State, r.Expires, r.Finished, r.Revision+1
	return nil
}
