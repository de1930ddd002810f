/* A record whose `size` is below that of version 1.0: INVALID_ARGUMENT, a 500, and a line of log
 * that names the record. One that is longer than the module knows is taken. */
#include <stdlib.h>

#include "host_kit.h"

typedef struct record {
  const char* name;
  kit_kind kind; /* the question that it answers */
  uint32_t size_of_1_0;
  int32_t (*emit)(mxd_op op, uint32_t size); /* on the heap, with that much of it */
  int32_t status;                            /* that goes with it */
  uint32_t http_status;                      /* where it is taken */
} record;

/* On the heap at its exact size, so that a sanitizer sees a read past it; what comes after the
   size of 1.0 is no zero, and not the module's business. */
#define EMIT(function, type, emit_name, ...)                                       \
  static int32_t function(mxd_op op, uint32_t size) {                              \
    const type whole = {__VA_ARGS__};                                              \
    char* bytes = malloc(size < 4 ? 4 : size);                                     \
    memset(bytes, 0xA5, size < 4 ? 4 : size);                                      \
    memcpy(bytes, &whole, size < sizeof whole ? size : sizeof whole);              \
    memcpy(bytes, &size, sizeof size);                                             \
    const int32_t status = module->emit_name(op, (const type*)(const void*)bytes); \
    free(bytes);                                                                   \
    return status;                                                                 \
  }
EMIT(principal, mxd_principal, emit_principal, .user_id = KIT_TEXT(KIT_USER),
     .device_id = KIT_TEXT("PHONE"))
EMIT(device, mxd_device, emit_device, .device_id = KIT_TEXT("PHONE"))
EMIT(stage, mxd_uia_stage, emit_stage, .type = KIT_TEXT("m.login.password"))
EMIT(kept, mxd_uia_kept, emit_session, .revision = 1, .state = KIT_TEXT("not the module's"))
EMIT(error, mxd_error, emit_error, .http_status = 403, .retry_after_ms = -1,
     .errcode = KIT_TEXT("M_X"), .text = KIT_TEXT("no"))

static const record records[] = {
    {"mxd_principal", KIT_AUTHENTICATE, MXD_PRINCIPAL_SIZE_1_0, principal, MXD_OK, 200},
    {"mxd_device", KIT_GET_DEVICE, MXD_DEVICE_SIZE_1_0, device, MXD_OK, 200},
    {"mxd_uia_stage", KIT_UIA_FLOWS, MXD_UIA_STAGE_SIZE_1_0, stage, MXD_OK, 401},
    {"mxd_uia_kept", KIT_UIA_LOAD_SESSION, MXD_UIA_KEPT_SIZE_1_0, kept, MXD_NOT_FOUND, 401},
    {"mxd_error", KIT_GET_DEVICE, MXD_ERROR_SIZE_1_0, error, MXD_HOST_ERROR, 403},
};

static const record* current;
static uint32_t size;
static int32_t expected;

static int32_t emits_it(kit_host* host, const kit_question* question) {
  if (question->kind != current->kind) return kit_answer(host, question);
  EXPECT_EQ(expected, current->emit(question->op, size));
  return kit_complete(question->op, current->status);
}

static void check(const record* it, uint32_t its_size) {
  fprintf(stderr, "%s of %u bytes\n", it->name, its_size);
  kit_host host;
  kit_init(&host);
  host.ask = emits_it;
  current = it;
  size = its_size;
  const bool is_short = size < it->size_of_1_0;
  expected = is_short ? MXD_INVALID_ARGUMENT : MXD_OK;
  host.misbehaves = is_short;
  kit_open(&host);
  kit_request request = {0};
  const char* method = it->kind < KIT_DELETE_DEVICES ? "GET" : "DELETE";
  EXPECT_EQ(MXD_OK, kit_send(&host, &request, method, KIT_PHONE,
                             "{\"auth\":{\"session\":\"" KIT_SESSION "\"}}"));
  EXPECT_ANSWER(&host, &request, is_short ? 500 : it->http_status, "");
  EXPECT_EQ(is_short ? 1 : 0, kit_logged(&host, it->name));
  kit_close(&host);
}

/* A session before it: emitted alone it would be refused for that. */
static int32_t completed(mxd_op op, uint32_t its_size) {
  const mxd_uia_kept session = {
      .size = sizeof session, .revision = 1, .state = KIT_TEXT("not the module's")};
  EXPECT_EQ(MXD_OK, module->emit_session(op, &session));
  mxd_uia_completed stage = {.size = its_size, .type = KIT_TEXT("m.login.sso")};
  return module->emit_completed(op, &stage);
}

/* NULL is no record at all. */
static int32_t emits_null(kit_host* host, const kit_question* question) {
  if (question->kind != KIT_GET_DEVICE) return kit_answer(host, question);
  EXPECT_EQ(MXD_INVALID_ARGUMENT, module->emit_device(question->op, NULL));
  return kit_complete(question->op, MXD_OK);
}

static void check_null(void) {
  kit_host host;
  kit_init(&host);
  host.ask = emits_null;
  host.misbehaves = true;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  EXPECT_ANSWER(&host, &request, 500, "M_UNKNOWN");
  EXPECT_EQ(1, kit_logged(&host, "mxd_device"));
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  for (size_t i = 0; i < sizeof records / sizeof records[0]; ++i) {
    const record* it = &records[i];
    for (uint32_t its_size = 0; its_size < it->size_of_1_0; its_size += 4)
      check(it, its_size);
    check(it, it->size_of_1_0 - 1);
    check(it, it->size_of_1_0);
    check(it, it->size_of_1_0 + 1);
    check(it, it->size_of_1_0 + 4096);
  }
  const record after_a_session = {"mxd_uia_completed",
                                  KIT_UIA_LOAD_SESSION,
                                  MXD_UIA_COMPLETED_SIZE_1_0,
                                  completed,
                                  MXD_OK,
                                  401};
  for (uint32_t its_size = 0; its_size < MXD_UIA_COMPLETED_SIZE_1_0; ++its_size)
    check(&after_a_session, its_size);
  check_null();
  return kit_result();
}
