/* match(): whether handle() would take a request, from its method and target alone, so that a host
 * without a router reads no body that is not the module's. Nothing is asked of the host, and the
 * two never disagree. */
#include "host_kit.h"

static int32_t match(const kit_host* host, const char* method, const char* target) {
  return module->match(host->instance, (mxd_view){method, strlen(method)},
                       (mxd_view){target, strlen(target)});
}

static void check(const char* config, const char* method, const char* target, int32_t expected) {
  kit_host host;
  kit_init(&host);
  host.config = config;
  kit_open(&host);
  fprintf(stderr, "%s %s\n", method, target);
  EXPECT_EQ(expected, match(&host, method, target));
  for (int kind = 0; kind < KIT_KINDS; ++kind)
    EXPECT_EQ(0, host.asked[kind]);
  kit_request request = {0};
  EXPECT_EQ(expected, kit_send(&host, &request, method, target, NULL));
  EXPECT_EQ(expected == MXD_OK ? 1 : 0, request.answers);
  kit_close(&host);
}

#define PAGES    "{\"fallback_pages\":true}"
#define FALLBACK KIT_PATH "/auth/m.login.password/fallback/web?session=x"

static void check_routes(void) {
  static const char* const methods[] = {"GET",  "PUT",   "DELETE", "POST", "OPTIONS",
                                        "HEAD", "PATCH", "get",    "",     "\xff"};
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; ++i) {
    check("", methods[i], KIT_LIST, MXD_OK); /* R7: any method on our paths is ours */
    check("", methods[i], KIT_PHONE, MXD_OK);
    check("", methods[i], KIT_PATH "/delete_devices", MXD_OK);
    check("", methods[i], KIT_LIST "/", MXD_NOT_MINE);
  }
  check("", "GET", "/_matrix/client/r0/devices?user_id=%40a%3Ab", MXD_OK);
  check("", "GET", "http://example.org" KIT_LIST, MXD_OK); /* R13 */
  check("", "GET", KIT_LIST "/%zz", MXD_OK);               /* ours to refuse */
  check("", "GET", KIT_LIST "/..", MXD_OK);
  check("", "GET", "/_matrix/client/v3/%64evices", MXD_NOT_MINE);
  check("", "GET", KIT_PHONE "/x", MXD_NOT_MINE);
  check("", "GET", "/_matrix/client/v3/sync", MXD_NOT_MINE);
  check("", "GET", "/_matrix/client/unstable/devices", MXD_NOT_MINE);
  check("{\"path_versions\":[\"unstable\"]}", "GET", "/_matrix/client/unstable/devices", MXD_OK);
  check("{\"path_versions\":[\"unstable\"]}", "GET", KIT_LIST, MXD_NOT_MINE);
  check("", "GET", "", MXD_NOT_MINE);
  check("", "OPTIONS", "*", MXD_NOT_MINE);
  check("", "GET", FALLBACK, MXD_NOT_MINE);
  check(PAGES, "GET", FALLBACK, MXD_OK);
  /* F1: the host's own page is not shadowed. */
  check(PAGES, "GET", KIT_PATH "/auth/org.example.stage/fallback/web?session=x", MXD_NOT_MINE);
}

static void does_nothing(mxd_cookie cookie) {}

/* A shutdown is not looked at: the paths are the module's still. */
static void check_shut_down(void) {
  kit_host host;
  kit_init(&host);
  kit_open(&host);
  EXPECT_EQ(MXD_OK, module->shutdown(host.instance, does_nothing, 0));
  EXPECT_EQ(MXD_OK, match(&host, "GET", KIT_LIST));
  EXPECT_EQ(MXD_NOT_MINE, match(&host, "GET", "/"));
  kit_close(&host);
}

/* In a callback it answers at once, though handle() only queues there. */
static int32_t matches(kit_host* host, const kit_question* question) {
  EXPECT_EQ(MXD_OK, match(host, "GET", KIT_LIST));
  EXPECT_EQ(MXD_NOT_MINE, match(host, "GET", "/"));
  return kit_answer(host, question);
}

static void check_inside_a_callback(void) {
  kit_host host;
  kit_init(&host);
  host.ask = matches;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  EXPECT_ANSWER(&host, &request, 200, "PHONE");
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  check_routes();
  check_shut_down();
  check_inside_a_callback();
  return kit_result();
}
