#include "bindings/python/core/questions.h"

#include "bindings/python/core/text.h"

namespace mxd::python {
namespace {

py::object to_str_if(bool given, mxd_view text) {
  return given ? py::object(to_str(text)) : py::object(py::none());
}

// An empty one is none.
py::object to_optional_str(mxd_view text) {
  return to_str_if(text.size != 0, text);
}

py::tuple to_fields(const mxd_credentials* credentials) {
  return py::make_tuple(
      to_str(credentials->access_token),
      to_str_if((credentials->flags & MXD_CREDENTIALS_HAS_USER_ID) != 0, credentials->user_id),
      to_str_if((credentials->flags & MXD_CREDENTIALS_HAS_DEVICE_ID) != 0, credentials->device_id),
      to_str(credentials->remote_addr));
}

py::tuple to_fields(const mxd_device_query* query) {
  return py::make_tuple(to_str(query->user_id));
}

py::tuple to_fields(const mxd_device_key* key) {
  return py::make_tuple(to_str(key->user_id), to_str(key->device_id));
}

py::tuple to_fields(const mxd_device_update* update) {
  return py::make_tuple(
      to_str(update->user_id), to_str(update->device_id),
      to_str_if((update->flags & MXD_UPDATE_SET_DISPLAY_NAME) != 0, update->display_name),
      update->max_devices);
}

py::tuple to_fields(const mxd_deletion* deletion) {
  py::list ids(deletion->device_id_count);
  for (size_t i = 0; i < deletion->device_id_count; ++i)
    ids[i] = to_str(deletion->device_ids[i]);
  return py::make_tuple(to_str(deletion->user_id), ids);
}

py::tuple to_fields(const mxd_uia_operation* operation) {
  return py::make_tuple(to_str(operation->user_id), to_optional_str(operation->device_id),
                        to_str(operation->method), to_str(operation->endpoint));
}

py::tuple to_fields(const mxd_uia_session* session) {
  return py::make_tuple(to_str(session->proposed_id), to_str(session->user_id),
                        to_optional_str(session->device_id), to_optional_str(session->token_id),
                        to_bytes(session->state), session->expires_ms, session->max_live,
                        to_str(session->method), to_str(session->endpoint), to_str(session->target),
                        to_str(session->description));
}

py::tuple to_fields(const mxd_uia_session_key* key) {
  return py::make_tuple(to_str(key->session_id));
}

py::tuple to_fields(const mxd_uia_replacement* replacement) {
  return py::make_tuple(to_str(replacement->session_id), to_str(replacement->user_id),
                        replacement->revision, to_bytes(replacement->state),
                        replacement->expires_ms, (replacement->flags & MXD_UIA_FINISHED) != 0);
}

py::tuple to_fields(const mxd_uia_attempt* attempt) {
  const auto has = [attempt](uint32_t flag) { return (attempt->flags & flag) != 0; };
  return py::make_tuple(
      to_str(attempt->user_id), to_optional_str(attempt->device_id), to_str(attempt->session_id),
      to_str(attempt->type), to_str(attempt->remote_addr),
      to_str_if(has(MXD_ATTEMPT_HAS_USER), attempt->user),
      to_str_if(has(MXD_ATTEMPT_HAS_THIRDPARTY), attempt->medium),
      to_str_if(has(MXD_ATTEMPT_HAS_THIRDPARTY), attempt->address),
      to_str_if(has(MXD_ATTEMPT_HAS_COUNTRY), attempt->country),
      to_str_if(has(MXD_ATTEMPT_HAS_PASSWORD), attempt->password), to_bytes(attempt->auth_json));
}

py::tuple to_fields(const mxd_validation* validation) {
  return py::make_tuple(to_str(validation->user_id), to_optional_str(validation->device_id),
                        to_optional_str(validation->token_id), validation->validated_ms);
}

py::tuple to_fields(const mxd_limit_request* request) {
  py::list limits(request->limit_count);
  for (size_t i = 0; i < request->limit_count; ++i) {
    const mxd_limit& limit = request->limits[i];
    limits[i] =
        py::make_tuple(to_str(limit.name), to_str(limit.key), limit.burst, limit.interval_ms);
  }
  return py::make_tuple(limits, request->units);
}

}  // namespace

py::tuple to_tuple(const Question& question) {
  return py::make_tuple(
      static_cast<int32_t>(question.callback), question.op,
      std::visit([](const auto* asked) { return to_fields(asked); }, question.asked));
}

}  // namespace mxd::python
