// The Python module matrix_devices._core: the contract, the store and bindings/common as Python
// sees them, and no more. What its functions mean is said in matrix_devices/_core.pyi.
#include "bindings/python/core/bind.h"

PYBIND11_MODULE(_core, core) {
  core.attr("__version__") = MXD_PACKAGE_VERSION;
  mxd::python::bind_library(core);
  mxd::python::bind_exchange(core);
  mxd::python::bind_store(core);
  mxd::python::bind_engine(core);
  mxd::python::bind_common(core);
}
