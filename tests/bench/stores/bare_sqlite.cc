#include "tests/bench/stores/bare_sqlite.h"

#include <sodium.h>

#include <ctime>
#include <stdexcept>

#include "tests/bench/in_process/exchange.h"
#include "tests/bench/in_process/store_host.h"

namespace mxd::bench {
namespace {

int64_t now_ms() {
  std::timespec now;
  std::timespec_get(&now, TIME_UTC);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

constexpr int64_t kHourMs = 3'600'000;

// Texts and rows as the store reads them: every column of every row is looked at.
int step_all(sqlite3_stmt* statement) {
  int rows = 0;
  uint64_t seen = 0;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    ++rows;
    for (int column = 0; column < sqlite3_column_count(statement); ++column) {
      if (sqlite3_column_type(statement, column) == SQLITE_INTEGER) {
        seen += static_cast<uint64_t>(sqlite3_column_int64(statement, column));
      } else {
        sqlite3_column_text(statement, column);
        seen += static_cast<uint64_t>(sqlite3_column_bytes(statement, column));
      }
    }
  }
  asm volatile("" : : "r"(seen));
  return rows;
}

}  // namespace

std::string growth_user(int64_t user) {
  return "@growth" + std::to_string(user) + ":" + std::string(kServerName);
}

std::string growth_token(int64_t user) {
  return "mxa_growth" + std::to_string(user);
}

std::string digest_of(std::string_view token) {
  std::string digest(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()),
                     reinterpret_cast<const unsigned char*>(token.data()), token.size());
  return digest;
}

// One use of a prepared statement, reset at the end.
class BareSqlite::Statement {
 public:
  Statement(BareSqlite& bare, int number, const char* sql)
      : database_(bare.database_), statement_(bare.prepared(bare.statements_[number], sql)) {}
  ~Statement() { sqlite3_reset(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // What is bound has to live until the statement was run.
  Statement& text(std::string_view value) {
    sqlite3_bind_text(statement_, ++bound_, value.data(), static_cast<int>(value.size()),
                      SQLITE_STATIC);
    return *this;
  }
  Statement& blob(std::string_view value) {
    sqlite3_bind_blob(statement_, ++bound_, value.data(), static_cast<int>(value.size()),
                      SQLITE_STATIC);
    return *this;
  }
  Statement& integer(int64_t value) {
    sqlite3_bind_int64(statement_, ++bound_, value);
    return *this;
  }

  int rows() {
    const int rows = step_all(statement_);
    require_done();
    return rows;
  }
  int changes() {
    rows();
    return sqlite3_changes(database_);
  }

 private:
  void require_done() {
    if (sqlite3_errcode(database_) != SQLITE_DONE && sqlite3_errcode(database_) != SQLITE_OK) {
      throw std::runtime_error(sqlite3_errmsg(database_));
    }
  }

  sqlite3* database_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

BareSqlite::BareSqlite(const std::string& path) {
  if (sqlite3_open_v2(path.c_str(), &database_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                      nullptr) != SQLITE_OK) {
    throw std::runtime_error("sqlite3_open_v2: " + path);
  }
  sqlite3_busy_timeout(database_, 5000);
  run("PRAGMA synchronous = FULL");
  run("PRAGMA foreign_keys = ON");
  run("PRAGMA temp_store = MEMORY");
  run("CREATE TEMP TABLE doomed (device INTEGER PRIMARY KEY)");
}

BareSqlite::~BareSqlite() {
  for (sqlite3_stmt* statement : statements_)
    sqlite3_finalize(statement);
  sqlite3_close(database_);
}

sqlite3_stmt* BareSqlite::prepared(sqlite3_stmt*& kept, const char* sql) {
  if (kept == nullptr && sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &kept,
                                            nullptr) != SQLITE_OK) {
    throw std::runtime_error(std::string(sqlite3_errmsg(database_)) + ": " + sql);
  }
  return kept;
}

std::string BareSqlite::digest_of_token(std::string_view device_id) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(database_,
                     "SELECT digest FROM access_tokens JOIN devices USING (device)"
                     " WHERE device_id = ?1",
                     -1, &statement, nullptr);
  sqlite3_bind_text(statement, 1, device_id.data(), static_cast<int>(device_id.size()),
                    SQLITE_STATIC);
  std::string digest;
  if (sqlite3_step(statement) == SQLITE_ROW) {
    digest.assign(static_cast<const char*>(sqlite3_column_blob(statement, 0)),
                  static_cast<size_t>(sqlite3_column_bytes(statement, 0)));
  }
  sqlite3_finalize(statement);
  if (digest.empty()) throw std::runtime_error("the device has no token");
  return digest;
}

void BareSqlite::run(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw std::runtime_error(std::string(sqlite3_errmsg(database_)) + ": " + sql);
  }
}

int BareSqlite::authenticate(std::string_view token_digest) {
  return Statement(*this, 0,
                   "SELECT t.oauth, t.expires_ms, t.pair, p.replaces, d.device, d.device_id,"
                   " d.last_seen_ms, d.validated_ms, a.user_id, a.guest, a.locked, a.suspended"
                   " FROM access_tokens t JOIN devices d USING (device)"
                   " JOIN accounts a USING (account) LEFT JOIN token_pairs p USING (pair)"
                   " WHERE t.digest = ?1 AND d.device > a.gone_through")
      .blob(token_digest)
      .rows();
}

int BareSqlite::list(std::string_view user_id) {
  return Statement(*this, 1,
                   "SELECT d.device_id, d.display_name, d.last_seen_ip, d.last_seen_ms"
                   " FROM accounts a JOIN devices d USING (account)"
                   " WHERE a.user_id = ?1 AND d.device > a.gone_through ORDER BY d.device_id")
      .text(user_id)
      .rows();
}

int BareSqlite::get(std::string_view user_id, std::string_view device_id) {
  return Statement(*this, 2,
                   "SELECT d.device_id, d.display_name, d.last_seen_ip, d.last_seen_ms"
                   " FROM accounts a JOIN devices d USING (account)"
                   " WHERE a.user_id = ?1 AND d.device_id = ?2 AND d.device > a.gone_through")
      .text(user_id)
      .text(device_id)
      .rows();
}

int BareSqlite::rename(std::string_view user_id, std::string_view device_id,
                       std::string_view name) {
  return Statement(*this, 3,
                   "UPDATE devices AS d SET display_name = coalesce(?3, display_name)"
                   " FROM accounts a WHERE a.user_id = ?1 AND d.account = a.account"
                   " AND d.device_id = ?2 AND d.device > a.gone_through")
      .text(user_id)
      .text(device_id)
      .text(name)
      .changes();
}

void BareSqlite::remove(std::string_view user_id, std::string_view ids_json) {
  Statement(*this, 4,
            "INSERT OR IGNORE INTO doomed SELECT d.device FROM accounts a"
            " CROSS JOIN json_each(?2) AS id"
            " CROSS JOIN devices d ON d.account = a.account AND d.device_id = id.value"
            " AND d.device > a.gone_through WHERE a.user_id = ?1")
      .text(user_id)
      .text(ids_json)
      .changes();
  Statement(*this, 5,
            "DELETE FROM uia_sessions WHERE session IN (SELECT s.session FROM accounts a"
            " CROSS JOIN uia_sessions s ON s.user_id = a.user_id"
            " CROSS JOIN devices d ON d.account = a.account AND s.begun_with = 'd' || d.device_id"
            " CROSS JOIN doomed USING (device) WHERE a.user_id = ?1)")
      .text(user_id)
      .changes();
  Statement(*this, 6,
            "REPLACE INTO device_list_changes (account)"
            " SELECT account FROM accounts WHERE user_id = ?1")
      .text(user_id)
      .changes();
  int number = 7;
  for (const char* sql :
       {"DELETE FROM access_tokens WHERE device IN (SELECT device FROM doomed)",
        "DELETE FROM refresh_tokens WHERE device IN (SELECT device FROM doomed)",
        "DELETE FROM token_pairs WHERE device IN (SELECT device FROM doomed)",
        "DELETE FROM devices WHERE device IN (SELECT device FROM doomed)", "DELETE FROM doomed"}) {
    Statement(*this, number++, sql).changes();
  }
}

void BareSqlite::create_session(std::string_view id_digest, std::string_view user_id,
                                std::string_view begun_with, std::string_view state) {
  const int64_t now = now_ms();
  Statement(*this, 12, "DELETE FROM uia_sessions WHERE user_id = ?1 AND expires_ms <= ?2")
      .text(user_id)
      .integer(now)
      .changes();
  Statement(*this, 13,
            "DELETE FROM uia_sessions WHERE session IN (SELECT session FROM uia_sessions"
            " WHERE user_id = ?1 ORDER BY CASE WHEN finished THEN 2 WHEN begun_with = ?2 THEN 0"
            " ELSE 1 END, session"
            " LIMIT max(0, (SELECT count(*) FROM uia_sessions WHERE user_id = ?1) - 31))")
      .text(user_id)
      .text(begun_with)
      .changes();
  Statement(*this, 14,
            "INSERT INTO uia_sessions (id_digest, user_id, begun_with, expires_ms, state)"
            " VALUES (?1, ?2, ?3, ?4, ?5)")
      .blob(id_digest)
      .text(user_id)
      .text(begun_with)
      .integer(now + kHourMs)
      .blob(state)
      .changes();
}

int BareSqlite::load_session(std::string_view id_digest) {
  return Statement(*this, 15,
                   "SELECT revision, state FROM uia_sessions"
                   " WHERE id_digest = ?1 AND expires_ms > ?2")
      .blob(id_digest)
      .integer(now_ms())
      .rows();
}

int BareSqlite::replace_session(std::string_view id_digest, int64_t revision,
                                std::string_view state) {
  return Statement(*this, 16,
                   "UPDATE uia_sessions SET state = ?3, expires_ms = ?4, finished = 0,"
                   " revision = revision + 1 WHERE id_digest = ?1 AND revision = ?2")
      .blob(id_digest)
      .integer(revision)
      .blob(state)
      .integer(now_ms() + kHourMs)
      .changes();
}

void BareSqlite::add_devices(std::string_view user_id, int64_t first, int64_t count) {
  begin();
  Statement(*this, 17,
            "INSERT INTO devices (account, device_id, display_name, created_ms)"
            " SELECT account, printf('DEVICE%05d', number), 'A phone', 0 FROM accounts,"
            " (WITH RECURSIVE n(number) AS (SELECT ?2 UNION ALL SELECT number + 1 FROM n"
            " WHERE number < ?3) SELECT number FROM n) WHERE user_id = ?1")
      .text(user_id)
      .integer(first)
      .integer(first + count - 1)
      .changes();
  Statement(*this, 18,
            "INSERT INTO access_tokens (digest, device, oauth) SELECT randomblob(32), device, 0"
            " FROM devices d WHERE NOT EXISTS"
            " (SELECT 1 FROM access_tokens t WHERE t.device = d.device)")
      .changes();
  commit();
}

void BareSqlite::add_users(int64_t users, int64_t devices) {
  constexpr int64_t kUsersAtOnce = 250'000;
  // Digests come in no order, so that a commit writes most of their pages: few commits, from
  // memory.
  run("PRAGMA cache_size = -2000000");
  run("PRAGMA synchronous = OFF");
  for (int64_t user = 0; user < users; ++user) {
    if (user % kUsersAtOnce == 0) begin();
    Statement(*this, 19, "INSERT INTO accounts (user_id, created_ms) VALUES (?1, 0)")
        .text(growth_user(user))
        .changes();
    const int64_t account = sqlite3_last_insert_rowid(database_);
    for (int64_t device = 0; device < devices; ++device) {
      Statement(*this, 20,
                "INSERT INTO devices (account, device_id, display_name, last_seen_ip,"
                " last_seen_ms, created_ms) VALUES (?1, ?2, 'A phone', '192.0.2.7', ?3, 0)")
          .integer(account)
          .text(device_id(static_cast<size_t>(device)))
          .integer(standing_now_ms())
          .changes();
      const std::string token =
          device == 0 ? growth_token(user) : growth_token(user) + "_" + std::to_string(device);
      Statement(*this, 21, "INSERT INTO access_tokens (digest, device, oauth) VALUES (?1, ?2, 0)")
          .blob(digest_of(token))
          .integer(sqlite3_last_insert_rowid(database_))
          .changes();
    }
    if ((user + 1) % kUsersAtOnce == 0 || user + 1 == users) commit();
  }
  run("PRAGMA cache_size = -2000");
  run("PRAGMA synchronous = FULL");
  run("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace mxd::bench
