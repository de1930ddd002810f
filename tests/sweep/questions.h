#pragma once

#include <string>
#include <vector>

#include "matrix_devices/module.h"

namespace mxd::sweep {

// The texts of what the module passes, by struct, in their order.
std::vector<mxd_view> texts_of(const mxd_credentials& asked);
std::vector<mxd_view> texts_of(const mxd_device_query& asked);
std::vector<mxd_view> texts_of(const mxd_device_key& asked);
std::vector<mxd_view> texts_of(const mxd_device_update& asked);
std::vector<mxd_view> texts_of(const mxd_deletion& asked);
std::vector<mxd_view> texts_of(const mxd_uia_operation& asked);
std::vector<mxd_view> texts_of(const mxd_uia_session& asked);
std::vector<mxd_view> texts_of(const mxd_uia_session_key& asked);
std::vector<mxd_view> texts_of(const mxd_uia_replacement& asked);
std::vector<mxd_view> texts_of(const mxd_uia_attempt& asked);
std::vector<mxd_view> texts_of(const mxd_validation& asked);
std::vector<mxd_view> texts_of(const mxd_limit_request& asked);

// All of them and the struct's own bytes, to be compared with what stands there later: the
// arguments stay until the operation is completed.
template <class Asked>
std::string copy_of(const Asked& asked) {
  std::string copy(reinterpret_cast<const char*>(&asked), sizeof asked);
  for (const mxd_view text : texts_of(asked)) {
    if (text.size != 0) copy.append(text.data, text.size);
    copy += '|';
  }
  return copy;
}

// What is wrong with a text that the module passes; empty: nothing.
std::string fault_of_text(mxd_view text);

}  // namespace mxd::sweep
