/* A host with passwords and sessions: devices, their tokens, and the sessions of User-Interactive
 * Authentication, all in memory. Its server (password_server.c) has the accounts, and one thread.
 * Callbacks come only inside its calls of handle(): so there is no lock here, and each operation is
 * completed before its callback returns.
 */
#include "password_host.h"

#include <crypt.h>
#include <stdlib.h>
#include <time.h>

/* The host has one state, and needs no cookies. */
#define CALLBACK(name, argument)                                                            \
  static int32_t name(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal, \
                      const argument* asked)

device* devices;

typedef struct session {
  struct session* next; /* the one that was created before it */
  char id[kText], user[kText], device[kText];
  int64_t revision, expires_ms;
  int finished;
  size_t state_size;
  char state[];
} session;
static session* sessions;

/* ---- Devices ---- */

CALLBACK(authenticate, mxd_credentials) {
  const device* it = devices;
  while (it && !same(asked->access_token, it->token))
    it = it->next;
  if (!it) return MXD_UNKNOWN_TOKEN; /* a failure may be returned, and is then the answer */
  mxd_principal who = {.size = sizeof who, .user_id = VIEW(it->owner->id)};
  who.device_id = VIEW(it->id);
  module->emit_principal(op, &who);
  return module->complete(op, MXD_OK);
}

/* Where the pointer to a device is kept, or the NULL after the last. */
static device** find(mxd_view user_id, mxd_view device_id) {
  device** at = &devices;
  while (*at && !(same(user_id, (*at)->owner->id) && same(device_id, (*at)->id)))
    at = &(*at)->next;
  return at;
}

static void emit(mxd_op op, const device* it) {
  mxd_device row = {.size = sizeof row, .device_id = VIEW(it->id)};
  row.flags = it->has_name ? MXD_DEVICE_HAS_DISPLAY_NAME : 0;
  row.display_name = VIEW(it->name);
  module->emit_device(op, &row);
}

CALLBACK(list_devices, mxd_device_query) {
  for (const device* it = devices; it; it = it->next)
    if (same(asked->user_id, it->owner->id)) emit(op, it);
  return module->complete(op, MXD_OK);
}

CALLBACK(get_device, mxd_device_key) {
  const device* it = *find(asked->user_id, asked->device_id);
  if (!it) return MXD_NOT_FOUND;
  emit(op, it);
  return module->complete(op, MXD_OK);
}

CALLBACK(rename_device, mxd_device_update) {
  device** at = find(asked->user_id, asked->device_id);
  if (!*at) return MXD_NOT_FOUND;
  device* it = realloc(*at, sizeof *it + asked->display_name.size + 1);
  if (!it) return MXD_NO_MEMORY;
  *at = it;
  it->has_name = 1;
  copy(it->name, asked->display_name);
  return module->complete(op, MXD_OK);
}

static void remove_session(session** at) {
  session* gone = *at;
  *at = gone->next;
  free(gone);
}

CALLBACK(delete_devices, mxd_deletion) {
  for (size_t i = 0; i < asked->device_id_count; i++) {
    const mxd_view id = asked->device_ids[i];
    for (session** at = &sessions; *at;) {
      if (same(asked->user_id, (*at)->user) && same(id, (*at)->device))
        remove_session(at);
      else
        at = &(*at)->next;
    }
    device** at = find(asked->user_id, id);
    device* gone = *at; /* and its token with it */
    if (gone) *at = gone->next;
    free(gone);
  }
  return module->complete(op, MXD_OK);
}

/* ---- User-Interactive Authentication ---- */

CALLBACK(uia_flows, mxd_uia_operation) {
  const mxd_uia_stage stage = {.size = sizeof stage, .type = VIEW("m.login.password")};
  module->emit_stage(op, &stage);
  return module->complete(op, MXD_OK);
}

/* host_guide: begin */
CALLBACK(uia_check, mxd_uia_attempt) {
  char password[CRYPT_MAX_PASSPHRASE_SIZE];
  struct crypt_data data = {0};
  if (!(asked->flags & MXD_ATTEMPT_HAS_PASSWORD)) return MXD_BAD_DATA;
  if (asked->password.size >= sizeof password) return MXD_REFUSED;
  const account* it = asked->flags & MXD_ATTEMPT_HAS_USER ? find_account(asked->user) : NULL;
  copy(password, asked->password);
  const char* hash = crypt_r(password, it ? it->hash : nobodys_hash, &data);
  explicit_bzero(password, sizeof password);
  if (!hash || *hash == '*') return MXD_UNAVAILABLE; /* not tried: no failure of the client's */
  if (!it || strcmp(hash, it->hash)) return MXD_REFUSED;
  module->emit_identity(op, VIEW(it->id)); /* the module compares it with who asks */
  return module->complete(op, MXD_OK);
}
/* host_guide: end */

/* The one to go next: of those expired, of that device, not finished, of all the oldest. */
static session** next_to_go(const mxd_uia_session* asked) {
  const int64_t now_ms = (int64_t)time(NULL) * 1000;
  session** found = NULL;
  uint32_t live = 0;
  int of_rank = 4;
  for (session** at = &sessions; *at; at = &(*at)->next) {
    if (!same(asked->user_id, (*at)->user)) continue;
    int rank = (*at)->finished ? 3 : same(asked->device_id, (*at)->device) ? 1 : 2;
    if ((*at)->expires_ms <= now_ms) rank = 0;
    if (rank <= of_rank) found = at, of_rank = rank; /* the last is the oldest */
    live++;
  }
  return of_rank == 0 || live >= asked->max_live ? found : NULL;
}

static void keep(session* it, mxd_view state) {
  it->state_size = state.size;
  memcpy(it->state, state.data, state.size);
}

CALLBACK(uia_create_session, mxd_uia_session) {
  session* it = malloc(sizeof *it + asked->state.size);
  if (!it) return MXD_NO_MEMORY;
  for (session** gone; (gone = next_to_go(asked)) != NULL;)
    remove_session(gone);
  *it = (session){.next = sessions, .revision = 1, .expires_ms = asked->expires_ms};
  copy(it->id, asked->proposed_id);
  copy(it->user, asked->user_id);
  copy(it->device, asked->device_id);
  keep(it, asked->state);
  sessions = it;
  return module->complete(op, MXD_OK); /* nothing emitted: the ID is the proposed one */
}

static session** find_session(mxd_view id) {
  session** at = &sessions;
  while (*at && !same(id, (*at)->id))
    at = &(*at)->next;
  return at;
}

CALLBACK(uia_load_session, mxd_uia_session_key) {
  const session* it = *find_session(asked->session_id);
  if (!it) return MXD_NOT_FOUND;
  mxd_uia_kept kept = {.size = sizeof kept, .revision = it->revision};
  kept.state = (mxd_view){it->state, it->state_size};
  module->emit_session(op, &kept);
  return module->complete(op, MXD_OK);
}

CALLBACK(uia_replace_session, mxd_uia_replacement) {
  session** at = find_session(asked->session_id);
  if (!*at || (*at)->revision != asked->revision) return MXD_CONFLICT;
  session* it = realloc(*at, sizeof *it + asked->state.size);
  if (!it) return MXD_NO_MEMORY;
  *at = it;
  it->revision++;
  it->expires_ms = asked->expires_ms;
  it->finished = (asked->flags & MXD_UIA_FINISHED) != 0;
  keep(it, asked->state);
  return module->complete(op, MXD_OK);
}

/* clang-format off */
const mxd_host password_host = {.size = sizeof password_host, .abi_minor = MXD_ABI_MINOR,
    .respond = respond, .authenticate = authenticate, .list_devices = list_devices,
    .get_device = get_device, .rename_device = rename_device, .delete_devices = delete_devices,
    .uia_flows = uia_flows, .uia_create_session = uia_create_session,
    .uia_load_session = uia_load_session, .uia_replace_session = uia_replace_session,
    .uia_check = uia_check};
