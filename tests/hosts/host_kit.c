#include "host_kit.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

const mxd_module* module;

/* ---- Expectations ---- */

static atomic_uint failures;

static void failed(const char* file, int line, const char* format, ...)
    __attribute__((format(printf, 3, 4)));

static void failed(const char* file, int line, const char* format, ...) {
  char text[2048];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  fprintf(stderr, "%s:%d: %s\n", file, line, text);
  atomic_fetch_add(&failures, 1);
}

void kit_expect_number(const char* file, int line, const char* what, int64_t expected,
                       int64_t got) {
  if (expected == got) return;
  failed(file, line, "%s: expected %lld, got %lld", what, (long long)expected, (long long)got);
}

void kit_expect_at_most(const char* file, int line, const char* what, int64_t limit, int64_t got) {
  if (got <= limit) return;
  failed(file, line, "%s: expected at most %lld, got %lld", what, (long long)limit, (long long)got);
}

void kit_expect_text(const char* file, int line, const char* what, const char* expected,
                     mxd_view got) {
  if (got.size == strlen(expected) && memcmp(got.data, expected, got.size) == 0) return;
  failed(file, line, "%s: expected \"%s\", got \"%.*s\"", what, expected, (int)got.size,
         got.size == 0 ? "" : got.data);
}

void kit_expect_contains(const char* file, int line, const char* part, const char* text) {
  if (strstr(text, part) != NULL) return;
  failed(file, line, "expected a text that holds \"%s\", got \"%s\"", part, text);
}

void kit_expect_answer(const char* file, int line, kit_host* host, kit_request* request,
                       uint32_t status, const char* part) {
  kit_wait(host, request);
  if (request->status != status) {
    failed(file, line, "expected status %u, got %u with body %s", status, request->status,
           request->body);
  }
  kit_expect_contains(file, line, part, request->body);
}

int kit_result(void) {
  const unsigned count = atomic_load(&failures);
  if (count != 0) fprintf(stderr, "%u expectations did not hold\n", count);
  return count == 0 ? 0 : 1;
}

static void die(const char* what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

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
  if (pthread_cond_timedwait(&host->changed, &host->lock, &deadline) != 0) die(what);
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
  if (host->parked_count == KIT_PARKED_MAX) die("expected fewer parked questions than that");
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

/* ---- Answers ---- */

int32_t kit_complete(mxd_op op, int32_t status) {
  EXPECT_EQ(MXD_OK, module->complete(op, status));
  return MXD_OK;
}

static const mxd_device* find_device(const kit_host* host, mxd_view id) {
  for (size_t i = 0; i < host->device_count; ++i) {
    const mxd_view candidate = host->devices[i].device_id;
    if (candidate.size == id.size && memcmp(candidate.data, id.data, id.size) == 0) {
      return &host->devices[i];
    }
  }
  return NULL;
}

static int32_t answer_of(kit_host* host, const kit_question* question) {
  switch (question->kind) {
    case KIT_AUTHENTICATE: {
      const mxd_credentials* credentials = question->argument;
      const mxd_view token = credentials->access_token;
      const bool known =
          token.size == strlen(KIT_TOKEN) && memcmp(token.data, KIT_TOKEN, token.size) == 0;
      return known ? MXD_OK : MXD_UNKNOWN_TOKEN;
    }
    case KIT_GET_DEVICE:
      return find_device(host, question->id) != NULL ? MXD_OK : MXD_NOT_FOUND;
    case KIT_RENAME_DEVICE:
    case KIT_PUT_DEVICE: {
      const mxd_device_update* update = question->argument;
      if (find_device(host, update->device_id) != NULL) return MXD_OK;
      return question->kind == KIT_PUT_DEVICE ? MXD_CREATED : MXD_NOT_FOUND;
    }
    case KIT_UIA_LOAD_SESSION:
    case KIT_UIA_RECORD:
      return MXD_NOT_FOUND;
    case KIT_UIA_CHECK:
      return MXD_REFUSED;
    default:
      return MXD_OK;
  }
}

void kit_emit(kit_host* host, const kit_question* question) {
  if (answer_of(host, question) != MXD_OK) return;
  const mxd_op op = question->op;
  switch (question->kind) {
    case KIT_AUTHENTICATE: {
      mxd_principal principal = host->principal;
      pthread_mutex_lock(&host->lock);
      principal.cookie = ++host->principals;
      pthread_mutex_unlock(&host->lock);
      EXPECT_EQ(MXD_OK, module->emit_principal(op, &principal));
      break;
    }
    case KIT_LIST_DEVICES:
      for (size_t i = 0; i < host->device_count; ++i) {
        EXPECT_EQ(MXD_OK, module->emit_device(op, &host->devices[i]));
      }
      break;
    case KIT_GET_DEVICE:
      EXPECT_EQ(MXD_OK, module->emit_device(op, find_device(host, question->id)));
      break;
    case KIT_UIA_FLOWS:
      EXPECT_EQ(MXD_OK, module->emit_flow_stage(op, 0, KIT_TEXT("m.login.password")));
      break;
    case KIT_UIA_CREATE_SESSION:
      EXPECT_EQ(MXD_OK, module->emit_session_id(op, KIT_TEXT("kit-secret-session-0123456789")));
      break;
    default:
      break;
  }
}

int32_t kit_answer(kit_host* host, const kit_question* question) {
  kit_emit(host, question);
  return kit_complete(question->op, answer_of(host, question));
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

static int32_t authenticate(mxd_cookie host, mxd_cookie request, mxd_op op,
                            const mxd_credentials* credentials) {
  const kit_question question = {.kind = KIT_AUTHENTICATE,
                                 .op = op,
                                 .request = (kit_request*)request,
                                 .argument = credentials};
  return ask(host, &question);
}

static int32_t list_devices(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                            mxd_view user_id) {
  const kit_question question = {.kind = KIT_LIST_DEVICES,
                                 .op = op,
                                 .request = (kit_request*)request,
                                 .principal = principal,
                                 .user_id = user_id};
  return ask(host, &question);
}

static int32_t get_device(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                          mxd_view user_id, mxd_view device_id) {
  const kit_question question = {.kind = KIT_GET_DEVICE,
                                 .op = op,
                                 .request = (kit_request*)request,
                                 .principal = principal,
                                 .user_id = user_id,
                                 .id = device_id};
  return ask(host, &question);
}

static int32_t delete_devices(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                              mxd_view user_id, const mxd_view* device_ids,
                              size_t device_id_count) {
  const kit_question question = {.kind = KIT_DELETE_DEVICES,
                                 .op = op,
                                 .request = (kit_request*)request,
                                 .principal = principal,
                                 .user_id = user_id,
                                 .device_ids = device_ids,
                                 .device_id_count = device_id_count};
  return ask(host, &question);
}

static int32_t uia_load_session(mxd_cookie host, mxd_cookie request, mxd_op op,
                                mxd_cookie principal, mxd_view session_id) {
  const kit_question question = {.kind = KIT_UIA_LOAD_SESSION,
                                 .op = op,
                                 .request = (kit_request*)request,
                                 .principal = principal,
                                 .id = session_id};
  return ask(host, &question);
}

/* The callbacks whose question is one struct. */
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
ASKS(rename_device, KIT_RENAME_DEVICE, mxd_device_update)
ASKS(uia_flows, KIT_UIA_FLOWS, mxd_uia_operation)
ASKS(uia_create_session, KIT_UIA_CREATE_SESSION, mxd_session)
ASKS(uia_check, KIT_UIA_CHECK, mxd_uia_attempt)
ASKS(uia_record, KIT_UIA_RECORD, mxd_uia_record)
ASKS(put_device, KIT_PUT_DEVICE, mxd_device_update)
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
  EXPECT_EQ(sizeof *response, response->size);
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
  if (argc != 2) die("usage: test libmatrix_devices.so");
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) die(dlerror());
  mxd_entry_v1 entry = NULL;
  *(void**)&entry = dlsym(library, MXD_ENTRY_V1);
  if (entry == NULL) die(dlerror());
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
      .caps = MXD_HOST_CAP_ATOMIC_DELETE,
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
      .uia_check = uia_check,
      .uia_record = uia_record,
      .put_device = put_device,
      .cancel_operation = cancel_operation,
      .release_principal = release_principal,
      .log = log_line,
  };
  host->config = "";
  host->principal = (mxd_principal){.size = sizeof(mxd_principal),
                                    .user_id = KIT_TEXT("@alice:example.org"),
                                    .device_id = KIT_TEXT("PHONE")};
  host->devices = devices;
  host->device_count = sizeof devices / sizeof devices[0];
  host->ask = kit_answer;
  pthread_mutex_init(&host->lock, NULL);
  pthread_cond_init(&host->changed, NULL);
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
    failed(__FILE__, __LINE__, "expected %s HOST_MISBEHAVING in the log, got %u, and these lines:",
           host->misbehaves ? "a" : "no", host->logged[MXD_LOG_HOST_MISBEHAVING]);
    for (unsigned i = 0; i < host->line_count && i < KIT_LINES; ++i) {
      fprintf(stderr, "  %s\n", host->lines[i]);
    }
  }
  pthread_mutex_unlock(&host->lock);
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
