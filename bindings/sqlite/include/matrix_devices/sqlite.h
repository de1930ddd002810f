/* matrix_devices/sqlite.h: libmatrix_devices_sqlite.so, a ready host for the module that keeps
 * its state in one SQLite file, and the account functions that a homeserver needs beside it.
 *
 * A homeserver opens a store, fills its callback table from it, adds its own respond() and log(),
 * and creates the module with that. All else the store answers: tokens, devices, application
 * services, User-Interactive Authentication by password.
 *
 * CONVENTIONS
 *  - Text, memory, status codes and noexcept are as in module.h. Strings passed in are views.
 *  - Every function is [any-thread]. Those under "Accounts" block: on the writer's commit (some ms)
 *    or, where a password is read, on Argon2id (some 50 ms); call them from a worker thread. Any of
 *    them may return UNAVAILABLE: the file is locked, or the disk is full, or too many passwords
 *    are being checked. Nothing was changed then.
 *  - On a failure they return a status and, where they take an mxd_sqlite_error, one line that says
 *    what to do next. It never holds a token or a password.
 *  - Answered means on disk: a write has been committed with synchronous=FULL.
 *  - Several processes may have one file open (workers, command line). Beside it lie FILE-wal,
 *    FILE-shm, and FILE-reserve: room on the disk for deletions. On a full disk what deletes, and
 *    what it needs (sessions, refresh, logout), is written with that; all else is UNAVAILABLE.
 *  - A file that is moved, replaced or removed while it is open is noticed at the next write, which
 *    is UNAVAILABLE, with a line of log.
 */
#ifndef MATRIX_DEVICES_SQLITE_H
#define MATRIX_DEVICES_SQLITE_H

#include "matrix_devices/module.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mxd_sqlite mxd_sqlite; /* an open store */

typedef struct mxd_sqlite_error {
  char text[256]; /* one terminated line; empty after success */
} mxd_sqlite_error;

#define MXD_SQLITE_ID_CAPACITY    256 /* user and device IDs are 255 bytes at most */
#define MXD_SQLITE_TOKEN_CAPACITY 64

/* ---- The store ---- */

typedef struct mxd_sqlite_options {
  uint32_t size;
  uint32_t read_connections; /* 0: one a processor, at least 2 */
  mxd_view path;             /* of the file; made if it is not there */
  mxd_view server_name;      /* "example.org"; empty: as the file says. A file that belongs to
                                another server name is refused. */
  int64_t access_token_ms;   /* lifetime of refreshable access tokens; 0: 10 minutes */
  int64_t (*now_ms)(mxd_cookie)
      MXD_NOEXCEPT; /* the clock for all of the store; NULL: the system's */
  mxd_cookie now_cookie;
  void (*log)(mxd_cookie, int32_t level, mxd_view message) MXD_NOEXCEPT; /* NULL: none */
  mxd_cookie log_cookie;
} mxd_sqlite_options;

/* Open, migrate to this library's schema, start the threads for writing, sweeping,
   passwords, and lists of more than 2,000 devices. A new
   file is made readable by its owner only, and not without a server name. INVALID_ARGUMENT: not a
   database, of another application, of a newer version, of another server, without a server name or
   with one that is not of the specification's grammar, unusable path, files that can't be written
   (the text says which, whose, and what to do). UNAVAILABLE: locked by another process for longer
   than 5 s. */
int32_t mxd_sqlite_open(const mxd_sqlite_options* options, mxd_sqlite** out,
                        mxd_sqlite_error* error) MXD_NOEXCEPT;

/* Finish what is queued (completing its operations), stop the threads, close. The module's
   instance must have been shut down before. NULL is allowed. */
void mxd_sqlite_close(mxd_sqlite* store) MXD_NOEXCEPT;

/* Fill the zeroed table: everything but respond, log, now_ms (filled if the store was given a
   clock), random_bytes, and the callbacks that it does without: take_limit (the module counts for
   itself), cancel_operation, release_principal. host->cookie is the store, and must stay so; a host
   tells its requests apart by the request's cookie. `module` gets the results. The store must
   outlive the instance. */
void mxd_sqlite_fill_host(mxd_sqlite* store, const mxd_module* module, mxd_host* host) MXD_NOEXCEPT;

/* How long what is unused is kept, in milliseconds; 0: for good, as all is until this is called. It
   may be called again. What is over is removed in the background, within the hour, in transactions
   of some 100 ms behind all other writes. Expired access tokens, expired sessions and what is left
   of deleted devices always are. */
typedef struct mxd_sqlite_lifetimes {
  uint32_t size;
  uint32_t reserved;
  int64_t refresh_token_ms; /* since it was given out */
  int64_t guest_ms;         /* the account; since it was made, or one of its devices last seen */
  int64_t device_ms;        /* since it was made or last seen; deleted as by its user */
} mxd_sqlite_lifetimes;

void mxd_sqlite_set_lifetimes(mxd_sqlite* store,
                              const mxd_sqlite_lifetimes* lifetimes) MXD_NOEXCEPT;

/* Whether the store works: reads, and commits a write that changes nothing. Blocks, as long as the
   disk does. UNAVAILABLE, with the reason. */
int32_t mxd_sqlite_check(mxd_sqlite* store, mxd_sqlite_error* error) MXD_NOEXCEPT;

/* How many writes wait for the next commit. */
size_t mxd_sqlite_queued_writes(mxd_sqlite* store) MXD_NOEXCEPT;

/* The server name; the view lives as long as the store. */
mxd_view mxd_sqlite_server_name(mxd_sqlite* store) MXD_NOEXCEPT;

/* ---- Application services ---- */

typedef struct mxd_sqlite_service {
  uint32_t size;
  uint32_t flags; /* MXD_PRINCIPAL_UNLIMITED: rate_limited is false */
  mxd_view id;
  mxd_view as_token;
  mxd_view sender_localpart;
  const mxd_view* user_namespaces; /* RE2 regular expressions, matched from the start of a
                                      user ID: "@irc_" covers "@irc_a" too */
  size_t user_namespace_count;
  const uint8_t* exclusive; /* one a namespace, 0 or 1 */
} mxd_sqlite_service;

/* Make a service known to this store (not kept in the file), and register its sender. Blocks on a
   commit. INVALID_ARGUMENT: a bad expression, an ID or as_token given twice, an empty field, a
   sender_localpart that is not a valid name. Nothing was changed then. */
int32_t mxd_sqlite_add_service(mxd_sqlite* store, const mxd_sqlite_service* service,
                               mxd_sqlite_error* error) MXD_NOEXCEPT;

/* Make these the services that are known, in the place of all others: each request sees either the
   old ones or the new ones. Otherwise as add_service. */
int32_t mxd_sqlite_set_services(mxd_sqlite* store, const mxd_sqlite_service* const* services,
                                size_t count, mxd_sqlite_error* error) MXD_NOEXCEPT;

/* The service of this as_token: its ID (living as long as the store, also when the
   service is replaced) in *id. NOT_FOUND. */
int32_t mxd_sqlite_find_service(mxd_sqlite* store, mxd_view as_token, mxd_view* id) MXD_NOEXCEPT;

/* ---- Accounts ---- */

#define MXD_SQLITE_ACCOUNT_GUEST       1u
#define MXD_SQLITE_ACCOUNT_APPSERVICE  2u /* registered by a service: service_id */
#define MXD_SQLITE_ACCOUNT_LOCKED      4u
#define MXD_SQLITE_ACCOUNT_SUSPENDED   8u
#define MXD_SQLITE_ACCOUNT_DEACTIVATED 16u

typedef struct mxd_sqlite_account {
  uint32_t size;
  uint32_t flags;
  int64_t created_ms;
  mxd_view user_id;
  mxd_view service_id;
} mxd_sqlite_account;

/* `name` is what people type, everywhere below: a localpart or a user ID of this server ("alice",
   "@alice", "@alice:example.org"), whose server name is compared without case. It means the account
   of exactly this localpart or, where there is none, of its lower case. */

/* The user ID that a name means; where no account is meant, the one in lower case: one key for all
   spellings of an account. Reads only, does not block. INVALID_ARGUMENT: it can be nobody's here.
 */
int32_t mxd_sqlite_resolve_name(mxd_sqlite* store, mxd_view name,
                                char user_id[MXD_SQLITE_ID_CAPACITY],
                                mxd_sqlite_error* error) MXD_NOEXCEPT;

typedef struct mxd_sqlite_new_account {
  uint32_t size;
  uint32_t flags;      /* GUEST, APPSERVICE */
  mxd_view name;       /* empty for a guest: a name is made; of users the lower case is taken */
  mxd_view password;   /* empty: none; then no stage of User-Interactive Authentication fits */
  mxd_view service_id; /* with APPSERVICE: the name must be in its namespaces, and may be one of
                          old, with capitals and other characters from U+0021 to U+007E */
} mxd_sqlite_new_account;

/* `user_id` (may be NULL) gets the terminated ID. BUSY: the name is taken. FORBIDDEN: in a
   service's exclusive namespace, or not in service_id's. INVALID_ARGUMENT: not a valid name. */
int32_t mxd_sqlite_add_account(mxd_sqlite* store, const mxd_sqlite_new_account* account,
                               char user_id[MXD_SQLITE_ID_CAPACITY],
                               mxd_sqlite_error* error) MXD_NOEXCEPT;

/* Call `visit` for each account, by user ID; its views are good for the call. */
int32_t mxd_sqlite_list_accounts(mxd_sqlite* store,
                                 void (*visit)(mxd_cookie, const mxd_sqlite_account*) MXD_NOEXCEPT,
                                 mxd_cookie cookie, mxd_sqlite_error* error) MXD_NOEXCEPT;

/* Set and clear LOCKED, SUSPENDED. Setting DEACTIVATED removes devices and tokens (as
   mxd_sqlite_logout() does all) and password; it cannot be cleared. NOT_FOUND. INVALID_ARGUMENT:
   any other flag, or DEACTIVATED to be cleared. */
int32_t mxd_sqlite_set_account_flags(mxd_sqlite* store, mxd_view name, uint32_t set, uint32_t clear,
                                     mxd_sqlite_error* error) MXD_NOEXCEPT;

/* NOT_FOUND; INVALID_ARGUMENT: an empty password; FORBIDDEN: deactivated. */
int32_t mxd_sqlite_set_password(mxd_sqlite* store, mxd_view name, mxd_view password,
                                mxd_sqlite_error* error) MXD_NOEXCEPT;

/* Blocks on Argon2id, also for a name that is not there. FORBIDDEN: wrong name or password, no
   password, deactivated. */
int32_t mxd_sqlite_check_password(mxd_sqlite* store, mxd_view name, mxd_view password,
                                  char user_id[MXD_SQLITE_ID_CAPACITY],
                                  mxd_sqlite_error* error) MXD_NOEXCEPT;

/* ---- Tokens ---- */

#define MXD_SQLITE_LOGIN_REFRESHABLE 1u /* with a refresh token; the access token expires */
#define MXD_SQLITE_LOGIN_OAUTH       2u /* of the OAuth kind */

typedef struct mxd_sqlite_login {
  uint32_t size;
  uint32_t flags;
  int64_t lifetime_ms; /* of the access token; < 0: as the store does; 0: expired at once */
  mxd_view name;       /* an account */
  mxd_view device_id;  /* empty: a new one is made; an existing one loses its old tokens */
  mxd_view initial_device_display_name; /* for a new device only; empty: none */
  uint64_t max_devices; /* of the account: a login on a new device over it is refused; 0: no cap */
} mxd_sqlite_login;

typedef struct mxd_sqlite_tokens {
  uint32_t size;
  uint32_t reserved;
  int64_t expires_in_ms; /* < 0: never */
  char user_id[MXD_SQLITE_ID_CAPACITY];
  char device_id[MXD_SQLITE_ID_CAPACITY];
  char access_token[MXD_SQLITE_TOKEN_CAPACITY];
  char refresh_token[MXD_SQLITE_TOKEN_CAPACITY]; /* empty: none */
} mxd_sqlite_tokens;

/* A device and its tokens. Set out->size. NOT_FOUND: no such account. FORBIDDEN: deactivated.
   USER_LOCKED. LIMIT_EXCEEDED: max_devices. INVALID_ARGUMENT: a device ID over 255 bytes or with
   control characters. */
int32_t mxd_sqlite_login_device(mxd_sqlite* store, const mxd_sqlite_login* login,
                                mxd_sqlite_tokens* out, mxd_sqlite_error* error) MXD_NOEXCEPT;

/* New tokens for a refresh token. It may be used several times (tabs, a repeated request), and all
   that it is answered with is good until one of those tokens is used: then the old pair dies, and
   the refresh tokens of the others; their access tokens run out by time. Set out->size.
   TOKEN_EXPIRED: it was replaced or has gone unused for too long, and its device is still there;
   UNKNOWN_TOKEN: its device is gone, it ended with a login on the same device ID, or it never was;
   USER_LOCKED. */
int32_t mxd_sqlite_refresh(mxd_sqlite* store, mxd_view refresh_token, mxd_sqlite_tokens* out,
                           mxd_sqlite_error* error) MXD_NOEXCEPT;

typedef struct mxd_sqlite_identity {
  uint32_t size;
  uint32_t flags; /* MXD_PRINCIPAL_* of module.h, and MXD_SQLITE_IDENTITY_SUSPENDED */
  char user_id[MXD_SQLITE_ID_CAPACITY];
  char device_id[MXD_SQLITE_ID_CAPACITY]; /* empty: none */
} mxd_sqlite_identity;
#define MXD_SQLITE_IDENTITY_SUSPENDED (1u << 16)

/* Whose token is this? As `authenticate` of the table, for the server's own endpoints, with
   masquerading and last seen; reads only, does not block. Set out->size. Its statuses. */
int32_t mxd_sqlite_identify(mxd_sqlite* store, const mxd_credentials* credentials,
                            mxd_sqlite_identity* out) MXD_NOEXCEPT;

/* Delete the device of this access token with all that goes with it; with `all`, every device of
   the user, however many: from the commit on none of their tokens is good, and nobody is shown
   them; what is left of them is removed in the background. Also when it has expired (for an hour),
   or the account is locked. TOKEN_EXPIRED: it was replaced; UNKNOWN_TOKEN. */
int32_t mxd_sqlite_logout(mxd_sqlite* store, mxd_view access_token, int32_t all,
                          mxd_sqlite_error* error) MXD_NOEXCEPT;

#ifdef __cplusplus
}
#endif
#endif /* MATRIX_DEVICES_SQLITE_H */
