#include "shim.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "_cgo_export.h"

#define CALLBACK(name, kind, argument)                                                      \
  static int32_t name(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal, \
                      const argument* asked) {                                              \
    (void)host;                                                                             \
    (void)principal;                                                                        \
    return mxdgoAsk(request, kind, op, (void*)asked);                                       \
  }
CALLBACK(authenticate, kAuthenticate, mxd_credentials)
CALLBACK(list_devices, kListDevices, mxd_device_query)
CALLBACK(get_device, kGetDevice, mxd_device_key)
CALLBACK(rename_device, kRenameDevice, mxd_device_update)
CALLBACK(delete_devices, kDeleteDevices, mxd_deletion)
CALLBACK(uia_flows, kUiaFlows, mxd_uia_operation)
CALLBACK(uia_create_session, kUiaCreateSession, mxd_uia_session)
CALLBACK(uia_load_session, kUiaLoadSession, mxd_uia_session_key)
CALLBACK(uia_replace_session, kUiaReplaceSession, mxd_uia_replacement)
CALLBACK(uia_check, kUiaCheck, mxd_uia_attempt)
CALLBACK(put_device, kPutDevice, mxd_device_update)
CALLBACK(mark_validated, kMarkValidated, mxd_validation)
CALLBACK(take_limit, kTakeLimit, mxd_limit_request)

static void respond(mxd_cookie host, mxd_cookie request, const mxd_response* response) {
  (void)host;
  mxdgoRespond(request, (void*)response);
}

static int64_t now_ms(mxd_cookie host) {
  return mxdgoNow(host);
}

static int32_t random_bytes(mxd_cookie host, void* out, size_t size) {
  return mxdgoRandom(host, out, size);
}

static void log_line(mxd_cookie host, mxd_cookie request, int32_t level, mxd_view message) {
  mxdgoLog(host, request, level, (char*)message.data, message.size);
}

static void done(mxd_cookie cookie) {
  mxdgoDone(cookie);
}

const mxd_module* mxdgo_open(const char* path, char* error, size_t error_size) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  const mxd_entry_v1 entry = library ? (mxd_entry_v1)dlsym(library, MXD_ENTRY_V1) : NULL;
  if (!entry) {
    snprintf(error, error_size, "%s", dlerror());
    return NULL;
  }
  const mxd_module* module = entry();
  if (module->size < MXD_MODULE_SIZE_1_0 || module->caps >> MXD_CAP_MUST_UNDERSTAND_FROM) {
    snprintf(error, error_size, "%s needs a newer host than this package: upgrade the package",
             path);
    return NULL;
  }
  return module;
}

int32_t mxdgo_create(const mxd_module* module, mxd_cookie cookie, uint32_t optional,
                     const char* config, size_t config_size, mxd_instance** out, char* error,
                     size_t error_size) {
  mxd_host host = {.size = sizeof host,
                   .abi_minor = MXD_ABI_MINOR,
                   .cookie = cookie,
                   .respond = respond,
                   .authenticate = authenticate,
                   .list_devices = list_devices,
                   .get_device = get_device,
                   .rename_device = rename_device,
                   .delete_devices = delete_devices,
                   .uia_flows = uia_flows,
                   .uia_create_session = uia_create_session,
                   .uia_load_session = uia_load_session,
                   .uia_replace_session = uia_replace_session,
                   .uia_check = uia_check,
                   .log = log_line};
  if (optional & kHasPutDevice) host.put_device = put_device;
  if (optional & kHasMarkValidated) host.mark_validated = mark_validated;
  if (optional & kHasTakeLimit) host.take_limit = take_limit;
  if (optional & kHasNow) host.now_ms = now_ms;
  if (optional & kHasRandom) host.random_bytes = random_bytes;
  return module->create(&host, (mxd_view){config, config_size}, out, error, error_size);
}

int32_t mxdgo_destroy(const mxd_module* module, mxd_instance* instance) {
  return module->destroy(instance);
}

int32_t mxdgo_shutdown(const mxd_module* module, mxd_instance* instance, mxd_cookie cookie) {
  return module->shutdown(instance, done, cookie);
}

enum { kHeadersOnStack = 32 };

int32_t mxdgo_handle(const mxd_module* module, mxd_instance* instance, mxdgo_request request,
                     const char* texts, const size_t* sizes, mxd_request_token* token) {
  mxd_header on_stack[kHeadersOnStack];
  mxd_header* headers = on_stack;
  if (request.header_count > kHeadersOnStack) {
    headers = malloc(request.header_count * sizeof *headers);
    if (!headers) return MXD_NO_MEMORY;
  }
  mxd_view first[4];
  for (size_t i = 0; i < 4; texts += sizes[i++])
    first[i] = (mxd_view){texts, sizes[i]};
  sizes += 4;
  for (size_t i = 0; i < request.header_count; i++) {
    const size_t name = sizes[2 * i], value = sizes[2 * i + 1];
    headers[i] = (mxd_header){{texts, name}, {texts + name, value}};
    texts += name + value;
  }
  const mxd_request record = {.size = sizeof record,
                              .flags = request.flags,
                              .cookie = request.cookie,
                              .headers = headers,
                              .header_count = request.header_count,
                              .method = first[0],
                              .target = first[1],
                              .body = first[2],
                              .remote_addr = first[3]};
  const int32_t status = module->handle(instance, &record, token);
  if (headers != on_stack) free(headers);
  return status;
}

int32_t mxdgo_cancel(const mxd_module* module, mxd_request_token token) {
  return module->cancel(token);
}

int32_t mxdgo_match(const mxd_module* module, mxd_instance* instance, const char* method,
                    size_t method_size, const char* target, size_t target_size) {
  return module->match(instance, (mxd_view){method, method_size}, (mxd_view){target, target_size});
}

uint64_t mxdgo_max_body_bytes(const mxd_module* module, mxd_instance* instance) {
  return module->max_body_bytes(instance);
}

int32_t mxdgo_route(const mxd_module* module, mxd_instance* instance, uint32_t index,
                    mxd_route* out) {
  *out = (mxd_route){.size = sizeof *out};
  return module->route(instance, index, out);
}

int32_t mxdgo_complete(const mxd_module* module, mxd_op op, int32_t status) {
  return module->complete(op, status);
}
