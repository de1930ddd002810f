// What IDs may look like.
#ifndef MXD_BINDINGS_STORE_COMMON_IDS_H
#define MXD_BINDINGS_STORE_COMMON_IDS_H

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace mxd::store {

// IDs over this can't exist.
inline constexpr size_t kMaxIdBytes = 255;

// 1 to 255 bytes without control characters.
inline bool is_valid_device_id(std::string_view device_id) {
  return !device_id.empty() && device_id.size() <= kMaxIdBytes &&
         std::none_of(device_id.begin(), device_id.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_IDS_H
