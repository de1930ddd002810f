#include "tests/bench/postgres/deletion.h"

#include <chrono>
#include <string_view>

#include "tests/bench/in_process/store_host.h"
#include "tests/bench/postgres/connection.h"
#include "tests/bench/stores/counting_module.h"

namespace mxd::bench {
namespace {

constexpr size_t kOwnDevices = 5;

template <class Work>
double milliseconds_of(Work work) {
  const auto started = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - started)
      .count();
}

std::string array_of(const std::vector<std::string>& ids) {
  std::string array = "'{";
  for (const std::string& id : ids)
    array += (array.size() == 2 ? "" : ",") + id;
  return array + "}'::text[]";
}

}  // namespace

Deletions delete_devices(const std::string& library, const std::string& connection_string,
                         int64_t devices, int64_t rounds) {
  StoreHost store(library, connection_string);
  store.add_alice(kOwnDevices);
  const mxd_host host = store.table(Module(counting_module()));
  Connection connection(connection_string);

  std::vector<std::string> ids;
  std::vector<mxd_view> views;
  for (int64_t i = 0; i < devices; ++i)
    ids.push_back(device_id(kOwnDevices + static_cast<size_t>(i)));
  for (const std::string& id : ids)
    views.push_back(view(id));
  const std::string array = array_of(ids);
  const std::string whose = "(SELECT account FROM matrix_devices.accounts WHERE user_id = '" +
                            std::string(kUserId) + "')";

  const auto add = [&] {
    connection.run(
        "INSERT INTO matrix_devices.devices (account, device_id, display_name, created_ms)"
        " SELECT " +
        whose + ", id, 'A phone', 0 FROM unnest(" + array + ") AS id");
    connection.run(
        "INSERT INTO matrix_devices.access_tokens (account, digest, device_id, oauth)"
        " SELECT " +
        whose + ", sha256(random()::text::bytea), id, false FROM unnest(" + array + ") AS id");
    connection.run("VACUUM ANALYZE matrix_devices.devices, matrix_devices.access_tokens");
    connection.run("CHECKPOINT");
  };
  auto deletion = make<mxd_deletion>();
  deletion.device_ids = views.data();
  deletion.device_id_count = views.size();
  deletion.user_id = view(kUserId);
  mxd_op last_op = 0;
  const auto in_store = [&] {
    const uint64_t before = completed();
    host.delete_devices(host.cookie, 0, ++last_op, 0, &deletion);
    wait_for_completed(before + 1);
  };
  const auto bare = [&] {
    connection.run("DELETE FROM matrix_devices.devices WHERE account = " + whose +
                   " AND device_id = ANY(" + array + ")");
  };

  Deletions took;
  for (int64_t round = 0; round < rounds; ++round) {
    const bool is_ours_first = round % 2 == 0;
    for (const bool is_ours : {is_ours_first, !is_ours_first}) {
      add();
      if (is_ours) {
        took.in_store_ms.push_back(milliseconds_of(in_store));
      } else {
        took.bare_ms.push_back(milliseconds_of(bare));
      }
    }
  }
  return took;
}

}  // namespace mxd::bench
