#include "bindings/sqlite/store.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace mxd::sqlite {
namespace {

size_t connection_count(uint32_t asked) {
  return asked != 0 ? asked : std::max(2u, std::thread::hardware_concurrency());
}

}  // namespace

Store::Store(const mxd_sqlite_options& given, const std::string& path, const std::string& name)
    : options(given),
      server_name(name),
      log(given.log, given.log_cookie),
      readers(path, connection_count(given.read_connections)),
      long_lists(path),
      writer(path, log),
      sweeper(options, readers, writer, log) {}

int64_t now_ms(const mxd_sqlite_options& options) noexcept {
  if (options.now_ms != nullptr) return options.now_ms(options.now_cookie);
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace mxd::sqlite
