#include "bindings/store/sqlite/sweeping.h"

#include "bindings/store/sqlite/deletion.h"

namespace mxd::store::sqlite {
namespace {

constexpr int64_t kAtOnce = 100;
constexpr int64_t kPage = 500;

// Rows of (number, whether unused), by number.
Page read_page(Query& rows) {
  Page page;
  int64_t count = 0;
  while (rows.next()) {
    page.last = rows.integer(0);
    if (rows.integer(1) != 0) page.unused.push_back(rows.integer(0));
    ++count;
  }
  if (count < kPage) page.last.reset();
  return page;
}

}  // namespace

bool is_sweeping_due(Connection& connection, int64_t now_ms, int64_t expired_ms,
                     int64_t given_before_ms) {
  Query row(connection,
            "SELECT EXISTS (SELECT 1 FROM accounts WHERE gone_through > 0)"
            " OR EXISTS (SELECT 1 FROM access_tokens WHERE expires_ms <= ?1)"
            " OR EXISTS (SELECT 1 FROM uia_sessions WHERE expires_ms <= ?2)"
            " OR EXISTS (SELECT 1 FROM refresh_tokens WHERE given_ms <= ?3)",
            expired_ms, now_ms, given_before_ms);
  return row.next() && row.integer(0) != 0;
}

Swept sweep_access_tokens(Connection& writer, int64_t expired_ms) {
  const int swept = Query(writer,
                          "DELETE FROM access_tokens WHERE digest IN (SELECT digest"
                          " FROM access_tokens WHERE expires_ms <= ?1 LIMIT ?2)",
                          expired_ms, kAtOnce)
                        .execute();
  return {swept, swept == kAtOnce};
}

Swept sweep_refresh_tokens(Connection& writer, int64_t given_before_ms) {
  // One that a pair still waits to replace was used after it was given out. The access tokens that
  // came with the others run out by their own time.
  int swept = 0;
  for (const char* sql :
       {"UPDATE access_tokens SET pair = NULL WHERE pair IN (SELECT r.pair FROM refresh_tokens r"
        " WHERE r.given_ms <= ?1 AND NOT EXISTS (SELECT 1 FROM token_pairs n"
        " WHERE n.replaces = r.pair) ORDER BY r.given_ms, r.pair LIMIT ?2)",
        "DELETE FROM token_pairs WHERE pair IN (SELECT r.pair FROM refresh_tokens r"
        " WHERE r.given_ms <= ?1 AND NOT EXISTS (SELECT 1 FROM token_pairs n"
        " WHERE n.replaces = r.pair) ORDER BY r.given_ms, r.pair LIMIT ?2)"}) {
    swept = Query(writer, sql, given_before_ms, kAtOnce).execute();
  }
  return {swept, swept == kAtOnce};
}

Page find_unused_guests(Connection& connection, int64_t after, int64_t unused_since_ms) {
  Query rows(connection,
             "SELECT g.account, g.created_ms <= ?2 AND NOT EXISTS (SELECT 1 FROM devices d"
             " WHERE d.account = g.account AND coalesce(d.last_seen_ms, d.created_ms) > ?2)"
             " FROM (SELECT account, created_ms FROM accounts WHERE guest = 1 AND account > ?1"
             " ORDER BY account LIMIT ?3) g ORDER BY g.account",
             after, unused_since_ms, kPage);
  return read_page(rows);
}

Page find_unused_devices(Connection& connection, int64_t after, int64_t unused_since_ms) {
  Query rows(connection,
             "SELECT device, coalesce(last_seen_ms, created_ms) <= ?2 FROM devices"
             " WHERE device > ?1 ORDER BY device LIMIT ?3",
             after, unused_since_ms, kPage);
  return read_page(rows);
}

bool remove_unused_guest(Connection& writer, int64_t account, int64_t unused_since_ms) {
  {
    Query row(writer,
              "SELECT 1 FROM accounts a WHERE a.account = ?1 AND a.guest = 1"
              " AND a.created_ms <= ?2 AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.account = ?1"
              " AND coalesce(d.last_seen_ms, d.created_ms) > ?2)",
              account, unused_since_ms);
    if (!row.next()) return false;
  }
  delete_all_devices(writer, account);
  // One with more devices than go at once is removed by a later sweep.
  return Query(writer,
               "DELETE FROM accounts WHERE account = ?1"
               " AND NOT EXISTS (SELECT 1 FROM devices WHERE account = ?1)",
               account)
             .execute() != 0;
}

bool remove_unused_device(Connection& writer, int64_t device, int64_t unused_since_ms) {
  {
    Query row(writer,
              "SELECT 1 FROM devices d JOIN accounts a USING (account) WHERE d.device = ?1"
              " AND d.device > a.gone_through AND coalesce(d.last_seen_ms, d.created_ms) <= ?2",
              device, unused_since_ms);
    if (!row.next()) return false;
  }
  delete_device(writer, device);
  return true;
}

}  // namespace mxd::store::sqlite
