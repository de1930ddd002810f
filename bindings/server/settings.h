// What an operator may set beside the command line: the member "server" of the file of --config.
// Its other members are the module's. docs/operations.md lists the keys.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "bindings/server/current.h"

namespace mxd::server {

// A bucket of `burst` units, of which one comes back every `interval`.
struct LimitSetting {
  int64_t burst;
  std::chrono::milliseconds interval;

  bool operator==(const LimitSetting&) const = default;
};

struct Settings {
  // Attempts before anybody is authenticated. accounts.md, T5 and T6
  struct Limits {
    bool enabled = true;  // off: for test servers
    LimitSetting login_address_user{10, std::chrono::seconds(6)};
    LimitSetting login_user{30, std::chrono::seconds(2)};
    LimitSetting login_address{100, std::chrono::seconds(1)};
    LimitSetting registration_address{30, std::chrono::seconds(10)};

    bool operator==(const Limits&) const = default;
  };

  // The module's, which it has checked; the account endpoints keep to them too. accounts.md, T4 and
  // T12; behaviour.md, A2 and A14
  struct Devices {
    bool allow_query_token = true;
    bool device_id_alias = true;
    uint64_t max_display_name_length = 100;  // code points
    uint64_t max_devices_per_user = 0;       // 0: no cap
    std::string user_limit_info_uri;         // empty: none

    bool operator==(const Devices&) const = default;
  };

  // The database, where the command line names none. It may hold a password.
  struct Database {
    std::string database;
    std::string password_file;        // its first line is the database's password; empty: none
    uint32_t connections = 0;         // 0: as the store does best
    bool prepared_statements = true;  // off: behind a pooler such as PgBouncer

    bool operator==(const Database&) const = default;
  };

  Limits limits;
  Database database;
  size_t max_connections = 10'000;                               // of the process; O6
  size_t max_incoming_body_bytes = 64 * 1024 * 1024;             // of all bodies that come in; L6
  std::chrono::milliseconds refresh_token_lifetime = days(365);  // unused; 0: no end; T11
  std::chrono::milliseconds guest_lifetime = days(30);           // unused; 0: no end; T6
  std::chrono::milliseconds delete_devices_after{0};             // unused; 0: never; T11
  Devices devices;

  bool operator==(const Settings&) const = default;

 private:
  static constexpr std::chrono::milliseconds days(int count) {
    return std::chrono::hours(24) * count;
  }
};

using CurrentSettings = Current<Settings>;

}  // namespace mxd::server
