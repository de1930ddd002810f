// What Go cannot say for itself: pointers to C functions, and records that hold pointers.
#pragma once
#include "matrix_devices/module.h"

// The question's kind, for goAsk(): one number a callback.
enum {
  kAuthenticate,
  kListDevices,
  kGetDevice,
  kRenameDevice,
  kDeleteDevices,
  kUiaFlows,
  kUiaCreateSession,
  kUiaLoadSession,
  kUiaReplaceSession,
  kUiaCheck
};

// An instance of the module at this path, or NULL: `error` says why.
mxd_instance* open_module(const char* path, char* error, size_t error_size);

int32_t send_request(mxd_instance* instance, mxd_cookie cookie, mxd_view method, mxd_view target,
                     mxd_view bearer, mxd_view body);
int32_t match_request(mxd_instance* instance, mxd_view method, mxd_view target);
int32_t close_module(mxd_instance* instance);

int32_t complete(mxd_op op, int32_t status);
int32_t emit_principal(mxd_op op, mxd_view user_id, mxd_view device_id, mxd_cookie cookie);
int32_t emit_device(mxd_op op, mxd_view device_id);
int32_t emit_stage(mxd_op op, mxd_view type);
int32_t emit_session(mxd_op op, int64_t revision, mxd_view state);
int32_t emit_identity(mxd_op op, mxd_view user_id);
