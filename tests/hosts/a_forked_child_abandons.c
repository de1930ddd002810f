/* After fork() the child abandons what it inherited, and may begin again; the parent goes on. */
#include <sys/wait.h>
#include <unistd.h>

#include "host_kit.h"

static int child(kit_host* host, const kit_question* question) {
  const unsigned answered = host->answered;
  EXPECT_EQ(MXD_OK, module->abandon(host->instance));
  EXPECT_EQ(MXD_STALE, module->complete(question->op, MXD_OK));
  EXPECT_EQ(MXD_STALE, module->cancel(question->request->token));
  EXPECT_EQ(MXD_OK, module->destroy(host->instance));
  EXPECT_EQ(answered, host->answered);

  kit_host own;
  kit_init(&own);
  kit_open(&own);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&own, &request, KIT_LIST));
  EXPECT_ANSWER(&own, &request, 200, "TABLET");
  kit_close(&own);
  return kit_result();
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  kit_host host;
  kit_init(&host);
  host.ask = kit_park;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  kit_question question = kit_take(&host);
  kit_answer(&host, &question);
  question = kit_take(&host);

  const pid_t pid = fork();
  if (pid == 0) _exit(child(&host, &question));
  int status = -1;
  EXPECT_EQ(pid, waitpid(pid, &status, 0));
  EXPECT_EQ(1, WIFEXITED(status));
  EXPECT_EQ(0, WEXITSTATUS(status));

  EXPECT_EQ(0, request.answers);
  kit_answer(&host, &question);
  EXPECT_ANSWER(&host, &request, 200, "PHONE");
  kit_close(&host);
  return kit_result();
}
