package matrixdevices

// #include "shim.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
	"unsafe"
)

// question is one callback of the module's, to be answered once. What `asked` points to is the
// module's, and stays good until the operation is completed.
type question struct {
	*exchange
	kind    C.int
	op      C.mxd_op
	asked   unsafe.Pointer
	refused C.int32_t // of the first emit that was
}

var errNothing = errors.New("a nil pointer was returned, and no error")

// answer asks the host and completes the operation, whatever the host does: a method that panics or
// ends its goroutine is an internal error.
func (q *question) answer() {
	status, returned := C.int32_t(C.MXD_INTERNAL), false
	defer func() {
		if !returned {
			q.log("the method ended without returning", slog.Any("panic", recover()),
				slog.String("stack", string(debug.Stack())))
		}
		if q.ctx.Err() != nil { // nobody waits: ask no more
			C.mxdgo_cancel(q.module(), q.token)
		}
		C.mxdgo_complete(q.module(), q.op, status)
	}()
	answered, err := q.ask()
	if answered == C.MXD_INTERNAL && err != nil {
		q.log("the method failed", slog.Any("error", err))
	}
	if answered >= C.MXD_OK && q.refused != C.MXD_OK {
		answered = q.refused // the module has logged what was wrong
	}
	status, returned = answered, true
}

func (q *question) log(text string, attributes ...slog.Attr) {
	attributes = append([]slog.Attr{slog.String("method", methods[q.kind])}, attributes...)
	q.owner.logger.LogAttrs(q.ctx, slog.LevelError, "matrixdevices: "+text, attributes...)
}

// methods are the names in Host, for the log.
var methods = map[C.int]string{
	C.kAuthenticate:      "Authenticate",
	C.kListDevices:       "ListDevices",
	C.kGetDevice:         "GetDevice",
	C.kRenameDevice:      "RenameDevice",
	C.kDeleteDevices:     "DeleteDevices",
	C.kUiaFlows:          "UIAFlows",
	C.kUiaCreateSession:  "UIACreateSession",
	C.kUiaLoadSession:    "UIALoadSession",
	C.kUiaReplaceSession: "UIAReplaceSession",
	C.kUiaCheck:          "UIACheck",
	C.kPutDevice:         "PutDevice",
	C.kMarkValidated:     "MarkValidated",
	C.kTakeLimit:         "TakeLimit",
}

// ask calls the host's method and emits what it returned; the status that goes with it.
func (q *question) ask() (C.int32_t, error) {
	host := q.owner.host
	switch q.kind {
	case C.kAuthenticate:
		principal, err := host.Authenticate(q.ctx, credentials((*C.mxd_credentials)(q.asked)))
		if err == nil && principal == nil {
			err = errNothing
		}
		if err != nil {
			return q.refuse(err)
		}
		q.principal = principal
		q.emitPrincipal(principal)
	case C.kListDevices:
		user := text((*C.mxd_device_query)(q.asked).user_id)
		devices, err := host.ListDevices(q.ctx, q.principal, user)
		if err != nil {
			return q.refuse(err)
		}
		for i := range devices {
			q.emitDevice(&devices[i])
		}
	case C.kGetDevice:
		key := (*C.mxd_device_key)(q.asked)
		device, err := host.GetDevice(q.ctx, q.principal, text(key.user_id), text(key.device_id))
		if err != nil {
			return q.refuse(err)
		}
		q.emitDevice(&device)
	case C.kRenameDevice:
		update := (*C.mxd_device_update)(q.asked)
		return q.done(host.RenameDevice(q.ctx, q.principal, text(update.user_id),
			text(update.device_id), text(update.display_name)))
	case C.kDeleteDevices:
		deletion := (*C.mxd_deletion)(q.asked)
		ids := make([]string, deletion.device_id_count)
		for i, id := range unsafe.Slice(deletion.device_ids, len(ids)) {
			ids[i] = text(id)
		}
		uncancelled := context.WithoutCancel(q.ctx) // a deletion is not broken off
		return q.done(host.DeleteDevices(uncancelled, q.principal, text(deletion.user_id), ids))
	case C.kPutDevice:
		return q.put(host.(DeviceCreator), (*C.mxd_device_update)(q.asked))
	case C.kMarkValidated:
		v := (*C.mxd_validation)(q.asked)
		return q.done(host.(Validator).MarkValidated(q.ctx, q.principal, &Validation{
			UserID: text(v.user_id), DeviceID: text(v.device_id), TokenID: text(v.token_id),
			At: time.UnixMilli(int64(v.validated_ms)),
		}))
	case C.kTakeLimit:
		return q.done(host.(Limiter).TakeLimit(q.ctx, q.principal,
			limits((*C.mxd_limit_request)(q.asked))))
	default:
		return q.askUIA()
	}
	return C.MXD_OK, nil
}

// askUIA is ask for the questions about User-Interactive Authentication.
func (q *question) askUIA() (C.int32_t, error) {
	host := q.owner.host
	switch q.kind {
	case C.kUiaFlows:
		o := (*C.mxd_uia_operation)(q.asked)
		flows, err := host.UIAFlows(q.ctx, q.principal, &UIAOperation{
			UserID: text(o.user_id), DeviceID: text(o.device_id), Method: text(o.method),
			Endpoint: text(o.endpoint),
		})
		if err != nil {
			return q.refuse(err)
		}
		q.emitFlows(flows)
	case C.kUiaCreateSession:
		session := uiaSession((*C.mxd_uia_session)(q.asked))
		id, err := host.UIACreateSession(q.ctx, q.principal, session)
		if err != nil {
			return q.refuse(err)
		}
		q.emitSessionID(id)
	case C.kUiaLoadSession:
		id := text((*C.mxd_uia_session_key)(q.asked).session_id)
		kept, err := host.UIALoadSession(q.ctx, q.principal, Secret(id))
		if err == nil && kept == nil {
			err = errNothing
		}
		if err != nil {
			return q.refuse(err)
		}
		q.emitSession(kept)
	case C.kUiaReplaceSession:
		r := (*C.mxd_uia_replacement)(q.asked)
		return q.done(host.UIAReplaceSession(q.ctx, q.principal, &UIAReplacement{
			SessionID: Secret(text(r.session_id)), UserID: text(r.user_id),
			Revision: int64(r.revision), Expires: time.UnixMilli(int64(r.expires_ms)),
			Finished: r.flags&C.MXD_UIA_FINISHED != 0, State: text(r.state),
		}))
	case C.kUiaCheck:
		identity, err := host.UIACheck(q.ctx, q.principal, attempt((*C.mxd_uia_attempt)(q.asked)))
		if err != nil {
			return q.refuse(err)
		}
		q.emitIdentity(identity)
	default:
		return C.MXD_INTERNAL, fmt.Errorf("a question of the unknown kind %d", q.kind)
	}
	return C.MXD_OK, nil
}

func (q *question) put(host DeviceCreator, update *C.mxd_device_update) (C.int32_t, error) {
	created, err := host.PutDevice(q.ctx, q.principal, &DeviceUpdate{
		UserID: text(update.user_id), DeviceID: text(update.device_id),
		DisplayName: optional(update.display_name, update.flags, C.MXD_UPDATE_SET_DISPLAY_NAME),
		MaxDevices:  int64(update.max_devices),
	})
	if created && err == nil {
		return C.MXD_CREATED, nil
	}
	return q.done(err)
}

func (q *question) done(err error) (C.int32_t, error) {
	if err == nil {
		return C.MXD_OK, nil
	}
	return q.refuse(err)
}
