// Whether a database is whole.
#include <absl/strings/str_cat.h>
#include <re2/re2.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "bindings/store/common/findings.h"
#include "bindings/store/postgres/migrations.h"
#include "bindings/store/postgres/schema.h"

namespace mxd::store::postgres {
namespace {

int64_t number(BlockingConnection& connection, const char* sql) {
  return connection.ask(sql).integer(0, 0);
}

// ---- The schema ----

struct Schema {
  std::map<std::string, std::set<std::string>> tables;  // with their columns
  std::set<std::string> indexes;
  std::set<std::string> functions;
};

// What the migrations make, in the layout that they are written in.
void read_sql(std::string_view sql, Schema& schema) {
  static const RE2 a_table(R"((?:^|\n)CREATE (?:UNLOGGED )?TABLE matrix_devices\.(\w+) \(\n)");
  static const RE2 a_column(R"(  (?:([a-z]\w*) |[A-Z]).*\n)");
  static const RE2 an_index(R"((?:^|\n)CREATE (?:UNIQUE )?INDEX (\w+))");
  static const RE2 a_function(R"((?:^|\n)CREATE FUNCTION matrix_devices\.(\w+))");
  std::string name;
  re2::StringPiece rest(sql.data(), sql.size());
  while (RE2::FindAndConsume(&rest, a_table, &name)) {
    std::set<std::string>& columns = schema.tables[name];
    for (std::string column; RE2::Consume(&rest, a_column, &column);) {
      if (!column.empty()) columns.insert(column);
    }
  }
  for (rest = {sql.data(), sql.size()}; RE2::FindAndConsume(&rest, an_index, &name);)
    schema.indexes.insert(name);
  for (rest = {sql.data(), sql.size()}; RE2::FindAndConsume(&rest, a_function, &name);)
    schema.functions.insert(name);
}

Schema current_schema() {
  Schema schema;
  for (const Migration& migration : kMigrations) {
    for (const char* const sql : migration.sql) {
      if (sql != nullptr) read_sql(sql, schema);
    }
  }
  return schema;
}

std::set<std::string> names(BlockingConnection& connection, const char* sql) {
  std::set<std::string> found;
  const Rows rows = connection.ask(sql);
  for (int row = 0; row < rows.count(); ++row)
    found.emplace(rows.text(row, 0));
  return found;
}

void examine_schema(BlockingConnection& connection, const Schema& schema, Findings& findings) {
  look_at("schema", "every table, index and function is there", findings, [&](auto&& problem) {
    const std::set<std::string> columns =
        names(connection,
              "SELECT c.relname || '.' || a.attname FROM pg_class AS c JOIN pg_attribute AS a"
              " ON a.attrelid = c.oid WHERE c.relnamespace = 'matrix_devices'::regnamespace"
              " AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped");
    const std::set<std::string> indexes =
        names(connection,
              "SELECT c.relname::text FROM pg_class AS c JOIN pg_index AS i ON i.indexrelid = c.oid"
              " WHERE c.relnamespace = 'matrix_devices'::regnamespace AND i.indisvalid");
    const std::set<std::string> functions =
        names(connection,
              "SELECT proname::text FROM pg_proc"
              " WHERE pronamespace = 'matrix_devices'::regnamespace");
    for (const auto& [table, needed] : schema.tables) {
      for (const std::string& column : needed) {
        if (!columns.contains(absl::StrCat(table, ".", column))) {
          problem(absl::StrCat("the column ", column, " of the table ", table, " is missing",
                               kRestore));
        }
      }
    }
    for (const std::string& index : schema.indexes) {
      if (!indexes.contains(index)) {
        problem("the index " + index + " is missing or not valid: make it again, or REINDEX it");
      }
    }
    for (const std::string& function : schema.functions) {
      if (!functions.contains(function)) {
        problem("the function " + function + " is missing" + kRestore);
      }
    }
  });
}

// Whether this role may do what a server does; false: it can't be looked further.
bool examine_rights(BlockingConnection& connection, const Schema& schema, Findings& findings) {
  bool may_read = true;
  const std::string well = "the role " + connection.user() + " may do what a server does";
  look_at("rights", well.c_str(), findings, [&](auto&& problem) {
    const std::string give = ": give it the rights that docs/postgresql.md lists";
    for (const auto& [table, columns] : schema.tables) {
      const Rows rows = connection.ask(
          "SELECT c.relname::text, has_table_privilege(c.oid, 'SELECT'),"
          " has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE')"
          " AND has_table_privilege(c.oid, 'DELETE') FROM pg_class AS c"
          " WHERE c.relnamespace = 'matrix_devices'::regnamespace AND c.relname = $1::text",
          Parameters(table));
      if (rows.empty()) continue;
      may_read = may_read && rows.flag(0, 1);
      if (!rows.flag(0, 1) || !rows.flag(0, 2)) {
        problem(absl::StrCat("the role ", connection.user(), " may not read and write the table ",
                             table, give));
      }
    }
    const std::set<std::string> sequences =
        names(connection,
              // In this order: of what is no sequence, asking for the right is an error.
              "SELECT relname::text FROM pg_class WHERE relnamespace ="
              " 'matrix_devices'::regnamespace AND CASE WHEN relkind = 'S'"
              " THEN NOT has_sequence_privilege(oid, 'USAGE') ELSE false END");
    for (const std::string& sequence : sequences) {
      problem(absl::StrCat("the role ", connection.user(), " may not use the sequence ", sequence,
                           give));
    }
    const std::set<std::string> functions =
        names(connection,
              "SELECT proname::text FROM pg_proc WHERE pronamespace ="
              " 'matrix_devices'::regnamespace AND NOT has_function_privilege(oid, 'EXECUTE')");
    for (const std::string& function : functions) {
      problem(absl::StrCat("the role ", connection.user(), " may not call the function ", function,
                           give));
    }
  });
  return may_read;
}

// ---- The rows ----

// Each statement counts what should not be.
using Mistakes = std::pair<const char*, const char*>;

constexpr Mistakes kOrphans[] = {
    {"devices of an account",
     "SELECT count(*) FROM matrix_devices.devices AS d WHERE NOT EXISTS (SELECT"
     " FROM matrix_devices.accounts AS a WHERE a.account = d.account)"},
    {"addresses of an account",
     "SELECT count(*) FROM matrix_devices.user_threepids AS t WHERE NOT EXISTS (SELECT"
     " FROM matrix_devices.accounts AS a WHERE a.account = t.account)"},
    {"changes of the devices of an account",
     "SELECT count(*) FROM matrix_devices.device_list_changes AS c WHERE NOT EXISTS (SELECT"
     " FROM matrix_devices.accounts AS a WHERE a.account = c.account)"},
    {"tokens of a pair",
     "SELECT (SELECT count(*) FROM matrix_devices.access_tokens AS t WHERE t.pair IS NOT NULL AND"
     " NOT EXISTS (SELECT FROM matrix_devices.token_pairs AS p WHERE p.account = t.account"
     " AND p.pair = t.pair)) + (SELECT count(*) FROM matrix_devices.refresh_tokens AS t WHERE"
     " NOT EXISTS (SELECT FROM matrix_devices.token_pairs AS p WHERE p.account = t.account"
     " AND p.pair = t.pair))"}};

// What hangs off a device.
constexpr const char* kOfDevices[] = {
    "access_tokens", "refresh_tokens", "token_pairs",   "token_families", "old_tokens",
    "device_keys",   "one_time_keys",  "fallback_keys", "pushers",        "to_device_inbox"};

constexpr Mistakes kMistakes[] = {
    {"accounts of another server",
     "SELECT count(*) FROM matrix_devices.accounts AS a, matrix_devices.store AS s"
     " WHERE substr(a.user_id, strpos(a.user_id, ':') + 1) <> s.server_name"},
    {"user IDs that two accounts have",
     "SELECT count(*) FROM (SELECT FROM matrix_devices.accounts GROUP BY user_id"
     " HAVING count(*) > 1) AS twice"},
    {"tokens of another device than the pair that they are of",
     "SELECT (SELECT count(*) FROM matrix_devices.access_tokens AS t"
     " JOIN matrix_devices.token_pairs AS p USING (account, pair) WHERE t.device_id <> p.device_id)"
     " + (SELECT count(*) FROM matrix_devices.refresh_tokens AS t"
     " JOIN matrix_devices.token_pairs AS p USING (account, pair)"
     " WHERE t.device_id <> p.device_id)"},
    {"deactivated accounts with a password or a device",
     "SELECT count(*) FROM matrix_devices.accounts AS a WHERE a.deactivated"
     " AND (a.password_hash IS NOT NULL OR EXISTS (SELECT FROM matrix_devices.devices AS d"
     " WHERE d.account = a.account))"},
    {"sessions of User-Interactive Authentication of a device that is not there",
     "SELECT count(*) FROM matrix_devices.uia_sessions AS s WHERE s.begun_with LIKE 'd%'"
     " AND NOT EXISTS (SELECT FROM matrix_devices.devices AS d WHERE d.account = s.account"
     " AND d.device_id = substr(s.begun_with, 2))"}};

void examine_foreign_keys(BlockingConnection& connection, Findings& findings) {
  look_at("foreign keys", "nothing refers to what is not there", findings, [&](auto&& problem) {
    const auto count = [&](const std::string& what, const char* sql) {
      const int64_t found = number(connection, sql);
      if (found != 0) problem(std::to_string(found) + " " + what + " that is not there" + kRestore);
    };
    for (const auto& [what, sql] : kOrphans)
      count(what, sql);
    for (const char* const table : kOfDevices) {
      const std::string sql = "SELECT count(*) FROM matrix_devices." + std::string(table) +
                              " AS t WHERE NOT EXISTS (SELECT FROM matrix_devices.devices AS d"
                              " WHERE d.account = t.account AND d.device_id = t.device_id)";
      count("rows of " + std::string(table) + " of a device", sql.c_str());
    }
  });
}

// Accounts that nobody would find: their number is not that of their user ID.
int64_t count_misnumbered(BlockingConnection& connection, const AccountKey& key) {
  int64_t count = 0;
  connection.run(
      "DECLARE numbers NO SCROLL CURSOR FOR SELECT account, user_id FROM matrix_devices.accounts");
  for (Rows rows; !(rows = connection.ask("FETCH 10000 FROM numbers")).empty();) {
    for (int row = 0; row < rows.count(); ++row)
      count += key.account_of(rows.text(row, 1)) != rows.integer(row, 0) ? 1 : 0;
  }
  connection.run("CLOSE numbers");
  return count;
}

void examine_consistency(BlockingConnection& connection, Findings& findings) {
  look_at("consistency", "accounts, devices, tokens and sessions agree", findings,
          [&](auto&& problem) {
            const auto tell = [&](const char* what, int64_t count) {
              if (count != 0) problem(std::to_string(count) + " " + what + kRestore);
            };
            for (const auto& [what, sql] : kMistakes)
              tell(what, number(connection, sql));
            const Rows key = connection.ask("SELECT account_key FROM matrix_devices.store");
            tell("accounts whose number is not that of their user ID",
                 count_misnumbered(connection, AccountKey(key.text(0, 0))));
          });
}

Outcome look(const Target& target, std::string_view server_name, Findings& findings) {
  BlockingConnection connection(target.connection_string, "the database can't be looked at");
  connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");  // all of it is of one moment
  if (connection.ask("SELECT to_regnamespace('matrix_devices') IS NULL").flag(0, 0)) {
    return {MXD_INVALID_ARGUMENT,
            "there is no schema matrix_devices in the database: name another one, or start the "
            "server first"};
  }
  if (!connection.ask("SELECT has_schema_privilege('matrix_devices', 'USAGE')").flag(0, 0)) {
    return {MXD_INVALID_ARGUMENT, "the role " + connection.user() +
                                      " may not use the schema matrix_devices: give it the rights "
                                      "that docs/postgresql.md lists"};
  }
  const Version version = read_version(connection);
  if (version.version == 0) {
    return {MXD_INVALID_ARGUMENT,
            "the schema matrix_devices is empty: name another database, or start the server first"};
  }
  const bool is_known =
      tell_version(version.version, kSchemaVersion, version.is_too_new(), findings);
  look_at("server name", "it is the database's", findings, [&](auto&& problem) {
    const Rows kept = connection.ask("SELECT server_name FROM matrix_devices.store");
    if (!server_name.empty() && server_name != kept.text(0, 0)) {
      problem(of_another_server(kept.text(0, 0), server_name));
    }
  });
  if (!is_known) return {};
  const Schema schema = current_schema();
  examine_schema(connection, schema, findings);
  const bool is_whole = !findings.back().is_problem;
  if (!examine_rights(connection, schema, findings) || !is_whole) return {};
  examine_foreign_keys(connection, findings);
  examine_consistency(connection, findings);
  return {};
}

}  // namespace
}  // namespace mxd::store::postgres

namespace mxd::store {

Outcome examine_store(const mxd_store_options& options,
                      absl::FunctionRef<int32_t(const mxd_store_finding&)> visit) {
  postgres::Target target;
  Outcome outcome = postgres::read_target(options, target);
  if (!succeeded(outcome.status)) return outcome;
  Findings findings;
  try {
    outcome = postgres::look(target, text(options.server_name), findings);
  } catch (const postgres::Failed& failed) {
    outcome = failed.outcome();
  }
  return succeeded(outcome.status) ? tell_findings(findings, visit) : outcome;
}

}  // namespace mxd::store
