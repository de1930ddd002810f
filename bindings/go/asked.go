package matrixdevices

// #include "matrix_devices/module.h"
import "C"

import (
	"time"
	"unsafe"
)

// What the module asks, copied into values of Go's.

func text(view C.mxd_view) string { return string(bytesOf(view)) }

// bytesOf are C's own bytes: good as long as the view is.
func bytesOf(view C.mxd_view) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(view.data)), int(view.size))
}

func optional(view C.mxd_view, flags, bit C.uint32_t) *string {
	if flags&bit == 0 {
		return nil
	}
	value := text(view)
	return &value
}

func credentials(c *C.mxd_credentials) *Credentials {
	return &Credentials{
		AccessToken: Secret(text(c.access_token)),
		UserID:      optional(c.user_id, c.flags, C.MXD_CREDENTIALS_HAS_USER_ID),
		DeviceID:    optional(c.device_id, c.flags, C.MXD_CREDENTIALS_HAS_DEVICE_ID),
		RemoteAddr:  text(c.remote_addr),
	}
}

func uiaSession(s *C.mxd_uia_session) *UIASession {
	return &UIASession{
		ProposedID:  Secret(text(s.proposed_id)),
		UserID:      text(s.user_id),
		DeviceID:    text(s.device_id),
		TokenID:     text(s.token_id),
		State:       text(s.state),
		Expires:     time.UnixMilli(int64(s.expires_ms)),
		MaxLive:     int(s.max_live),
		Method:      text(s.method),
		Endpoint:    text(s.endpoint),
		Target:      text(s.target),
		Description: text(s.description),
	}
}

func attempt(a *C.mxd_uia_attempt) *UIAAttempt {
	return &UIAAttempt{
		UserID:     text(a.user_id),
		DeviceID:   text(a.device_id),
		SessionID:  Secret(text(a.session_id)),
		Type:       text(a._type),
		RemoteAddr: text(a.remote_addr),
		User:       optional(a.user, a.flags, C.MXD_ATTEMPT_HAS_USER),
		Medium:     optional(a.medium, a.flags, C.MXD_ATTEMPT_HAS_THIRDPARTY),
		Address:    optional(a.address, a.flags, C.MXD_ATTEMPT_HAS_THIRDPARTY),
		Country:    optional(a.country, a.flags, C.MXD_ATTEMPT_HAS_COUNTRY),
		Password:   (*Secret)(optional(a.password, a.flags, C.MXD_ATTEMPT_HAS_PASSWORD)),
		AuthJSON:   Secret(text(a.auth_json)),
	}
}

func limits(r *C.mxd_limit_request) *LimitRequest {
	request := &LimitRequest{Units: int(r.units), Limits: make([]Limit, r.limit_count)}
	for i, limit := range unsafe.Slice(r.limits, len(request.Limits)) {
		request.Limits[i] = Limit{
			Name:     text(limit.name),
			Key:      text(limit.key),
			Burst:    int64(limit.burst),
			Interval: time.Duration(limit.interval_ms) * time.Millisecond,
		}
	}
	return request
}
