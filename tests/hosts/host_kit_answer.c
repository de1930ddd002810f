/* The right answers: one user with a password, the devices of the test, sessions in memory. */
#include <stdlib.h>

#include "host_kit_parts.h"

static bool same(mxd_view view, const char* text) {
  return view.size == strlen(text) && memcmp(view.data, text, view.size) == 0;
}

static const mxd_device* find_device(const kit_host* host, mxd_view id) {
  for (size_t i = 0; i < host->device_count; ++i) {
    const mxd_view candidate = host->devices[i].device_id;
    if (candidate.size == id.size && memcmp(candidate.data, id.data, id.size) == 0) {
      return &host->devices[i];
    }
  }
  return NULL;
}

static int32_t authenticate(kit_host* host, mxd_op op, const mxd_credentials* credentials) {
  if (!same(credentials->access_token, KIT_TOKEN)) return MXD_UNKNOWN_TOKEN;
  mxd_principal principal = host->principal;
  pthread_mutex_lock(&host->lock);
  principal.cookie = ++host->principals;
  pthread_mutex_unlock(&host->lock);
  EXPECT_EQ(MXD_OK, module->emit_principal(op, &principal));
  return MXD_OK;
}

static int32_t list_devices(kit_host* host, mxd_op op) {
  for (size_t i = 0; i < host->device_count; ++i) {
    EXPECT_EQ(MXD_OK, module->emit_device(op, &host->devices[i]));
  }
  return MXD_OK;
}

static int32_t get_device(kit_host* host, mxd_op op, const mxd_device_key* key) {
  const mxd_device* device = find_device(host, key->device_id);
  if (device == NULL) return MXD_NOT_FOUND;
  EXPECT_EQ(MXD_OK, module->emit_device(op, device));
  return MXD_OK;
}

static int32_t uia_flows(mxd_op op) {
  const mxd_uia_stage stage = {.size = sizeof stage, .type = KIT_TEXT("m.login.password")};
  EXPECT_EQ(MXD_OK, module->emit_stage(op, &stage));
  return MXD_OK;
}

/* ---- Sessions: under the host's lock, which is not held across a call into the module ---- */

static void keep_state(kit_session* session, mxd_view state) {
  free(session->state);
  session->state = malloc(state.size + 1);
  memcpy(session->state, state.data, state.size);
  session->state_size = state.size;
}

static int32_t create_session(kit_host* host, mxd_op op, const mxd_uia_session* new_session) {
  pthread_mutex_lock(&host->lock);
  const unsigned number = ++host->session_count;
  if (number >= KIT_SESSIONS_MAX) kit_die("expected fewer sessions than the kit keeps");
  kit_session* session = &host->sessions[number];
  session->revision = 1;
  keep_state(session, new_session->state);
  pthread_mutex_unlock(&host->lock);
  char id[64];
  const int size = snprintf(id, sizeof id, "kit-secret-session-%u", number);
  EXPECT_EQ(MXD_OK, module->emit_session_id(op, (mxd_view){id, (size_t)size}));
  return MXD_OK;
}

/* The session of this ID, or NULL. */
static kit_session* find_session(kit_host* host, mxd_view id) {
  char text[64] = "";
  unsigned number = 0;
  if (id.size < sizeof text) memcpy(text, id.data, id.size);
  if (sscanf(text, "kit-secret-session-%u", &number) != 1) return NULL;
  return number < KIT_SESSIONS_MAX && host->sessions[number].revision != 0 ? &host->sessions[number]
                                                                           : NULL;
}

static int32_t load_session(kit_host* host, mxd_op op, const mxd_uia_session_key* key) {
  pthread_mutex_lock(&host->lock);
  const kit_session* session = find_session(host, key->session_id);
  kit_session copy = {0};
  if (session != NULL) {
    copy.revision = session->revision;
    keep_state(&copy, (mxd_view){session->state, session->state_size});
  }
  pthread_mutex_unlock(&host->lock);
  if (copy.revision == 0) return MXD_NOT_FOUND;
  const mxd_uia_kept kept = {
      .size = sizeof kept, .revision = copy.revision, .state = {copy.state, copy.state_size}};
  EXPECT_EQ(MXD_OK, module->emit_session(op, &kept));
  free(copy.state);
  return MXD_OK;
}

static int32_t replace_session(kit_host* host, const mxd_uia_replacement* replacement) {
  int32_t status = MXD_OK;
  pthread_mutex_lock(&host->lock);
  kit_session* session = find_session(host, replacement->session_id);
  if (session == NULL) {
    status = MXD_NOT_FOUND;
  } else if (session->revision != replacement->revision) {
    status = MXD_CONFLICT;
  } else {
    ++session->revision;
    keep_state(session, replacement->state);
  }
  pthread_mutex_unlock(&host->lock);
  return status;
}

static int32_t check_password(mxd_op op, const mxd_uia_attempt* attempt) {
  if ((attempt->flags & MXD_ATTEMPT_HAS_PASSWORD) == 0) return MXD_BAD_DATA;
  if (!same(attempt->password, KIT_PASSWORD)) return MXD_REFUSED;
  if (!same(attempt->user, KIT_USER) && !same(attempt->user, "alice")) return MXD_REFUSED;
  EXPECT_EQ(MXD_OK, module->emit_identity(op, KIT_TEXT(KIT_USER)));
  return MXD_OK;
}

int32_t kit_emit(kit_host* host, const kit_question* question) {
  const mxd_op op = question->op;
  switch (question->kind) {
    case KIT_AUTHENTICATE:
      return authenticate(host, op, question->argument);
    case KIT_LIST_DEVICES:
      return list_devices(host, op);
    case KIT_GET_DEVICE:
      return get_device(host, op, question->argument);
    case KIT_RENAME_DEVICE:
    case KIT_PUT_DEVICE: {
      const mxd_device_update* update = question->argument;
      if (find_device(host, update->device_id) != NULL) return MXD_OK;
      return question->kind == KIT_PUT_DEVICE ? MXD_CREATED : MXD_NOT_FOUND;
    }
    case KIT_UIA_FLOWS:
      return uia_flows(op);
    case KIT_UIA_CREATE_SESSION:
      return create_session(host, op, question->argument);
    case KIT_UIA_LOAD_SESSION:
      return load_session(host, op, question->argument);
    case KIT_UIA_REPLACE_SESSION:
      return replace_session(host, question->argument);
    case KIT_UIA_CHECK:
      return check_password(op, question->argument);
    case KIT_DELETE_DEVICES:
    case KIT_MARK_VALIDATED:
    case KIT_TAKE_LIMIT:
    case KIT_KINDS:
      break;
  }
  return MXD_OK;
}

int32_t kit_answer(kit_host* host, const kit_question* question) {
  return kit_complete(question->op, kit_emit(host, question));
}

int32_t kit_complete(mxd_op op, int32_t status) {
  EXPECT_EQ(MXD_OK, module->complete(op, status));
  return MXD_OK;
}
