// Writing what LastSeen has collected.
#ifndef MXD_BINDINGS_STORE_POSTGRES_LAST_SEEN_WRITE_H
#define MXD_BINDINGS_STORE_POSTGRES_LAST_SEEN_WRITE_H

#include <boost/container_hash/hash.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bindings/store/common/last_seen.h"
#include "bindings/store/postgres/database.h"

namespace mxd::store::postgres {

struct DeviceKey {
  int64_t account;
  std::string device_id;

  bool operator==(const DeviceKey&) const = default;
  friend size_t hash_value(const DeviceKey& key) {
    size_t hash = boost::hash_value(key.account);
    boost::hash_combine(hash, key.device_id);
    return hash;
  }
};

// LastSeen::note(), and the write where one is due, for which nobody waits. The database must be
// done before `last_seen` goes.
void note_last_seen(LastSeen<DeviceKey>& last_seen, Database& database, const DeviceKey& device,
                    std::optional<int64_t> written_ms, std::string_view address, int64_t now_ms);

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_LAST_SEEN_WRITE_H
