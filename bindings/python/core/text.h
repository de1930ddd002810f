// Text and bytes between Python and the contract's views.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "matrix_devices/module.hpp"

namespace mxd::python {

namespace py = pybind11;

// The contract promises UTF-8. A library that breaks that must not break who drives the request.
inline py::str to_str(std::string_view text) {
  PyObject* const decoded =
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
  if (decoded == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(decoded);
}

inline py::str to_str(mxd_view text) {
  return to_str(mxd::text(text));
}

inline py::bytes to_bytes(mxd_view bytes) {
  return {bytes.data, bytes.size};
}

// The UTF-8 of a str, good while the str lives. Throws TypeError, UnicodeEncodeError.
inline mxd_view utf8(py::handle text) {
  if (!PyUnicode_Check(text.ptr())) {
    throw py::type_error("a field holds a " + std::string(Py_TYPE(text.ptr())->tp_name) +
                         " where a str belongs");
  }
  Py_ssize_t size = 0;
  const char* const data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (data == nullptr) throw py::error_already_set();
  return {size == 0 ? nullptr : data, static_cast<size_t>(size)};
}

// None is an empty view.
inline mxd_view optional_utf8(py::handle text) {
  return text.is_none() ? mxd_view{} : utf8(text);
}

// Throws TypeError.
inline mxd_view bytes_view(py::handle bytes) {
  if (!PyBytes_Check(bytes.ptr())) {
    throw py::type_error("a field holds a " + std::string(Py_TYPE(bytes.ptr())->tp_name) +
                         " where bytes belong");
  }
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(bytes.ptr(), &data, &size) != 0) throw py::error_already_set();
  return {size == 0 ? nullptr : data, static_cast<size_t>(size)};
}

// Throws TypeError, OverflowError.
inline int64_t to_int64(py::handle number) {
  if (!PyLong_Check(number.ptr())) {
    throw py::type_error("a field holds a " + std::string(Py_TYPE(number.ptr())->tp_name) +
                         " where an int belongs");
  }
  const long long value = PyLong_AsLongLong(number.ptr());
  if (value == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  return value;
}

// What came off the wire: bytes, or a str that stands for them, a character (U+0000 to U+00FF) a
// byte, as WSGI and http.server have it. Keeps alive what its views point to.
class WireText {
 public:
  mxd_view view(py::handle text) {
    if (PyBytes_Check(text.ptr())) {
      kept_.push_back(py::reinterpret_borrow<py::object>(text));
      return bytes_view(text);
    }
    if (!PyUnicode_Check(text.ptr())) {
      throw py::type_error("a part of the request is neither str nor bytes but " +
                           std::string(Py_TYPE(text.ptr())->tp_name));
    }
    if (PyUnicode_IS_ASCII(text.ptr())) {
      kept_.push_back(py::reinterpret_borrow<py::object>(text));
      return utf8(text);
    }
    PyObject* const encoded = PyUnicode_AsLatin1String(text.ptr());
    if (encoded == nullptr) throw py::error_already_set();
    kept_.push_back(py::reinterpret_steal<py::object>(encoded));
    return bytes_view(encoded);
  }

  void reserve(size_t count) { kept_.reserve(count); }

 private:
  std::vector<py::object> kept_;
};

}  // namespace mxd::python
