// What is moved from one database to another: records of store.h, export_records().
#ifndef MXD_BINDINGS_STORE_COMMON_MOVING_H
#define MXD_BINDINGS_STORE_COMMON_MOVING_H

#include <boost/describe/class.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/store/common/outcome.h"
#include "matrix_devices/store.h"

namespace mxd::store {

// ---- The records; their members' names are those in JSON, and bytes are in base64 ----

struct MovedDatabase {
  int64_t format;
  std::string server_name;
  std::string account_key;
  // The last numbers that were given out.
  int64_t last_pair;
  int64_t last_message;
  int64_t last_device_list_change;
};
BOOST_DESCRIBE_STRUCT(MovedDatabase, (),
                      (format, server_name, account_key, last_pair, last_message,
                       last_device_list_change))

struct MovedThreepid {
  std::string medium;
  std::string address;
};
BOOST_DESCRIBE_STRUCT(MovedThreepid, (), (medium, address))

struct MovedAccount {
  std::string user_id;
  std::optional<std::string> password_hash;
  bool guest;
  std::optional<std::string> service_id;
  bool locked;
  bool suspended;
  bool deactivated;
  int64_t created_ms;
  std::optional<int64_t> device_list_change;
  std::vector<MovedThreepid> threepids;
};
BOOST_DESCRIBE_STRUCT(MovedAccount, (),
                      (user_id, password_hash, guest, service_id, locked, suspended, deactivated,
                       created_ms, device_list_change, threepids))

struct MovedPair {
  int64_t pair;
  std::optional<int64_t> replaces;
};
BOOST_DESCRIBE_STRUCT(MovedPair, (), (pair, replaces))

struct MovedAccessToken {
  std::string digest;
  std::optional<int64_t> pair;
  bool oauth;
  std::optional<int64_t> expires_ms;
};
BOOST_DESCRIBE_STRUCT(MovedAccessToken, (), (digest, pair, oauth, expires_ms))

struct MovedRefreshToken {
  std::string digest;
  int64_t pair;
  bool oauth;
  int64_t given_ms;
};
BOOST_DESCRIBE_STRUCT(MovedRefreshToken, (), (digest, pair, oauth, given_ms))

struct MovedFamily {
  std::string name;
  std::string key;
};
BOOST_DESCRIBE_STRUCT(MovedFamily, (), (name, key))

struct MovedOneTimeKey {
  std::string algorithm;
  std::string key_id;
  std::string key_json;
};
BOOST_DESCRIBE_STRUCT(MovedOneTimeKey, (), (algorithm, key_id, key_json))

struct MovedFallbackKey {
  std::string algorithm;
  std::string key_id;
  std::string key_json;
  bool used;
};
BOOST_DESCRIBE_STRUCT(MovedFallbackKey, (), (algorithm, key_id, key_json, used))

struct MovedPusher {
  std::string app_id;
  std::string pushkey;
  std::string pusher_json;
};
BOOST_DESCRIBE_STRUCT(MovedPusher, (), (app_id, pushkey, pusher_json))

struct MovedDevice {
  std::string device_id;
  std::optional<std::string> display_name;
  std::optional<std::string> last_seen_ip;
  std::optional<int64_t> last_seen_ms;
  std::optional<int64_t> validated_ms;
  int64_t created_ms;
  std::vector<MovedPair> pairs;
  std::vector<MovedAccessToken> access_tokens;
  std::vector<MovedRefreshToken> refresh_tokens;
  std::optional<MovedFamily> family;
  std::vector<std::string> old_tokens;
  std::optional<std::string> key_json;
  std::vector<MovedOneTimeKey> one_time_keys;
  std::vector<MovedFallbackKey> fallback_keys;
  std::vector<MovedPusher> pushers;
};
BOOST_DESCRIBE_STRUCT(MovedDevice, (),
                      (device_id, display_name, last_seen_ip, last_seen_ms, validated_ms,
                       created_ms, pairs, access_tokens, refresh_tokens, family, old_tokens,
                       key_json, one_time_keys, fallback_keys, pushers))

struct MovedMessage {
  int64_t number;
  std::string message_json;
};
BOOST_DESCRIBE_STRUCT(MovedMessage, (), (number, message_json))

struct MovedCounts {
  int64_t accounts = 0;
  int64_t devices = 0;
  int64_t messages = 0;
};
BOOST_DESCRIBE_STRUCT(MovedCounts, (), (accounts, devices, messages))

std::string to_base64(std::string_view bytes);
// Throws std::invalid_argument.
std::string from_base64(std::string_view text);

// ---- Out ----

// Whom an engine gives what it has: the database first, then each account by its user ID, each with
// its devices by their IDs, each with its messages by their numbers; bytewise. What is in a vector
// comes in any order.
class Exporter {
 public:
  using Take = std::function<int32_t(mxd_view record)>;

  explicit Exporter(Take take) : take_(std::move(take)) {}

  // Each is false when it is to end, with status().
  bool give(const MovedDatabase& database);
  bool give(const MovedAccount& account);
  bool give(MovedDevice device);
  bool give(const MovedMessage& message);
  bool end();

  int32_t status() const { return status_; }

 private:
  template <class Record>
  bool write(const char* type, const Record& record);

  Take take_;
  MovedCounts counts_;
  int32_t status_ = MXD_OK;
};

// ---- In ----

// Who makes a database of it: called in the order in which it comes. Each may say why not. Nobody
// can open what was made if the object goes before finish().
class Importer {
 public:
  virtual ~Importer() = default;

  virtual Outcome take(const MovedDatabase& database) = 0;
  virtual Outcome take(const MovedAccount& account) = 0;
  virtual Outcome take(const MovedDevice& device) = 0;    // of the last account
  virtual Outcome take(const MovedMessage& message) = 0;  // to the last device
  virtual Outcome finish() = 0;
};

// `server_name`: whose it is to be; empty: anybody's.
Outcome run_import(Importer& importer, const mxd_store_import& from, std::string_view server_name);

// The engine's own.
Outcome export_store(const mxd_store_options& options, Exporter& exporter);
Outcome begin_import(const mxd_store_options& options, std::unique_ptr<Importer>& importer);

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_MOVING_H
