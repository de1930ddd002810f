/* SPDX-License-Identifier: Apache-2.0
 *
 * matrix_devices/module.h, version 1.0: the contract between a Matrix homeserver (the host) and
 * libmatrix_devices.so (the module), which answers the device management endpoints.
 *
 * The module owns nothing but its own memory: no thread, timer, socket, file or environment. What
 * is kept or decided elsewhere it asks of the host, through the table given to create().
 *
 * A HOST IN SEVEN STEPS
 *   1. dlopen() with RTLD_NOW | RTLD_LOCAL, dlsym() MXD_ENTRY_V1, call it: the module's table.
 *   2. Zero an mxd_host; set size, abi_minor, cookie, callbacks.
 *   3. create() an instance from it and a configuration.
 *   4. handle() every request that may be the module's; NOT_MINE: route it on.
 *   5. In a callback: emit the results into the operation, then complete() it.
 *   6. Each handle() that returned OK ends in one respond().
 *   7. shutdown(), wait for `done`, destroy().
 *
 * CONVENTIONS
 *  1. Growth. A struct that starts with `size` grows at its end, and only there; one that does not
 *     is frozen. The writer zeroes it and sets size to the sizeof of its own header; the reader
 *     takes min(size, sizeof of its own). MXD_HAS(record, field) says whether a record or table of
 *     the other side has a field: ask it before using one that is marked `since 1.N`, N > 0.
 *     A size below MXD_…_SIZE_1_0 is refused, a larger one than one knows never.
 *  2. Padding. No version of a struct has any: each ends on a multiple of 8 bytes, with a field
 *     `reserved` where needed, which is 0 and which the reader does not look at. A later minor may
 *     give it a meaning only if 0 means what 1.0 did.
 *  3. Flags and statuses. A bit that one does not know is ignored: a new one never makes wrong what
 *     1.0 did without it. A status that one does not know counts as MXD_INTERNAL. Whether the other
 *     side knows a flag or a status added in 1.N is told by its abi_minor alone.
 *  4. Text is mxd_view: UTF-8 without U+0000, not terminated, NULL only with size 0. Text that the
 *     module passes is always so: what came from a client and is not, it answers itself. Text in
 *     JSON (auth_json, state) may hold the escape of U+0000: keep it as text or bytes, in no JSON
 *     column. Emitted text that is not so is refused; but for display_name and last_seen_ip, which
 *     may hold U+0000.
 *  5. Memory. Nobody frees what the other allocated. What is passed is good until the call returns;
 *     with one exception: the arguments of a callback with an mxd_op, and all that they point to,
 *     stay good until that operation is completed, so that a late host need not copy.
 *  6. Cookies are numbers of the host's own, into which the module never looks.
 *  7. Operations. A callback with an mxd_op asks a question. It returns OK if it has completed or
 *     will complete the operation. Any other status that it returns is the answer, and none
 *     may follow. complete() comes once, from any thread, before or after the callback
 *     returns, to the same effect. If a callback did both, the completion counts.
 *     Each callback lists its statuses. MXD_HOST_ERROR, _UNAVAILABLE, _TIMEOUT, _CANCELLED,
 *     _NO_MEMORY (as UNAVAILABLE) and _INTERNAL every callback may use; emit_retry_after goes with
 *     UNAVAILABLE too. Any other is logged: 500.
 *     What was emitted counts with the statuses that ask for it, and is dropped with others.
 *  8. One request has one open operation at a time. The next is asked when that is completed and
 *     its callback has returned.
 *  9. Errors of the host's own, from any callback: emit_error(), then complete(op, MXD_HOST_ERROR).
 * 10. No lock is held across a callback or an entry, on either side. No exception, longjmp or panic
 *     crosses, in either direction.
 * 11. Time-outs are the host's: complete with TIMEOUT, or cancel() the request. A TIMEOUT of
 *     delete_devices or uia_replace_session that may still commit is answered 504, and the client's
 *     repetition finds what stands.
 * 12. Tokens (mxd_op, mxd_request_token) are good for ever: used too late they are STALE. An
 *     mxd_instance is good until destroy(), abandoned or not, and no call that takes one may be
 *     running or begin then.
 * 13. fork(): a child may only abandon() what it inherited.
 *
 * THREAD TAGS
 *   [any-thread]           on any thread, also at the same time as itself.
 *   [living-instance]      takes an instance: see 12.
 *   [may-complete-inline]  may emit into and complete its own operation before it returns.
 *   [must-not-block]       runs inside a client's request: no waiting in it.
 *   [must-not-re-enter]    may not call the module.
 *   [serial-per-op]        calls for one operation come one after the other.
 *   [question]             a callback with an mxd_op: [any-thread] that is inside handle() or
 *                          complete() of this instance, and on no other;
 *                          [may-complete-inline] [must-not-block]. In it, as in respond(), handle()
 *                          and complete() for other requests and operations are allowed; they take
 *                          effect once the outermost call into the module on that thread unwinds.
 */
#ifndef MATRIX_DEVICES_MODULE_H
#define MATRIX_DEVICES_MODULE_H
#include <stddef.h>
#include <stdint.h>
#if defined(__cplusplus) && __cplusplus >= 201703L
#define MXD_NOEXCEPT noexcept
#else
#define MXD_NOEXCEPT
#endif
#ifdef __cplusplus
extern "C" {
#endif

#define MXD_ABI_MINOR 0                          /* of major version 1 */
#define MXD_ENTRY_V1  "matrix_devices_module_v1" /* the one exported name */

#if UINTPTR_MAX == 0xFFFFFFFF /* as plain numbers, for generators of bindings */
#define MXD_WORD 4
#else
#define MXD_WORD 8
#endif
#define MXD_TEXT (2 * MXD_WORD) /* sizeof(mxd_view) */

/* Whether a record or table that the other side made has this field. */
#define MXD_HAS(record, field) \
  ((record)->size >= (size_t)((const char*)(&(record)->field + 1) - (const char*)(record)))

/* ---- Status codes: int32_t ---- */

#define MXD_OK             0
#define MXD_NOT_MINE       1  /* handle, match: not one of the module's routes */
#define MXD_CREATED        2  /* put_device: the device was not there before */
#define MXD_NOT_FOUND      3  /* no such device, session, route */
#define MXD_UNKNOWN_TOKEN  4  /* authenticate: nobody's token, or its device is gone */
#define MXD_TOKEN_EXPIRED  5  /* authenticate: expired or replaced, and its device is there */
#define MXD_USER_LOCKED    6  /* authenticate: the account is locked */
#define MXD_FORBIDDEN      7  /* authenticate: not a user of that application service */
#define MXD_UNKNOWN_DEVICE 8  /* authenticate: device_id is not the user's */
#define MXD_LIMIT_EXCEEDED 9  /* put_device: the cap; take_limit: wait */
#define MXD_REFUSED        10 /* uia_check: wrong */
#define MXD_BAD_DATA       11 /* uia_check: a field is missing or of a wrong type */
#define MXD_HOST_ERROR     12 /* the answer given through emit_error */
#define MXD_CONFLICT       13 /* uia_replace_session: another revision, or none, stands there */

#define MXD_INTERNAL         (-1)
#define MXD_UNAVAILABLE      (-2)
#define MXD_TIMEOUT          (-3)
#define MXD_CANCELLED        (-4)
#define MXD_NO_MEMORY        (-5)
#define MXD_INVALID_ARGUMENT (-6)
#define MXD_STALE            (-7) /* the token names nothing that is still open */
#define MXD_BUSY             (-8)
#define MXD_UNSUPPORTED      (-9) /* a capability that must be understood, and is not */

/* ---- Log levels ---- */

#define MXD_LOG_DEBUG            0
#define MXD_LOG_INFO             1
#define MXD_LOG_WARNING          2
#define MXD_LOG_ERROR            3
#define MXD_LOG_HOST_MISBEHAVING 4 /* the host broke this contract */

/* ---- Plain types, and frozen ones ---- */

typedef uint64_t mxd_op; /* one question to the host; never 0, never reused */
typedef uint64_t mxd_request_token;
typedef uintptr_t mxd_cookie;
typedef struct mxd_instance mxd_instance; /* opaque */

typedef struct mxd_view { /* frozen */
  const char* data;
  size_t size;
} mxd_view;

typedef struct mxd_header { /* frozen; names are compared without case */
  mxd_view name;
  mxd_view value;
} mxd_header;

typedef struct mxd_limit { /* frozen: a bucket, found by name and key */
  int64_t burst;           /* units that may be taken at once, >= 1 */
  int64_t interval_ms;     /* after which one unit comes back, >= 1 */
  mxd_view name;           /* "uia_failures_device", "uia_failures_user", "uia_challenges",
                              "uia_repeats", "device_creation"; a later minor may have more */
  mxd_view key;            /* whose bucket; at most 1 KiB */
} mxd_limit;

/* ---- Requests and responses ---- */

#define MXD_REQUEST_BODY_TOO_LARGE 1 /* body is empty: it was over max_body_bytes */

typedef struct mxd_request { /* host to handle() */
  uint32_t size;
  uint32_t flags;
  mxd_cookie cookie; /* comes back with every callback for this request */
  const mxd_header* headers;
  size_t header_count;
  mxd_view method;      /* bytes, as on the wire; compared with case */
  mxd_view target;      /* bytes, as on the wire: path and query, not decoded */
  mxd_view body;        /* bytes */
  mxd_view remote_addr; /* of the client; empty: not known */
} mxd_request;
#define MXD_REQUEST_SIZE_1_0 (8 + 3 * MXD_WORD + 4 * MXD_TEXT)

typedef struct mxd_response { /* to respond() */
  uint32_t size;
  uint32_t http_status;
  const mxd_header* headers; /* without Content-Length, Date, Connection */
  size_t header_count;
  mxd_view body; /* for HEAD: what GET would have; send its length, not the bytes */
} mxd_response;
#define MXD_RESPONSE_SIZE_1_0 (8 + 2 * MXD_WORD + MXD_TEXT)

typedef struct mxd_route { /* filled by route() */
  uint32_t size;           /* in: sizeof; out: how much of it was filled, for MXD_HAS */
  uint32_t reserved;
  mxd_view methods; /* comma-separated, e.g. "GET, HEAD, PUT, DELETE, OPTIONS" */
  mxd_view path;    /* e.g. "/_matrix/client/v3/devices/{deviceId}" */
} mxd_route;
#define MXD_ROUTE_SIZE_1_0 (8 + 2 * MXD_TEXT)

/* ---- What the host emits ---- */

#define MXD_PRINCIPAL_GUEST            1
#define MXD_PRINCIPAL_APPSERVICE       2 /* an as_token; service_id is set */
#define MXD_PRINCIPAL_OAUTH            4 /* token from the OAuth 2.0 API */
#define MXD_PRINCIPAL_UNLIMITED        8 /* with APPSERVICE: exempt from limits (P6) */
#define MXD_PRINCIPAL_HAS_VALIDATED_MS 16

typedef struct mxd_principal {
  uint32_t size;
  uint32_t flags;
  int64_t validated_ms; /* with HAS_VALIDATED_MS: what mark_validated said last */
  mxd_view user_id;     /* "@alice:example.org"; 1 to 255 bytes; the user acted as */
  mxd_view device_id;   /* at most 255 bytes; empty: the token belongs to no device */
  mxd_view token_id;    /* a lasting name of the token (a row ID, a digest), never the token; at
                           most 255 bytes; must be there where device_id is empty */
  mxd_view service_id;  /* of the application service; at most 255 bytes */
  mxd_cookie cookie;    /* 0: none. Taken by an emit that returns OK, and by no other; passed
                           to the later callbacks of the request, then to release_principal */
  uintptr_t reserved;
} mxd_principal;
#define MXD_PRINCIPAL_SIZE_1_0 (16 + 4 * MXD_TEXT + 2 * MXD_WORD)

#define MXD_DEVICE_HAS_DISPLAY_NAME 1
#define MXD_DEVICE_HAS_LAST_SEEN_IP 2
#define MXD_DEVICE_HAS_LAST_SEEN_TS 4

typedef struct mxd_device {
  uint32_t size;
  uint32_t flags;          /* which of the following are known */
  int64_t last_seen_ts_ms; /* ms since the epoch */
  mxd_view device_id;      /* 1 to 255 bytes */
  mxd_view display_name;   /* may be known to be empty */
  mxd_view last_seen_ip;
} mxd_device;
#define MXD_DEVICE_SIZE_1_0 (16 + 3 * MXD_TEXT)

#define MXD_STAGE_PROVES_NOBODY 1 /* of a stage that the Matrix specification does not name */

typedef struct mxd_uia_stage { /* the next stage of a flow */
  uint32_t size;
  uint32_t flags;
  uint32_t flow; /* 0 for the first; each flow's stages together, in order; at most 32 flows */
  uint32_t reserved;
  mxd_view type;   /* 1 to 255 bytes; at most 16 in a flow */
  mxd_view params; /* a JSON object, or empty; of one type the first counts */
} mxd_uia_stage;
#define MXD_UIA_STAGE_SIZE_1_0 (16 + 2 * MXD_TEXT)

typedef struct mxd_uia_kept { /* a session, as it was last created or replaced */
  uint32_t size;
  uint32_t flags;
  int64_t revision; /* 1 as created, one more by each replacement */
  mxd_view state;   /* byte for byte */
} mxd_uia_kept;
#define MXD_UIA_KEPT_SIZE_1_0 (16 + MXD_TEXT)

typedef struct mxd_uia_completed { /* a stage that was completed elsewhere */
  uint32_t size;
  uint32_t flags;
  mxd_view type;
  mxd_view identity; /* the user ID that it proved, 255 bytes at most; empty: none */
} mxd_uia_completed;
#define MXD_UIA_COMPLETED_SIZE_1_0 (8 + 2 * MXD_TEXT)

typedef struct mxd_error {
  uint32_t size;
  uint32_t http_status;   /* 400 to 599; from a uia_ callback not 401 */
  int64_t retry_after_ms; /* < 0: no Retry-After */
  mxd_view errcode;       /* "M_…", 1 to 255 bytes */
  mxd_view text;          /* for a client developer: what to do next; no secrets */
  mxd_view extra_json;    /* a JSON object whose members are added, or empty; none of them is
                             errcode, error or retry_after_ms */
} mxd_error;
#define MXD_ERROR_SIZE_1_0 (16 + 3 * MXD_TEXT)

/* ---- What the module passes: one struct a callback ---- */

#define MXD_CREDENTIALS_HAS_USER_ID   1
#define MXD_CREDENTIALS_HAS_DEVICE_ID 2

typedef struct mxd_credentials {
  uint32_t size;
  uint32_t flags;
  mxd_view access_token; /* a secret: never log it. 1 byte to 4 KiB */
  mxd_view user_id;      /* whom an application service wants to act as */
  mxd_view device_id;    /* and on which of that user's devices */
  mxd_view remote_addr;  /* for last seen */
} mxd_credentials;
#define MXD_CREDENTIALS_SIZE_1_0 (8 + 4 * MXD_TEXT)

typedef struct mxd_device_query {
  uint32_t size;
  uint32_t flags;
  mxd_view user_id; /* here and below: the principal's */
} mxd_device_query;
#define MXD_DEVICE_QUERY_SIZE_1_0 (8 + MXD_TEXT)

typedef struct mxd_device_key {
  uint32_t size;
  uint32_t flags;
  mxd_view user_id;
  mxd_view device_id; /* here and below: 1 to 255 bytes */
} mxd_device_key;
#define MXD_DEVICE_KEY_SIZE_1_0 (8 + 2 * MXD_TEXT)

#define MXD_UPDATE_SET_DISPLAY_NAME 1

typedef struct mxd_device_update {
  uint32_t size;
  uint32_t flags;      /* without SET_DISPLAY_NAME the name stays as it is (none, if new) */
  int64_t max_devices; /* put_device: create only below this many; 0: no cap */
  mxd_view user_id;
  mxd_view device_id;
  mxd_view display_name; /* may be empty: then that is the name */
} mxd_device_update;
#define MXD_DEVICE_UPDATE_SIZE_1_0 (16 + 3 * MXD_TEXT)

typedef struct mxd_deletion {
  uint32_t size;
  uint32_t flags;
  const mxd_view* device_ids; /* distinct, in bytewise order; there may be none */
  size_t device_id_count;
  mxd_view user_id;
} mxd_deletion;
#define MXD_DELETION_SIZE_1_0 (8 + 2 * MXD_WORD + MXD_TEXT)

typedef struct mxd_uia_operation { /* what is to be authenticated for */
  uint32_t size;
  uint32_t flags;
  mxd_view user_id;
  mxd_view device_id; /* of the token, or empty */
  mxd_view method;    /* "DELETE", "POST" */
  mxd_view endpoint;  /* "/devices/{deviceId}", "/delete_devices" */
} mxd_uia_operation;
#define MXD_UIA_OPERATION_SIZE_1_0 (8 + 4 * MXD_TEXT)

typedef struct mxd_uia_session { /* a new one, to be kept */
  uint32_t size;
  uint32_t flags;
  int64_t expires_ms; /* ms since the epoch, by now_ms */
  uint32_t max_live;  /* how many sessions the user may have with this one, >= 1 */
  uint32_t reserved;
  mxd_view proposed_id; /* 43 of [A-Za-z0-9_-], 256 random bits: use it, or emit another */
  mxd_view user_id;     /* who began it: */
  mxd_view device_id;   /* with which device, */
  mxd_view token_id;    /* or, where that is empty, with which token */
  mxd_view state;       /* 1 byte to 256 KiB: keep it byte for byte, and don't look into it */
  /* For pages of the host's own; the module does not ask for them again. */
  mxd_view method;
  mxd_view endpoint;
  mxd_view target;      /* as it came, in origin form, without the access token */
  mxd_view description; /* "Sign out 3 devices" */
} mxd_uia_session;
#define MXD_UIA_SESSION_SIZE_1_0 (24 + 9 * MXD_TEXT)

typedef struct mxd_uia_session_key {
  uint32_t size;
  uint32_t flags;
  mxd_view session_id; /* a secret, from a client: 1 to 255 bytes */
} mxd_uia_session_key;
#define MXD_UIA_SESSION_KEY_SIZE_1_0 (8 + MXD_TEXT)

#define MXD_UIA_FINISHED 1 /* evicted after all that are not; never replaced by a live state */

typedef struct mxd_uia_replacement {
  uint32_t size;
  uint32_t flags;
  int64_t revision;   /* the one that it takes the place of; afterwards it is one more */
  int64_t expires_ms; /* from now on */
  mxd_view session_id;
  mxd_view user_id; /* the session's, for a host that keeps them by user */
  mxd_view state;
} mxd_uia_replacement;
#define MXD_UIA_REPLACEMENT_SIZE_1_0 (24 + 3 * MXD_TEXT)

/* How an identifier was given; others than these stand in auth_json only. COUNTRY stands beside
   THIRDPARTY for m.id.phone: medium is "msisdn", and address a number as it is dialled in that
   country. */
#define MXD_ATTEMPT_HAS_USER       1 /* user, as the client wrote it: "alice", "@alice:ex.org" */
#define MXD_ATTEMPT_HAS_THIRDPARTY 2 /* medium and address, as the client wrote them */
#define MXD_ATTEMPT_HAS_COUNTRY    4
#define MXD_ATTEMPT_HAS_PASSWORD   8

typedef struct mxd_uia_attempt {
  uint32_t size;
  uint32_t flags;      /* all 0 but for m.login.password */
  mxd_view user_id;    /* who asks; never compare the credentials with it */
  mxd_view device_id;  /* or empty */
  mxd_view session_id; /* a secret */
  mxd_view type;       /* one that uia_flows offered and that is due */
  mxd_view remote_addr;
  mxd_view user;
  mxd_view medium;
  mxd_view address;
  mxd_view country;   /* ISO 3166-1 alpha-2, as the client wrote it */
  mxd_view password;  /* a secret */
  mxd_view auth_json; /* the client's object, holds secrets: members that are null are left out, and
                         an old-style `user` has become an `identifier` (U2, U19) */
} mxd_uia_attempt;
#define MXD_UIA_ATTEMPT_SIZE_1_0 (8 + 11 * MXD_TEXT)

typedef struct mxd_validation {
  uint32_t size;
  uint32_t flags;
  int64_t validated_ms; /* now, by now_ms */
  mxd_view user_id;
  mxd_view device_id; /* keep it with the device, */
  mxd_view token_id;  /* or with the token where there is none */
} mxd_validation;
#define MXD_VALIDATION_SIZE_1_0 (16 + 3 * MXD_TEXT)

typedef struct mxd_limit_request {
  uint32_t size;
  uint32_t flags;
  int32_t units; /* 1: take one from each bucket; -1: give one back */
  uint32_t reserved;
  const mxd_limit* limits; /* 1 to 4 */
  size_t limit_count;
} mxd_limit_request;
#define MXD_LIMIT_REQUEST_SIZE_1_0 (16 + 2 * MXD_WORD)

/* ---- The host's table ---- */

#define MXD_CAP_MUST_UNDERSTAND_FROM 48 /* bits 48 to 63: refused by who does not know them */

/* Copied by create(). `M`: mandatory. A callback with an operation gets the host's cookie, the
   request's, the operation, the principal's cookie (0: none, as in authenticate and for pages), and
   one struct. Those are [question]s. */
typedef struct mxd_host {
  uint32_t size;
  uint32_t abi_minor; /* MXD_ABI_MINOR of the header that the host was built with */
  uint64_t caps;      /* none yet */
  mxd_cookie cookie;
  uintptr_t reserved;

  /* M. The answer to a request, once for every handle() that returned OK, perhaps before it
     returns; on the thread that completed the last operation, or on which its callback returned if
     that was later. The request's cookie is not used again. [any-thread] [must-not-block] */
  void (*respond)(mxd_cookie host, mxd_cookie request, const mxd_response* response) MXD_NOEXCEPT;

  /* M. Whose token is this? Asked once a request, and first. Let guests in, and suspended accounts.
     user_id and device_id are for application services only, else pass them over. Record last seen
     for the device acted on, without making the request wait for it.
     OK after one emit_principal. UNKNOWN_TOKEN: 401. TOKEN_EXPIRED: 401 with soft_logout.
     USER_LOCKED: 401. FORBIDDEN: 403, user_id is not in the service's namespace nor its sender, or
     is not registered. UNKNOWN_DEVICE: 400. */
  int32_t (*authenticate)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                          const mxd_credentials* credentials) MXD_NOEXCEPT;

  /* M. All devices of a user: one emit_device each, in an order that stays the same. All or a
     failure, never a part. OK, also when there are none. */
  int32_t (*list_devices)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                          const mxd_device_query* query) MXD_NOEXCEPT;

  /* M. One device. Also asked to see whether it is there. OK after one emit_device. NOT_FOUND:
     404. */
  int32_t (*get_device)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                        const mxd_device_key* key) MXD_NOEXCEPT;

  /* M. Set the name, with SET_DISPLAY_NAME always; nothing else changes. OK. NOT_FOUND: 404. */
  int32_t (*rename_device)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                           const mxd_device_update* update) MXD_NOEXCEPT;

  /* M. Delete those of these devices that the user has. With a device go, in one transaction where
     there is one, else in this order: access and refresh tokens; the device, its keys, one-time and
     fallback keys, all cross-signing signatures over them, its pushers, its queued messages, and
     the sessions below that it began. Then one change notification for those that existed.
     Idempotent: the same call finishes what a crash left. Durable when it completes; not broken off
     by a cancel. OK. */
  int32_t (*delete_devices)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                            const mxd_deletion* deletion) MXD_NOEXCEPT;

  /* M. The flows that this user could complete, in an order that stays the same: an emit_stage
     each. OK, also when there are none: 403. */
  int32_t (*uia_flows)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                       const mxd_uia_operation* operation) MXD_NOEXCEPT;

  /* M. Keep a new session, at revision 1, where every process of the host sees it and a restart
     does not lose it. In the same transaction, and among this user's sessions, first remove the
     expired ones; then, while there would be more than max_live, the one that was created first of
     those not finished and of the same device (or token), then of those not finished, then of all.
     Order is that of creation, not of the clock; creations at the same moment may go over by their
     number. OK; the ID is proposed_id, or what emit_session_id gave, 1 to 255 bytes. */
  int32_t (*uia_create_session)(mxd_cookie host, mxd_cookie request, mxd_op op,
                                mxd_cookie principal, const mxd_uia_session* session) MXD_NOEXCEPT;

  /* M. The session of this ID, whoever's it is, as last created or replaced, by whatever process:
     one emit_session; then an emit_completed for each stage that was completed elsewhere than in
     the module (single sign-on, a link in a mail), in the order completed, on every load for as
     long as the session lives. OK. NOT_FOUND; also for one that has expired, though the module sees
     to that itself. */
  int32_t (*uia_load_session)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                              const mxd_uia_session_key* key) MXD_NOEXCEPT;

  /* M. If the session stands at this revision, put state, expiry and FINISHED in the place of those
     that it had, and count the revision up: one atomic step, seen by every process, durable before
     it completes. OK. CONFLICT: another revision stands there, or the session is gone; the module
     loads it again. NOT_FOUND: it is gone, which saves that. */
  int32_t (*uia_replace_session)(mxd_cookie host, mxd_cookie request, mxd_op op,
                                 mxd_cookie principal,
                                 const mxd_uia_replacement* replacement) MXD_NOEXCEPT;

  /* M. Is this stage's data right, whoever's it is? Take as long for a user who is not there.
     OK after one emit_identity: the user it proves, or an empty text for none (dummy, terms,
     captcha). REFUSED: wrong, 401; BAD_DATA: 400; both perhaps after emit_reason. Any other: it
     could not be tried, which is no failure of the client's. What can be used once (a captcha, a
     registration token) is used up by it: a stage found right is not asked about again. */
  int32_t (*uia_check)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                       const mxd_uia_attempt* attempt) MXD_NOEXCEPT;

  /* Optional from here on. */

  /* Create or rename, for an application service. OK: it was there, and has the name if one was to
     be set. CREATED: 201. LIMIT_EXCEEDED: it was not there, and the user has max_devices: 403.
     Without this callback services can't create either: 404. */
  int32_t (*put_device)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                        const mxd_device_update* update) MXD_NOEXCEPT;

  /* The user has just proved who they are. Later principals of this device (or token) say so in
     validated_ms. Asked only with a grace period, which create() refuses without it. OK. */
  int32_t (*mark_validated)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                            const mxd_validation* validation) MXD_NOEXCEPT;

  /* Take a unit from each bucket, all or none, or give one back to each (never over its burst).
     Bound the memory: keys come from clients. OK. LIMIT_EXCEEDED after emit_retry_after: 429.
     Without it the module counts by itself, for this process. */
  int32_t (*take_limit)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                        const mxd_limit_request* limits) MXD_NOEXCEPT;

  /* The request was cancelled while this operation was open. Complete it all the same, perhaps
     with CANCELLED. It may have been completed, and its request answered, meanwhile: look it up by
     its number. Without it the module waits. [any-thread] [must-not-block] */
  void (*cancel_operation)(mxd_cookie host, mxd_op op) MXD_NOEXCEPT;

  /* A principal's cookie is not used any more: once for each that was taken, before respond(),
     whatever authenticate was completed with; not after abandon(). [any-thread]
     [must-not-re-enter] */
  void (*release_principal)(mxd_cookie host, mxd_cookie principal) MXD_NOEXCEPT;

  /* Wall clock, ms since the epoch, 0 to 2^53. Default: the system's. Limits never go back with it.
     [any-thread] [must-not-block] [must-not-re-enter] */
  int64_t (*now_ms)(mxd_cookie host) MXD_NOEXCEPT;

  /* Cryptographic randomness; OK or a failure. Default: the system's. [any-thread]
     [must-not-block] [must-not-re-enter] */
  int32_t (*random_bytes)(mxd_cookie host, void* out, size_t size) MXD_NOEXCEPT;

  /* One line of log, without a line feed. Never holds a token, a password, a session ID or a
     display name. request is 0 where none is concerned. Default: none. [any-thread]
     [must-not-block] [must-not-re-enter] */
  void (*log)(mxd_cookie host, mxd_cookie request, int32_t level, mxd_view message) MXD_NOEXCEPT;

  /* What is tried out, or third-party; NULL: not known. Called inside create() only.
     [must-not-re-enter] */
  const void* (*get_extension)(mxd_cookie host, const char* name)MXD_NOEXCEPT;
} mxd_host;
#define MXD_HOST_SIZE_1_0 (16 + 22 * MXD_WORD)

/* ---- The module's table ---- */

typedef struct mxd_module { /* const and good for ever; no slot within size is NULL */
  uint32_t size;
  uint32_t abi_minor;
  uint64_t caps;
  const char* product_version; /* "1.0.0", terminated */

  /* A new instance. `host` is copied. `config` is a JSON object (docs/configuration.md) or empty.
     On failure *out is NULL and `error` (may be NULL) holds one terminated line that names what to
     mend, cut to error_size. INVALID_ARGUMENT: the table or the configuration; UNSUPPORTED: a
     capability; NO_MEMORY. [any-thread] */
  int32_t (*create)(const mxd_host* host, mxd_view config, mxd_instance** out, char* error,
                    size_t error_size) MXD_NOEXCEPT;

  /* Free it. BUSY with requests in flight, or inside one of its callbacks but `done`; never blocks.
     After abandon() it leaks what is in use. Convention 12 is the host's to see to: no lock of the
     module's can. [living-instance] */
  int32_t (*destroy)(mxd_instance* instance) MXD_NOEXCEPT;

  /* New requests get UNAVAILABLE from now on. `done` is called once, when nothing is in flight,
     perhaps before this returns: the last callback. BUSY if called before. [any-thread]
     [living-instance] */
  int32_t (*shutdown)(mxd_instance* instance, void (*done)(mxd_cookie) MXD_NOEXCEPT,
                      mxd_cookie cookie) MXD_NOEXCEPT;

  /* For a process that is going away: tokens are STALE, what is lent is leaked. Once this has
     returned, each thread that was inside the module may still begin one callback, the one that it
     was about to call (keep what that touches), and no other begins. Only destroy() may follow.
     [any-thread] [living-instance] */
  int32_t (*abandon)(mxd_instance* instance) MXD_NOEXCEPT;

  /* A request. OK: one respond() comes. NOT_MINE, or a failure: none comes (INVALID_ARGUMENT: the
     struct; UNAVAILABLE: after shutdown; NO_MEMORY). The request is copied. *token (may be NULL)
     names it for cancel(), and is written before anything is asked. [any-thread]
     [living-instance] */
  int32_t (*handle)(mxd_instance* instance, const mxd_request* request,
                    mxd_request_token* token) MXD_NOEXCEPT;

  /* Advice that nobody waits for the answer. Idempotent. respond() still comes. OK, or STALE once
     the request is answered. [any-thread] */
  int32_t (*cancel)(mxd_request_token request) MXD_NOEXCEPT;

  /* Would handle() take a request with this method and target (bytes, as on the wire), if it were
     not shut down? OK or NOT_MINE. Asks nothing of the host. [any-thread] [living-instance] */
  int32_t (*match)(mxd_instance* instance, mxd_view method, mxd_view target) MXD_NOEXCEPT;

  /* How many bytes of a body to read; over it, stop and set BODY_TOO_LARGE. [any-thread]
     [living-instance] */
  uint64_t (*max_body_bytes)(mxd_instance* instance) MXD_NOEXCEPT;

  /* The routes, from index 0; NOT_FOUND after the last. The views live as long as the instance.
     [any-thread] [living-instance] */
  int32_t (*route)(mxd_instance* instance, uint32_t index, mxd_route* out) MXD_NOEXCEPT;

  /* The operation is answered; nothing may be emitted any more. OK. STALE: it was completed or
     abandoned before. BUSY: an emit into it is under way on another thread. [any-thread]
     [serial-per-op] */
  int32_t (*complete)(mxd_op op, int32_t status) MXD_NOEXCEPT;

  /* Results, copied. OK. STALE as above. INVALID_ARGUMENT: not for this operation, or malformed;
     the client then gets a 500 and the log says why. NO_MEMORY. BUSY: another emit into the same
     operation is under way. Those about a failure (reason, retry_after, error) any operation takes,
     and drops where its status does not ask for them. All [any-thread] [serial-per-op]. */
  int32_t (*emit_principal)(mxd_op op, const mxd_principal* principal) MXD_NOEXCEPT;
  int32_t (*emit_device)(mxd_op op, const mxd_device* device) MXD_NOEXCEPT;
  int32_t (*emit_stage)(mxd_op op, const mxd_uia_stage* stage) MXD_NOEXCEPT;
  int32_t (*emit_session_id)(mxd_op op, mxd_view session_id) MXD_NOEXCEPT;
  int32_t (*emit_session)(mxd_op op, const mxd_uia_kept* session) MXD_NOEXCEPT;
  int32_t (*emit_completed)(mxd_op op, const mxd_uia_completed* stage) MXD_NOEXCEPT;
  int32_t (*emit_identity)(mxd_op op, mxd_view user_id) MXD_NOEXCEPT;
  int32_t (*emit_reason)(mxd_op op, mxd_view text) MXD_NOEXCEPT;
  int32_t (*emit_retry_after)(mxd_op op, int64_t retry_after_ms) MXD_NOEXCEPT;
  int32_t (*emit_error)(mxd_op op, const mxd_error* error) MXD_NOEXCEPT;

  /* What is tried out, or third-party; NULL: not known. [any-thread] */
  const void* (*get_extension)(const char* name)MXD_NOEXCEPT;
} mxd_module;
#define MXD_MODULE_SIZE_1_0 (16 + 22 * MXD_WORD)

typedef const mxd_module* (*mxd_entry_v1)(void)MXD_NOEXCEPT;

/* The entry. Hosts find it with dlsym(); it is declared for the module's own build. */
const mxd_module* matrix_devices_module_v1(void) MXD_NOEXCEPT;

#ifdef __cplusplus
}
#endif
#endif /* MATRIX_DEVICES_MODULE_H */
