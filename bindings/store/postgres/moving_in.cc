// A database made out of records.
#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bindings/store/common/account_key.h"
#include "bindings/store/postgres/blocking_connection.h"
#include "bindings/store/postgres/moving.h"
#include "bindings/store/postgres/schema.h"

namespace mxd::store::postgres {
namespace {

namespace json = boost::json;

// Of all tables together, in a transaction.
constexpr size_t kRowsAtOnce = 10'000;

enum Table {
  kAccounts,
  kThreepids,
  kChanges,
  kDevices,
  kPairs,
  kAccessTokens,
  kRefreshTokens,
  kFamilies,
  kOldTokens,
  kDeviceKeys,
  kOneTimeKeys,
  kFallbackKeys,
  kPushers,
  kMessages,
  kTables
};

#define MXD_INSERT(table, columns, values, types)                                             \
  "INSERT INTO matrix_devices." table " (" columns ") OVERRIDING SYSTEM VALUE SELECT " values \
  " FROM json_to_recordset($1::text::json) AS r (" types ")"

// In an order in which nothing refers to what is not there yet.
constexpr std::array<const char*, kTables> kInserts = {
    MXD_INSERT("accounts",
               "account, user_id, password_hash, guest, service_id, locked, suspended,"
               " deactivated, created_ms",
               "account, user_id, password_hash, guest, service_id, locked, suspended,"
               " deactivated, created_ms",
               "account bigint, user_id text, password_hash text, guest boolean, service_id text,"
               " locked boolean, suspended boolean, deactivated boolean, created_ms bigint"),
    MXD_INSERT("user_threepids", "medium, address, account", "medium, address, account",
               "medium text, address text, account bigint"),
    MXD_INSERT("device_list_changes", "account, stream", "account, stream",
               "account bigint, stream bigint"),
    MXD_INSERT("devices",
               "account, device_id, display_name, last_seen_ip, last_seen_ms, validated_ms,"
               " created_ms",
               "account, device_id, display_name, last_seen_ip, last_seen_ms, validated_ms,"
               " created_ms",
               "account bigint, device_id text, display_name text, last_seen_ip text,"
               " last_seen_ms bigint, validated_ms bigint, created_ms bigint"),
    MXD_INSERT("token_pairs", "account, pair, device_id, replaces",
               "account, pair, device_id, replaces",
               "account bigint, pair bigint, device_id text, replaces bigint"),
    MXD_INSERT("access_tokens", "account, digest, device_id, pair, oauth, expires_ms",
               "account, decode(digest, 'base64'), device_id, pair, oauth, expires_ms",
               "account bigint, digest text, device_id text, pair bigint, oauth boolean,"
               " expires_ms bigint"),
    MXD_INSERT("refresh_tokens", "account, digest, device_id, pair, oauth, given_ms",
               "account, decode(digest, 'base64'), device_id, pair, oauth, given_ms",
               "account bigint, digest text, device_id text, pair bigint, oauth boolean,"
               " given_ms bigint"),
    MXD_INSERT("token_families", "account, name, device_id, key",
               "account, decode(name, 'base64'), device_id, decode(key, 'base64')",
               "account bigint, name text, device_id text, key text"),
    MXD_INSERT("old_tokens", "account, digest, device_id",
               "account, decode(digest, 'base64'), device_id",
               "account bigint, digest text, device_id text"),
    MXD_INSERT("device_keys", "account, device_id, key_json", "account, device_id, key_json",
               "account bigint, device_id text, key_json text"),
    MXD_INSERT("one_time_keys", "account, device_id, algorithm, key_id, key_json",
               "account, device_id, algorithm, key_id, key_json",
               "account bigint, device_id text, algorithm text, key_id text, key_json text"),
    MXD_INSERT("fallback_keys", "account, device_id, algorithm, key_id, key_json, used",
               "account, device_id, algorithm, key_id, key_json, used",
               "account bigint, device_id text, algorithm text, key_id text, key_json text,"
               " used boolean"),
    MXD_INSERT("pushers", "account, device_id, app_id, pushkey, pusher_json",
               "account, device_id, app_id, pushkey, pusher_json",
               "account bigint, device_id text, app_id text, pushkey text, pusher_json text"),
    MXD_INSERT("to_device_inbox", "account, stream, device_id, message_json",
               "account, stream, device_id, message_json",
               "account bigint, stream bigint, device_id text, message_json text"),
};

template <class Value>
json::value optional_value(const std::optional<Value>& value) {
  return value ? json::value(*value) : json::value();
}

// Batch by batch, each a transaction. Until finish() there is no row in the table `store`, and so
// nobody can open the database (read_version()).
class DatabaseImporter final : public Importer {
 public:
  explicit DatabaseImporter(const Target& target)
      : connection_(target.connection_string, "the database can't be written") {}

  Outcome take(const MovedDatabase& database) override {
    database_ = database;
    key_.emplace(from_base64(database.account_key));
    return attempt([&] {
      connection_.run("BEGIN");
      begin_schema(connection_);
      connection_.run("COMMIT");
    });
  }

  Outcome take(const MovedAccount& account) override {
    account_ = key_->account_of(account.user_id);
    add(kAccounts, {{"user_id", account.user_id},
                    {"password_hash", optional_value(account.password_hash)},
                    {"guest", account.guest},
                    {"service_id", optional_value(account.service_id)},
                    {"locked", account.locked},
                    {"suspended", account.suspended},
                    {"deactivated", account.deactivated},
                    {"created_ms", account.created_ms}});
    for (const MovedThreepid& threepid : account.threepids)
      add(kThreepids, {{"medium", threepid.medium}, {"address", threepid.address}});
    if (account.device_list_change) add(kChanges, {{"stream", *account.device_list_change}});
    return flush_when_full();
  }

  Outcome take(const MovedDevice& device) override {
    device_id_ = device.device_id;
    add_of_device(kDevices, {{"display_name", optional_value(device.display_name)},
                             {"last_seen_ip", optional_value(device.last_seen_ip)},
                             {"last_seen_ms", optional_value(device.last_seen_ms)},
                             {"validated_ms", optional_value(device.validated_ms)},
                             {"created_ms", device.created_ms}});
    add_tokens(device);
    add_keys(device);
    return flush_when_full();
  }

  Outcome take(const MovedMessage& message) override {
    add_of_device(kMessages, {{"stream", message.number}, {"message_json", message.message_json}});
    return flush_when_full();
  }

  Outcome finish() override {
    return attempt([&] {
      flush();
      connection_.run("ANALYZE");
      connection_.run("BEGIN");
      set_last("token_pairs_pair_seq", database_.last_pair);
      set_last("to_device_inbox_stream_seq", database_.last_message);
      set_last("device_list_stream", database_.last_device_list_change);
      finish_schema(connection_, {database_.server_name, *key_});
      connection_.run("COMMIT");
    });
  }

 private:
  template <class Do>
  Outcome attempt(Do act) {
    try {
      act();
      return {};
    } catch (const Failed& failed) {
      return failed.outcome();
    }
  }

  void add(Table table, json::object row) {
    row["account"] = account_;
    rows_[table].push_back(std::move(row));
    ++count_;
  }

  void add_of_device(Table table, json::object row) {
    row["device_id"] = device_id_;
    add(table, std::move(row));
  }

  void add_tokens(const MovedDevice& device) {
    for (const MovedPair& pair : device.pairs)
      add_of_device(kPairs, {{"pair", pair.pair}, {"replaces", optional_value(pair.replaces)}});
    for (const MovedAccessToken& token : device.access_tokens) {
      add_of_device(kAccessTokens, {{"digest", token.digest},
                                    {"pair", optional_value(token.pair)},
                                    {"oauth", token.oauth},
                                    {"expires_ms", optional_value(token.expires_ms)}});
    }
    for (const MovedRefreshToken& token : device.refresh_tokens) {
      add_of_device(kRefreshTokens, {{"digest", token.digest},
                                     {"pair", token.pair},
                                     {"oauth", token.oauth},
                                     {"given_ms", token.given_ms}});
    }
    if (device.family) {
      add_of_device(kFamilies, {{"name", device.family->name}, {"key", device.family->key}});
    }
    for (const std::string& digest : device.old_tokens)
      add_of_device(kOldTokens, {{"digest", digest}});
  }

  void add_keys(const MovedDevice& device) {
    if (device.key_json) add_of_device(kDeviceKeys, {{"key_json", *device.key_json}});
    for (const MovedOneTimeKey& key : device.one_time_keys) {
      add_of_device(
          kOneTimeKeys,
          {{"algorithm", key.algorithm}, {"key_id", key.key_id}, {"key_json", key.key_json}});
    }
    for (const MovedFallbackKey& key : device.fallback_keys) {
      add_of_device(kFallbackKeys, {{"algorithm", key.algorithm},
                                    {"key_id", key.key_id},
                                    {"key_json", key.key_json},
                                    {"used", key.used}});
    }
    for (const MovedPusher& pusher : device.pushers) {
      add_of_device(kPushers, {{"app_id", pusher.app_id},
                               {"pushkey", pusher.pushkey},
                               {"pusher_json", pusher.pusher_json}});
    }
  }

  Outcome flush_when_full() {
    if (count_ < kRowsAtOnce) return {};
    return attempt([&] { flush(); });
  }

  void flush() {
    connection_.run("BEGIN");
    for (size_t table = 0; table < kTables; ++table) {
      if (rows_[table].empty()) continue;
      const std::string text = json::serialize(rows_[table]);
      connection_.ask(kInserts[table], Parameters(text));
      rows_[table].clear();
    }
    connection_.run("COMMIT");
    count_ = 0;
  }

  void set_last(const std::string& sequence, int64_t last) {
    connection_.ask("SELECT setval($1::text::regclass, greatest($2::bigint, 1), $2::bigint > 0)",
                    Parameters("matrix_devices." + sequence, last));
  }

  BlockingConnection connection_;
  MovedDatabase database_{};
  std::optional<AccountKey> key_;
  int64_t account_ = 0;
  std::string device_id_;
  std::array<json::array, kTables> rows_;
  size_t count_ = 0;
};

}  // namespace

std::unique_ptr<Importer> begin_database(const Target& target) {
  return std::make_unique<DatabaseImporter>(target);
}

}  // namespace mxd::store::postgres
