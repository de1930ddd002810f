// The database of a command, and accounts as they are shown.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>

#include "bindings/server/commands/options.h"
#include "bindings/server/store.h"

namespace mxd::server {

// Without a server name none is made where a server's was mistyped.
Store open_database(const OperatorOptions& options);

struct Account {
  uint32_t flags;  // MXD_STORE_ACCOUNT_*
  int64_t created_ms;
  int64_t last_seen_ms;  // < 0: never
  int64_t device_count;
  std::string user_id;
  std::string service_id;

  explicit Account(const mxd_store_account& record);

  std::string state() const;  // "locked,suspended"; empty: nothing special
  boost::json::object json() const;
};

// The account that is meant by a name. Throws Failure.
Account find_account(const Store& store, const std::string& name);

// "1 device", "2 devices"
std::string count_of(int64_t count, const std::string& what);

}  // namespace mxd::server
