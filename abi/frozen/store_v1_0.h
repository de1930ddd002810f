/* SPDX-License-Identifier: Apache-2.0
 *
 * matrix_devices/store.h, version 1.0: the contract between a homeserver and a store, a library
 * (libmatrix_devices_sqlite.so, …) that keeps users, devices, tokens and sessions in a database. It
 * answers every question that the module asks of its host, and has the account functions that a
 * homeserver needs beside that.
 *
 *   1. dlopen() with RTLD_NOW | RTLD_LOCAL, dlsym() MXD_STORE_ENTRY_V1, call it: the library's
 *      table.
 *   2. open() a store by its URL.
 *   3. fill_host() an mxd_host, add respond(), create() the module's instance with it.
 *   4. shutdown() and destroy() the instance, then close().
 *
 * CONVENTIONS
 * Those of module.h on growth, padding, flags and statuses, memory and cookies (1 to 3, 5, 6) hold
 * here, and 10: no lock is held across a callback or a function of the table, no exception crosses.
 *  1. One record an ask. A record below its MXD_STORE_…_SIZE_1_0 is INVALID_ARGUMENT, and the text
 *     names it. A record that the store fills ("filled by the store") is the caller's: size is set
 *     by the caller; the store writes that much of it and lowers size to what it knew.
 *  2. Text that is passed may be any bytes, as it came from a client or a person: what can be
 *     nobody's name, token or password is refused as such. Text that the store gives is UTF-8
 *     without U+0000; in records that it fills it is terminated.
 *  3. Errors. `error` (may be NULL) gets one terminated line, cut to error_size, that says what to
 *     do next; empty after success. It never holds a token or a password.
 *  4. [blocks] functions wait for the disk, the network or Argon2id (some 50 ms): call them from
 *     worker threads, never inside a callback. Beside the statuses listed each may return
 *     UNAVAILABLE (the database is locked, full or away, too many passwords are being checked) or
 *     TIMEOUT: nothing was changed then, or, where the outcome of a commit can't be known, all of
 *     it; it can be repeated. NO_MEMORY, INTERNAL: nothing was changed, the log says why.
 *  5. [may-complete-later] functions take `done` and a cookie. They return OK if `done` has been
 *     called or will be: once, on any thread, perhaps before they return. Any other status that
 *     they return is the answer, and `done` is not called. What is passed need only be good until
 *     they return. The result is NULL unless the status is OK, and good for the call, as `reason`
 *     is (as `error`). `done` [must-not-block], and may call what is not [blocks].
 *  6. All other functions neither block nor fail for want of a database. Every function is
 *     [any-thread], also at the same time as itself, but for close().
 *  7. Answered means kept: a write has been committed, durably, before its function returns or its
 *     operation is completed.
 *  8. Any number of processes may have one database open. A child of fork() may not use, nor close,
 *     a store that it inherited.
 */
#ifndef MATRIX_DEVICES_STORE_H
#define MATRIX_DEVICES_STORE_H

#include "matrix_devices/module.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MXD_STORE_ABI_MINOR 0                         /* of major version 1 */
#define MXD_STORE_ENTRY_V1  "matrix_devices_store_v1" /* the one exported name */

#define MXD_STORE_ID_CAPACITY    256 /* user and device IDs are 255 bytes at most */
#define MXD_STORE_TOKEN_CAPACITY 256

typedef struct mxd_store mxd_store; /* an open store; opaque */

/* ---- Opening ---- */

#define MXD_STORE_UNPREPARED                                           \
  1 /* no prepared statements: for a pooler that lends its connections \
       for a transaction. SQLite: passed over */

typedef struct mxd_store_options {
  uint32_t size;
  uint32_t abi_minor;      /* MXD_STORE_ABI_MINOR of the header that the caller was built with */
  int64_t access_token_ms; /* lifetime of refreshable access tokens; 0: 10 minutes */
  uint32_t flags;          /* UNPREPARED */
  uint32_t connections;    /* for reading, or to the server; 0: as the engine does best */
  mxd_view url; /* SCHEME:… of a scheme that the library knows, or a file name, which begins
                   with none. SQLite: "sqlite:PATH" or "PATH", the path as it is, without
                   escapes. For a file named "a:b" write "./a:b". PostgreSQL: what libpq takes,
                   "postgresql://…", "postgres://…" or "host=… dbname=…". May hold a password:
                   a secret. */
  mxd_view server_name; /* "example.org"; empty: as the database says. One that belongs to another
                           server name is refused. */
  int64_t (*now_ms)(mxd_cookie cookie) MXD_NOEXCEPT; /* the clock for all of the store, as
                                                        mxd_host.now_ms; NULL: the system's */
  void (*log)(mxd_cookie cookie, mxd_cookie request, int32_t level, mxd_view message)
      MXD_NOEXCEPT;  /* as mxd_host.log; request is 0 for lines of the store's own. NULL: none */
  mxd_cookie cookie; /* of these two */
  uintptr_t reserved;
} mxd_store_options;
#define MXD_STORE_OPTIONS_SIZE_1_0 (24 + 2 * MXD_TEXT + 4 * MXD_WORD)

/* How long what is unused is kept, in milliseconds; 0: for good, as all is until this is set. */
typedef struct mxd_store_lifetimes {
  uint32_t size;
  uint32_t flags;
  int64_t refresh_token_ms; /* since it was given out */
  int64_t guest_ms;         /* the account; since it was made, or one of its devices last seen */
  int64_t device_ms;        /* since it was made or last seen; deleted as by its user */
} mxd_store_lifetimes;
#define MXD_STORE_LIFETIMES_SIZE_1_0 32

/* What has been removed by this store since it was opened because its time was over, in its
   background too. */
typedef struct mxd_store_swept { /* filled by the store */
  uint32_t size;
  uint32_t flags;
  int64_t access_tokens;
  int64_t refresh_tokens;
  int64_t sessions; /* of User-Interactive Authentication */
  int64_t guests;
  int64_t devices; /* unused ones, but for those of guests */
} mxd_store_swept;
#define MXD_STORE_SWEPT_SIZE_1_0 48

/* ---- Copies and examination ---- */

#define MXD_STORE_BACKUP_REPLACE 1 /* a file that is there */

typedef struct mxd_store_backup {
  uint32_t size;
  uint32_t flags;
  mxd_view target; /* where the copy goes. SQLite: the name of a file */
  /* How far it is, some times a second, in bytes; on the calling thread. Other than OK ends it with
     this status, and nothing is left of it. NULL: not wanted. */
  int32_t (*progress)(mxd_cookie cookie, uint64_t done, uint64_t total) MXD_NOEXCEPT;
  mxd_cookie cookie;
} mxd_store_backup;
#define MXD_STORE_BACKUP_SIZE_1_0 (8 + MXD_TEXT + 2 * MXD_WORD)

#define MXD_STORE_FINDING_PROBLEM 1 /* else all is well with the subject */

typedef struct mxd_store_finding {
  uint32_t size;
  uint32_t flags;
  mxd_view subject; /* "schema", "integrity", "foreign keys", "consistency", "files", … */
  mxd_view text;    /* what is so; of a problem, what to do about it */
} mxd_store_finding;
#define MXD_STORE_FINDING_SIZE_1_0 (8 + 2 * MXD_TEXT)

/* ---- Moving ---- */

/* All that a database holds, in records that every engine reads: the server's name and the key of
   its account numbers; accounts with password hashes and addresses; devices with tokens (as
   digests), keys and pushers; messages to devices; changes of device lists. Not sessions of
   User-Interactive Authentication, which are begun again, and not limits. A record is one JSON
   object without line breaks, and holds secrets; its "type" is "database", the first, "account",
   "device" and "message", each after what it is of, or "end", the last. The other members are the
   engines' own. */

/* Takes a record, which is good for the call; other than OK ends it. */
typedef int32_t (*mxd_store_take_record)(mxd_cookie cookie, mxd_view record) MXD_NOEXCEPT;

typedef struct mxd_store_export {
  uint32_t size;
  uint32_t flags;
  mxd_store_take_record take;
  mxd_cookie cookie;
} mxd_store_export;
#define MXD_STORE_EXPORT_SIZE_1_0 (8 + 2 * MXD_WORD)

typedef struct mxd_store_import {
  uint32_t size;
  uint32_t flags;
  /* Called once, on the calling thread: gives every record, in order, to `take` with `to`, as
     export_records() does, and returns OK once it has. Any other status, of its own or of `take`,
     ends the import with it. */
  int32_t (*give)(mxd_cookie cookie, mxd_store_take_record take, mxd_cookie to) MXD_NOEXCEPT;
  mxd_cookie cookie;
} mxd_store_import;
#define MXD_STORE_IMPORT_SIZE_1_0 (8 + 2 * MXD_WORD)

/* ---- Application services ---- */

#define MXD_STORE_SERVICE_UNLIMITED 1 /* rate_limited is false */

typedef struct mxd_store_service {
  uint32_t size;
  uint32_t flags;
  mxd_view id;
  mxd_view as_token;
  mxd_view sender_localpart;
  const mxd_view* user_namespaces; /* RE2 regular expressions, matched from the start of a user ID:
                                      "@irc_" covers "@irc_a" too */
  const uint8_t* exclusive;        /* one a namespace, 0 or 1; NULL: none is */
  size_t user_namespace_count;
  uintptr_t reserved;
} mxd_store_service;
#define MXD_STORE_SERVICE_SIZE_1_0 (8 + 3 * MXD_TEXT + 4 * MXD_WORD)

/* ---- Accounts ---- */

/* `name`, here and below, is what people type: a localpart or a user ID of this server ("alice",
   "@alice", "@alice:example.org"), whose server name is compared without case. It means the account
   of exactly this localpart or, where there is none, of its lower case. */

#define MXD_STORE_ACCOUNT_GUEST        1
#define MXD_STORE_ACCOUNT_APPSERVICE   2 /* registered by an application service: service_id */
#define MXD_STORE_ACCOUNT_LOCKED       4
#define MXD_STORE_ACCOUNT_SUSPENDED    8
#define MXD_STORE_ACCOUNT_DEACTIVATED  16
#define MXD_STORE_ACCOUNT_HAS_PASSWORD 32

typedef struct mxd_store_account {
  uint32_t size;
  uint32_t flags;
  int64_t created_ms;   /* ms since the epoch */
  int64_t last_seen_ms; /* the newest of its devices'; < 0: never */
  int64_t device_count;
  mxd_view user_id;
  mxd_view service_id;
} mxd_store_account;
#define MXD_STORE_ACCOUNT_SIZE_1_0 (32 + 2 * MXD_TEXT)

typedef struct mxd_store_account_query {
  uint32_t size;
  uint32_t flags;
  mxd_view after; /* only user IDs that come after this one, bytewise; empty: all */
} mxd_store_account_query;
#define MXD_STORE_ACCOUNT_QUERY_SIZE_1_0 (8 + MXD_TEXT)

typedef struct mxd_store_name {
  uint32_t size;
  uint32_t flags;
  mxd_view name;
} mxd_store_name;
#define MXD_STORE_NAME_SIZE_1_0 (8 + MXD_TEXT)

typedef struct mxd_store_new_account {
  uint32_t size;
  uint32_t flags;      /* GUEST, APPSERVICE */
  mxd_view name;       /* empty for a guest: a name is made; of users the lower case is taken */
  mxd_view password;   /* empty: none; then no stage of User-Interactive Authentication fits */
  mxd_view service_id; /* with APPSERVICE: the name must be in its namespaces, and may be one of
                          old, with capitals and other characters from U+0021 to U+007E */
} mxd_store_new_account;
#define MXD_STORE_NEW_ACCOUNT_SIZE_1_0 (8 + 3 * MXD_TEXT)

typedef struct mxd_store_account_change {
  uint32_t size;
  uint32_t set;   /* LOCKED, SUSPENDED, DEACTIVATED */
  uint32_t clear; /* LOCKED, SUSPENDED */
  uint32_t reserved;
  mxd_view name;
} mxd_store_account_change;
#define MXD_STORE_ACCOUNT_CHANGE_SIZE_1_0 (16 + MXD_TEXT)

#define MXD_STORE_PASSWORD_SIGN_OUT 1 /* set_password: delete every device too */

typedef struct mxd_store_password {
  uint32_t size;
  uint32_t flags;
  mxd_view name;
  mxd_view password; /* a secret */
} mxd_store_password;
#define MXD_STORE_PASSWORD_SIZE_1_0 (8 + 2 * MXD_TEXT)

typedef struct mxd_store_user { /* filled by the store, or passed to `done` */
  uint32_t size;
  uint32_t flags;
  char user_id[MXD_STORE_ID_CAPACITY];
} mxd_store_user;
#define MXD_STORE_USER_SIZE_1_0 (8 + MXD_STORE_ID_CAPACITY)

/* ---- Devices ---- */

#define MXD_STORE_DEVICE_HAS_DISPLAY_NAME 1
#define MXD_STORE_DEVICE_SIGNED_IN        2 /* has a token that is good, or can be refreshed */

typedef struct mxd_store_device {
  uint32_t size;
  uint32_t flags;
  int64_t created_ms;   /* ms since the epoch */
  int64_t last_seen_ms; /* < 0: never */
  mxd_view device_id;
  mxd_view display_name; /* anything that a user has chosen */
  mxd_view last_seen_ip; /* empty: not known */
} mxd_store_device;
#define MXD_STORE_DEVICE_SIZE_1_0 (24 + 3 * MXD_TEXT)

typedef struct mxd_store_device_query {
  uint32_t size;
  uint32_t flags;
  mxd_view name;
  mxd_view after; /* only device IDs that come after this one, bytewise; empty: all */
} mxd_store_device_query;
#define MXD_STORE_DEVICE_QUERY_SIZE_1_0 (8 + 2 * MXD_TEXT)

#define MXD_STORE_DEVICES_ALL 1 /* every one of the account; device_ids is passed over */

typedef struct mxd_store_devices { /* of an account */
  uint32_t size;
  uint32_t flags;
  mxd_view name;
  const mxd_view* device_ids;
  size_t device_id_count;
} mxd_store_devices;
#define MXD_STORE_DEVICES_SIZE_1_0 (8 + MXD_TEXT + 2 * MXD_WORD)

typedef struct mxd_store_affected { /* filled by the store */
  uint32_t size;
  uint32_t flags;
  int64_t device_count;
  char user_id[MXD_STORE_ID_CAPACITY];   /* whose they were */
  char device_id[MXD_STORE_ID_CAPACITY]; /* empty: more than one, or none */
} mxd_store_affected;
#define MXD_STORE_AFFECTED_SIZE_1_0 (16 + 2 * MXD_STORE_ID_CAPACITY)

/* ---- Tokens ---- */

#define MXD_STORE_LOGIN_REFRESHABLE 1 /* with a refresh token; the access token expires */
#define MXD_STORE_LOGIN_OAUTH       2 /* of the OAuth 2.0 API's kind */

typedef struct mxd_store_login {
  uint32_t size;
  uint32_t flags;
  int64_t lifetime_ms; /* of the access token; < 0: as the store does; 0: expired at once */
  int64_t max_devices; /* of the account: a login on a new device over it is refused; 0: no cap */
  mxd_view name;
  mxd_view device_id; /* empty: a new one is made; an existing one loses its old tokens */
  mxd_view initial_device_display_name; /* for a new device only; empty: none */
} mxd_store_login;
#define MXD_STORE_LOGIN_SIZE_1_0 (24 + 3 * MXD_TEXT)

typedef struct mxd_store_refresh {
  uint32_t size;
  uint32_t flags;
  mxd_view refresh_token; /* a secret */
} mxd_store_refresh;
#define MXD_STORE_REFRESH_SIZE_1_0 (8 + MXD_TEXT)

typedef struct mxd_store_tokens { /* filled by the store */
  uint32_t size;
  uint32_t flags;
  int64_t expires_in_ms; /* < 0: never */
  char user_id[MXD_STORE_ID_CAPACITY];
  char device_id[MXD_STORE_ID_CAPACITY];
  char access_token[MXD_STORE_TOKEN_CAPACITY];  /* secrets: */
  char refresh_token[MXD_STORE_TOKEN_CAPACITY]; /* empty: none */
} mxd_store_tokens;
#define MXD_STORE_TOKENS_SIZE_1_0 (16 + 2 * MXD_STORE_ID_CAPACITY + 2 * MXD_STORE_TOKEN_CAPACITY)

#define MXD_STORE_LOGOUT_ALL 1 /* every device of the user */

typedef struct mxd_store_logout {
  uint32_t size;
  uint32_t flags;
  mxd_view access_token; /* a secret */
} mxd_store_logout;
#define MXD_STORE_LOGOUT_SIZE_1_0 (8 + MXD_TEXT)

typedef struct mxd_store_token {
  uint32_t size;
  uint32_t flags;
  mxd_view token; /* an access token or a refresh token; a secret */
} mxd_store_token;
#define MXD_STORE_TOKEN_SIZE_1_0 (8 + MXD_TEXT)

#define MXD_STORE_IDENTITY_GUEST      1
#define MXD_STORE_IDENTITY_APPSERVICE 2 /* an as_token; service_id is set */
#define MXD_STORE_IDENTITY_OAUTH      4
#define MXD_STORE_IDENTITY_UNLIMITED  8 /* as MXD_PRINCIPAL_UNLIMITED */
#define MXD_STORE_IDENTITY_SUSPENDED  16

typedef struct mxd_store_identity {
  uint32_t size;
  uint32_t flags;
  mxd_view user_id;
  mxd_view device_id; /* empty: none */
  mxd_view service_id;
} mxd_store_identity;
#define MXD_STORE_IDENTITY_SIZE_1_0 (8 + 3 * MXD_TEXT)

/* ---- The library's table ---- */

typedef struct mxd_store_library { /* const and good for ever; no slot within size is NULL */
  uint32_t size;
  uint32_t abi_minor;          /* MXD_STORE_ABI_MINOR of the header of the library's build */
  uint64_t caps;               /* none yet */
  const char* product_version; /* "1.0.0", terminated */
  const char* engine;          /* "sqlite", terminated */

  /* Open, bring to this library's schema, start the threads. On failure *out is NULL.
     INVALID_ARGUMENT: a scheme that the library does not know; no database of these, of another
     application, of a newer version, of another server; a new one without a server name, or with
     one that is not of the specification's grammar; one that can't be written (the text says what
     and whose). [blocks] */
  int32_t (*open)(const mxd_store_options* options, mxd_store** out, char* error,
                  size_t error_size) MXD_NOEXCEPT;

  /* Look whether the database of these options is whole: schema, integrity, references, files. It
     is opened for reading, as it is, and changed in nothing, also while others use it, where it is
     damaged, or of another version than the library's. Calls `visit` for each thing found, good or
     bad, whose record is good for the call; a status of its own other than OK ends it, and is
     returned. OK: it could be looked at; the findings say whether all is well. INVALID_ARGUMENT:
     there is none, or none of these. [blocks] */
  int32_t (*examine)(const mxd_store_options* options,
                     int32_t (*visit)(mxd_cookie cookie, const mxd_store_finding* finding)
                         MXD_NOEXCEPT,
                     mxd_cookie cookie, char* error, size_t error_size) MXD_NOEXCEPT;

  /* Give every record of the database of these options, as it is at one moment, to `take`, on the
     calling thread; the same ones, in the same order, whatever the engine. It is opened for
     reading, and changed in nothing, also while others write. A status of `take` other than OK is
     returned. INVALID_ARGUMENT: there is none, none of these, or one of another version than the
     library's. [blocks] */
  int32_t (*export_records)(const mxd_store_options* options, const mxd_store_export* to,
                            char* error, size_t error_size) MXD_NOEXCEPT;

  /* Make a database of these options out of records. It is whole when this returns OK, durably;
     until then, and where it fails, nobody can open it. BUSY: there is one already, or what is left
     of an import that failed (the text says what to do). INVALID_ARGUMENT: of another server name
     than that of the options, which may be empty; no records of an export, or not all of them.
     [blocks] */
  int32_t (*import_records)(const mxd_store_options* options, const mxd_store_import* from,
                            char* error, size_t error_size) MXD_NOEXCEPT;

  /* Finish what is queued (its operations are completed, each `done` is called), stop the threads,
     free. No call that takes the store may be running or begin, and the module's instances are gone
     or abandoned. NULL is allowed. [blocks] */
  void (*close)(mxd_store* store) MXD_NOEXCEPT;

  /* Fill the caller's table, zeroed but for size and abi_minor, for this module, which gets the
     results: cookie (it stays as it is: requests are told apart by their own), every mandatory
     callback but respond, and those of the optional ones that the store has; log and now_ms where
     it was given them. abi_minor is lowered to what this library was built with. The
     callbacks never wait for the database: where it is away, or too much is queued, they answer
     UNAVAILABLE. The store must outlive the module's instances. INVALID_ARGUMENT: a table below its
     size of 1.0. BUSY: filled for another module before. */
  int32_t (*fill_host)(mxd_store* store, const mxd_module* module, mxd_host* host, char* error,
                       size_t error_size) MXD_NOEXCEPT;

  /* May be called again. What is over is removed in the background, within the hour, in small
     transactions after all other writes; expired access tokens, expired sessions and what is left
     of deleted devices always are. INVALID_ARGUMENT: a negative one. */
  int32_t (*set_lifetimes)(mxd_store* store, const mxd_store_lifetimes* lifetimes, char* error,
                           size_t error_size) MXD_NOEXCEPT;

  /* Remove now what is over by the lifetimes that are set, and wait for it. [blocks] */
  int32_t (*sweep)(mxd_store* store, mxd_store_swept* swept, char* error,
                   size_t error_size) MXD_NOEXCEPT;

  /* A copy of the database as it is at one moment, while it is written to; durable, and for its
     owner only. The target is whole, or it is as it was. BUSY: there is a file already.
     INVALID_ARGUMENT: it can't be made there, or is the database itself. UNSUPPORTED: the engine
     has its own tools, which the text names. [blocks] */
  int32_t (*backup)(mxd_store* store, const mxd_store_backup* backup, char* error,
                    size_t error_size) MXD_NOEXCEPT;

  /* Whether the store works: reads, and commits a write that changes nothing. Else UNAVAILABLE,
     with the reason. [blocks] */
  int32_t (*check)(mxd_store* store, char* error, size_t error_size) MXD_NOEXCEPT;

  /* How many writes of this process wait for their commit. */
  uint64_t (*queued_writes)(mxd_store* store) MXD_NOEXCEPT;

  /* The view lives as long as the store. */
  mxd_view (*server_name)(mxd_store* store) MXD_NOEXCEPT;

  /* Make an application service known to this store (it is not kept in the database), and register
     its sender. INVALID_ARGUMENT: a bad expression, an ID or as_token given twice, an empty field,
     a sender_localpart that is not a valid name; nothing was changed. [blocks] */
  int32_t (*add_service)(mxd_store* store, const mxd_store_service* service, char* error,
                         size_t error_size) MXD_NOEXCEPT;

  /* Make these the services that are known, in the place of all others: each request sees either
     the old ones or the new ones. Otherwise as add_service. [blocks] */
  int32_t (*set_services)(mxd_store* store, const mxd_store_service* const* services, size_t count,
                          char* error, size_t error_size) MXD_NOEXCEPT;

  /* The service of this as_token: its ID (living as long as the store, also when the service is
     replaced) in *id. NOT_FOUND. */
  int32_t (*find_service)(mxd_store* store, mxd_view as_token, mxd_view* id) MXD_NOEXCEPT;

  /* The user ID that a name means; where no account is meant, the one in lower case: one key for
     all spellings of an account. INVALID_ARGUMENT: it can be nobody's here.
     [may-complete-later] */
  int32_t (*resolve_name)(mxd_store* store, const mxd_store_name* name,
                          void (*done)(mxd_cookie cookie, int32_t status,
                                       const mxd_store_user* user, mxd_view reason) MXD_NOEXCEPT,
                          mxd_cookie cookie) MXD_NOEXCEPT;

  /* Whose token is this? As mxd_host.authenticate, with its statuses, for the server's own
     endpoints: with masquerading and last seen. [may-complete-later] */
  int32_t (*identify)(mxd_store* store, const mxd_credentials* credentials,
                      void (*done)(mxd_cookie cookie, int32_t status,
                                   const mxd_store_identity* identity, mxd_view reason)
                          MXD_NOEXCEPT,
                      mxd_cookie cookie) MXD_NOEXCEPT;

  /* `user` may be NULL. BUSY: the name is taken. FORBIDDEN: in a service's exclusive namespace, or
     not in service_id's. INVALID_ARGUMENT: not a valid name, or a password with U+0000. [blocks] */
  int32_t (*add_account)(mxd_store* store, const mxd_store_new_account* account,
                         mxd_store_user* user, char* error, size_t error_size) MXD_NOEXCEPT;

  /* Call `visit` for each account, by user ID, bytewise; its record is good for the call. A status
     of its own other than OK ends the list, and is returned. `visit` may call the store. [blocks]
   */
  int32_t (*list_accounts)(mxd_store* store, const mxd_store_account_query* query,
                           int32_t (*visit)(mxd_cookie cookie, const mxd_store_account* account)
                               MXD_NOEXCEPT,
                           mxd_cookie cookie, char* error, size_t error_size) MXD_NOEXCEPT;

  /* Call `visit` once, with the account that is meant; otherwise as list_accounts. NOT_FOUND.
     [blocks] */
  int32_t (*find_account)(mxd_store* store, const mxd_store_name* name,
                          int32_t (*visit)(mxd_cookie cookie, const mxd_store_account* account)
                              MXD_NOEXCEPT,
                          mxd_cookie cookie, char* error, size_t error_size) MXD_NOEXCEPT;

  /* Setting DEACTIVATED removes devices and tokens (as logout() of all) and password; it cannot be
     cleared. NOT_FOUND. INVALID_ARGUMENT: any other flag, or one both set and cleared. [blocks] */
  int32_t (*change_account)(mxd_store* store, const mxd_store_account_change* change, char* error,
                            size_t error_size) MXD_NOEXCEPT;

  /* With SIGN_OUT, in the same commit: as delete_devices() of all. NOT_FOUND; INVALID_ARGUMENT: an
     empty password, or one with U+0000; FORBIDDEN: deactivated. [blocks] */
  int32_t (*set_password)(mxd_store* store, const mxd_store_password* password, char* error,
                          size_t error_size) MXD_NOEXCEPT;

  /* Takes as long for a name that is not there. `user` may be NULL. FORBIDDEN: wrong name or
     password, no password, deactivated. [blocks] */
  int32_t (*check_password)(mxd_store* store, const mxd_store_password* password,
                            mxd_store_user* user, char* error, size_t error_size) MXD_NOEXCEPT;

  /* Call `visit` for each device of an account, by ID, bytewise; otherwise as list_accounts.
     NOT_FOUND: no such account. [blocks] */
  int32_t (*list_devices)(mxd_store* store, const mxd_store_device_query* query,
                          int32_t (*visit)(mxd_cookie cookie, const mxd_store_device* device)
                              MXD_NOEXCEPT,
                          mxd_cookie cookie, char* error, size_t error_size) MXD_NOEXCEPT;

  /* Delete devices with all that goes with them, as their user does (behaviour.md, D12); of all,
     however many, as logout() of all. `affected` may be NULL. NOT_FOUND: no such account, or one of
     the devices is not there: none was deleted. [blocks] */
  int32_t (*delete_devices)(mxd_store* store, const mxd_store_devices* devices,
                            mxd_store_affected* affected, char* error,
                            size_t error_size) MXD_NOEXCEPT;

  /* End all tokens of devices, which stay, with keys and names: their tokens are TOKEN_EXPIRED from
     then on, so that their clients log in again on them. `affected` (may be NULL): those that had
     any. NOT_FOUND: as delete_devices. [blocks] */
  int32_t (*revoke_devices)(mxd_store* store, const mxd_store_devices* devices,
                            mxd_store_affected* affected, char* error,
                            size_t error_size) MXD_NOEXCEPT;

  /* The same for the device that a token is of, which may have expired. UNKNOWN_TOKEN: it is
     nobody's, or not good any more. [blocks] */
  int32_t (*revoke_token)(mxd_store* store, const mxd_store_token* token,
                          mxd_store_affected* affected, char* error,
                          size_t error_size) MXD_NOEXCEPT;

  /* A device and its tokens. NOT_FOUND: no such account. FORBIDDEN: deactivated. USER_LOCKED.
     LIMIT_EXCEEDED: max_devices. INVALID_ARGUMENT: a device ID over 255 bytes or with control
     characters, max_devices < 0. [blocks] */
  int32_t (*login)(mxd_store* store, const mxd_store_login* login, mxd_store_tokens* tokens,
                   char* error, size_t error_size) MXD_NOEXCEPT;

  /* New tokens for a refresh token. It may be used several times (tabs, a repeated request), and
     all that it is answered with is good until one of those tokens is used: then the old pair dies,
     and the refresh tokens of the others; their access tokens run out by time. TOKEN_EXPIRED: it
     was replaced or has gone unused for too long, and its device is still there; UNKNOWN_TOKEN: its
     device is gone, it ended with a login on the same device ID, or it never was; USER_LOCKED.
     [blocks] */
  int32_t (*refresh)(mxd_store* store, const mxd_store_refresh* refresh, mxd_store_tokens* tokens,
                     char* error, size_t error_size) MXD_NOEXCEPT;

  /* Delete the device of this access token with all that goes with it; with ALL, every device of
     the user, however many: from the commit on none of their tokens is good, and nobody is shown
     them; what is left of them is removed in the background. Also when it has expired (for an
     hour), or the account is locked. TOKEN_EXPIRED: it was replaced; UNKNOWN_TOKEN. [blocks] */
  int32_t (*logout)(mxd_store* store, const mxd_store_logout* logout, char* error,
                    size_t error_size) MXD_NOEXCEPT;

  /* As mxd_host.take_limit, of buckets with names of the server's own (not the module's), for what
     it limits before anybody is authenticated; shared by all processes that have the database open.
     `wait_ms` is that of LIMIT_EXCEEDED, else 0. UNSUPPORTED: this engine shares none, and the
     server counts by itself. [may-complete-later] */
  int32_t (*take_limit)(mxd_store* store, const mxd_limit_request* limits,
                        void (*done)(mxd_cookie cookie, int32_t status, int64_t wait_ms,
                                     mxd_view reason) MXD_NOEXCEPT,
                        mxd_cookie cookie) MXD_NOEXCEPT;

  /* What is tried out, or third-party; NULL: not known. */
  const void* (*get_extension)(const char* name)MXD_NOEXCEPT;
} mxd_store_library;
#define MXD_STORE_LIBRARY_SIZE_1_0 (16 + 34 * MXD_WORD)

typedef const mxd_store_library* (*mxd_store_entry_v1)(void)MXD_NOEXCEPT;

/* The entry. Servers find it with dlsym(); it is declared for the library's own build. */
const mxd_store_library* matrix_devices_store_v1(void) MXD_NOEXCEPT;

#ifdef __cplusplus
}
#endif
#endif /* MATRIX_DEVICES_STORE_H */
