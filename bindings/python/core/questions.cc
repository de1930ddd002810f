#include "questions.h"

#include "text.h"

namespace mxd::python {
namespace {

py::tuple to_arguments(const UserArgument& argument) {
  return py::make_tuple(to_str(argument.user_id));
}

py::tuple to_arguments(const DeviceArguments& arguments) {
  return py::make_tuple(to_str(arguments.user_id), to_str(arguments.device_id));
}

py::tuple to_arguments(const DevicesArguments& arguments) {
  py::list ids(arguments.count);
  for (size_t i = 0; i < arguments.count; ++i)
    ids[i] = to_str(arguments.device_ids[i]);
  return py::make_tuple(to_str(arguments.user_id), ids);
}

py::tuple to_arguments(const SessionArgument& argument) {
  return py::make_tuple(to_str(argument.session_id));
}

py::tuple to_arguments(const TimeArgument& argument) {
  return py::make_tuple(argument.now_ms);
}

py::tuple to_arguments(const LimitsArguments& arguments) {
  py::list limits(arguments.count);
  for (size_t i = 0; i < arguments.count; ++i) {
    const mxd_limit& limit = arguments.limits[i];
    limits[i] =
        py::make_tuple(to_str(limit.name), to_str(limit.key), limit.burst, limit.interval_ms);
  }
  return py::make_tuple(limits, arguments.units);
}

py::tuple to_arguments(const mxd_credentials* credentials) {
  return py::make_tuple(to_str(credentials->access_token),
                        (credentials->flags & MXD_CREDENTIALS_HAS_USER_ID) != 0
                            ? py::object(to_str(credentials->user_id))
                            : py::object(py::none()),
                        (credentials->flags & MXD_CREDENTIALS_HAS_DEVICE_ID) != 0
                            ? py::object(to_str(credentials->device_id))
                            : py::object(py::none()),
                        to_str(credentials->remote_addr));
}

py::tuple to_arguments(const mxd_device_update* update) {
  return py::make_tuple(to_str(update->user_id), to_str(update->device_id),
                        (update->flags & MXD_SET_DISPLAY_NAME) != 0
                            ? py::object(to_str(update->display_name))
                            : py::object(py::none()),
                        update->max_devices);
}

py::tuple to_arguments(const mxd_uia_operation* operation) {
  return py::make_tuple(to_str(operation->user_id), to_optional_str(operation->device_id),
                        to_str(operation->method), to_str(operation->endpoint));
}

py::tuple to_arguments(const mxd_session* session) {
  return py::make_tuple(
      to_str(session->user_id), to_optional_str(session->device_id),
      to_optional_str(session->token_id), to_str(session->method), to_str(session->endpoint),
      to_str(session->target), to_optional_str(session->path_device_id),
      (session->flags & MXD_SESSION_HAS_BODY) != 0 ? py::object(to_bytes(session->body))
                                                   : py::object(py::none()),
      to_bytes(session->body_digest), session->created_ms, session->lifetime_ms, session->max_live,
      to_str(session->description));
}

py::tuple to_arguments(const mxd_uia_attempt* attempt) {
  return py::make_tuple(to_str(attempt->user_id), to_optional_str(attempt->device_id),
                        to_str(attempt->session_id), to_str(attempt->type),
                        to_bytes(attempt->auth_json), to_str(attempt->remote_addr));
}

py::tuple to_arguments(const mxd_uia_record* record) {
  return py::make_tuple(
      to_str(record->session_id),
      (record->flags & MXD_RECORD_STAGE) != 0 ? py::object(to_str(record->type))
                                              : py::object(py::none()),
      (record->flags & MXD_RECORD_HAS_IDENTITY) != 0 ? py::object(to_str(record->identity))
                                                     : py::object(py::none()),
      (record->flags & MXD_RECORD_FINISH) != 0, record->now_ms, to_bytes(record->body_digest),
      (record->flags & MXD_RECORD_HAS_BODY) != 0 ? py::object(to_bytes(record->body))
                                                 : py::object(py::none()));
}

}  // namespace

py::tuple to_tuple(const Question& question) {
  return py::make_tuple(static_cast<int32_t>(question.callback), question.op,
                        std::visit([](const auto& arguments) { return to_arguments(arguments); },
                                   question.arguments));
}

}  // namespace mxd::python
