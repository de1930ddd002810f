/* What GET of one device costs, through the module, on a host that answers inline from memory.
 *   get_one libmatrix_devices.so REQUESTS   sends so many after some to warm up; fails where they
 *                                           took anything from the heap
 * instructions.sh counts with it.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "matrix_devices/module.h"
#include "tests/hosts/host_heap.h"

#define TEXT(literal) \
  { (literal), sizeof(literal) - 1 }
#define REFUSES(callback, argument)                                                             \
  static int32_t callback(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal, \
                          const argument* asked) {                                              \
    return MXD_UNAVAILABLE;                                                                     \
  }

static const mxd_module* module;
static unsigned answered;

static const mxd_principal alice = {
    .size = sizeof alice, .user_id = TEXT("@alice:example.org"), .device_id = TEXT("LAPTOP")};
static const mxd_device phone = {.size = sizeof phone,
                                 .flags = MXD_DEVICE_HAS_DISPLAY_NAME |
                                          MXD_DEVICE_HAS_LAST_SEEN_IP | MXD_DEVICE_HAS_LAST_SEEN_TS,
                                 .last_seen_ts_ms = 1500000000000,
                                 .device_id = TEXT("PHONE"),
                                 .display_name = TEXT("Alice's phone"),
                                 .last_seen_ip = TEXT("192.0.2.1")};

static void respond(mxd_cookie host, mxd_cookie request, const mxd_response* response) {
  if (response->http_status == 200) ++answered;
}

static int32_t authenticate(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                            const mxd_credentials* asked) {
  if (asked->access_token.size != 6 || memcmp(asked->access_token.data, "secret", 6) != 0) {
    return MXD_UNKNOWN_TOKEN;
  }
  module->emit_principal(op, &alice);
  return module->complete(op, MXD_OK);
}

static int32_t get_device(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                          const mxd_device_key* asked) {
  if (asked->device_id.size != 5 || memcmp(asked->device_id.data, "PHONE", 5) != 0) {
    return MXD_NOT_FOUND;
  }
  module->emit_device(op, &phone);
  return module->complete(op, MXD_OK);
}
REFUSES(list_devices, mxd_device_query)
REFUSES(rename_device, mxd_device_update)
REFUSES(delete_devices, mxd_deletion)
REFUSES(uia_flows, mxd_uia_operation)
REFUSES(uia_create_session, mxd_uia_session)
REFUSES(uia_load_session, mxd_uia_session_key)
REFUSES(uia_replace_session, mxd_uia_replacement)
REFUSES(uia_check, mxd_uia_attempt)

static const mxd_host host = {.size = sizeof host,
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
                              .uia_check = uia_check};

static void send(mxd_instance* instance, unsigned requests) {
  static const mxd_header headers[] = {{TEXT("Host"), TEXT("example.org")},
                                       {TEXT("Authorization"), TEXT("Bearer secret")},
                                       {TEXT("Accept"), TEXT("application/json")}};
  static const mxd_request request = {.size = sizeof request,
                                      .headers = headers,
                                      .header_count = 3,
                                      .method = TEXT("GET"),
                                      .target = TEXT("/_matrix/client/v3/devices/PHONE"),
                                      .remote_addr = TEXT("192.0.2.7")};
  for (unsigned i = 0; i < requests; ++i)
    module->handle(instance, &request, NULL);
}

int main(int argc, char** argv) {
  enum { kWarmUp = 100 };
  if (argc != 3) return fprintf(stderr, "usage: get_one MODULE REQUESTS\n"), 2;
  const unsigned requests = (unsigned)strtoul(argv[2], NULL, 10);
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  mxd_entry_v1 entry = NULL;
  if (library != NULL) *(void**)&entry = dlsym(library, MXD_ENTRY_V1);
  if (entry == NULL) return fprintf(stderr, "%s\n", dlerror()), 1;
  module = entry();
  mxd_instance* instance = NULL;
  char error[256];
  if (module->create(&host, (mxd_view){NULL, 0}, &instance, error, sizeof error) != MXD_OK)
    return fprintf(stderr, "%s\n", error), 1;

  send(instance, kWarmUp);
  const size_t before = heap_allocations();
  send(instance, requests);
  const size_t allocations = heap_allocations() - before;
  if (answered != kWarmUp + requests)
    return fprintf(stderr, "expected %u answers, got %u\n", kWarmUp + requests, answered), 1;
  if (allocations != 0) return fprintf(stderr, "expected no allocation, got %zu\n", allocations), 1;
  printf("%u requests, %zu allocations\n", requests, allocations);
  return module->destroy(instance) == MXD_OK ? 0 : 1;
}
