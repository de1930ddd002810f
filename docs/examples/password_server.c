/* The server of password_host.c, as small as one can be: a request a line on its standard input,
 *   METHOD TARGET TOKEN [BODY]
 * an answer a line on its standard output, "200 {}". "LOGIN alice PHONE" gives a device and its
 * token. It has two accounts, alice ("correct horse battery staple") and bob ("open sesame"). cc
 * password_host.c password_server.c $(pkg-config --cflags matrix_devices) -lcrypt
 *   ./a.out "$(pkg-config --variable=module matrix_devices)"
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "password_host.h"

static const account accounts[] = {{"@alice:example.org", "alice",
                                    "$6$rounds=5000$Kp3vW8aLr1xQ$eRuFoMFs3qmnbqoChd/ORJTRXzOs.ZHX"
                                    "d/K05xbGzlBEM6ZTvF8FfRmmPTCQMqKTmMtvE3HoLLSxeLzvnquYk0"},
                                   {"@bob:example.org", "bob",
                                    "$6$rounds=5000$hT6sYb0ZqN4e$4FWYByB.YAZKAsBd2TlufBujUjrp2d4r"
                                    "7D9RnG/xp/o4Yr.3TFRf.0fUbZ3XJl2nMde1gLMfwFfBphvvwgxV30"}};
const char nobodys_hash[] =
    "$6$rounds=5000$mD9cXu2GfE7j$16BaHNhnokZrLl1GGRbpNna4Xw/n1is1"
    "djgGocIsb4n2NJoMsVFU4qKfEWSeQ4dNODYvd9yBaEcNf8SD28ESL.";

const mxd_module* module;

const account* find_account(mxd_view name) {
  for (size_t i = 0; i < sizeof accounts / sizeof *accounts; i++) {
    if (same(name, accounts[i].id) || same(name, accounts[i].localpart)) return &accounts[i];
  }
  return NULL;
}

void respond(mxd_cookie host, mxd_cookie request, const mxd_response* response) {
  printf("%u %.*s\n", response->http_status, (int)response->body.size, response->body.data);
}

/* No password is asked: whoever holds the standard input is trusted. */
static void log_in(const char* name, const char* device_id) {
  const account* owner = find_account(VIEW(name));
  unsigned char bytes[32];
  device* it = owner ? malloc(sizeof *it + 1) : NULL;
  if (!it || strlen(device_id) >= kText || getrandom(bytes, sizeof bytes, 0) != sizeof bytes) {
    free(it);
    puts("no such account, or no room");
    return;
  }
  *it = (device){.next = devices, .owner = owner};
  copy(it->id, VIEW(device_id));
  it->name[0] = '\0';
  for (size_t i = 0; i < sizeof bytes; i++)
    sprintf(it->token + 2 * i, "%02x", bytes[i]);
  devices = it;
  puts(it->token);
}

static void send_line(mxd_instance* instance, char* line) {
  char* method = strtok(line, " ");
  char* target = strtok(NULL, " ");
  char* token = strtok(NULL, " ");
  char* body = strtok(NULL, "");
  if (!method || !target || !token) {
    puts("expected METHOD TARGET TOKEN [BODY]");
    return;
  }
  if (!strcmp(method, "LOGIN")) {
    log_in(target, token);
    return;
  }
  char bearer[512];
  snprintf(bearer, sizeof bearer, "Bearer %s", token);
  mxd_header headers[] = {{VIEW("Authorization"), VIEW(bearer)}};
  mxd_request request = {.size = sizeof request, .headers = headers, .header_count = 1};
  request.method = VIEW(method);
  request.target = VIEW(target);
  if (body) request.body = VIEW(body);
  int32_t status = module->handle(instance, &request, NULL);
  if (status == MXD_NOT_MINE)
    puts("404 {\"errcode\":\"M_UNRECOGNIZED\",\"error\":\"No such path.\"}");
  else if (status != MXD_OK)
    printf("500 {\"errcode\":\"M_UNKNOWN\",\"error\":\"%d\"}\n", status);
}

static void done(mxd_cookie cookie) {}

int main(int argc, char** argv) {
  void* library = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  mxd_entry_v1 entry = library ? (mxd_entry_v1)dlsym(library, MXD_ENTRY_V1) : NULL;
  if (!entry) return fprintf(stderr, "usage: password_server libmatrix_devices.so\n"), 2;
  module = entry();
  mxd_instance* instance = NULL;
  char error[256];
  if (module->create(&password_host, (mxd_view){0}, &instance, error, sizeof error))
    return fprintf(stderr, "%s\n", error), 1;
  static char line[1 << 21];
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = '\0';
    send_line(instance, line);
    fflush(stdout);
  }
  module->shutdown(instance, done, 0); /* nothing is in flight: each request was answered at once */
  return module->destroy(instance) == MXD_OK ? 0 : 1;
}
