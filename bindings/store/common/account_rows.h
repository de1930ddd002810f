// What an operator is shown: accounts and devices, page by page.
#ifndef MXD_BINDINGS_STORE_COMMON_ACCOUNT_ROWS_H
#define MXD_BINDINGS_STORE_COMMON_ACCOUNT_ROWS_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/store/common/outcome.h"
#include "bindings/store/common/text.h"
#include "matrix_devices/store.h"

namespace mxd::store {

struct AccountRow {
  uint32_t flags;
  int64_t created_ms;
  int64_t last_seen_ms;
  int64_t device_count;
  std::string user_id;
  std::string service_id;

  const std::string& id() const { return user_id; }
  mxd_store_account record() const {
    return {sizeof(mxd_store_account), flags, created_ms, last_seen_ms, device_count, view(user_id),
            view(service_id)};
  }
};

struct DeviceRow {
  uint32_t flags;
  int64_t created_ms;
  int64_t last_seen_ms;
  std::string device_id;
  std::string display_name;
  std::string last_seen_ip;

  const std::string& id() const { return device_id; }
  mxd_store_device record() const {
    return {sizeof(mxd_store_device),
            flags,
            created_ms,
            last_seen_ms,
            view(device_id),
            view(display_name),
            view(last_seen_ip)};
  }
};

inline constexpr int64_t kRowsAPage = 256;

// Visits all rows after this ID, which `read` gives by their IDs, some at a time: none, at the end.
// The visitor may call the store: `read` holds nothing once it has returned. `read` gives an
// Outcome and takes (after, std::vector<Row>&).
template <class Row, class Read, class Visit>
Outcome visit_pages(std::string_view given_after, Read read, Visit visit) {
  std::string after(given_after);
  std::vector<Row> page;
  do {
    page.clear();
    Outcome outcome = read(std::string_view(after), page);
    if (!succeeded(outcome.status)) return outcome;
    for (const Row& row : page) {
      if (row.id() <= given_after) continue;  // of an engine that can't ask for what is no text
      const int32_t status = visit(row.record());
      if (status != MXD_OK) return {status, {}};
    }
    if (!page.empty()) after = page.back().id();
  } while (!page.empty());
  return {};
}

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_ACCOUNT_ROWS_H
