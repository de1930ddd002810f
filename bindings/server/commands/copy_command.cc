#include <sodium.h>
#include <unistd.h>

#include <array>
#include <boost/json/parse.hpp>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>

#include "bindings/common/database_url.h"
#include "bindings/server/commands/account.h"
#include "bindings/server/commands/command.h"
#include "bindings/server/commands/failure.h"
#include "bindings/server/commands/interruption.h"
#include "bindings/server/commands/output.h"
#include "bindings/server/database_choice.h"

namespace mxd::server {
namespace {

void describe_one(CLI::App& app, DatabaseOptions& options, const std::string& name,
                  const std::string& which) {
  app.add_option("--" + name, options.database,
                 "The database " + which + ": a SQLite file, or the URL or libpq key words of one")
      ->type_name("FILE|URL")
      ->required();
  app.add_option("--" + name + "-password-file", options.database_password_file,
                 "The first line of this file is its password, where it is PostgreSQL's")
      ->type_name("FILE");
  app.add_option("--" + name + "-store", options.store_file,
                 "The library that opens it; by default the one for its URL")
      ->type_name("LIBRARY");
}

void describe(CLI::App& app, OperatorOptions& options) {
  describe_one(app, options.from, "from", "that is copied");
  describe_one(app, options.to, "to", "that is made");
}

const char* mistake(const OperatorOptions& options) {
  return common::holds_password(options.from.database) ||
                 common::holds_password(options.to.database)
             ? "--from or --to holds a password, which everybody can see in the list of "
               "processes: leave it out, and put it into a file for --from-password-file or "
               "--to-password-file, or into ~/.pgpass"
             : nullptr;
}

// What an export was: how many of each, and a digest of all of it.
class Tally {
 public:
  explicit Tally(const char* doing) : doing_(doing) { crypto_hash_sha256_init(&hash_); }

  int32_t add(mxd_view record) noexcept {
    if (is_interrupted()) return MXD_CANCELLED;
    crypto_hash_sha256_update(&hash_, reinterpret_cast<const unsigned char*>(record.data),
                              record.size);
    crypto_hash_sha256_update(&hash_, reinterpret_cast<const unsigned char*>("\n"), 1);
    try {
      count(text(record));
    } catch (const std::exception&) {
      return MXD_BAD_DATA;
    }
    return MXD_OK;
  }

  // Once.
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest() {
    if (is_shown_) std::cerr << "\n";
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest;
    crypto_hash_sha256_final(&hash_, digest.data());
    return digest;
  }

  int64_t accounts = 0;
  int64_t devices = 0;
  int64_t messages = 0;

 private:
  static constexpr int64_t kRecordsAStep = 1000;

  void count(std::string_view record) {
    const boost::json::value parsed = boost::json::parse({record.data(), record.size()});
    const boost::json::string& type = parsed.as_object().at("type").as_string();
    if (type == "account") ++accounts;
    if (type == "device") ++devices;
    if (type == "message") ++messages;
    if (is_shown_ && (++records_ % kRecordsAStep == 0 || type == "end")) {
      std::cerr << "\r" << doing_ << ": " << count_of(accounts, "account") << ", "
                << count_of(devices, "device") << std::flush;
    }
  }

  const char* const doing_;
  const bool is_shown_ = is_terminal(STDERR_FILENO);
  int64_t records_ = 0;
  crypto_hash_sha256_state hash_;
};

// Out of one database into the other.
struct Copying {
  explicit Copying(const Store::Options& of) : from(of) {}

  const Store::Options& from;
  Tally tally{"copy"};
  Store::Said exported;

  // Of the import that asks for them.
  mxd_store_take_record take = nullptr;
  mxd_cookie to = 0;

  int32_t give() noexcept {
    try {
      exported = Store::export_records(
          from,
          [](mxd_cookie cookie, mxd_view record) noexcept {
            Copying& at = *reinterpret_cast<Copying*>(cookie);
            const int32_t status = at.tally.add(record);
            return status == MXD_OK ? at.take(at.to, record) : status;
          },
          reinterpret_cast<mxd_cookie>(this));
    } catch (const std::exception& error) {
      exported.status = MXD_INVALID_ARGUMENT;
      copy_text(error.what());
    }
    return exported.status;
  }

 private:
  void copy_text(std::string_view what) noexcept {
    what.copy(exported.text.data(), exported.text.size() - 1);
  }
};

[[noreturn]] void fail(const Store::Said& said, const std::string& database) {
  const std::string why =
      said.text[0] != '\0' ? said.text.data() : "failed with status " + std::to_string(said.status);
  throw Failure(said.status == MXD_BUSY ? kRefused : kFailed,
                common::without_passwords(database) + ": " + why);
}

int copy(const OperatorOptions& options) {
  const Store::Options from = database_of(options.from);
  const Store::Options to = database_of(options.to);
  if (sodium_init() < 0) throw Failure(kFailed, "the system gives no randomness");
  note_interruptions();
  Copying copying(from);
  const Store::Said imported = Store::import_records(
      to,
      [](mxd_cookie cookie, mxd_store_take_record take, mxd_cookie into) noexcept {
        Copying& at = *reinterpret_cast<Copying*>(cookie);
        at.take = take;
        at.to = into;
        return at.give();
      },
      reinterpret_cast<mxd_cookie>(&copying));
  const auto sent = copying.tally.digest();
  if (is_interrupted()) end_by_interruption();
  if (copying.exported.text[0] != '\0') fail(copying.exported, from.url);
  if (imported.status != MXD_OK) fail(imported, to.url);

  Tally again("compare");
  const Store::Said compared = Store::export_records(
      to,
      [](mxd_cookie cookie, mxd_view record) noexcept {
        return reinterpret_cast<Tally*>(cookie)->add(record);
      },
      reinterpret_cast<mxd_cookie>(&again));
  const auto kept = again.digest();
  if (is_interrupted()) end_by_interruption();
  if (compared.status != MXD_OK) fail(compared, to.url);
  if (kept != sent) {
    throw Failure(kFailed, common::without_passwords(to.url) +
                               ": what is in it is not what was copied (is a server using it "
                               "already?): remove it, and copy again");
  }
  if (options.json) {
    print_json(
        {{"accounts", again.accounts}, {"devices", again.devices}, {"messages", again.messages}});
  } else {
    print_line("copied and compared: " + count_of(again.accounts, "account") + ", " +
               count_of(again.devices, "device") + ", " + count_of(again.messages, "message"));
  }
  return kDone;
}

constexpr CommandEntry kCommands[] = {
    {"", "copy",
     "Make a database out of another one, of the same engine or of another: accounts, devices, "
     "tokens, keys, messages. Stop the servers first: what they write while it runs is not in "
     "the copy. It is refused where there is a database already; in the end what was written is "
     "read and compared.",
     "copy --from devices.db --to postgresql://matrix_devices@db.example.org/matrix_devices\n"
     "copy --from postgresql:///matrix_devices --to devices.db",
     describe, mistake, copy, true},
};

}  // namespace

std::span<const CommandEntry> copy_commands() {
  return kCommands;
}

}  // namespace mxd::server
