// The emits, with texts as Go has them. Only for the preamble of a Go file: cgo defines _GoString_
// there. The module copies what it gets, so that a text need not outlive the call.
#pragma once
#include "matrix_devices/module.h"

static inline mxd_view mxdgo_view(_GoString_ text) {
  return (mxd_view){_GoStringPtr(text), _GoStringLen(text)};
}

static inline int32_t mxdgo_emit_principal(const mxd_module* module, mxd_op op, uint32_t flags,
                                           int64_t validated_ms, _GoString_ user_id,
                                           _GoString_ device_id, _GoString_ token_id,
                                           _GoString_ service_id) {
  const mxd_principal principal = {.size = sizeof principal,
                                   .flags = flags,
                                   .validated_ms = validated_ms,
                                   .user_id = mxdgo_view(user_id),
                                   .device_id = mxdgo_view(device_id),
                                   .token_id = mxdgo_view(token_id),
                                   .service_id = mxdgo_view(service_id)};
  return module->emit_principal(op, &principal);
}

static inline int32_t mxdgo_emit_device(const mxd_module* module, mxd_op op, uint32_t flags,
                                        int64_t last_seen_ts_ms, _GoString_ device_id,
                                        _GoString_ display_name, _GoString_ last_seen_ip) {
  const mxd_device device = {.size = sizeof device,
                             .flags = flags,
                             .last_seen_ts_ms = last_seen_ts_ms,
                             .device_id = mxdgo_view(device_id),
                             .display_name = mxdgo_view(display_name),
                             .last_seen_ip = mxdgo_view(last_seen_ip)};
  return module->emit_device(op, &device);
}

static inline int32_t mxdgo_emit_stage(const mxd_module* module, mxd_op op, uint32_t flags,
                                       uint32_t flow, _GoString_ type, _GoString_ params) {
  const mxd_uia_stage stage = {.size = sizeof stage,
                               .flags = flags,
                               .flow = flow,
                               .type = mxdgo_view(type),
                               .params = mxdgo_view(params)};
  return module->emit_stage(op, &stage);
}

static inline int32_t mxdgo_emit_session_id(const mxd_module* module, mxd_op op,
                                            _GoString_ session_id) {
  return module->emit_session_id(op, mxdgo_view(session_id));
}

static inline int32_t mxdgo_emit_session(const mxd_module* module, mxd_op op, int64_t revision,
                                         _GoString_ state) {
  const mxd_uia_kept session = {
      .size = sizeof session, .revision = revision, .state = mxdgo_view(state)};
  return module->emit_session(op, &session);
}

static inline int32_t mxdgo_emit_completed(const mxd_module* module, mxd_op op, _GoString_ type,
                                           _GoString_ identity) {
  const mxd_uia_completed stage = {
      .size = sizeof stage, .type = mxdgo_view(type), .identity = mxdgo_view(identity)};
  return module->emit_completed(op, &stage);
}

static inline int32_t mxdgo_emit_identity(const mxd_module* module, mxd_op op, _GoString_ user_id) {
  return module->emit_identity(op, mxdgo_view(user_id));
}

static inline int32_t mxdgo_emit_reason(const mxd_module* module, mxd_op op, _GoString_ text) {
  return module->emit_reason(op, mxdgo_view(text));
}

static inline int32_t mxdgo_emit_retry_after(const mxd_module* module, mxd_op op,
                                             int64_t retry_after_ms) {
  return module->emit_retry_after(op, retry_after_ms);
}

static inline int32_t mxdgo_emit_error(const mxd_module* module, mxd_op op, uint32_t http_status,
                                       int64_t retry_after_ms, _GoString_ errcode, _GoString_ text,
                                       _GoString_ extra_json) {
  const mxd_error error = {.size = sizeof error,
                           .http_status = http_status,
                           .retry_after_ms = retry_after_ms,
                           .errcode = mxdgo_view(errcode),
                           .text = mxdgo_view(text),
                           .extra_json = mxdgo_view(extra_json)};
  return module->emit_error(op, &error);
}
