/* The smallest host: it knows only module.h, and serves GET /devices to one user from an array. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include "matrix_devices/module.h"
/* clang-format off */
#define TEXT(literal) {literal, sizeof(literal) - 1}
static const mxd_module* module;
static const mxd_view devices[] = {TEXT("LAPTOP"), TEXT("PHONE"), TEXT("TABLET")};

static void respond(mxd_cookie h, mxd_cookie r, const mxd_response* response) {
  printf("%u %.*s\n", response->http_status, (int)response->body.size, response->body.data);
}

static int32_t authenticate(mxd_cookie h, mxd_cookie r, mxd_op op, mxd_cookie p, const mxd_credentials* who) {
  const mxd_view token = who->access_token;
  if (token.size != 6 || memcmp(token.data, "secret", 6) != 0) return MXD_UNKNOWN_TOKEN;
  const mxd_principal alice = {
      .size = sizeof alice, .user_id = TEXT("@alice:example.org"), .device_id = TEXT("PHONE")};
  module->emit_principal(op, &alice);
  return module->complete(op, MXD_OK);
}

static int32_t list_devices(mxd_cookie h, mxd_cookie r, mxd_op op, mxd_cookie p, const mxd_device_query* q) {
  for (size_t i = 0; i < sizeof devices / sizeof devices[0]; ++i) {
    const mxd_device device = {.size = sizeof device, .device_id = devices[i]};
    module->emit_device(op, &device);
  }
  return module->complete(op, MXD_OK);
}

#define REFUSE(callback, argument) /* what is not served here: the client gets a 503 */ \
  static int32_t callback(mxd_cookie h, mxd_cookie r, mxd_op op, mxd_cookie p, const argument* a) \
  { return MXD_UNAVAILABLE; }
REFUSE(get_device, mxd_device_key)                 REFUSE(rename_device, mxd_device_update)
REFUSE(delete_devices, mxd_deletion)               REFUSE(uia_flows, mxd_uia_operation)
REFUSE(uia_create_session, mxd_uia_session)        REFUSE(uia_load_session, mxd_uia_session_key)
REFUSE(uia_replace_session, mxd_uia_replacement)   REFUSE(uia_check, mxd_uia_attempt)
static const mxd_host host = {.size = sizeof host, .abi_minor = MXD_ABI_MINOR, .respond = respond,
    .authenticate = authenticate, .list_devices = list_devices, .get_device = get_device,
    .rename_device = rename_device, .delete_devices = delete_devices, .uia_flows = uia_flows,
    .uia_create_session = uia_create_session, .uia_load_session = uia_load_session,
    .uia_replace_session = uia_replace_session, .uia_check = uia_check};
static const mxd_header bearer = {TEXT("Authorization"), TEXT("Bearer secret")};
static const mxd_request request = {.size = sizeof request, .headers = &bearer, .header_count = 1,
    .method = TEXT("GET"), .target = TEXT("/_matrix/client/v3/devices")};

int main(int argc, char** argv) {
  void* library = dlopen(argc > 1 ? argv[1] : "./libmatrix_devices.so", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return fprintf(stderr, "%s\n", dlerror()), 1;
  mxd_entry_v1 entry;
  *(void**)&entry = dlsym(library, MXD_ENTRY_V1);
  module = entry();
  mxd_instance* instance;
  char error[256];
  if (module->create(&host, (mxd_view){NULL, 0}, &instance, error, sizeof error) != MXD_OK)
    return fprintf(stderr, "%s\n", error), 1;
  module->handle(instance, &request, NULL); /* respond() is called before it returns */
  return module->destroy(instance) == MXD_OK ? 0 : 1;
}
