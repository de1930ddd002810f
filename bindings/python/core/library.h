// The loaded libmatrix_devices.so: loaded for good, so that copies of this are cheap and what is
// late may still call it.
#pragma once

#include <string>

#include "matrix_devices/module.hpp"

namespace mxd::python {

class Library {
 public:
  explicit Library(const std::string& path) : path_(path), module_(Module::load(path)) {}

  const std::string& path() const noexcept { return path_; }
  const Module& module() const noexcept { return module_; }
  const mxd_module* operator->() const noexcept { return &module_.table(); }

 private:
  std::string path_;
  Module module_;
};

}  // namespace mxd::python
