// Leaving the interpreter's lock for the time of a call.
#pragma once

#include <pybind11/pybind11.h>
#include <unistd.h>

#include <type_traits>

namespace mxd::python {

inline bool is_finalizing() noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  return Py_IsFinalizing() != 0;
#else
  return _Py_IsFinalizing() != 0;
#endif
}

// Run `work`, which must not touch Python and must not throw, without the GIL. Where the
// interpreter went away meanwhile (a daemon thread at exit) the thread stops here: up to 3.13
// taking the lock would unwind it, through frames that cannot be unwound.
template <typename Work>
auto without_gil(Work&& work) {
  PyThreadState* const thread = PyEval_SaveThread();
  const auto come_back = [thread] {
    while (is_finalizing())
      ::pause();
    PyEval_RestoreThread(thread);
  };
  if constexpr (std::is_void_v<decltype(work())>) {
    work();
    come_back();
  } else {
    auto result = work();
    come_back();
    return result;
  }
}

}  // namespace mxd::python
