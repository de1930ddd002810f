// What Python sees of a question.
#pragma once

#include <pybind11/pybind11.h>

#include "bindings/python/core/exchange.h"

namespace mxd::python {

// (number of the callback, operation, fields): the fields of the struct, for
// matrix_devices/_questions.py to make the record of the same name of.
pybind11::tuple to_tuple(const Question& question);

}  // namespace mxd::python
