// The devices of a user, as they are listed.
#ifndef MXD_BINDINGS_STORE_SQLITE_DEVICE_LIST_H
#define MXD_BINDINGS_STORE_SQLITE_DEVICE_LIST_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "matrix_devices/module.h"

namespace mxd::store::sqlite {

// One of them. Refers to its texts.
struct ListedDevice {
  std::string_view device_id;
  std::optional<std::string_view> display_name;
  std::optional<std::string_view> last_seen_ip;
  std::optional<int64_t> last_seen_ms;
};

void emit(const mxd_module& module, mxd_op op, const ListedDevice& device);

// All of them, with their texts, in the order in which they were added.
class DeviceList {
 public:
  // Throws std::bad_alloc.
  void add(const ListedDevice& device);

  void emit(const mxd_module& module, mxd_op op) const;

  size_t size() const { return rows_.size(); }
  size_t bytes() const { return texts_.size() + rows_.size() * sizeof(Row); }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Row {
    uint32_t id_bytes;
    uint32_t name_bytes;  // kNone: it has none
    uint32_t ip_bytes;    // likewise
    std::optional<int64_t> last_seen_ms;
  };

  std::vector<Row> rows_;
  std::string texts_;  // of each row: ID, name, address
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_DEVICE_LIST_H
