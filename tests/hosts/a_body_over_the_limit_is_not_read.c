/* max_body_bytes() tells the host where to stop. What it stopped at is answered 413, after
 * authentication; so is a body that it read all the same. */
#include "host_kit.h"

static void check(const char* header_value, uint32_t flags, mxd_view body, uint32_t http_status,
                  const char* part) {
  kit_host host;
  kit_init(&host);
  host.config = "{\"max_body_bytes\":1024}";
  kit_open(&host);
  EXPECT_EQ(1024, module->max_body_bytes(host.instance));
  kit_request request = {0};
  const mxd_header header = {KIT_TEXT("Authorization"), {header_value, strlen(header_value)}};
  const mxd_request wire = {.size = sizeof wire,
                            .flags = flags,
                            .cookie = (mxd_cookie)&request,
                            .headers = &header,
                            .header_count = 1,
                            .method = KIT_TEXT("PUT"),
                            .target = KIT_TEXT(KIT_PHONE),
                            .body = body};
  EXPECT_EQ(MXD_OK, module->handle(host.instance, &wire, NULL));
  ++host.accepted;
  EXPECT_ANSWER(&host, &request, http_status, part);
  EXPECT_EQ(http_status == 200 ? 1 : 0, host.asked[KIT_RENAME_DEVICE]);
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  const mxd_view none = {NULL, 0};
  check("Bearer " KIT_TOKEN, MXD_REQUEST_BODY_TOO_LARGE, none, 413, "M_TOO_LARGE");
  check("Bearer wrong", MXD_REQUEST_BODY_TOO_LARGE, none, 401, "M_UNKNOWN_TOKEN");

  /* White space counts too: 1025 bytes, and 1024. */
  char body[1025];
  memset(body, ' ', sizeof body);
  memcpy(body, KIT_NAME, strlen(KIT_NAME));
  check("Bearer " KIT_TOKEN, 0, (mxd_view){body, 1025}, 413, "M_TOO_LARGE");
  check("Bearer " KIT_TOKEN, 0, (mxd_view){body, 1024}, 200, "{}");

  kit_host host;
  kit_init(&host);
  kit_open(&host);
  EXPECT_EQ(1024 * 1024, module->max_body_bytes(host.instance));
  kit_close(&host);
  return kit_result();
}
