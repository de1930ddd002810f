/* matrix_devices/module.h: the contract between a Matrix homeserver (the "host") and
 * libmatrix_devices.so (the "module"). Version 1.0.
 *
 * The module answers the device management endpoints of the Matrix Client-Server API. It owns
 * nothing but its own memory: no thread, timer, socket, file or environment. Everything that is
 * kept or decided elsewhere it asks of the host, through the table of callbacks that the host hands
 * to create().
 *
 * A host in seven steps:
 *   1. dlopen() the library with RTLD_NOW | RTLD_LOCAL; dlsym() MXD_ENTRY_V1.
 *   2. Call it. It returns the module's table, const and good for ever.
 *   3. Fill a zeroed mxd_host: size, abi_minor, caps, cookie, callbacks.
 *   4. create() an instance from it and a configuration.
 *   5. handle() every request that may be the module's. NOT_MINE: route it on.
 *   6. In a callback: emit the results into the operation, then complete() it.
 *   7. Each handle() that returned OK ends in one respond().
 *
 * CONVENTIONS
 *  1. Growth. A struct that may grow starts with `size`: the writer sets it to the sizeof of its
 *     own header, the reader looks no further than that. Fields and callbacks are only ever
 *     appended. Records without `size` are frozen.
 *  2. Text is mxd_view: UTF-8, not terminated, NULL only with size 0.
 *  3. Memory. Nobody frees what the other allocated. What is passed in either direction is good
 *     until that call returns; who needs it longer copies it. One exception: the arguments of a
 *     callback that carries an mxd_op stay good until that operation is completed, so that an
 *     asynchronous host can use them without a copy.
 *  4. Cookies are numbers of the host's own; the module passes them back, and never looks into
 *     them.
 *  5. Operations. A callback with an mxd_op asks a question. It returns OK when it has completed or
 *     will complete the operation, anything else when it never will (the returned status is then
 *     the answer). complete() comes exactly once, from any thread, before or after the callback
 *     returns: the effect is the same. The status of a completion is one of those listed with the
 *     callback, or one of MXD_HOST_ERROR, _UNAVAILABLE, _TIMEOUT, _CANCELLED, _INTERNAL, which
 *     every callback may use. Any other is the host's mistake: logged, and the client gets a 500.
 *  6. Errors of the host's own: emit_error(), then complete(op, MXD_HOST_ERROR).
 *  7. No lock is held across a callback or an entry, on either side. No exception, longjmp or panic
 *     crosses the line, in either direction.
 *  8. Time-outs are the host's: complete with TIMEOUT, or cancel() the request.
 *  9. fork(): a child may only abandon() what it inherited.
 *
 * THREAD TAGS
 *   [any-thread]           on any thread, also at the same time as itself.
 *   [may-complete-inline]  may emit into and complete its own operation before it returns.
 *   [must-not-block]       runs inside a client's request: no waiting in it.
 *   [must-not-re-enter]    may not call the module.
 *   [serial-per-op]        calls for one operation come one after the other; for different
 *                          operations they may come at the same time.
 *
 *   Every callback that carries an mxd_op is [any-thread] [may-complete-inline]
 *   [must-not-block]. Inside it, and inside respond(), handle() and complete() may be called for
 *   other requests and operations; they take effect once the outermost call into the module on that
 *   thread unwinds.
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

#define MXD_ABI_MINOR 0u                         /* of major version 1 */
#define MXD_ENTRY_V1  "matrix_devices_module_v1" /* the one exported name */

/* ---- Status codes: int32_t. Unknown ones count as MXD_INTERNAL. ---- */

#define MXD_OK             0
#define MXD_NOT_MINE       1  /* handle: not one of the module's routes */
#define MXD_CREATED        2  /* put_device: the device was not there before */
#define MXD_NOT_FOUND      3  /* no such device, session, route */
#define MXD_UNKNOWN_TOKEN  4  /* authenticate: nobody's token */
#define MXD_TOKEN_EXPIRED  5  /* authenticate: was good; log in softly again */
#define MXD_USER_LOCKED    6  /* authenticate: the account is locked */
#define MXD_FORBIDDEN      7  /* authenticate: not a user of that service */
#define MXD_UNKNOWN_DEVICE 8  /* authenticate: device_id is not the user's */
#define MXD_LIMIT_EXCEEDED 9  /* put_device: the cap; take_limit: wait */
#define MXD_REFUSED        10 /* uia_check: the stage's data is wrong */
#define MXD_BAD_DATA       11 /* uia_check: a field is missing or of a wrong type */
#define MXD_HOST_ERROR     12 /* the answer given through emit_error */

#define MXD_INTERNAL         (-1)
#define MXD_UNAVAILABLE      (-2)
#define MXD_TIMEOUT          (-3)
#define MXD_CANCELLED        (-4)
#define MXD_NO_MEMORY        (-5)
#define MXD_INVALID_ARGUMENT (-6)
#define MXD_STALE            (-7) /* the token names nothing that is still open */
#define MXD_BUSY             (-8)
#define MXD_UNSUPPORTED      (-9) /* a capability that must be understood, and is not */

/* ---- Plain types ---- */

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

typedef struct mxd_limit { /* frozen: one bucket of take_limit */
  mxd_view name;           /* the kind of limit, e.g. "uia_failures_user" */
  mxd_view key;            /* whose bucket */
  int64_t burst;           /* units that may be taken at once, >= 1 */
  int64_t interval_ms;     /* after which one unit comes back, >= 1 */
} mxd_limit;

/* ---- Requests and responses ---- */

#define MXD_REQUEST_BODY_TOO_LARGE 1u /* body is empty: it was over max_body_bytes */

typedef struct mxd_request {
  uint32_t size;
  uint32_t flags;
  mxd_cookie cookie; /* comes back with every callback for this request */
  const mxd_header* headers;
  size_t header_count;
  mxd_view method; /* as on the wire; compared with case */
  mxd_view target; /* raw request target: path and query, not decoded */
  mxd_view body;
  mxd_view remote_addr; /* of the client, for last seen; empty: not known */
} mxd_request;

typedef struct mxd_response {
  uint32_t size;
  uint32_t http_status;
  const mxd_header* headers; /* without Content-Length, Date, Connection */
  size_t header_count;
  mxd_view body; /* for HEAD: what GET would have; send its length, not the bytes */
} mxd_response;

typedef struct mxd_route {
  uint32_t size;
  uint32_t reserved;
  mxd_view methods; /* comma-separated, e.g. "GET, HEAD, PUT, DELETE, OPTIONS" */
  mxd_view path;    /* e.g. "/_matrix/client/v3/devices/{deviceId}" */
} mxd_route;

/* ---- What the host emits ---- */

#define MXD_PRINCIPAL_GUEST            1u
#define MXD_PRINCIPAL_APPSERVICE       2u /* an as_token; service_id is set */
#define MXD_PRINCIPAL_OAUTH            4u /* token from the OAuth 2.0 API */
#define MXD_PRINCIPAL_UNLIMITED        8u /* exempt from rate limits */
#define MXD_PRINCIPAL_HAS_VALIDATED_MS 16u

typedef struct mxd_principal {
  uint32_t size;
  uint32_t flags;
  int64_t validated_ms; /* when this token's user last passed mark_validated; ms since
                           the epoch; with HAS_VALIDATED_MS only */
  mxd_view user_id;     /* "@alice:example.org"; with masquerading, the user acted as */
  mxd_view device_id;   /* empty: the token belongs to no device */
  mxd_view token_id;    /* a stable name for the token (a row ID, a digest), never the
                           token; needed where device_id is empty, unused elsewhere */
  mxd_view service_id;  /* of the application service */
  mxd_cookie cookie;    /* passed to the later callbacks of this request and then, once,
                           to release_principal; 0: none */
  uintptr_t reserved;
} mxd_principal;

#define MXD_DEVICE_HAS_DISPLAY_NAME 1u
#define MXD_DEVICE_HAS_LAST_SEEN_IP 2u
#define MXD_DEVICE_HAS_LAST_SEEN_TS 4u

typedef struct mxd_device {
  uint32_t size;
  uint32_t flags;          /* which of the following are known */
  int64_t last_seen_ts_ms; /* ms since the epoch */
  mxd_view device_id;      /* 1 to 255 bytes */
  mxd_view display_name;   /* may be known to be empty */
  mxd_view last_seen_ip;
} mxd_device;

typedef struct mxd_error {
  uint32_t size;
  uint32_t http_status;   /* 400 to 599; from a uia_ callback not 401 */
  int64_t retry_after_ms; /* < 0: no Retry-After */
  mxd_view errcode;       /* "M_…", not empty */
  mxd_view text;          /* for a client developer: what to do next; no secrets */
  mxd_view extra_json;    /* a JSON object whose members are added, or empty */
} mxd_error;

/* ---- What the module passes ---- */

#define MXD_CREDENTIALS_HAS_USER_ID   1u
#define MXD_CREDENTIALS_HAS_DEVICE_ID 2u

typedef struct mxd_credentials {
  uint32_t size;
  uint32_t flags;
  mxd_view access_token; /* a secret: never log it */
  mxd_view user_id;      /* whom an application service wants to act as */
  mxd_view device_id;    /* and on which of that user's devices */
  mxd_view remote_addr;
} mxd_credentials;

#define MXD_SET_DISPLAY_NAME 1u

typedef struct mxd_device_update {
  uint32_t size;
  uint32_t flags; /* without SET_DISPLAY_NAME the name stays as it is (none, if new) */
  mxd_view user_id;
  mxd_view device_id;
  mxd_view display_name; /* may be empty: then that is the name */
  uint64_t max_devices;  /* put_device: create only below this many; 0: no cap */
} mxd_device_update;

typedef struct mxd_uia_operation { /* what User-Interactive Authentication is for */
  uint32_t size;
  uint32_t reserved;
  mxd_view user_id;
  mxd_view device_id; /* of the token, or empty */
  mxd_view method;    /* "DELETE", "POST" */
  mxd_view endpoint;  /* "/devices/{deviceId}", "/delete_devices" */
} mxd_uia_operation;

#define MXD_SESSION_HAS_BODY 1u
#define MXD_SESSION_FINISHED 2u

typedef struct mxd_session { /* passed by uia_create_session, emitted when loaded */
  uint32_t size;
  uint32_t flags;
  int64_t created_ms;  /* ms since the epoch */
  int64_t lifetime_ms; /* from created_ms */
  int64_t finished_ms; /* with FINISHED: when it was finished */
  uint32_t max_live;   /* create: how many live sessions the user may then have */
  uint32_t reserved;
  mxd_view user_id;
  mxd_view device_id; /* of the token that began it, or empty */
  mxd_view token_id;  /* where device_id is empty: the principal's */
  mxd_view method;
  mxd_view endpoint;
  mxd_view target;          /* raw, with the access token's value cut out */
  mxd_view path_device_id;  /* decoded {deviceId}, or empty */
  mxd_view body;            /* with HAS_BODY: the JSON body without `auth` */
  mxd_view body_digest;     /* 32 bytes, not text */
  mxd_view finished_digest; /* with FINISHED: the digest it was finished for */
  mxd_view description;     /* of the operation, for a person: "Sign out 3 devices" */
} mxd_session;

typedef struct mxd_uia_attempt {
  uint32_t size;
  uint32_t reserved;
  mxd_view user_id; /* who asks; do not compare the credentials with it */
  mxd_view device_id;
  mxd_view session_id; /* a secret */
  mxd_view type;       /* "m.login.password" */
  mxd_view auth_json;  /* the request's `auth` object; holds secrets */
  mxd_view remote_addr;
} mxd_uia_attempt;

#define MXD_RECORD_STAGE        1u /* `type` is complete, with `identity` */
#define MXD_RECORD_HAS_IDENTITY 2u
#define MXD_RECORD_FINISH       4u /* and the session is finished, for body_digest */
#define MXD_RECORD_HAS_BODY     8u /* `body` replaces the one that was kept */

typedef struct mxd_uia_record {
  uint32_t size;
  uint32_t flags;
  int64_t now_ms; /* of the finish */
  mxd_view session_id;
  mxd_view type;
  mxd_view identity; /* a user ID */
  mxd_view body_digest;
  mxd_view body;
} mxd_uia_record;

/* ---- Log levels ---- */

#define MXD_LOG_DEBUG            0
#define MXD_LOG_INFO             1
#define MXD_LOG_WARNING          2
#define MXD_LOG_ERROR            3
#define MXD_LOG_HOST_MISBEHAVING 4 /* the host broke this contract */

/* ---- The host's table ---- */

/* delete_devices does all of it in one transaction. Without it: tokens first, and the same
   call again finishes what a crash left. */
#define MXD_HOST_CAP_ATOMIC_DELETE (UINT64_C(1) << 0)
/* Bits 48 to 63 must be understood: create() refuses one that it does not know. */
#define MXD_CAP_MUST_UNDERSTAND (UINT64_C(0xFFFF) << 48)

/* Copied by create(). `M` = mandatory. Arguments of every callback with an operation: the
   host's cookie, the request's, the operation, the principal's (0 if there is none), then what
   the question is about. */
typedef struct mxd_host {
  uint32_t size;
  uint32_t abi_minor; /* MXD_ABI_MINOR of the header that the host was built with */
  uint64_t caps;
  mxd_cookie cookie;
  uintptr_t reserved;

  /* M. The answer to a request: once for every handle() that returned OK. On the thread that
     completed the last operation, or on which its callback returned if that was later; perhaps
     before handle() returns. The request's cookie is not used again. [any-thread]
     [must-not-block] */
  void (*respond)(mxd_cookie host, mxd_cookie request, const mxd_response* response) MXD_NOEXCEPT;

  /* M. Whose token is this? Let guests in, and suspended accounts. user_id and device_id
     matter for application services only: act as that user, who must be in the service's
     namespace or its sender, and registered; on that device. Record last seen for the device
     that is acted on. OK after one emit_principal. UNKNOWN_TOKEN, TOKEN_EXPIRED, USER_LOCKED:
     401. FORBIDDEN: 403, not a user of this service. UNKNOWN_DEVICE: 400. */
  int32_t (*authenticate)(mxd_cookie host, mxd_cookie request, mxd_op op,
                          const mxd_credentials* credentials) MXD_NOEXCEPT;

  /* M. All devices of a user: an emit_device each, in an order that stays the same. All or a
     failure, never a part. OK, also when there are none. */
  int32_t (*list_devices)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                          mxd_view user_id) MXD_NOEXCEPT;

  /* M. One device. OK after one emit_device. NOT_FOUND: 404. */
  int32_t (*get_device)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                        mxd_view user_id, mxd_view device_id) MXD_NOEXCEPT;

  /* M. Set the name, or without SET_DISPLAY_NAME only see whether the device is there. Changes
     nothing else. OK. NOT_FOUND: 404. */
  int32_t (*rename_device)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                           const mxd_device_update* update) MXD_NOEXCEPT;

  /* M. Delete these devices of this user; IDs that are not the user's are passed over. With a
     device go: access and refresh tokens first, then device and cross-device keys, its
     pushers, its queued messages; then one change notification for those that existed.
     Idempotent, durable when it completes, not broken off by a cancel. The IDs are distinct;
     there may be none. OK. */
  int32_t (*delete_devices)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                            mxd_view user_id, const mxd_view* device_ids,
                            size_t device_id_count) MXD_NOEXCEPT;

  /* M. The flows that this user could complete for this operation, in an order that stays the
     same: emit_flow_stage for each stage, emit_params where a stage has any. OK, also when
     there are none. */
  int32_t (*uia_flows)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                       const mxd_uia_operation* operation) MXD_NOEXCEPT;

  /* M. Keep a new session under an ID of at least 128 random bits. In the same transaction
     remove what is expired and, over max_live, the oldest unfinished one of the same device,
     else of the user, finished ones last. OK after emit_session_id. */
  int32_t (*uia_create_session)(mxd_cookie host, mxd_cookie request, mxd_op op,
                                mxd_cookie principal, const mxd_session* session) MXD_NOEXCEPT;

  /* M. The session of this ID, whosoever it is: emit_session, then emit_completed_stage for
     each, in the order completed. NOT_FOUND. */
  int32_t (*uia_load_session)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                              mxd_view session_id) MXD_NOEXCEPT;

  /* M. Are these credentials right, whosoever they are? OK after emit_identity (the user they
     prove) or without (a stage that proves nobody: dummy, terms, captcha). REFUSED: they are
     wrong (emit_reason may say why). BAD_DATA: 400 (likewise). */
  int32_t (*uia_check)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                       const mxd_uia_attempt* attempt) MXD_NOEXCEPT;

  /* M. In one transaction: note the stage as complete (once), and with FINISH finish the
     session unless it is finished already: the first wins. Then emit the session as it now
     stands, as uia_load_session does. OK. NOT_FOUND: it is gone. */
  int32_t (*uia_record)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                        const mxd_uia_record* record) MXD_NOEXCEPT;

  /* Optional from here on. */

  /* Create or rename, for an application service. OK: renamed. CREATED: 201. LIMIT_EXCEEDED:
     the user has max_devices; 403. Without this callback nobody can create, and an unknown
     device is a 404 for services too. */
  int32_t (*put_device)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                        const mxd_device_update* update) MXD_NOEXCEPT;

  /* The user has just proved who they are, with this principal's token, at now_ms. Later
     principals of it say so in validated_ms. Asked only where the configuration has a grace
     period; create() refuses a grace period without this callback. OK. */
  int32_t (*mark_validated)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                            int64_t now_ms) MXD_NOEXCEPT;

  /* Shared rate limits. Take `units` (+1) from each of 1 to 4 buckets, all or none, or give
     them back (-1). OK. LIMIT_EXCEEDED after emit_retry_after. Without this callback the
     module counts for itself, in this process. */
  int32_t (*take_limit)(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                        const mxd_limit* limits, size_t limit_count, int32_t units) MXD_NOEXCEPT;

  /* The request was cancelled while this operation was open: its answer is no longer needed.
     Complete it all the same, perhaps with CANCELLED. The operation may have been completed,
     and its request answered, while this call was on its way: look it up by its number.
     Without this callback the module waits. [any-thread] */
  void (*cancel_operation)(mxd_cookie host, mxd_op op) MXD_NOEXCEPT;

  /* The principal's cookie is not used any more. Once for each principal with one, before
     respond(). [any-thread] [must-not-re-enter] */
  void (*release_principal)(mxd_cookie host, mxd_cookie principal) MXD_NOEXCEPT;

  /* Wall clock, ms since the epoch. Default: the system's. [any-thread] [must-not-re-enter] */
  int64_t (*now_ms)(mxd_cookie host) MXD_NOEXCEPT;

  /* Fill with cryptographic randomness; OK or a failure. Default: the system's. [any-thread]
     [must-not-re-enter] */
  int32_t (*random_bytes)(mxd_cookie host, void* out, size_t size) MXD_NOEXCEPT;

  /* One line of log, without a line feed. Never holds a token, a password, a session ID or a
     display name. request is 0 where none is concerned. Default: none. [any-thread]
     [must-not-re-enter] */
  void (*log)(mxd_cookie host, mxd_cookie request, int32_t level, mxd_view message) MXD_NOEXCEPT;

  /* What is tried out, or third-party; NULL: not known. Asked during create() only. */
  const void* (*get_extension)(mxd_cookie host, const char* name)MXD_NOEXCEPT;
} mxd_host;

/* ---- The module's table ---- */

typedef struct mxd_module {
  uint32_t size;
  uint32_t abi_minor;
  uint64_t caps;               /* bits 48 to 63 must be understood by the host */
  const char* product_version; /* "1.0.0", terminated */

  /* A new instance. `host` is copied. `config` is a JSON object (docs/configuration.md) or
     empty. On failure *out is NULL and `error` (may be NULL) holds one terminated line that
     says what to mend, cut to error_size. INVALID_ARGUMENT: the table or the configuration;
     UNSUPPORTED: a capability; NO_MEMORY. [any-thread] */
  int32_t (*create)(const mxd_host* host, mxd_view config, mxd_instance** out, char* error,
                    size_t error_size) MXD_NOEXCEPT;

  /* Free it. BUSY with requests in flight, or inside one of its callbacks; never blocks. Legal
     inside `done` of shutdown(). Afterwards the pointer is not to be used; late complete()
     calls are STALE. */
  int32_t (*destroy)(mxd_instance* instance) MXD_NOEXCEPT;

  /* New requests get UNAVAILABLE from now on. `done` is called once, when nothing is in
     flight, perhaps before shutdown() returns: the last callback. BUSY if called before.
     [any-thread] */
  int32_t (*shutdown)(mxd_instance* instance, void (*done)(mxd_cookie) MXD_NOEXCEPT,
                      mxd_cookie cookie) MXD_NOEXCEPT;

  /* For a process that is going away (an interpreter at exit, a forked child): the host is not
     called again, all operations are STALE, what is lent is leaked. Only destroy() may follow;
     it too leaks what is in use. [any-thread] */
  int32_t (*abandon)(mxd_instance* instance) MXD_NOEXCEPT;

  /* A request. OK: one respond() comes. NOT_MINE, or a failure (INVALID_ARGUMENT, UNAVAILABLE
     after shutdown): none comes. The request is copied. *token (may be NULL) names it for
     cancel() and is written before anything is asked. [any-thread] */
  int32_t (*handle)(mxd_instance* instance, const mxd_request* request,
                    mxd_request_token* token) MXD_NOEXCEPT;

  /* Advice that nobody waits for the answer. Idempotent. respond() still comes. OK, or STALE
     once the request is answered. [any-thread] */
  int32_t (*cancel)(mxd_request_token request) MXD_NOEXCEPT;

  /* How many bytes of a body are read; over it, stop and set BODY_TOO_LARGE. */
  uint64_t (*max_body_bytes)(mxd_instance* instance) MXD_NOEXCEPT;

  /* The routes, from index 0; NOT_FOUND behind the last. The views live as long as the
     instance. Set out->size first. [any-thread] */
  int32_t (*route)(mxd_instance* instance, uint32_t index, mxd_route* out) MXD_NOEXCEPT;

  /* The operation is answered: nothing may be emitted any more. OK. STALE: it was completed or
     abandoned before. [any-thread] [serial-per-op] */
  int32_t (*complete)(mxd_op op, int32_t status) MXD_NOEXCEPT;

  /* Results, copied. OK. STALE as above. INVALID_ARGUMENT: not for this operation, or
     malformed; the client then gets a 500 and the log says why. NO_MEMORY. BUSY: another emit
     into the same operation is under way. [any-thread] [serial-per-op] */
  int32_t (*emit_principal)(mxd_op op, const mxd_principal* principal) MXD_NOEXCEPT;
  int32_t (*emit_device)(mxd_op op, const mxd_device* device) MXD_NOEXCEPT;
  /* The next stage of flow number `flow`: 0 first, each flow's stages together. */
  int32_t (*emit_flow_stage)(mxd_op op, uint32_t flow, mxd_view type) MXD_NOEXCEPT;
  int32_t (*emit_params)(mxd_op op, mxd_view type, mxd_view json_object) MXD_NOEXCEPT;
  int32_t (*emit_session_id)(mxd_op op, mxd_view session_id) MXD_NOEXCEPT;
  int32_t (*emit_session)(mxd_op op, const mxd_session* session) MXD_NOEXCEPT;
  /* identity: the user it proved; empty: none. */
  int32_t (*emit_completed_stage)(mxd_op op, mxd_view type, mxd_view identity) MXD_NOEXCEPT;
  int32_t (*emit_identity)(mxd_op op, mxd_view user_id) MXD_NOEXCEPT;
  int32_t (*emit_reason)(mxd_op op, mxd_view text) MXD_NOEXCEPT;
  int32_t (*emit_retry_after)(mxd_op op, int64_t retry_after_ms) MXD_NOEXCEPT;
  int32_t (*emit_error)(mxd_op op, const mxd_error* error) MXD_NOEXCEPT;

  /* What is tried out, or third-party; NULL: not known. [any-thread] */
  const void* (*get_extension)(const char* name)MXD_NOEXCEPT;
} mxd_module;

typedef const mxd_module* (*mxd_entry_v1)(void)MXD_NOEXCEPT;

/* The entry. Hosts find it with dlsym(); it is declared for the module's own build. */
const mxd_module* matrix_devices_module_v1(void) MXD_NOEXCEPT;

#ifdef __cplusplus
}
#endif
#endif /* MATRIX_DEVICES_MODULE_H */
