// What Go cannot say for itself: calls through pointers to C functions, and records that hold
// pointers. Where a function takes a mxd_module, it is the table that mxdgo_open() gave.
#pragma once
#include "matrix_devices/module.h"

// The question's kind, for mxdgoAsk(): one number a callback.
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
  kUiaCheck,
  kPutDevice,
  kMarkValidated,
  kTakeLimit
};

// The optional callbacks that a host has.
enum { kHasPutDevice = 1, kHasMarkValidated = 2, kHasTakeLimit = 4, kHasNow = 8, kHasRandom = 16 };

// A request's texts lie in one buffer, one after the other: method, target, body, remote address,
// then name and value of each header. `sizes` has their sizes in that order.
typedef struct mxdgo_request {
  uint32_t flags;
  uint32_t header_count;
  mxd_cookie cookie;
} mxdgo_request;

// The module's table, or NULL: `error` says why. The library is never closed.
const mxd_module* mxdgo_open(const char* path, char* error, size_t error_size);

// See the functions of mxd_module. `optional`: kHas…
int32_t mxdgo_create(const mxd_module* module, mxd_cookie cookie, uint32_t optional,
                     const char* config, size_t config_size, mxd_instance** out, char* error,
                     size_t error_size);
int32_t mxdgo_destroy(const mxd_module* module, mxd_instance* instance);
int32_t mxdgo_shutdown(const mxd_module* module, mxd_instance* instance, mxd_cookie cookie);
int32_t mxdgo_handle(const mxd_module* module, mxd_instance* instance, mxdgo_request request,
                     const char* texts, const size_t* sizes, mxd_request_token* token);
int32_t mxdgo_cancel(const mxd_module* module, mxd_request_token token);
int32_t mxdgo_match(const mxd_module* module, mxd_instance* instance, const char* method,
                    size_t method_size, const char* target, size_t target_size);
uint64_t mxdgo_max_body_bytes(const mxd_module* module, mxd_instance* instance);
int32_t mxdgo_route(const mxd_module* module, mxd_instance* instance, uint32_t index,
                    mxd_route* out);
int32_t mxdgo_complete(const mxd_module* module, mxd_op op, int32_t status);
