// What Python sees of a question.
#pragma once

#include <pybind11/pybind11.h>

#include "exchange.h"

namespace mxd::python {

// (number of the callback, operation, arguments): the arguments in the order of the contract's
// fields, for matrix_devices/_questions.py to make the records of.
pybind11::tuple to_tuple(const Question& question);

}  // namespace mxd::python
