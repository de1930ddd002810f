// What an operator may set beside the command line: the member "server" of the file of --config.
// Its other members are the module's. docs/operations.md lists the keys.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace mxd::server {

// A bucket of `burst` units, of which one comes back every `interval`.
struct LimitSetting {
  std::int64_t burst;
  std::chrono::milliseconds interval;
};

struct Settings {
  // Attempts before anybody is authenticated. accounts.md, T5 and T6
  struct Limits {
    bool enabled = true;  // off: for test servers
    LimitSetting login_address_user{10, std::chrono::seconds(6)};
    LimitSetting login_user{30, std::chrono::seconds(2)};
    LimitSetting login_address{100, std::chrono::seconds(1)};
    LimitSetting registration_address{30, std::chrono::seconds(10)};
  };

  Limits limits;
  std::size_t max_connections = 10'000;                     // of the process; O6
  std::size_t max_incoming_body_bytes = 64 * 1024 * 1024;   // of all bodies that come in; L6
  std::chrono::hours refresh_token_lifetime{365 * 24};      // unused; 0: no end; T11
  std::chrono::hours guest_lifetime{30 * 24};               // unused; 0: no end; T6
  std::chrono::hours delete_devices_after{0};               // unused; 0: never; T11
};

}  // namespace mxd::server
