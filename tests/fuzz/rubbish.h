#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "matrix_devices/module.h"

namespace mxd::fuzz {

// Results that a careless host might emit: of any kind, with any flags, cut to any size.
class Rubbish {
 public:
  // `number` and `text` make up the records' fields, each call another.
  Rubbish(std::function<char()> number, std::function<mxd_view()> text)
      : number_(std::move(number)), text_(std::move(text)) {}

  // One result into this operation.
  void emit(const mxd_module& module, mxd_op op);

 private:
  mxd_principal principal();
  mxd_device device();
  mxd_uia_stage stage();
  mxd_uia_kept session();
  mxd_uia_completed completed();
  mxd_error error();
  uint32_t flags() { return static_cast<unsigned char>(number_()); }
  // Small, or at an end of its type.
  int64_t integer();

  std::function<char()> number_;
  std::function<mxd_view()> text_;
};

}  // namespace mxd::fuzz
