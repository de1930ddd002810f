// Application services: in memory only, as the host has read their registrations.
#ifndef MXD_BINDINGS_STORE_COMMON_SERVICES_H
#define MXD_BINDINGS_STORE_COMMON_SERVICES_H

#include <absl/functional/function_ref.h>
#include <re2/re2.h>
#include <boost/unordered/unordered_flat_map.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/store/common/outcome.h"
#include "bindings/store/common/random_text.h"
#include "matrix_devices/store.h"

namespace mxd::store {

struct Service {
  struct Namespace {
    std::unique_ptr<const RE2> users;
    bool is_exclusive;
  };

  std::string id;
  std::string sender;  // a full user ID
  Digest token_digest;
  bool is_unlimited;
  std::vector<Namespace> namespaces;

  // Whether it may act as this user.
  bool covers(std::string_view user_id) const;
  // Whether nobody else may register this user.
  bool reserves(std::string_view user_id) const;
};

// All functions are [any-thread]. A service stays where it is until the end.
class Services {
 public:
  Services();

  // What a service needs before the first request of its own, such as its sender's account. With a
  // failure nothing changes.
  using Prepare = absl::FunctionRef<Outcome(const Service&)>;

  // INVALID_ARGUMENT: a bad expression, an empty field, an ID or token that is there already.
  Outcome add(const mxd_store_service& given, std::string_view server_name, Prepare prepare);
  // These in the place of all that are there, from one request to the next.
  Outcome replace(std::span<const mxd_store_service> given, std::string_view server_name,
                  Prepare prepare);

  // By the digest of its token. Takes no lock.
  const Service* find_token(const Digest& as_token) const;
  const Service* find_id(std::string_view id) const;
  // Whether a service other than `except` (which may be null) reserves the user.
  bool reserved(std::string_view user_id, const Service* except) const;

 private:
  using Table = boost::unordered_flat_map<Digest, std::shared_ptr<const Service>>;

  static Outcome insert(const mxd_store_service& given, std::string_view server_name,
                        Prepare prepare, Table& table);
  static const Service* find_in(const Table& table, std::string_view id);
  void publish(std::unique_ptr<const Table> table);

  // Readers use a table that never changes; a change makes a new one, and the old ones are kept for
  // those who are still reading.
  std::atomic<const Table*> current_;
  std::mutex changing_;
  std::vector<std::unique_ptr<const Table>> tables_;
};

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_SERVICES_H
