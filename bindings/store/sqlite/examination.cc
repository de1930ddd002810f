#include "bindings/store/sqlite/examination.h"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <tuple>
#include <vector>

#include "bindings/store/common/findings.h"
#include "bindings/store/common/text.h"
#include "bindings/store/sqlite/connection.h"
#include "bindings/store/sqlite/migrations.h"
#include "bindings/store/sqlite/schema.h"
#include "bindings/store/sqlite/status.h"

namespace mxd::store::sqlite {
namespace {

// What fails is a problem, too.
template <class Look>
void examine(const char* subject, const char* well, Findings& findings, Look&& look) {
  look_at(subject, well, findings, [&](auto&& problem) {
    try {
      look(problem);
    } catch (const SQLite::Exception& error) {
      problem(std::string(error.what()) + kRestore);
    }
  });
}

int64_t number(SQLite::Database& database, const std::string& sql) {
  return database.execAndGet(sql).getInt64();
}

// Tables and indexes by name, with their columns. Those of others are theirs.
std::map<std::string, std::string> read_schema(SQLite::Database& database) {
  SQLite::Statement rows(database,
                         "SELECT s.type || ' ' || s.name,"
                         " CASE s.type WHEN 'index'"
                         " THEN (SELECT group_concat(name) FROM pragma_index_info(s.name))"
                         " ELSE (SELECT group_concat(name) FROM pragma_table_xinfo(s.name)) END"
                         " FROM sqlite_schema s WHERE s.name NOT LIKE 'sqlite~_%' ESCAPE '~'");
  std::map<std::string, std::string> schema;
  while (rows.executeStep())
    schema.emplace(rows.getColumn(0).getString(), rows.getColumn(1).getString());
  return schema;
}

std::map<std::string, std::string> current_schema() {
  SQLite::Database database(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  database.exec("CREATE TEMP TABLE migration AS SELECT 0 AS now_ms, x'' AS account_key");
  for (const char* migration : kMigrations)
    database.exec(migration);
  return read_schema(database);
}

void examine_schema(SQLite::Database& database, Findings& findings) {
  examine("schema", "every table and index is there", findings, [&](auto&& problem) {
    const std::map<std::string, std::string> found = read_schema(database);
    for (const auto& [name, columns] : current_schema()) {
      const auto at = found.find(name);
      if (at == found.end()) problem("the " + name + " is missing" + kRestore);
      if (at != found.end() && at->second != columns) {
        problem("the " + name + " has other columns than it should" + kRestore);
      }
    }
  });
}

void examine_integrity(SQLite::Database& database, Findings& findings) {
  examine("integrity", "the pages, indexes and constraints are sound", findings,
          [&](auto&& problem) {
            SQLite::Statement rows(database, "PRAGMA integrity_check(10)");
            while (rows.executeStep()) {
              const std::string said = rows.getColumn(0).getString();
              if (said != "ok") problem(said + kRestore);
            }
          });
}

void examine_foreign_keys(SQLite::Database& database, Findings& findings) {
  examine("foreign keys", "nothing refers to what is not there", findings, [&](auto&& problem) {
    SQLite::Statement rows(database,
                           "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check"
                           " GROUP BY 1, 2");
    while (rows.executeStep()) {
      problem(rows.getColumn(2).getString() + " rows of " + rows.getColumn(0).getString() +
              " refer to " + rows.getColumn(1).getString() + " that are not there" + kRestore);
    }
  });
}

// What no foreign key sees to. Each statement counts what should not be.
void examine_consistency(SQLite::Database& database, Findings& findings) {
  static constexpr std::pair<const char*, const char*> kMistakes[] = {
      {"accounts of another server",
       "SELECT count(*) FROM accounts, store"
       " WHERE substr(user_id, instr(user_id, ':') + 1) <> server_name"},
      {"tokens of another device than the pair that they are of",
       "SELECT (SELECT count(*) FROM access_tokens t JOIN token_pairs p USING (pair)"
       " WHERE t.device <> p.device) + (SELECT count(*) FROM refresh_tokens t"
       " JOIN token_pairs p USING (pair) WHERE t.device <> p.device)"},
      {"deactivated accounts with a password or a device",
       "SELECT count(*) FROM accounts a WHERE deactivated AND (password_hash IS NOT NULL OR EXISTS"
       " (SELECT 1 FROM devices d WHERE d.account = a.account AND d.device > a.gone_through))"},
      {"sessions of User-Interactive Authentication of a device that is not there",
       "SELECT count(*) FROM uia_sessions s WHERE begun_with GLOB 'd*' AND NOT EXISTS (SELECT 1"
       " FROM accounts a JOIN devices d USING (account) WHERE a.user_id = s.user_id"
       " AND s.begun_with = 'd' || d.device_id AND d.device > a.gone_through)"}};
  examine("consistency", "accounts, devices, tokens and sessions agree", findings,
          [&](auto&& problem) {
            if (number(database, "SELECT count(*) FROM store") != 1) {
              problem(std::string("the server name is missing") + kRestore);
            }
            for (const auto& [what, sql] : kMistakes) {
              const int64_t count = number(database, sql);
              if (count != 0) problem(std::to_string(count) + " " + what + kRestore);
            }
          });
}

// Whose it is and which version. False: the schema is not the one that is known here.
bool examine_version(SQLite::Database& database, std::string_view server_name, Findings& findings) {
  const auto version = number(database, "PRAGMA user_version");
  const bool is_known = tell_version(version, kSchemaVersion, version > kSchemaVersion, findings);
  examine("server name", "it is the database's", findings, [&](auto&& problem) {
    const std::string kept = database.execAndGet("SELECT server_name FROM store").getString();
    if (!server_name.empty() && server_name != kept) {
      problem(of_another_server(kept, server_name));
    }
  });
  return is_known;
}

void examine_files(const std::string& path, Findings& findings) {
  examine("files", "only their owner can read them", findings, [&](auto&& problem) {
    struct stat database;
    if (::stat(path.c_str(), &database) != 0) return problem("the file is gone: put it back");
    for (const char* suffix : {"", "-wal", "-shm", "-reserve"}) {
      const std::string file = path + suffix;
      struct stat found;
      if (::stat(file.c_str(), &found) != 0) continue;
      const std::string name = std::filesystem::path(file).filename().string();
      if ((found.st_mode & 077) != 0) {
        std::array<char, 8> mode;
        std::snprintf(mode.data(), mode.size(), "%04o",
                      static_cast<unsigned>(found.st_mode & 07777));
        problem(name + " is open to others (mode " + mode.data() + "): chmod 600 it");
      }
      if (found.st_uid != database.st_uid) {
        problem(name + " belongs to somebody else than the database: chown it to its owner");
      }
    }
    const std::string directory = std::filesystem::path(path).parent_path().string();
    struct stat found;
    if (::stat(directory.c_str(), &found) != 0) return;
    if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (found.st_mode & S_ISVTX) == 0) {
      problem("others may replace files in the directory " + directory + ": chmod go-w it");
    }
  });
}

// "file:…?immutable=1": nobody has it open, and nothing is made beside it.
std::string immutable_url(const std::string& path) {
  std::string url = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      std::array<char, 4> escaped;
      std::snprintf(escaped.data(), escaped.size(), "%%%02X", static_cast<unsigned>(c));
      url += escaped.data();
    } else {
      url += c;
    }
  }
  return url + "?immutable=1";
}

// Whether the file stays as it is while it is looked at, if nobody has it open.
using Stamp = std::tuple<bool, int64_t, int64_t, int64_t>;
Stamp stamp_of(const std::string& path) {
  struct stat found {};
  ::stat(path.c_str(), &found);
  struct stat log;
  const bool is_open = ::stat((path + "-wal").c_str(), &log) == 0;
  return {is_open, found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
}

Outcome look(const std::string& path, bool is_open, std::string_view server_name,
             Findings& findings) {
  try {
    SQLite::Database database =
        is_open ? SQLite::Database(path, SQLite::OPEN_READONLY, kBusyTimeoutMs)
                : SQLite::Database(immutable_url(path), SQLite::OPEN_READONLY | SQLite::OPEN_URI);
    database.exec("BEGIN");  // all of it is of one moment
    if (number(database, "PRAGMA application_id") != kApplicationId) {
      return {MXD_INVALID_ARGUMENT,
              "the database is empty or belongs to another application: name another file"};
    }
    const bool is_known = examine_version(database, server_name, findings);
    if (is_known) examine_schema(database, findings);
    examine_integrity(database, findings);
    examine_foreign_keys(database, findings);
    if (is_known) examine_consistency(database, findings);
  } catch (const SQLite::Exception& error) {
    return outcome_of_opening(error);
  }
  examine_files(path, findings);
  return {};
}

}  // namespace

Outcome examine_file(const std::string& given_path, std::string_view server_name,
                     absl::FunctionRef<int32_t(const mxd_store_finding&)> visit) {
  std::error_code error;
  const std::string path = std::filesystem::canonical(given_path, error).string();
  if (error) {
    return {MXD_INVALID_ARGUMENT,
            "there is no such database (" + error.message() + "): correct its name"};
  }
  if (!std::filesystem::is_regular_file(path, error)) {
    return {MXD_INVALID_ARGUMENT, "the database is no regular file: name another one"};
  }
  Findings findings;
  Stamp before;
  do {
    findings.clear();
    before = stamp_of(path);
    const bool is_open = std::get<0>(before);
    Outcome outcome = look(path, is_open, server_name, findings);
    if (!succeeded(outcome.status)) return outcome;
    if (is_open) break;
  } while (stamp_of(path) != before);  // somebody has begun to write
  return tell_findings(findings, visit);
}

}  // namespace mxd::store::sqlite
