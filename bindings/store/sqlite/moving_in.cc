// A file made out of records.
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>

#include "bindings/store/common/account_key.h"
#include "bindings/store/common/moving.h"
#include "bindings/store/sqlite/connection.h"
#include "bindings/store/sqlite/moving.h"
#include "bindings/store/sqlite/new_file.h"
#include "bindings/store/sqlite/schema.h"
#include "bindings/store/sqlite/status.h"

namespace mxd::store::sqlite {
namespace {

constexpr int kRecordsAtOnce = 10'000;

// All of it is in a file of another name, which takes its own at the end.
class FileImporter final : public Importer {
 public:
  FileImporter(const std::string& path, int64_t now_ms) : file_(path), now_ms_(now_ms) {}

  ~FileImporter() override {
    connection_.reset();
    for (const char* suffix : {"-wal", "-shm", "-journal"})
      ::unlink((file_.name() + suffix).c_str());
  }

  int error() const { return file_.error(); }

  Outcome take(const MovedDatabase& database) override {
    std::string server_name = database.server_name;
    std::optional<AccountKey> made;
    Outcome outcome = prepare_file(file_.name(), server_name, made, now_ms_);
    if (!succeeded(outcome.status)) return outcome;
    return attempt([&] {
      connection_ = std::make_unique<Connection>(file_.name(), Connection::Mode::kWrite);
      connection_->database().exec("PRAGMA synchronous = OFF");  // finish() does it once
      connection_->database().exec("BEGIN");
      Query(*connection_, "UPDATE store SET account_key = ?1",
            Blob{from_base64(database.account_key)})
          .execute();
      last_ = database;
    });
  }

  Outcome take(const MovedAccount& account) override {
    return attempt([&] {
      Query(*connection_,
            "INSERT INTO accounts (user_id, password_hash, guest, service_id, locked, suspended,"
            " deactivated, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            account.user_id, account.password_hash, account.guest, account.service_id,
            account.locked, account.suspended, account.deactivated, account.created_ms)
          .execute();
      account_ = last_row();
      for (const MovedThreepid& threepid : account.threepids) {
        Query(*connection_, "INSERT INTO user_threepids VALUES (?1, ?2, ?3)", threepid.medium,
              threepid.address, account_)
            .execute();
      }
      if (account.device_list_change) {
        Query(*connection_, "INSERT INTO device_list_changes VALUES (?1, ?2)",
              *account.device_list_change, account_)
            .execute();
      }
    });
  }

  Outcome take(const MovedDevice& device) override {
    return attempt([&] {
      Query(*connection_,
            "INSERT INTO devices (account, device_id, display_name, last_seen_ip, last_seen_ms,"
            " validated_ms, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            account_, device.device_id, device.display_name, device.last_seen_ip,
            device.last_seen_ms, device.validated_ms, device.created_ms)
          .execute();
      device_ = last_row();
      insert_tokens(device);
      insert_keys(device);
    });
  }

  Outcome take(const MovedMessage& message) override {
    return attempt([&] {
      Query(*connection_, "INSERT INTO to_device_inbox VALUES (?1, ?2, ?3)", message.number,
            device_, message.message_json)
          .execute();
    });
  }

  Outcome finish() override {
    Outcome outcome = attempt([&] {
      set_last("token_pairs", last_.last_pair);
      set_last("to_device_inbox", last_.last_message);
      set_last("device_list_changes", last_.last_device_list_change);
      connection_->database().exec("COMMIT");
      connection_->database().exec("PRAGMA wal_checkpoint(TRUNCATE)");
      connection_.reset();
    });
    if (!succeeded(outcome.status)) return outcome;
    const int error = file_.put_in_place(false);
    if (error == 0) return {};
    if (error == EEXIST) return there_is_one();
    return {MXD_UNAVAILABLE, "the database can't be put in its place: " + file_error(error)};
  }

  static Outcome there_is_one() {
    return {MXD_BUSY, "there is a file of this name already: name another one, or remove it"};
  }

 private:
  template <class Insert>
  Outcome attempt(Insert insert) {
    try {
      insert();
      if (connection_ && ++records_ % kRecordsAtOnce == 0) {
        connection_->database().exec("COMMIT");
        connection_->database().exec("BEGIN");
      }
      return {};
    } catch (const SQLite::Exception& error) {
      return {status_of(error), std::string("the database can't be written: ") + error.what()};
    }
  }

  int64_t last_row() { return connection_->database().getLastInsertRowid(); }

  void insert_tokens(const MovedDevice& device) {
    for (const MovedPair& pair : device.pairs) {
      Query(*connection_, "INSERT INTO token_pairs VALUES (?1, ?2, ?3)", pair.pair, device_,
            std::optional<int64_t>())
          .execute();
    }
    // All are there now.
    for (const MovedPair& pair : device.pairs) {
      if (!pair.replaces) continue;
      Query(*connection_,
            "UPDATE token_pairs SET replaces = ?2 WHERE pair = ?1"
            " AND EXISTS (SELECT 1 FROM token_pairs WHERE pair = ?2)",
            pair.pair, *pair.replaces)
          .execute();
    }
    for (const MovedAccessToken& token : device.access_tokens) {
      Query(*connection_,
            "INSERT INTO access_tokens (digest, device, pair, oauth, expires_ms)"
            " VALUES (?1, ?2, ?3, ?4, ?5)",
            Blob{from_base64(token.digest)}, device_, token.pair, token.oauth, token.expires_ms)
          .execute();
    }
    for (const MovedRefreshToken& token : device.refresh_tokens) {
      Query(*connection_,
            "INSERT INTO refresh_tokens (digest, device, pair, oauth, given_ms)"
            " VALUES (?1, ?2, ?3, ?4, ?5)",
            Blob{from_base64(token.digest)}, device_, token.pair, token.oauth, token.given_ms)
          .execute();
    }
    if (device.family) {
      Query(*connection_, "INSERT INTO token_families (device, name, key) VALUES (?1, ?2, ?3)",
            device_, Blob{from_base64(device.family->name)}, Blob{from_base64(device.family->key)})
          .execute();
    }
    for (const std::string& digest : device.old_tokens) {
      Query(*connection_, "INSERT INTO old_tokens VALUES (?1, ?2)", Blob{from_base64(digest)},
            device_)
          .execute();
    }
  }

  void insert_keys(const MovedDevice& device) {
    if (device.key_json) {
      Query(*connection_, "INSERT INTO device_keys VALUES (?1, ?2)", device_, *device.key_json)
          .execute();
    }
    for (const MovedOneTimeKey& key : device.one_time_keys) {
      Query(*connection_, "INSERT INTO one_time_keys VALUES (?1, ?2, ?3, ?4)", device_,
            key.algorithm, key.key_id, key.key_json)
          .execute();
    }
    for (const MovedFallbackKey& key : device.fallback_keys) {
      Query(*connection_, "INSERT INTO fallback_keys VALUES (?1, ?2, ?3, ?4, ?5)", device_,
            key.algorithm, key.key_id, key.key_json, key.used)
          .execute();
    }
    for (const MovedPusher& pusher : device.pushers) {
      Query(*connection_,
            "INSERT INTO pushers (account, device, app_id, pushkey, pusher_json)"
            " VALUES (?1, ?2, ?3, ?4, ?5)",
            account_, device_, pusher.app_id, pusher.pushkey, pusher.pusher_json)
          .execute();
    }
  }

  void set_last(std::string_view table, int64_t last) {
    Query(*connection_, "DELETE FROM sqlite_sequence WHERE name = ?1", table).execute();
    Query(*connection_, "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", table, last)
        .execute();
  }

  NewFile file_;
  const int64_t now_ms_;
  std::unique_ptr<Connection> connection_;
  MovedDatabase last_{};
  int64_t account_ = 0;
  int64_t device_ = 0;
  int64_t records_ = 0;
};

}  // namespace

Outcome begin_file(const std::string& path, int64_t now_ms, std::unique_ptr<Importer>& importer) {
  if (::access(path.c_str(), F_OK) == 0) return FileImporter::there_is_one();
  auto made = std::make_unique<FileImporter>(path, now_ms);
  if (made->error() != 0) {
    return {MXD_INVALID_ARGUMENT, "no file can be made there: " + file_error(made->error()) +
                                      "; check the directory and its permissions"};
  }
  importer = std::move(made);
  return {};
}

}  // namespace mxd::store::sqlite
