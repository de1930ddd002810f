/* cancel(): idempotent, from any thread, at any time. respond() comes all the same, once, after
 * the last completion. */
#include "host_kit.h"

/* While an operation is open: the host is told once which one it is. */
static void check_suspended(int32_t status) {
  kit_host host;
  kit_init(&host);
  host.ask = kit_park;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  kit_question question = kit_take(&host);
  kit_answer(&host, &question);
  question = kit_take(&host);
  EXPECT_EQ(0, host.cancelled);
  EXPECT_EQ(MXD_OK, module->cancel(request.token));
  EXPECT_EQ(MXD_OK, module->cancel(request.token));
  EXPECT_EQ(1, host.cancelled);
  EXPECT_EQ(1, host.cancelled_op == question.op);
  EXPECT_EQ(0, request.answers);
  EXPECT_EQ(MXD_BUSY, module->destroy(host.instance));

  /* The operation is still good, its results are taken. */
  kit_emit(&host, &question);
  kit_complete(question.op, status);
  kit_wait(&host, &request);
  EXPECT_EQ(1, request.answers);
  EXPECT_EQ(MXD_STALE, module->cancel(request.token));
  kit_close(&host);
}

/* From inside the first callback, and so before anything is outstanding. */
static int32_t cancels(kit_host* host, const kit_question* question) {
  EXPECT_EQ(MXD_OK, module->cancel(question->request->token));
  EXPECT_EQ(MXD_OK, module->cancel(question->request->token));
  return kit_answer(host, question);
}

static void check_inside_a_callback(void) {
  kit_host host;
  kit_init(&host);
  host.ask = cancels;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  EXPECT_EQ(1, request.answers);
  EXPECT_EQ(MXD_STALE, module->cancel(request.token));
  kit_close(&host);
}

/* A host without cancel_operation is waited for. */
static void check_without_the_callback(void) {
  kit_host host;
  kit_init(&host);
  host.table.cancel_operation = NULL;
  host.ask = kit_park;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  const kit_question question = kit_take(&host);
  EXPECT_EQ(MXD_OK, module->cancel(request.token));
  EXPECT_EQ(0, request.answers);
  host.ask = kit_answer;
  kit_answer(&host, &question);
  kit_wait(&host, &request);
  kit_close(&host);
}

/* After the answer it is late, and does no harm. */
static void check_answered(void) {
  kit_host host;
  kit_init(&host);
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  EXPECT_ANSWER(&host, &request, 200, "PHONE");
  EXPECT_EQ(MXD_STALE, module->cancel(request.token));
  EXPECT_EQ(0, host.cancelled);
  kit_close(&host);
}

/* A deletion that has begun is not broken off: the client is told that it happened. */
static void check_deletion(void) {
  kit_host host;
  kit_init(&host);
  host.ask = kit_park;
  host.principal.flags = MXD_PRINCIPAL_APPSERVICE;
  host.principal.service_id = KIT_TEXT("bridge");
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_send(&host, &request, "DELETE", KIT_PHONE, NULL));
  kit_question question = kit_take(&host);
  kit_answer(&host, &question);
  question = kit_take(&host);
  EXPECT_EQ(KIT_DELETE_DEVICES, question.kind);
  EXPECT_EQ(MXD_OK, module->cancel(request.token));
  const mxd_deletion* deletion = question.argument;
  EXPECT_EQ(1, deletion->device_id_count);
  EXPECT_TEXT("PHONE", deletion->device_ids[0]);
  kit_answer(&host, &question);
  EXPECT_ANSWER(&host, &request, 200, "{}");
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  check_suspended(MXD_OK);
  check_suspended(MXD_CANCELLED);
  check_inside_a_callback();
  check_without_the_callback();
  check_answered();
  check_deletion();
  return kit_result();
}
