#include <boost/json/value.hpp>

#include "bindings/common/json_reader.h"
#include "bindings/common/normal_target.h"
#include "bindings/python/core/bind.h"
#include "bindings/python/core/expression.h"
#include "bindings/python/core/text.h"

namespace mxd::python {
namespace {

namespace json = boost::json;

py::dict to_dict(const json::object& object);

// No deeper than the reader lets a text be.
py::object to_object(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return py::none();
    case json::kind::bool_:
      return py::bool_(value.get_bool());
    case json::kind::int64:
      return py::int_(value.get_int64());
    case json::kind::uint64:
      return py::int_(value.get_uint64());
    case json::kind::double_:
      return py::float_(value.get_double());
    case json::kind::string:
      return to_str(value.get_string());
    case json::kind::array: {
      const json::array& array = value.get_array();
      py::list list(array.size());
      for (size_t i = 0; i < array.size(); ++i)
        list[i] = to_object(array[i]);
      return list;
    }
    case json::kind::object:
      break;
  }
  return to_dict(value.get_object());
}

py::dict to_dict(const json::object& object) {
  py::dict dict;
  for (const auto& [key, value] : object)
    dict[to_str(key)] = to_object(value);
  return dict;
}

py::dict read_json_object(py::handle bytes, size_t max_depth, size_t max_members,
                          PyObject* refusal) {
  const common::ReadObject read =
      common::read_json_object(text(bytes_view(bytes)), {}, {max_depth, max_members});
  if (read.fault) {
    PyErr_SetObject(refusal, py::make_tuple(to_str(common::errcode(*read.fault)),
                                            to_str(common::explain(*read.fault)))
                                 .ptr());
    throw py::error_already_set();
  }
  return to_dict(read.object);
}

}  // namespace

void bind_common(py::module_& core) {
  PyObject* const refusal = PyErr_NewException("matrix_devices._core.JsonError", nullptr, nullptr);
  if (refusal == nullptr) throw py::error_already_set();
  core.attr("JsonError") = py::reinterpret_steal<py::object>(refusal);

  constexpr common::JsonLimits kDefault;
  core.def(
      "read_json_object",
      [refusal](py::handle bytes, size_t max_depth, size_t max_members) {
        return read_json_object(bytes, max_depth, max_members, refusal);
      },
      py::arg("text"), py::kw_only(), py::arg("max_depth") = kDefault.depth,
      py::arg("max_members") = kDefault.members);

  core.def("normal_target", [](py::handle target) {
    WireText wire;
    std::string storage;
    const std::string_view normal = common::normal_target(text(wire.view(target)), storage);
    PyObject* const decoded =
        PyUnicode_DecodeLatin1(normal.data(), static_cast<Py_ssize_t>(normal.size()), nullptr);
    if (decoded == nullptr) throw py::error_already_set();
    return py::reinterpret_steal<py::str>(decoded);
  });

  py::class_<Expression>(core, "Expression")
      .def(py::init([](py::handle expression) { return Expression(text(utf8(expression))); }))
      .def_property_readonly("text", [](const Expression& self) { return to_str(self.text()); })
      .def("matches_start_of", [](const Expression& self, py::handle subject) {
        return self.matches_start_of(text(utf8(subject)));
      });
}

}  // namespace mxd::python
