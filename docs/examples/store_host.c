/* A host that keeps everything in a store: libmatrix_devices_sqlite.so fills the table, the host
 * adds respond(). One account, one login, one request.
 *   cc store_host.c $(pkg-config --cflags matrix_devices) -o store_host
 *   ./store_host libmatrix_devices.so libmatrix_devices_sqlite.so devices.db
 */
#include <dlfcn.h>
#include <matrix_devices/module.h>
#include <matrix_devices/store.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define VIEW(text) ((mxd_view){(text), strlen(text)})

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int finished;

static void respond(mxd_cookie host, mxd_cookie request, const mxd_response* response) {
  printf("%u %.*s\n", response->http_status, (int)response->body.size, response->body.data);
}

static void done(mxd_cookie cookie) {
  pthread_mutex_lock(&lock);
  finished = 1;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
}

static void* entry_of(const char* path, const char* name) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  void* entry = library ? dlsym(library, name) : NULL;
  if (!entry) fprintf(stderr, "%s\n", dlerror());
  return entry;
}

int main(int argc, char** argv) {
  if (argc != 4) return fprintf(stderr, "usage: store_host MODULE STORE FILE\n"), 2;
  mxd_entry_v1 module_entry = (mxd_entry_v1)entry_of(argv[1], MXD_ENTRY_V1);
  mxd_store_entry_v1 store_entry = (mxd_store_entry_v1)entry_of(argv[2], MXD_STORE_ENTRY_V1);
  if (!module_entry || !store_entry) return 1;
  const mxd_module* module = module_entry();
  const mxd_store_library* library = store_entry();
  char error[256] = "";

  /* host_guide: begin */
  mxd_store* store = NULL;
  mxd_store_options options = {.size = sizeof options, .abi_minor = MXD_STORE_ABI_MINOR};
  options.url = VIEW(argv[3]);
  options.server_name = VIEW("example.org");
  if (library->open(&options, &store, error, sizeof error))
    return fprintf(stderr, "%s\n", error), 1;

  mxd_host host = {.size = sizeof host, .abi_minor = MXD_ABI_MINOR};
  if (library->fill_host(store, module, &host, error, sizeof error))
    return fprintf(stderr, "%s\n", error), 1;
  host.respond = respond;

  mxd_instance* instance = NULL;
  if (module->create(&host, VIEW("{\"unknown_fields\": \"null\"}"), &instance, error, sizeof error))
    return fprintf(stderr, "%s\n", error), 1;
  /* host_guide: end */

  mxd_store_new_account account = {.size = sizeof account};
  account.name = VIEW("alice");
  account.password = VIEW("correct horse battery staple");
  int32_t added = library->add_account(store, &account, NULL, error, sizeof error);
  if (added != MXD_OK && added != MXD_BUSY) return fprintf(stderr, "%s\n", error), 1;

  mxd_store_login login = {.size = sizeof login, .lifetime_ms = -1};
  login.name = VIEW("alice");
  login.device_id = VIEW("LAPTOP");
  login.initial_device_display_name = VIEW("Alice's laptop");
  mxd_store_tokens tokens = {.size = sizeof tokens};
  if (library->login(store, &login, &tokens, error, sizeof error))
    return fprintf(stderr, "%s\n", error), 1;

  char bearer[sizeof "Bearer " + MXD_STORE_TOKEN_CAPACITY];
  snprintf(bearer, sizeof bearer, "Bearer %s", tokens.access_token);
  mxd_header headers[] = {{VIEW("Authorization"), VIEW(bearer)}};
  mxd_request request = {.size = sizeof request, .headers = headers, .header_count = 1};
  request.method = VIEW("GET");
  request.target = VIEW("/_matrix/client/v3/devices");
  request.remote_addr = VIEW("192.0.2.1");
  if (module->handle(instance, &request, NULL) != MXD_OK) return 1;

  /* The instance first, then the store that answers it. */
  module->shutdown(instance, done, 0);
  pthread_mutex_lock(&lock);
  while (!finished)
    pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
  int32_t status = module->destroy(instance);
  library->close(store);
  return status == MXD_OK ? 0 : 1;
}
