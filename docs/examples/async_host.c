/* A host that answers later: authenticate() only queues the question, a worker thread answers it.
 * Shows what an asynchronous host needs: keep the operation's number, answer once, cancel, wait
 * for shutdown. The devices are as in minimal_host.c.
 *   ./async_host libmatrix_devices.so
 */
#include <dlfcn.h>
#include <matrix_devices/module.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define VIEW(text) ((mxd_view){(text), strlen(text)})
enum { kRequests = 3 };

static const mxd_module* module;

/* A queue of questions; a real host has its own. */
typedef struct question {
  mxd_op op;
  const mxd_credentials* credentials; /* lent until the operation is completed: no copy needed */
} question;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static question queue[kRequests];
static int queued, finished;

/* host_guide: begin */
static int32_t authenticate(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                            const mxd_credentials* credentials) {
  pthread_mutex_lock(&lock);
  queue[queued++] = (question){op, credentials};
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
  return MXD_OK; /* the operation will be completed */
}

static void answer(question asked) {
  const mxd_view token = asked.credentials->access_token;
  if (token.size != 6 || memcmp(token.data, "secret", 6)) {
    module->complete(asked.op, MXD_UNKNOWN_TOKEN);
    return;
  }
  mxd_principal alice = {.size = sizeof alice};
  alice.user_id = VIEW("@alice:example.org");
  alice.device_id = VIEW("LAPTOP");
  module->emit_principal(asked.op, &alice);
  module->complete(asked.op, MXD_OK); /* the request goes on here, on this thread */
  /* asked.credentials is not to be touched any more */
}

static void* worker(void* unused) {
  for (int answered = 0; answered < kRequests; answered++) {
    pthread_mutex_lock(&lock);
    while (queued <= answered)
      pthread_cond_wait(&changed, &lock);
    question asked = queue[answered];
    pthread_mutex_unlock(&lock); /* no lock is held across a call into the module */
    answer(asked);
  }
  return unused;
}
/* host_guide: end */

static int32_t list_devices(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                            const mxd_device_query* query) {
  mxd_device device = {.size = sizeof device, .device_id = VIEW("LAPTOP")};
  device.flags = MXD_DEVICE_HAS_DISPLAY_NAME;
  device.display_name = VIEW("Alice's laptop");
  module->emit_device(op, &device);
  return module->complete(op, MXD_OK);
}

/* The request's cookie tells whose answer this is. */
static void respond(mxd_cookie host, mxd_cookie request, const mxd_response* response) {
  printf("%u: %u %.*s\n", (unsigned)request, response->http_status, (int)response->body.size,
         response->body.data);
}

static void done(mxd_cookie cookie) {
  pthread_mutex_lock(&lock);
  finished = 1;
  pthread_cond_signal((pthread_cond_t*)cookie);
  pthread_mutex_unlock(&lock);
}

/* Mandatory, and not needed for GET /devices: the client sees 503. */
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

int main(int argc, char** argv) {
  void* library = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  mxd_entry_v1 entry = library ? (mxd_entry_v1)dlsym(library, MXD_ENTRY_V1) : NULL;
  if (!entry) return fprintf(stderr, "usage: async_host libmatrix_devices.so\n"), 1;
  module = entry();

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
  mxd_instance* instance = NULL;
  char error[256];
  if (module->create(&host, (mxd_view){0}, &instance, error, sizeof error))
    return fprintf(stderr, "%s\n", error), 1;

  for (int i = 1; i <= kRequests; i++) {
    mxd_header headers[] = {{VIEW("Authorization"), VIEW("Bearer secret")}};
    mxd_request request = {.size = sizeof request, .cookie = (mxd_cookie)i};
    request.headers = headers;
    request.header_count = 1;
    request.method = VIEW("GET");
    request.target = VIEW("/_matrix/client/v3/devices");
    if (module->handle(instance, &request, NULL) != MXD_OK) return 1;
  } /* nothing is answered yet */

  pthread_t thread;
  if (pthread_create(&thread, NULL, worker, NULL)) return 1;
  module->shutdown(instance, done, (mxd_cookie)&changed);
  pthread_mutex_lock(&lock);
  while (!finished)
    pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
  pthread_join(thread, NULL);
  return module->destroy(instance) == MXD_OK ? 0 : 1;
}
