/* A host that keeps everything in SQLite: the table comes from libmatrix_devices_sqlite.so, the
 * host adds respond(). One account, one login, one request.
 *   cc sqlite_host.c $(pkg-config --cflags --libs matrix_devices_sqlite) -o sqlite_host
 *   ./sqlite_host libmatrix_devices.so devices.db
 */
#include <dlfcn.h>
#include <matrix_devices/module.h>
#include <matrix_devices/sqlite.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define VIEW(text) ((mxd_view){(text), strlen(text)})

static const mxd_module* module;
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

int main(int argc, char** argv) {
  void* library = argc == 3 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  mxd_entry_v1 entry = library ? (mxd_entry_v1)dlsym(library, MXD_ENTRY_V1) : NULL;
  if (!entry) return fprintf(stderr, "usage: sqlite_host libmatrix_devices.so FILE\n"), 1;
  module = entry();

  /* host_guide: begin */
  mxd_sqlite_error why;
  mxd_sqlite* store = NULL;
  mxd_sqlite_options options = {.size = sizeof options};
  options.path = VIEW(argv[2]);
  options.server_name = VIEW("example.org");
  if (mxd_sqlite_open(&options, &store, &why)) return fprintf(stderr, "%s\n", why.text), 1;

  mxd_host host = {.size = sizeof host, .abi_minor = MXD_ABI_MINOR};
  mxd_sqlite_fill_host(store, module, &host);
  host.respond = respond;

  mxd_instance* instance = NULL;
  char error[256];
  if (module->create(&host, VIEW("{\"unknown_fields\": \"null\"}"), &instance, error, sizeof error))
    return fprintf(stderr, "%s\n", error), 1;
  /* host_guide: end */

  mxd_sqlite_new_account account = {.size = sizeof account};
  account.name = VIEW("alice");
  account.password = VIEW("correct horse battery staple");
  int32_t added = mxd_sqlite_add_account(store, &account, NULL, &why);
  if (added != MXD_OK && added != MXD_BUSY) return fprintf(stderr, "%s\n", why.text), 1;

  mxd_sqlite_login login = {.size = sizeof login, .lifetime_ms = -1};
  login.name = VIEW("alice");
  login.device_id = VIEW("LAPTOP");
  login.initial_device_display_name = VIEW("Alice's laptop");
  mxd_sqlite_tokens tokens = {.size = sizeof tokens};
  if (mxd_sqlite_login_device(store, &login, &tokens, &why))
    return fprintf(stderr, "%s\n", why.text), 1;

  char bearer[128];
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
  mxd_sqlite_close(store);
  return status == MXD_OK ? 0 : 1;
}
