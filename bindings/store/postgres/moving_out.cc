// Every record of a database.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bindings/store/postgres/blocking_connection.h"
#include "bindings/store/postgres/migrations.h"
#include "bindings/store/postgres/moving.h"
#include "bindings/store/postgres/schema.h"

namespace mxd::store::postgres {
namespace {

constexpr int64_t kAccountsAtOnce = 200;
constexpr int64_t kMessagesAtOnce = 1000;

std::optional<std::string> optional_string(const Rows& rows, int row, int column) {
  const std::optional<std::string_view> text = rows.optional_text(row, column);
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

std::string string(const Rows& rows, int row, int column) {
  return std::string(rows.text(row, column));
}

std::string base64(const Rows& rows, int row, int column) {
  return to_base64(rows.text(row, column));
}

// Some accounts, one after the other, with their devices.
struct Page {
  struct Device {
    MovedDevice moved;
    bool has_messages;
  };
  struct Account {
    int64_t number;
    MovedAccount moved;
    std::vector<Device> devices;  // by their IDs
    std::unordered_map<std::string, size_t> by_id;
  };

  std::vector<Account> accounts;  // by their user IDs
  std::unordered_map<int64_t, size_t> by_number;

  Account& account(int64_t number) { return accounts[by_number.at(number)]; }
  MovedDevice& device(const Rows& rows, int row) {
    Account& of = account(rows.integer(row, 0));
    return of.devices[of.by_id.at(string(rows, row, 1))].moved;
  }
};

class Reader {
 public:
  explicit Reader(BlockingConnection& connection) : connection_(connection) {}

  // The accounts after this user ID; none, at the end.
  Page read(const std::string& after) {
    Page page;
    read_accounts(after, page);
    std::vector<int64_t> numbers;
    for (const Page::Account& account : page.accounts)
      numbers.push_back(account.number);
    accounts_ = numbers;
    if (!numbers.empty()) {
      read_devices(page);
      read_tokens(page);
      read_keys(page);
    }
    return page;
  }

 private:
  // With account and device ID in the first two columns, where it is about devices.
  template <class Visit>
  void each(const char* sql, Visit visit) {
    const Rows rows = connection_.ask(sql, Parameters(accounts_));
    for (int row = 0; row < rows.count(); ++row)
      visit(rows, row);
  }

  void read_accounts(const std::string& after, Page& page) {
    const Rows rows = connection_.ask(
        "SELECT a.account, a.user_id, a.password_hash, a.guest, a.service_id, a.locked,"
        " a.suspended, a.deactivated, a.created_ms, c.stream FROM matrix_devices.accounts AS a"
        " LEFT JOIN matrix_devices.device_list_changes AS c USING (account)"
        " WHERE a.user_id > $1::text ORDER BY a.user_id LIMIT $2::bigint",
        Parameters(after, kAccountsAtOnce));
    for (int row = 0; row < rows.count(); ++row) {
      page.by_number.emplace(rows.integer(row, 0), page.accounts.size());
      page.accounts.push_back({rows.integer(row, 0),
                               {string(rows, row, 1),
                                optional_string(rows, row, 2),
                                rows.flag(row, 3),
                                optional_string(rows, row, 4),
                                rows.flag(row, 5),
                                rows.flag(row, 6),
                                rows.flag(row, 7),
                                rows.integer(row, 8),
                                rows.optional_integer(row, 9),
                                {}},
                               {},
                               {}});
    }
  }

  void read_devices(Page& page) {
    each(
        "SELECT account, medium, address FROM matrix_devices.user_threepids"
        " WHERE account = ANY ($1::bigint[])",
        [&](const Rows& rows, int row) {
          page.account(rows.integer(row, 0))
              .moved.threepids.push_back({string(rows, row, 1), string(rows, row, 2)});
        });
    each(
        "SELECT d.account, d.device_id, d.display_name, d.last_seen_ip, d.last_seen_ms,"
        " d.validated_ms, d.created_ms, EXISTS (SELECT FROM matrix_devices.to_device_inbox AS m"
        " WHERE m.account = d.account AND m.device_id = d.device_id)"
        " FROM matrix_devices.devices AS d WHERE d.account = ANY ($1::bigint[])"
        " ORDER BY d.account, d.device_id",
        [&](const Rows& rows, int row) {
          Page::Account& account = page.account(rows.integer(row, 0));
          MovedDevice moved{};
          moved.device_id = string(rows, row, 1);
          moved.display_name = optional_string(rows, row, 2);
          moved.last_seen_ip = optional_string(rows, row, 3);
          moved.last_seen_ms = rows.optional_integer(row, 4);
          moved.validated_ms = rows.optional_integer(row, 5);
          moved.created_ms = rows.integer(row, 6);
          account.by_id.emplace(moved.device_id, account.devices.size());
          account.devices.push_back({std::move(moved), rows.flag(row, 7)});
        });
  }

  void read_tokens(Page& page) {
    // A pair that is gone is the same as none.
    each(
        "SELECT p.account, p.device_id, p.pair, r.pair FROM matrix_devices.token_pairs AS p"
        " LEFT JOIN matrix_devices.token_pairs AS r"
        " ON r.account = p.account AND r.pair = p.replaces"
        " WHERE p.account = ANY ($1::bigint[])",
        [&](const Rows& rows, int row) {
          page.device(rows, row).pairs.push_back(
              {rows.integer(row, 2), rows.optional_integer(row, 3)});
        });
    each(
        "SELECT account, device_id, digest, pair, oauth, expires_ms"
        " FROM matrix_devices.access_tokens WHERE account = ANY ($1::bigint[])",
        [&](const Rows& rows, int row) {
          page.device(rows, row).access_tokens.push_back(
              {base64(rows, row, 2), rows.optional_integer(row, 3), rows.flag(row, 4),
               rows.optional_integer(row, 5)});
        });
    each(
        "SELECT account, device_id, digest, pair, oauth, given_ms"
        " FROM matrix_devices.refresh_tokens WHERE account = ANY ($1::bigint[])",
        [&](const Rows& rows, int row) {
          page.device(rows, row).refresh_tokens.push_back({base64(rows, row, 2),
                                                           rows.integer(row, 3), rows.flag(row, 4),
                                                           rows.integer(row, 5)});
        });
    each(
        "SELECT account, device_id, name, key FROM matrix_devices.token_families"
        " WHERE account = ANY ($1::bigint[])",
        [&](const Rows& rows, int row) {
          page.device(rows, row).family = MovedFamily{base64(rows, row, 2), base64(rows, row, 3)};
        });
    each(
        "SELECT account, device_id, digest FROM matrix_devices.old_tokens"
        " WHERE account = ANY ($1::bigint[])",
        [&](const Rows& rows, int row) {
          page.device(rows, row).old_tokens.push_back(base64(rows, row, 2));
        });
  }

  void read_keys(Page& page) {
    each(
        "SELECT account, device_id, key_json FROM matrix_devices.device_keys"
        " WHERE account = ANY ($1::bigint[])",
        [&](const Rows& rows, int row) { page.device(rows, row).key_json = string(rows, row, 2); });
    each(
        "SELECT account, device_id, algorithm, key_id, key_json"
        " FROM matrix_devices.one_time_keys WHERE account = ANY ($1::bigint[])",
        [&](const Rows& rows, int row) {
          page.device(rows, row).one_time_keys.push_back(
              {string(rows, row, 2), string(rows, row, 3), string(rows, row, 4)});
        });
    each(
        "SELECT account, device_id, algorithm, key_id, key_json, used"
        " FROM matrix_devices.fallback_keys WHERE account = ANY ($1::bigint[])",
        [&](const Rows& rows, int row) {
          page.device(rows, row).fallback_keys.push_back({string(rows, row, 2),
                                                          string(rows, row, 3),
                                                          string(rows, row, 4), rows.flag(row, 5)});
        });
    each(
        "SELECT account, device_id, app_id, pushkey, pusher_json FROM matrix_devices.pushers"
        " WHERE account = ANY ($1::bigint[])",
        [&](const Rows& rows, int row) {
          page.device(rows, row).pushers.push_back(
              {string(rows, row, 2), string(rows, row, 3), string(rows, row, 4)});
        });
  }

  BlockingConnection& connection_;
  std::span<const int64_t> accounts_;
};

bool export_messages(BlockingConnection& connection, int64_t account, const std::string& device_id,
                     Exporter& exporter) {
  int64_t after = -1;
  while (true) {
    const Rows rows = connection.ask(
        "SELECT stream, message_json FROM matrix_devices.to_device_inbox"
        " WHERE account = $1::bigint AND device_id = $2::text AND stream > $3::bigint"
        " ORDER BY stream LIMIT $4::bigint",
        Parameters(account, device_id, after, kMessagesAtOnce));
    if (rows.empty()) return true;
    for (int row = 0; row < rows.count(); ++row) {
      after = rows.integer(row, 0);
      if (!exporter.give(MovedMessage{after, string(rows, row, 1)})) return false;
    }
  }
}

bool export_page(BlockingConnection& connection, Page& page, Exporter& exporter) {
  for (Page::Account& account : page.accounts) {
    if (!exporter.give(account.moved)) return false;
    for (Page::Device& device : account.devices) {
      const std::string device_id = device.moved.device_id;
      if (!exporter.give(std::move(device.moved))) return false;
      if (device.has_messages &&
          !export_messages(connection, account.number, device_id, exporter)) {
        return false;
      }
    }
  }
  return true;
}

MovedDatabase read_database(BlockingConnection& connection) {
  const auto last = [&](const std::string& sequence) {
    const std::string sql =
        "SELECT CASE WHEN is_called THEN last_value ELSE 0::bigint END FROM " + sequence;
    return connection.ask(sql.c_str()).integer(0, 0);
  };
  const Rows store = connection.ask("SELECT server_name, account_key FROM matrix_devices.store");
  return {0,
          string(store, 0, 0),
          base64(store, 0, 1),
          last("matrix_devices.token_pairs_pair_seq"),
          last("matrix_devices.to_device_inbox_stream_seq"),
          last("matrix_devices.device_list_stream")};
}

bool export_all(BlockingConnection& connection, const MovedDatabase& database, Exporter& exporter) {
  if (!exporter.give(database)) return false;
  Reader reader(connection);
  std::string after;
  while (true) {
    Page page = reader.read(after);
    if (page.accounts.empty()) return exporter.end();
    after = page.accounts.back().moved.user_id;
    if (!export_page(connection, page, exporter)) return false;
  }
}

}  // namespace

Outcome export_database(const Target& target, std::string_view server_name, Exporter& exporter) {
  BlockingConnection connection(target.connection_string, "the database can't be read");
  connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");  // all of it is of one moment
  const Version version = read_version(connection);
  if (version.version == 0) {
    return {MXD_INVALID_ARGUMENT, "there is no schema matrix_devices: name another database"};
  }
  if (version.version != kSchemaVersion) {
    return {MXD_INVALID_ARGUMENT,
            "the database is of schema " + std::to_string(version.version) + ", not " +
                std::to_string(kSchemaVersion) +
                (version.version < kSchemaVersion ? ": sweep it first, which brings it up to date"
                                                  : ": update this program")};
  }
  const MovedDatabase database = read_database(connection);
  if (!server_name.empty() && server_name != database.server_name) {
    return {MXD_INVALID_ARGUMENT, "the database belongs to the server " + database.server_name +
                                      ", not to " + std::string(server_name)};
  }
  export_all(connection, database, exporter);
  return {exporter.status(), {}};
}

}  // namespace mxd::store::postgres
