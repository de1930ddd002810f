#include <utility>

#include "bindings/python/core/bind.h"
#include "bindings/python/core/library.h"
#include "bindings/python/core/text.h"

namespace mxd::python {
namespace {

int32_t emit_principal(const Library& library, mxd_op op, py::handle user_id, py::handle device_id,
                       py::handle token_id, py::handle service_id, uint32_t flags,
                       py::handle validated_ms) {
  auto principal = make<mxd_principal>();
  principal.flags = flags;
  if (!validated_ms.is_none()) {
    principal.flags |= MXD_PRINCIPAL_HAS_VALIDATED_MS;
    principal.validated_ms = to_int64(validated_ms);
  }
  principal.user_id = utf8(user_id);
  principal.device_id = optional_utf8(device_id);
  principal.token_id = optional_utf8(token_id);
  principal.service_id = optional_utf8(service_id);
  if (!service_id.is_none()) principal.flags |= MXD_PRINCIPAL_APPSERVICE;
  return library->emit_principal(op, &principal);
}

// Names of attributes, made once and for good: looking one up by a C string makes a str each time.
py::handle name_of(const char* text) {
  PyObject* const name = PyUnicode_InternFromString(text);
  if (name == nullptr) throw py::error_already_set();
  return name;
}

py::object get(py::handle record, py::handle name) {
  PyObject* const value = PyObject_GetAttr(record.ptr(), name.ptr());
  if (value == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(value);
}

void emit_device(const Library& library, mxd_op op, py::handle record) {
  static const py::handle device_id_name = name_of("device_id");
  static const py::handle display_name_name = name_of("display_name");
  static const py::handle last_seen_ip_name = name_of("last_seen_ip");
  static const py::handle last_seen_ts_name = name_of("last_seen_ts_ms");
  const py::object device_id = get(record, device_id_name);
  const py::object display_name = get(record, display_name_name);
  const py::object last_seen_ip = get(record, last_seen_ip_name);
  const py::object last_seen_ts_ms = get(record, last_seen_ts_name);
  auto device = make<mxd_device>();
  device.device_id = utf8(device_id);
  if (!display_name.is_none()) {
    device.flags |= MXD_DEVICE_HAS_DISPLAY_NAME;
    device.display_name = utf8(display_name);
  }
  if (!last_seen_ip.is_none()) {
    device.flags |= MXD_DEVICE_HAS_LAST_SEEN_IP;
    device.last_seen_ip = utf8(last_seen_ip);
  }
  if (!last_seen_ts_ms.is_none()) {
    device.flags |= MXD_DEVICE_HAS_LAST_SEEN_TS;
    device.last_seen_ts_ms = to_int64(last_seen_ts_ms);
  }
  library->emit_device(op, &device);
}

// A list, all of it in one call. Throws TypeError at the first that is no `kind`, or whose fields
// are not what they must be.
void emit_devices(const Library& library, mxd_op op, const py::list& devices, py::handle kind) {
  for (size_t i = 0; i < devices.size();
       ++i) {  // a record's attributes may be code that changes it
    const py::object device = devices[i];
    if (!py::isinstance(device, kind)) throw py::type_error("one of the devices is no Device");
    emit_device(library, op, device);
  }
}

int32_t emit_stage(const Library& library, mxd_op op, uint32_t flow, py::handle type,
                   bool proves_nobody, py::handle params) {
  auto stage = make<mxd_uia_stage>();
  stage.flags = proves_nobody ? MXD_STAGE_PROVES_NOBODY : 0;
  stage.flow = flow;
  stage.type = utf8(type);
  stage.params = bytes_view(params);
  return library->emit_stage(op, &stage);
}

int32_t emit_session(const Library& library, mxd_op op, int64_t revision, py::handle state) {
  auto session = make<mxd_uia_kept>();
  session.revision = revision;
  session.state = bytes_view(state);
  return library->emit_session(op, &session);
}

int32_t emit_completed(const Library& library, mxd_op op, py::handle type, py::handle identity) {
  auto stage = make<mxd_uia_completed>();
  stage.type = utf8(type);
  stage.identity = optional_utf8(identity);
  return library->emit_completed(op, &stage);
}

int32_t emit_error(const Library& library, mxd_op op, uint32_t http_status, int64_t retry_after_ms,
                   py::handle errcode, py::handle text, py::handle extra_json) {
  auto error = make<mxd_error>();
  error.http_status = http_status;
  error.retry_after_ms = retry_after_ms;
  error.errcode = utf8(errcode);
  error.text = utf8(text);
  error.extra_json = bytes_view(extra_json);
  return library->emit_error(op, &error);
}

}  // namespace

void bind_library(py::module_& core) {
  // Raised with (status, text); Python says what the failed call was for.
  static PyObject* const status_error =
      PyErr_NewException("matrix_devices._core.StatusError", nullptr, nullptr);
  if (status_error == nullptr) throw py::error_already_set();
  core.attr("StatusError") = py::handle(status_error);
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(std::move(thrown));
    } catch (const Error& error) {
      PyErr_SetObject(status_error, py::make_tuple(error.status(), error.what()).ptr());
    }
  });

  py::class_<Library>(core, "Library")
      .def(py::init([](const std::string& path) { return Library(path); }), py::arg("path"))
      .def_property_readonly("path", &Library::path)
      .def_property_readonly("product_version", [](const Library& l) { return l->product_version; })
      .def_property_readonly("abi_minor", [](const Library& l) { return l->abi_minor; })
      .def_property_readonly("capabilities", [](const Library& l) { return l->caps; })
      .def("emit_principal", &emit_principal)
      .def("emit_devices", &emit_devices)
      .def("emit_stage", &emit_stage)
      .def("emit_session_id",
           [](const Library& library, mxd_op op, py::handle session_id) {
             return library->emit_session_id(op, utf8(session_id));
           })
      .def("emit_session", &emit_session)
      .def("emit_completed", &emit_completed)
      .def("emit_identity",
           [](const Library& library, mxd_op op, py::handle user_id) {
             return library->emit_identity(op, utf8(user_id));
           })
      .def("emit_reason", [](const Library& library, mxd_op op,
                             py::handle reason) { return library->emit_reason(op, utf8(reason)); })
      .def("emit_retry_after",
           [](const Library& library, mxd_op op, int64_t retry_after_ms) {
             return library->emit_retry_after(op, retry_after_ms);
           })
      .def("emit_error", &emit_error);
}

}  // namespace mxd::python
