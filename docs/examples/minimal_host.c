/* The smallest host: one user, two devices in an array, one request, the answer on the terminal.
 *   cc minimal_host.c $(pkg-config --cflags matrix_devices) -o minimal_host
 *   ./minimal_host "$(pkg-config --variable=module matrix_devices)" [config.json]
 */
#include <dlfcn.h>
#include <matrix_devices/module.h>
#include <stdio.h>
#include <string.h>

#define VIEW(text) ((mxd_view){(text), strlen(text)})

static const mxd_module* module;

/* readme: begin */
static int32_t authenticate(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                            const mxd_credentials* credentials) {
  if (credentials->access_token.size != 6 || memcmp(credentials->access_token.data, "secret", 6))
    return module->complete(op, MXD_UNKNOWN_TOKEN);
  mxd_principal alice = {.size = sizeof alice};
  alice.user_id = VIEW("@alice:example.org");
  alice.device_id = VIEW("LAPTOP");
  module->emit_principal(op, &alice);
  return module->complete(op, MXD_OK);
}

static int32_t list_devices(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                            const mxd_device_query* query) {
  static const char* const ids[] = {"LAPTOP", "PHONE"};
  for (int i = 0; i < 2; i++) {
    mxd_device device = {.size = sizeof device, .device_id = VIEW(ids[i])};
    module->emit_device(op, &device);
  }
  return module->complete(op, MXD_OK); /* now, or later from any thread */
}

static void respond(mxd_cookie host, mxd_cookie request, const mxd_response* response) {
  printf("%u %.*s\n", response->http_status, (int)response->body.size, response->body.data);
}

static mxd_instance* load(const char* path, mxd_host* host, mxd_view config) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  mxd_entry_v1 entry = library ? (mxd_entry_v1)dlsym(library, MXD_ENTRY_V1) : NULL;
  if (!entry) return fprintf(stderr, "%s\n", dlerror()), NULL;
  module = entry();
  mxd_instance* instance = NULL;
  char error[256];
  if (module->create(host, config, &instance, error, sizeof error)) fprintf(stderr, "%s\n", error);
  return instance;
}
/* readme: end */

/* Mandatory, and not needed for GET /devices. A failure that is returned is the answer: here
 * UNAVAILABLE, which the client sees as 503. */
#define NOT_SERVED(callback, argument)                                                          \
  static int32_t callback(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal, \
                          const argument* question) {                                           \
    return MXD_UNAVAILABLE;                                                                     \
  }
NOT_SERVED(get_device, mxd_device_key)
NOT_SERVED(rename_device, mxd_device_update)
NOT_SERVED(delete_devices, mxd_deletion)
NOT_SERVED(uia_flows, mxd_uia_operation)
NOT_SERVED(uia_create_session, mxd_uia_session)
NOT_SERVED(uia_load_session, mxd_uia_session_key)
NOT_SERVED(uia_replace_session, mxd_uia_replacement)
NOT_SERVED(uia_check, mxd_uia_attempt)

static void shut_down(mxd_cookie instance) {
  module->destroy((mxd_instance*)instance);
}

int main(int argc, char** argv) {
  static char config[65536];
  size_t config_size = 0;
  if (argc > 2) {
    FILE* file = fopen(argv[2], "rb");
    if (!file) return perror(argv[2]), 1;
    config_size = fread(config, 1, sizeof config, file);
    fclose(file);
  }
  mxd_host host = {.size = sizeof host,
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
  mxd_instance* instance = argc > 1 ? load(argv[1], &host, (mxd_view){config, config_size}) : NULL;
  if (!instance) return 1;

  mxd_header headers[] = {{VIEW("Authorization"), VIEW("Bearer secret")}};
  mxd_request request = {.size = sizeof request, .headers = headers, .header_count = 1};
  request.method = VIEW("GET");
  request.target = VIEW("/_matrix/client/v3/devices");
  int32_t status = module->handle(instance, &request, NULL);
  module->shutdown(instance, shut_down, (mxd_cookie)instance);
  return status == MXD_OK ? 0 : 1;
}
