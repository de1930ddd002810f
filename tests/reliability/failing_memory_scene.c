#include "failing_memory_scene.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kWaitSeconds = 60 };

static const mxd_module* module;
static const char* database;
const mxd_store_library* library;
mxd_store* store;
mxd_instance* instance;
char why[256];
int problems;
const char* doing = "nothing";
int64_t at;
char last_body[kBody];

/* ---- What comes back ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int answers;
static unsigned last_status;
static bool is_down;

void problem(const char* what) {
  fprintf(stderr, "PROBLEM %s, allocation %lld: %s\n", doing, (long long)at + 1, what);
  ++problems;
}

static void respond(mxd_cookie host, mxd_cookie request, const mxd_response* response) {
  (void)host, (void)request;
  pthread_mutex_lock(&lock);
  ++answers;
  last_status = response->http_status;
  const size_t size = response->body.size < kBody ? response->body.size : kBody - 1;
  memcpy(last_body, response->body.data, size);
  last_body[size] = '\0';
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
}

static void log_line(mxd_cookie host, mxd_cookie request, int32_t level, mxd_view message) {
  (void)host, (void)request;
  if (level == MXD_LOG_HOST_MISBEHAVING) {
    fprintf(stderr, "%.*s\n", (int)message.size, message.data);
    problem("the host is blamed");
  }
}

static void down(mxd_cookie cookie) {
  (void)cookie;
  pthread_mutex_lock(&lock);
  is_down = true;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
}

/* Until `*what` is not 0; ends the test if that takes too long. With the lock. */
static void wait_until(const volatile int* what, const volatile bool* or_that) {
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += kWaitSeconds;
  while (*what == 0 && !*or_that) {
    if (pthread_cond_timedwait(&changed, &lock, &end) == ETIMEDOUT) {
      problem("no answer");
      exit(1);
    }
  }
}

/* ---- Asking ---- */

unsigned ask(const char* method, const char* target, const char* token, const char* body) {
  char bearer[128];
  snprintf(bearer, sizeof bearer, "Bearer %s", token);
  const mxd_header headers[] = {{VIEW("Authorization"), VIEW(bearer)}};
  mxd_request request = {.size = sizeof request, .headers = headers, .header_count = 1};
  request.method = VIEW(method);
  request.target = VIEW(target);
  request.body = VIEW(body);
  request.remote_addr = VIEW("192.0.2.1");
  pthread_mutex_lock(&lock);
  answers = 0;
  pthread_mutex_unlock(&lock);
  const int32_t status = module->handle(instance, &request, NULL);
  if (status != MXD_OK) {
    problem("the request is not taken");
    return 0;
  }
  static const bool never = false;
  pthread_mutex_lock(&lock);
  wait_until(&answers, &never);
  const unsigned answered = last_status;
  pthread_mutex_unlock(&lock);
  return answered;
}

bool answered(unsigned expected, unsigned status) {
  if (status == expected) return true;
  if (status != 500 && status != 503) {
    fprintf(stderr, "%u %s\n", status, last_body);
    problem("an answer that is neither the usual one nor 500 nor 503");
  }
  return false;
}

bool returned(int32_t status) {
  if (status == MXD_OK) return true;
  if (status != MXD_UNAVAILABLE && status != MXD_NO_MEMORY && status != MXD_INTERNAL) {
    fprintf(stderr, "status %d\n", status);
    problem("an account function tells of something else than memory");
  }
  return false;
}

void must(bool holds, const char* what) {
  if (!holds) problem(what);
}

/* ---- Opening and closing ---- */

/* The entry of a library, or NULL. */
static void* find_entry(const char* path, const char* name) {
  void* loaded = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  return loaded == NULL ? NULL : dlsym(loaded, name);
}

bool load_libraries(const char* module_path, const char* store_path, const char* database_path) {
  void* module_entry = find_entry(module_path, MXD_ENTRY_V1);
  void* store_entry = find_entry(store_path, MXD_STORE_ENTRY_V1);
  if (module_entry == NULL || store_entry == NULL) return false;
  module = (__extension__(mxd_entry_v1) module_entry)();
  library = (__extension__(mxd_store_entry_v1) store_entry)();
  database = database_path;
  return true;
}

int32_t open_store(void) {
  mxd_store_options options = {.size = sizeof options, .connections = 2};
  options.url = VIEW(database);
  options.server_name = VIEW("example.org");
  return library->open(&options, &store, why, sizeof why);
}

int32_t create_instance(void) {
  mxd_host host = {.size = sizeof host, .abi_minor = MXD_ABI_MINOR};
  char error[256];
  const int32_t filled = library->fill_host(store, module, &host, error, sizeof error);
  if (filled != MXD_OK) return filled;
  host.respond = respond;
  host.log = log_line;
  const char* config =
      "{\"fallback_pages\":true,\"limits\":{\"uia_challenges\":{\"burst\":1000000,\"interval_ms\":"
      "1},\"uia_failures\":{\"burst\":1000000,\"interval_ms\":1}}}";
  return module->create(&host, VIEW(config), &instance, error, sizeof error);
}

int32_t add_service(void) {
  const mxd_view namespaces[] = {VIEW("@.*")};
  const uint8_t exclusive[] = {0};
  mxd_store_service service = {.size = sizeof service, .flags = MXD_STORE_SERVICE_UNLIMITED};
  service.id = VIEW("test");
  service.as_token = VIEW(AS_TOKEN);
  service.sender_localpart = VIEW("test");
  service.user_namespaces = namespaces;
  service.user_namespace_count = 1;
  service.exclusive = exclusive;
  return library->add_service(store, &service, why, sizeof why);
}

void close_all(void) {
  if (instance != NULL) {
    is_down = false;
    must(module->shutdown(instance, down, 0) == MXD_OK, "it can't be shut down");
    static const int never = 0;
    pthread_mutex_lock(&lock);
    wait_until(&never, &is_down);
    pthread_mutex_unlock(&lock);
    must(module->destroy(instance) == MXD_OK, "it can't be destroyed");
  }
  instance = NULL;
  library->close(store);
  store = NULL;
}
