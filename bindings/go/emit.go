package matrixdevices

// #include "emit.h"
import "C"

import "time"

// The results of a question. A refused one makes the module answer 500 and log why; refused keeps
// the first such status, so that the operation is not completed as if all were well.

func (q *question) emitted(status C.int32_t) {
	if status != C.MXD_OK && q.refused == C.MXD_OK {
		q.refused = status
	}
}

func (q *question) emitPrincipal(p *Principal) {
	var flags C.uint32_t
	for _, flag := range []struct {
		is  bool
		bit C.uint32_t
	}{
		{p.Guest, C.MXD_PRINCIPAL_GUEST},
		{p.AppService, C.MXD_PRINCIPAL_APPSERVICE},
		{p.OAuth, C.MXD_PRINCIPAL_OAUTH},
		{p.Unlimited, C.MXD_PRINCIPAL_UNLIMITED},
		{!p.Validated.IsZero(), C.MXD_PRINCIPAL_HAS_VALIDATED_MS},
	} {
		if flag.is {
			flags |= flag.bit
		}
	}
	q.emitted(C.mxdgo_emit_principal(q.module(), q.op, flags, milliseconds(p.Validated), p.UserID,
		p.DeviceID, p.TokenID, p.ServiceID))
}

func (q *question) emitDevice(device *Device) {
	var flags C.uint32_t
	name := ""
	if device.DisplayName != nil {
		flags |= C.MXD_DEVICE_HAS_DISPLAY_NAME
		name = *device.DisplayName
	}
	if device.LastSeenIP != "" {
		flags |= C.MXD_DEVICE_HAS_LAST_SEEN_IP
	}
	if !device.LastSeen.IsZero() {
		flags |= C.MXD_DEVICE_HAS_LAST_SEEN_TS
	}
	q.emitted(C.mxdgo_emit_device(q.module(), q.op, flags, milliseconds(device.LastSeen), device.ID,
		name, device.LastSeenIP))
}

func (q *question) emitFlows(flows []Flow) {
	for number, flow := range flows {
		for i := range flow {
			var flags C.uint32_t
			if flow[i].ProvesNobody {
				flags = C.MXD_STAGE_PROVES_NOBODY
			}
			q.emitted(C.mxdgo_emit_stage(q.module(), q.op, flags, C.uint32_t(number), flow[i].Type,
				string(flow[i].Params)))
		}
	}
}

func (q *question) emitSessionID(id Secret) {
	q.emitted(C.mxdgo_emit_session_id(q.module(), q.op, string(id)))
}

func (q *question) emitSession(kept *UIAKept) {
	q.emitted(C.mxdgo_emit_session(q.module(), q.op, C.int64_t(kept.Revision), kept.State))
	for _, stage := range kept.Completed {
		q.emitted(C.mxdgo_emit_completed(q.module(), q.op, stage.Type, stage.Identity))
	}
}

func (q *question) emitIdentity(userID string) {
	q.emitted(C.mxdgo_emit_identity(q.module(), q.op, userID))
}

func (q *question) emitReason(text string) {
	q.emitted(C.mxdgo_emit_reason(q.module(), q.op, text))
}

func (q *question) emitRetryAfter(wait time.Duration) {
	q.emitted(C.mxdgo_emit_retry_after(q.module(), q.op, roundedUp(wait)))
}

func (q *question) emitError(own *Error, extra string) {
	wait := C.int64_t(-1)
	if own.RetryAfter > 0 {
		wait = roundedUp(own.RetryAfter)
	}
	q.emitted(C.mxdgo_emit_error(q.module(), q.op, C.uint32_t(own.HTTPStatus), wait, own.Errcode,
		own.Text, extra))
}

func milliseconds(at time.Time) C.int64_t {
	if at.IsZero() {
		return 0
	}
	return C.int64_t(at.UnixMilli())
}

func roundedUp(wait time.Duration) C.int64_t {
	return C.int64_t((wait + time.Millisecond - 1) / time.Millisecond)
}
