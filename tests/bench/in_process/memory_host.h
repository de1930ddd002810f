// A host that has everything in memory and answers before its callbacks return, so that what is
// measured is the module. One user with some devices; one session at a time is kept.
#ifndef MXD_TESTS_BENCH_IN_PROCESS_MEMORY_HOST_H
#define MXD_TESTS_BENCH_IN_PROCESS_MEMORY_HOST_H

#include <absl/container/flat_hash_map.h>

#include <map>
#include <string>
#include <string_view>

#include "tests/bench/in_process/exchange.h"

namespace mxd::bench {

struct Device {
  std::string display_name;
  std::string last_seen_ip;
  int64_t last_seen_ms = 0;
};

// What both the host and the bare functions look things up in.
struct Tables {
  struct Token {
    std::string user_id;
    std::string device_id;
  };
  struct User {
    std::string password;
    std::map<std::string, Device, std::less<>> devices;
  };

  explicit Tables(size_t devices);

  Token* find_token(std::string_view access_token);
  User* find_user(std::string_view user_id);

  absl::flat_hash_map<std::string_view, Token> tokens;
  absl::flat_hash_map<std::string_view, User> users;
};

inline constexpr std::string_view kAccessToken = "mxa_oMzVt2VnH8mW3gQxq0JkYp4sRb7LcDfU1eNiA5hT6uK";

class MemoryHost {
 public:
  MemoryHost(const Module& module, size_t devices);

  // Its cookie is this object's address.
  mxd_host table();

 private:
  struct Session {
    std::string id;
    std::string state;
    int64_t revision = 0;
  };

  static MemoryHost& of(mxd_cookie host) { return *reinterpret_cast<MemoryHost*>(host); }
  static int32_t authenticate(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                              const mxd_credentials* asked) noexcept;
  static int32_t list_devices(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                              const mxd_device_query* asked) noexcept;
  static int32_t get_device(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                            const mxd_device_key* asked) noexcept;
  static int32_t rename_device(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                               const mxd_device_update* asked) noexcept;
  static int32_t delete_devices(mxd_cookie host, mxd_cookie request, mxd_op op,
                                mxd_cookie principal, const mxd_deletion* asked) noexcept;
  static int32_t flows(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                       const mxd_uia_operation* asked) noexcept;
  static int32_t create_session(mxd_cookie host, mxd_cookie request, mxd_op op,
                                mxd_cookie principal, const mxd_uia_session* asked) noexcept;
  static int32_t load_session(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                              const mxd_uia_session_key* asked) noexcept;
  static int32_t replace_session(mxd_cookie host, mxd_cookie request, mxd_op op,
                                 mxd_cookie principal, const mxd_uia_replacement* asked) noexcept;
  static int32_t check(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                       const mxd_uia_attempt* asked) noexcept;
  static int32_t take_limit(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                            const mxd_limit_request* asked) noexcept;

  void emit(mxd_op op, const std::string& id, const Device& device) const;

  const mxd_module& module_;
  Tables tables_;
  Session session_;
};

}  // namespace mxd::bench

#endif  // MXD_TESTS_BENCH_IN_PROCESS_MEMORY_HOST_H
