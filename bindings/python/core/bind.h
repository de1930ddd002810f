// The parts of the Python module `matrix_devices._core`, a function each.
#pragma once

#include <pybind11/pybind11.h>

namespace mxd::python {

void bind_library(pybind11::module_& core);   // Library: loading, emitting, completing
void bind_exchange(pybind11::module_& core);  // Wakeup, Exchange
void bind_engine(pybind11::module_& core);    // Engine
void bind_store(pybind11::module_& core);     // Store
void bind_common(pybind11::module_& core);    // what hosts do alike in every language

}  // namespace mxd::python
