// How something went: a status of the contract, and one line for a person where one is shown.
#ifndef MXD_BINDINGS_STORE_COMMON_OUTCOME_H
#define MXD_BINDINGS_STORE_COMMON_OUTCOME_H

#include <cstdint>
#include <string>

#include "matrix_devices/module.h"

namespace mxd::store {

struct Outcome {
  int32_t status = MXD_OK;
  std::string text;  // what to do next; empty on success; never a token or a password
};

inline bool succeeded(int32_t status) {
  return status == MXD_OK || status == MXD_CREATED;
}

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_OUTCOME_H
