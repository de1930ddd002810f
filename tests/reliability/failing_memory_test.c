/* O2, H4, H5, H6: the module and the store in one process, of whose dialogues allocation 1, 2, 3 …
 * fails, once.
 *   failing_memory_test MODULE STORE DATABASE STRIDE [BURST]
 *
 * Each request gets one answer: the usual one, 500 or 503; each account function returns. Nobody is
 * blamed for it. What was answered is on disk, and the next request works. Also of opening the
 * store and creating the module, which then work or say that there is no memory.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failing_memory.h"
#include "failing_memory_scene.h"

enum { kMost = 1000000 };

static bool is_there(const char* device_id) {
  char target[256];
  snprintf(target, sizeof target, LIST "/%s%s", device_id, AS_USER);
  const unsigned status = ask("GET", target, AS_TOKEN, "");
  must(status == 200 || status == 404, "the next request fails");
  return status == 200;
}

static void put(const char* device_id) {
  char target[256];
  snprintf(target, sizeof target, LIST "/%s%s", device_id, AS_USER);
  const unsigned status = ask("PUT", target, AS_TOKEN, "{\"display_name\":\"a name\"}");
  must(status == 200 || status == 201, "the next write fails");
}

static void set_up_login(mxd_store_login* login, const char* device_id) {
  memset(login, 0, sizeof *login);
  login->size = sizeof *login;
  login->flags = MXD_STORE_LOGIN_REFRESHABLE;
  login->lifetime_ms = -1;
  login->name = VIEW("alice");
  login->device_id = VIEW(device_id);
}

static mxd_store_tokens tokens = {.size = sizeof tokens};

static void log_in(const char* device_id) {
  mxd_store_login login;
  set_up_login(&login, device_id);
  must(library->login(store, &login, &tokens, NULL, 0) == MXD_OK, "the next login fails");
}

/* ---- Dialogues: each is prepared, spoken while memory fails, and looked at ---- */

static char session[128];
static char large_body[100000];

static void prepare_nothing(void) {}

static bool list_and_get(void) {
  bool ok = answered(200, ask("GET", LIST AS_USER, AS_TOKEN, ""));
  if (ok) must(strstr(last_body, "KEPT") != NULL, "a device is missing");
  ok &= answered(200, ask("GET", LIST "/KEPT" AS_USER, AS_TOKEN, ""));
  return answered(404, ask("GET", LIST "/NOWHERE" AS_USER, AS_TOKEN, "")) && ok;
}

static void remove_new(void) {
  ask("POST", "/_matrix/client/v3/delete_devices" AS_USER, AS_TOKEN, "{\"devices\":[\"NEW\"]}");
}

static bool create(void) {
  return answered(201, ask("PUT", LIST "/NEW" AS_USER, AS_TOKEN, "{\"display_name\":\"new\"}"));
}

static void check_created(bool ok) {
  must(!ok || is_there("NEW"), "created, and not there");
}

static bool rename_kept(void) {
  static int number;
  char body[64];
  snprintf(body, sizeof body, "{\"display_name\":\"name %d\"}", ++number);
  const bool ok = answered(200, ask("PUT", LIST "/KEPT" AS_USER, AS_TOKEN, body));
  return ok;
}

static void prepare_deletion(void) {
  put("NEW");
  log_in("OWN");
}

static bool delete_with_password(void) {
  if (!answered(401, ask("DELETE", LIST "/NEW", tokens.access_token, "{}"))) return false;
  const char* begin = strstr(last_body, "\"session\":\"");
  if (begin == NULL) return problem("a challenge without a session"), false;
  begin += strlen("\"session\":\"");
  snprintf(session, sizeof session, "%.*s", (int)strcspn(begin, "\""), begin);
  char body[512];
  snprintf(body, sizeof body,
           "{\"auth\":{\"type\":\"m.login.password\",\"session\":\"%s\",\"password\":\"" PASSWORD
           "\",\"identifier\":{\"type\":\"m.id.user\",\"user\":\"alice\"}}}",
           session);
  return answered(200, ask("DELETE", LIST "/NEW", tokens.access_token, body));
}

static void check_deleted(bool ok) {
  must(!ok || !is_there("NEW"), "deleted, and there");
}

static void prepare_many(void) {
  put("NEW");
  put("NEWER");
}

static bool delete_many(void) {
  return answered(200, ask("POST", "/_matrix/client/v3/delete_devices" AS_USER, AS_TOKEN,
                           "{\"devices\":[\"NEW\",\"NEWER\"]}"));
}

static void check_many(bool ok) {
  const bool first = is_there("NEW");
  must(first == is_there("NEWER"), "half deleted");
  must(!ok || !first, "deleted, and there");
}

static bool challenge_large(void) {
  const unsigned status =
      ask("POST", "/_matrix/client/v3/delete_devices", tokens.access_token, large_body);
  return answered(401, status);
}

static void prepare_page(void) {
  log_in("OWN");
  must(ask("DELETE", LIST "/KEPT", tokens.access_token, "{}") == 401, "no challenge");
  const char* begin = strstr(last_body, "\"session\":\"") + strlen("\"session\":\"");
  snprintf(session, sizeof session, "%.*s", (int)strcspn(begin, "\""), begin);
}

static bool show_page(void) {
  char target[256];
  snprintf(target, sizeof target,
           "/_matrix/client/v3/auth/m.login.password/fallback/web?session=%s", session);
  return answered(200, ask("GET", target, "", ""));
}

static void prepare_own(void) {
  log_in("OWN");
}

static bool account_login(void) {
  mxd_store_login login;
  set_up_login(&login, "OWN");
  return returned(library->login(store, &login, &tokens, why, sizeof why));
}

static bool is_good(const char* token) {
  const unsigned status = ask("GET", LIST, token, "");
  must(status == 200 || status == 401, "the next request fails");
  return status == 200;
}

static void check_token(bool ok) {
  must(!ok || is_good(tokens.access_token), "a token that was answered is dead");
}

static bool account_refresh(void) {
  mxd_store_tokens fresh = {.size = sizeof fresh};
  mxd_store_refresh refresh = {.size = sizeof refresh};
  refresh.refresh_token = VIEW(tokens.refresh_token);
  const bool ok = returned(library->refresh(store, &refresh, &fresh, why, sizeof why));
  if (ok) tokens = fresh;
  return ok && answered(200, ask("GET", LIST, tokens.access_token, ""));
}

static void check_refreshed(bool ok) {
  (void)ok;
  must(is_good(tokens.access_token), "neither the old token nor the new one is good");
}

static bool account_logout(void) {
  mxd_store_logout logout = {.size = sizeof logout};
  logout.access_token = VIEW(tokens.access_token);
  return returned(library->logout(store, &logout, why, sizeof why));
}

static void check_logged_out(bool ok) {
  must(!ok || !is_good(tokens.access_token), "logged out, and the token lives");
}

static int32_t check_password(const char* name) {
  mxd_store_password password = {.size = sizeof password};
  password.name = VIEW(name);
  password.password = VIEW(PASSWORD);
  mxd_store_user user = {.size = sizeof user};
  return library->check_password(store, &password, &user, why, sizeof why);
}

static bool account_password(void) {
  return returned(check_password("alice"));
}

static int32_t add_account(const char* name) {
  mxd_store_new_account account = {.size = sizeof account};
  account.name = VIEW(name);
  account.password = VIEW(PASSWORD);
  return library->add_account(store, &account, NULL, why, sizeof why);
}

static char new_name[32];

static bool account_new(void) {
  static int number;
  snprintf(new_name, sizeof new_name, "user%d", ++number);
  return returned(add_account(new_name));
}

static void check_account(bool ok) {
  const int32_t status = check_password(new_name);
  must(status == MXD_OK || (!ok && status == MXD_FORBIDDEN), "half an account");
}

static void check_nothing(bool ok) {
  (void)ok;
}

typedef struct dialogue {
  const char* name;
  void (*prepare)(void);
  bool (*speak)(void);
  void (*check)(bool ok);
} dialogue;

static const dialogue dialogues[] = {
    {"list and get", prepare_nothing, list_and_get, check_nothing},
    {"create", remove_new, create, check_created},
    {"rename", prepare_nothing, rename_kept, check_nothing},
    {"delete", prepare_deletion, delete_with_password, check_deleted},
    {"delete many", prepare_many, delete_many, check_many},
    {"a large body", prepare_own, challenge_large, check_nothing},
    {"fallback page", prepare_page, show_page, check_nothing},
    {"log in", prepare_nothing, account_login, check_token},
    {"refresh", prepare_own, account_refresh, check_refreshed},
    {"log out", prepare_own, account_logout, check_logged_out},
    {"check a password", prepare_nothing, account_password, check_nothing},
    {"new account", prepare_nothing, account_new, check_account},
};

static void fail(int64_t to_pass, int64_t to_fail) {
  memory_control->to_pass = to_pass;
  memory_control->failed = 0;
  __atomic_store_n(&memory_control->to_fail, to_fail, __ATOMIC_SEQ_CST);
}

static int64_t stop_failing(void) {
  __atomic_store_n(&memory_control->to_fail, 0, __ATOMIC_SEQ_CST);
  return memory_control->failed;
}

static int open_while_memory_fails(int64_t stride, int64_t burst) {
  doing = "open";
  int runs = 0;
  for (at = 0; at < kMost; at += stride) {
    ++runs;
    fail(at, burst);
    bool ok = returned(open_store());
    ok = ok && returned(create_instance());
    const int64_t failed = stop_failing();
    must(!ok || instance != NULL, "created, and nothing is there");
    close_all();
    if (failed == 0) break;
  }
  return runs;
}

static int speak_while_memory_fails(const dialogue* it, int64_t stride, int64_t burst) {
  doing = it->name;
  int runs = 0;
  for (at = 0; at < kMost; at += stride) {
    ++runs;
    it->prepare();
    fail(at, burst);
    const bool ok = it->speak();
    const int64_t failed = stop_failing();
    it->check(ok);
    put("KEPT");
    must(is_there("KEPT"), "the next request does not see the next write");
    must(ok || failed > 0, "it fails with all the memory that it wants");
    if (failed == 0) break;
  }
  return runs;
}

int main(int argc, char** argv) {
  if (argc < 5 || !load_libraries(argv[1], argv[2], argv[3])) {
    fprintf(stderr, "usage: failing_memory_test MODULE STORE DATABASE STRIDE [BURST]\n");
    return 2;
  }
  unlink(argv[3]);
  const int64_t stride = atoll(argv[4]);
  const int64_t burst = argc > 5 ? atoll(argv[5]) : 1;

  printf("open: %d runs\n", open_while_memory_fails(stride, burst));
  if (!returned(open_store()) || !returned(add_service()) || !returned(create_instance())) return 1;
  if (!returned(add_account("alice"))) return 1;
  put("KEPT");
  log_in("OWN");
  strcpy(large_body, "{\"devices\":[\"");
  memset(large_body + strlen(large_body), 'x', 90000);
  strcpy(large_body + strlen(large_body), "\"]}");

  for (size_t i = 0; i < sizeof dialogues / sizeof dialogues[0]; ++i) {
    printf("%s: %d runs\n", dialogues[i].name,
           speak_while_memory_fails(&dialogues[i], stride, burst));
    fflush(stdout);
  }
  doing = "the end";
  close_all();
  printf("problems: %d\n", problems);
  return problems == 0 ? 0 : 1;
}
