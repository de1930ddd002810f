/* host_kit.h: a host for the tests of the contract. One user with a password, an array of devices,
 * sessions in memory, everything answered inline. A test sets `ask` to answer one question in its
 * own way, and leaves the rest to kit_answer().
 *
 * What every host may rely on is checked for every test: each accepted request is answered once;
 * each principal is released once, before that; no log line holds a secret or a line feed; and
 * HOST_MISBEHAVING is logged only about hosts that say they misbehave.
 */
#ifndef MATRIX_DEVICES_TESTS_HOST_KIT_H
#define MATRIX_DEVICES_TESTS_HOST_KIT_H
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "matrix_devices/module.h"

#define KIT_PATH  "/_matrix/client/v3"
#define KIT_LIST  KIT_PATH "/devices"
#define KIT_PHONE KIT_LIST "/PHONE"
#define KIT_TOKEN "kit-secret-token"
/* Of KIT_USER; the only one that uia_check finds right. */
#define KIT_PASSWORD "kit-secret-password"
#define KIT_USER     "@alice:example.org"
/* The body of a deletion with that password in it. */
#define KIT_AUTH                                                          \
  "{\"auth\":{\"type\":\"m.login.password\",\"password\":\"" KIT_PASSWORD \
  "\",\"identifier\":{\"type\":\"m.id.user\",\"user\":\"alice\"}}}"
/* The body of a change of a name. */
#define KIT_NAME "{\"display_name\":\"secret name\"}"
/* The first session's ID, and each later one's but for the number. */
#define KIT_SESSION "kit-secret-session-1"

#define KIT_TEXT(literal) ((mxd_view){(literal), sizeof(literal) - 1})

/* ---- Expectations: each prints what was expected and what came; kit_result() is main()'s. ---- */

#define EXPECT_EQ(expected, got) \
  kit_expect_number(__FILE__, __LINE__, #got, (int64_t)(expected), (int64_t)(got))
#define EXPECT_AT_MOST(limit, got) \
  kit_expect_at_most(__FILE__, __LINE__, #got, (int64_t)(limit), (int64_t)(got))
#define EXPECT_TEXT(expected, got)  kit_expect_text(__FILE__, __LINE__, #got, (expected), (got))
#define EXPECT_CONTAINS(part, text) kit_expect_contains(__FILE__, __LINE__, (part), (text))
/* Status and a part of the body; waits for the answer. */
#define EXPECT_ANSWER(host, request, http_status, part) \
  kit_expect_answer(__FILE__, __LINE__, (host), (request), (http_status), (part))
#define EXPECT_HEADER(request, line) \
  kit_expect_contains(__FILE__, __LINE__, line "\n", (request)->headers)

void kit_expect_number(const char* file, int line, const char* what, int64_t expected, int64_t got);
void kit_expect_at_most(const char* file, int line, const char* what, int64_t limit, int64_t got);
void kit_expect_text(const char* file, int line, const char* what, const char* expected,
                     mxd_view got);
void kit_expect_contains(const char* file, int line, const char* part, const char* text);
int kit_result(void);

/* ---- Questions: a callback's arguments, as they came ---- */

typedef enum kit_kind {
  KIT_AUTHENTICATE,
  KIT_LIST_DEVICES,
  KIT_GET_DEVICE,
  KIT_RENAME_DEVICE,
  KIT_DELETE_DEVICES,
  KIT_UIA_FLOWS,
  KIT_UIA_CREATE_SESSION,
  KIT_UIA_LOAD_SESSION,
  KIT_UIA_REPLACE_SESSION,
  KIT_UIA_CHECK,
  KIT_PUT_DEVICE,
  KIT_MARK_VALIDATED, /* this and the next: of hosts that call kit_offer_all() */
  KIT_TAKE_LIMIT,
  KIT_KINDS
} kit_kind;

typedef struct kit_request kit_request;

typedef struct kit_question {
  kit_kind kind;
  mxd_op op;
  kit_request* request;
  mxd_cookie principal;
  const void* argument; /* the struct that the callback is given */
} kit_question;

/* ---- Requests: owned by the test, zeroed, good until answered ---- */

struct kit_request {
  mxd_request_token token;
  unsigned answers; /* calls of respond(), which is once */
  uint32_t status;
  pthread_t thread;   /* that called respond() */
  char headers[1024]; /* "Name: value\n" each */
  char body[4096];    /* terminated; cut */
  size_t body_size;   /* not cut */
  void* mine;         /* the test's own */
};

/* ---- The host ---- */

typedef struct kit_host kit_host;

#define KIT_PARKED_MAX   256
#define KIT_LINES        32
#define KIT_SESSIONS_MAX 16

typedef struct kit_session {
  int64_t revision; /* 0: there is none of this number */
  char* state;
  size_t state_size;
} kit_session;

struct kit_host {
  /* For the test to change between kit_init() and kit_open(). */
  mxd_host table;
  const char* config;
  mxd_principal principal; /* of KIT_TOKEN; each emit gets a new cookie */
  const mxd_device* devices;
  size_t device_count;
  bool misbehaves; /* and the module must have said so by kit_close() */
  int32_t (*ask)(kit_host* host, const kit_question* question);
  void (*on_respond)(kit_host* host, kit_request* request); /* called last in respond() */
  void* mine;

  mxd_instance* instance;

  /* Recorded; under `lock` while other threads are at work. */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  unsigned accepted; /* handle() returned OK */
  unsigned answered;
  unsigned asked[KIT_KINDS];
  unsigned logged[5]; /* by level */
  char lines[KIT_LINES][256];
  unsigned line_count;
  mxd_cookie principals; /* cookies given out: 1, 2, … */
  unsigned released;
  mxd_op cancelled_op; /* the last of cancel_operation */
  unsigned cancelled;
  kit_question parked[KIT_PARKED_MAX]; /* a ring */
  unsigned parked_first, parked_count;
  kit_session sessions[KIT_SESSIONS_MAX]; /* by number, from 1, of which 0 is not used */
  unsigned session_count;
};

/* The module's table. */
extern const mxd_module* module;

/* Loads the module named by the first argument. */
void kit_load(int argc, char** argv);

void kit_init(kit_host* host);
/* Puts the optional questions into the table: mark_validated and take_limit. */
void kit_offer_all(kit_host* host);
/* create(), which must succeed. */
void kit_open(kit_host* host);
/* destroy(), which must succeed, and the checks for every host. */
void kit_close(kit_host* host);
/* The checks alone, where the instance is gone already. */
void kit_check(kit_host* host);

/* handle() with KIT_TOKEN in an Authorization header; body may be NULL. Returns its status. */
int32_t kit_send(kit_host* host, kit_request* request, const char* method, const char* target,
                 const char* body);
int32_t kit_get(kit_host* host, kit_request* request, const char* target);
/* Until the request is answered. No answer in a minute ends the test. */
void kit_wait(kit_host* host, kit_request* request);
void kit_expect_answer(const char* file, int line, kit_host* host, kit_request* request,
                       uint32_t status, const char* part);
unsigned kit_answers(kit_host* host, const kit_request* request);

/* The right answer, inline. Returns what the callback has to. */
int32_t kit_answer(kit_host* host, const kit_question* question);
/* Does what is asked and emits the right results; the test completes, with the status that this
   returns or with another. */
int32_t kit_emit(kit_host* host, const kit_question* question);
/* Whether a line of log holds this text. */
bool kit_logged(kit_host* host, const char* part);
/* complete(), which must succeed. Returns MXD_OK. */
int32_t kit_complete(mxd_op op, int32_t status);

/* Puts the question aside; returns MXD_OK. kit_take() waits for one and gives the oldest. */
int32_t kit_park(kit_host* host, const kit_question* question);
kit_question kit_take(kit_host* host);

/* ---- Stack: how far below a mark the host was called, on this thread ---- */

void kit_stack_mark(void);
size_t kit_stack_deepest(void); /* bytes, since the mark */
/* How many of the host's callbacks were ever on this thread's stack at the same time. */
unsigned kit_depth_highest(void);

#endif
