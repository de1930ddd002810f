#include "shim.h"

#include <dlfcn.h>
#include <stdio.h>

#include "_cgo_export.h"

static const mxd_module* module;

#define CALLBACK(name, kind, argument)                                                      \
  static int32_t name(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal, \
                      const argument* asked) {                                              \
    return goAsk(kind, op, principal, (void*)asked);                                        \
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

static void respond(mxd_cookie host, mxd_cookie request, const mxd_response* response) {
  goRespond(request, response->http_status, response->body);
}

static void release_principal(mxd_cookie host, mxd_cookie principal) {
  goRelease(principal);
}

static void log_line(mxd_cookie host, mxd_cookie request, int32_t level, mxd_view message) {
  fprintf(stderr, "log %d: %.*s\n", level, (int)message.size, message.data);
}

mxd_instance* open_module(const char* path, char* error, size_t error_size) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  mxd_entry_v1 entry = library ? (mxd_entry_v1)dlsym(library, MXD_ENTRY_V1) : NULL;
  if (!entry) {
    snprintf(error, error_size, "%s", dlerror());
    return NULL;
  }
  module = entry();
  const mxd_host host = {.size = sizeof host,
                         .abi_minor = MXD_ABI_MINOR,
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
                         .release_principal = release_principal,
                         .log = log_line};
  mxd_instance* instance = NULL;
  module->create(&host, (mxd_view){0}, &instance, error, error_size);
  return instance;
}

int32_t send_request(mxd_instance* instance, mxd_cookie cookie, mxd_view method, mxd_view target,
                     mxd_view bearer, mxd_view body) {
  const mxd_header header = {{"Authorization", 13}, bearer};
  const mxd_request request = {.size = sizeof request,
                               .cookie = cookie,
                               .headers = &header,
                               .header_count = 1,
                               .method = method,
                               .target = target,
                               .body = body};
  return module->handle(instance, &request, NULL);
}

int32_t match_request(mxd_instance* instance, mxd_view method, mxd_view target) {
  return module->match(instance, method, target);
}

static void finished(mxd_cookie instance) {
  goFinished(module->destroy((mxd_instance*)instance));
}

int32_t close_module(mxd_instance* instance) {
  return module->shutdown(instance, finished, (mxd_cookie)instance);
}

int32_t complete(mxd_op op, int32_t status) {
  return module->complete(op, status);
}

int32_t emit_principal(mxd_op op, mxd_view user_id, mxd_view device_id, mxd_cookie cookie) {
  const mxd_principal principal = {
      .size = sizeof principal, .user_id = user_id, .device_id = device_id, .cookie = cookie};
  return module->emit_principal(op, &principal);
}

int32_t emit_device(mxd_op op, mxd_view device_id) {
  const mxd_device device = {.size = sizeof device, .device_id = device_id};
  return module->emit_device(op, &device);
}

int32_t emit_stage(mxd_op op, mxd_view type) {
  const mxd_uia_stage stage = {.size = sizeof stage, .type = type};
  return module->emit_stage(op, &stage);
}

int32_t emit_session(mxd_op op, int64_t revision, mxd_view state) {
  const mxd_uia_kept session = {.size = sizeof session, .revision = revision, .state = state};
  return module->emit_session(op, &session);
}

int32_t emit_identity(mxd_op op, mxd_view user_id) {
  return module->emit_identity(op, user_id);
}
