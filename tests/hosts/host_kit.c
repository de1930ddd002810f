#include "host_kit.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

#include "host_kit_parts.h"

const mxd_module* module;

/* ---- Stack ---- */

static _Thread_local const char* stack_mark;
static _Thread_local size_t stack_deepest;
static _Thread_local unsigned depth;
static _Thread_local unsigned depth_highest;

void kit_stack_mark(void) {
  stack_mark = __builtin_frame_address(0);
  stack_deepest = 0;
}

size_t kit_stack_deepest(void) {
  return stack_deepest;
}

unsigned kit_depth_highest(void) {
  return depth_highest;
}

static void enter(void) {
  const char* here = __builtin_frame_address(0);
  if (stack_mark != NULL && stack_mark > here && (size_t)(stack_mark - here) > stack_deepest) {
    stack_deepest = (size_t)(stack_mark - here);
  }
  if (++depth > depth_highest) depth_highest = depth;
}

static void leave(void) {
  --depth;
}

/* ---- Waiting ---- */

static void wait_for_change(kit_host* host, const char* what) {
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += 60;
  if (pthread_cond_timedwait(&host->changed, &host->lock, &deadline) != 0) kit_die(what);
}

void kit_wait(kit_host* host, kit_request* request) {
  pthread_mutex_lock(&host->lock);
  while (request->answers == 0) {
    wait_for_change(host, "expected an answer to the request within a minute, got none");
  }
  pthread_mutex_unlock(&host->lock);
}

unsigned kit_answers(kit_host* host, const kit_request* request) {
  pthread_mutex_lock(&host->lock);
  const unsigned answers = request->answers;
  pthread_mutex_unlock(&host->lock);
  return answers;
}

int32_t kit_park(kit_host* host, const kit_question* question) {
  pthread_mutex_lock(&host->lock);
  if (host->parked_count == KIT_PARKED_MAX) kit_die("expected fewer parked questions than that");
  host->parked[(host->parked_first + host->parked_count++) % KIT_PARKED_MAX] = *question;
  pthread_cond_broadcast(&host->changed);
  pthread_mutex_unlock(&host->lock);
  return MXD_OK;
}

kit_question kit_take(kit_host* host) {
  pthread_mutex_lock(&host->lock);
  while (host->parked_count == 0) {
    wait_for_change(host, "expected a question within a minute, got none");
  }
  const kit_question question = host->parked[host->parked_first];
  host->parked_first = (host->parked_first + 1) % KIT_PARKED_MAX;
  --host->parked_count;
  pthread_mutex_unlock(&host->lock);
  return question;
}

/* ---- The table ---- */

static int32_t ask(mxd_cookie cookie, const kit_question* question) {
  kit_host* host = (kit_host*)cookie;
  enter();
  pthread_mutex_lock(&host->lock);
  ++host->asked[question->kind];
  pthread_mutex_unlock(&host->lock);
  const int32_t status = host->ask(host, question);
  leave();
  return status;
}

#define ASKS(name, its_kind, type)                                                          \
  static int32_t name(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal, \
                      const type* argument) {                                               \
    const kit_question question = {.kind = (its_kind),                                      \
                                   .op = op,                                                \
                                   .request = (kit_request*)request,                        \
                                   .principal = principal,                                  \
                                   .argument = argument};                                   \
    return ask(host, &question);                                                            \
  }
ASKS(authenticate, KIT_AUTHENTICATE, mxd_credentials)
ASKS(list_devices, KIT_LIST_DEVICES, mxd_device_query)
ASKS(get_device, KIT_GET_DEVICE, mxd_device_key)
ASKS(rename_device, KIT_RENAME_DEVICE, mxd_device_update)
ASKS(delete_devices, KIT_DELETE_DEVICES, mxd_deletion)
ASKS(uia_flows, KIT_UIA_FLOWS, mxd_uia_operation)
ASKS(uia_create_session, KIT_UIA_CREATE_SESSION, mxd_uia_session)
ASKS(uia_load_session, KIT_UIA_LOAD_SESSION, mxd_uia_session_key)
ASKS(uia_replace_session, KIT_UIA_REPLACE_SESSION, mxd_uia_replacement)
ASKS(uia_check, KIT_UIA_CHECK, mxd_uia_attempt)
ASKS(put_device, KIT_PUT_DEVICE, mxd_device_update)
ASKS(mark_validated, KIT_MARK_VALIDATED, mxd_validation)
ASKS(take_limit, KIT_TAKE_LIMIT, mxd_limit_request)
#undef ASKS

static size_t append(kit_request* request, size_t used, mxd_view text) {
  const size_t room = sizeof request->headers - 1 - used;
  const size_t size = text.size < room ? text.size : room;
  if (size != 0) memcpy(request->headers + used, text.data, size);
  request->headers[used + size] = '\0';
  return used + size;
}

/* By hand, and not with snprintf(), which takes more stack than the module. */
static void copy_headers(kit_request* request, const mxd_response* response) {
  size_t used = append(request, 0, KIT_TEXT(""));
  for (size_t i = 0; i < response->header_count; ++i) {
    used = append(request, used, response->headers[i].name);
    used = append(request, used, KIT_TEXT(": "));
    used = append(request, used, response->headers[i].value);
    used = append(request, used, KIT_TEXT("\n"));
  }
}

static void respond(mxd_cookie cookie, mxd_cookie request_cookie, const mxd_response* response) {
  kit_host* host = (kit_host*)cookie;
  kit_request* request = (kit_request*)request_cookie;
  enter();
  EXPECT_AT_MOST(response->size, MXD_RESPONSE_SIZE_1_0);
  pthread_mutex_lock(&host->lock);
  EXPECT_EQ(0, request->answers);
  request->status = response->http_status;
  request->thread = pthread_self();
  copy_headers(request, response);
  request->body_size = response->body.size;
  const size_t kept =
      response->body.size < sizeof request->body ? response->body.size : sizeof request->body - 1;
  if (kept != 0) memcpy(request->body, response->body.data, kept);
  request->body[kept] = '\0';
  ++request->answers;
  ++host->answered;
  pthread_cond_broadcast(&host->changed);
  pthread_mutex_unlock(&host->lock);
  /* The request is the test's again: it may be gone by now. */
  if (host->on_respond != NULL) host->on_respond(host, request);
  leave();
}

static void cancel_operation(mxd_cookie cookie, mxd_op op) {
  kit_host* host = (kit_host*)cookie;
  pthread_mutex_lock(&host->lock);
  host->cancelled_op = op;
  ++host->cancelled;
  pthread_cond_broadcast(&host->changed);
  pthread_mutex_unlock(&host->lock);
}

static void release_principal(mxd_cookie cookie, mxd_cookie principal) {
  kit_host* host = (kit_host*)cookie;
  pthread_mutex_lock(&host->lock);
  EXPECT_EQ(1, principal >= 1 && principal <= host->principals);
  ++host->released;
  pthread_mutex_unlock(&host->lock);
}

static void log_line(mxd_cookie cookie, mxd_cookie request, int32_t level, mxd_view message) {
  kit_host* host = (kit_host*)cookie;
  char line[256];
  snprintf(line, sizeof line, "%.*s", (int)message.size, message.data);
  EXPECT_EQ(1, level >= MXD_LOG_DEBUG && level <= MXD_LOG_HOST_MISBEHAVING);
  EXPECT_EQ(1, strstr(line, "secret") == NULL);
  EXPECT_EQ(1, strchr(line, '\n') == NULL);
  pthread_mutex_lock(&host->lock);
  ++host->logged[level];
  memcpy(host->lines[host->line_count++ % KIT_LINES], line, sizeof line);
  pthread_mutex_unlock(&host->lock);
}

/* ---- The host ---- */

void kit_load(int argc, char** argv) {
  if (argc != 2) kit_die("usage: test libmatrix_devices.so");
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) kit_die(dlerror());
  mxd_entry_v1 entry = NULL;
  *(void**)&entry = dlsym(library, MXD_ENTRY_V1);
  if (entry == NULL) kit_die(dlerror());
  module = entry();
}

void kit_init(kit_host* host) {
  static const mxd_device devices[] = {
      {.size = sizeof(mxd_device),
       .flags = MXD_DEVICE_HAS_DISPLAY_NAME,
       .device_id = {"LAPTOP", 6},
       .display_name = {"secret laptop", 13}},
      {.size = sizeof(mxd_device),
       .flags = MXD_DEVICE_HAS_LAST_SEEN_IP | MXD_DEVICE_HAS_LAST_SEEN_TS,
       .last_seen_ts_ms = 1500000000000,
       .device_id = {"PHONE", 5},
       .last_seen_ip = {"192.0.2.1", 9}},
      {.size = sizeof(mxd_device), .device_id = {"TABLET", 6}},
  };
  memset(host, 0, sizeof *host);
  host->table = (mxd_host){
      .size = sizeof(mxd_host),
      .abi_minor = MXD_ABI_MINOR,
      .cookie = (mxd_cookie)host,
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
      .put_device = put_device,
      .cancel_operation = cancel_operation,
      .release_principal = release_principal,
      .log = log_line,
  };
  host->config = "";
  host->principal = (mxd_principal){
      .size = sizeof(mxd_principal), .user_id = KIT_TEXT(KIT_USER), .device_id = KIT_TEXT("PHONE")};
  host->devices = devices;
  host->device_count = sizeof devices / sizeof devices[0];
  host->ask = kit_answer;
  pthread_mutex_init(&host->lock, NULL);
  pthread_cond_init(&host->changed, NULL);
}

void kit_offer_all(kit_host* host) {
  host->table.mark_validated = mark_validated;
  host->table.take_limit = take_limit;
}

void kit_open(kit_host* host) {
  char error[256] = "";
  const mxd_view config = {host->config, strlen(host->config)};
  const int32_t status = module->create(&host->table, config, &host->instance, error, sizeof error);
  if (status == MXD_OK && host->instance != NULL) return;
  fprintf(stderr, "create(): expected an instance, got %d: %s\n", status, error);
  exit(1);
}

void kit_check(kit_host* host) {
  pthread_mutex_lock(&host->lock);
  EXPECT_EQ(host->accepted, host->answered);
  EXPECT_EQ(host->principals, host->released);
  const bool noticed = host->logged[MXD_LOG_HOST_MISBEHAVING] != 0;
  if (noticed != host->misbehaves) {
    kit_failed(__FILE__, __LINE__,
               "expected %s HOST_MISBEHAVING in the log, got %u, and these lines:",
               host->misbehaves ? "a" : "no", host->logged[MXD_LOG_HOST_MISBEHAVING]);
    for (unsigned i = 0; i < host->line_count && i < KIT_LINES; ++i) {
      fprintf(stderr, "  %s\n", host->lines[i]);
    }
  }
  for (unsigned i = 0; i < KIT_SESSIONS_MAX; ++i) {
    free(host->sessions[i].state);
    host->sessions[i] = (kit_session){0};
  }
  pthread_mutex_unlock(&host->lock);
}

bool kit_logged(kit_host* host, const char* part) {
  bool found = false;
  pthread_mutex_lock(&host->lock);
  for (unsigned i = 0; i < host->line_count && i < KIT_LINES; ++i) {
    if (strstr(host->lines[i], part) != NULL) found = true;
  }
  pthread_mutex_unlock(&host->lock);
  return found;
}

void kit_close(kit_host* host) {
  EXPECT_EQ(MXD_OK, module->destroy(host->instance));
  host->instance = NULL;
  kit_check(host);
}

int32_t kit_send(kit_host* host, kit_request* request, const char* method, const char* target,
                 const char* body) {
  static const mxd_header headers[] = {
      {{"Authorization", 13}, {"Bearer " KIT_TOKEN, sizeof("Bearer " KIT_TOKEN) - 1}}};
  const mxd_request wire = {
      .size = sizeof wire,
      .cookie = (mxd_cookie)request,
      .headers = headers,
      .header_count = 1,
      .method = {method, strlen(method)},
      .target = {target, strlen(target)},
      .body = {body, body == NULL ? 0 : strlen(body)},
      .remote_addr = KIT_TEXT("192.0.2.7"),
  };
  const int32_t status = module->handle(host->instance, &wire, &request->token);
  pthread_mutex_lock(&host->lock);
  if (status == MXD_OK) ++host->accepted;
  pthread_mutex_unlock(&host->lock);
  return status;
}

int32_t kit_get(kit_host* host, kit_request* request, const char* target) {
  return kit_send(host, request, "GET", target, NULL);
}
