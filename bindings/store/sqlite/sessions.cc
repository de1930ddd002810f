#include "bindings/store/sqlite/sessions.h"

#include <algorithm>
#include <string>

#include "bindings/store/common/random_text.h"
#include "bindings/store/common/text.h"

namespace mxd::store::sqlite {
namespace {

constexpr int64_t kSweptAtOnce = 500;

// A device's and a token's ID may be the same text.
std::string begun_with(const mxd_uia_session& session) {
  return session.device_id.size != 0 ? "d" + std::string(text(session.device_id))
                                     : "t" + std::string(text(session.token_id));
}

// U25: the oldest unfinished of the same device first, then of the user, finished ones last.
void make_room(Connection& writer, const mxd_uia_session& session) {
  const int64_t others = std::max<int64_t>(session.max_live, 1) - 1;
  Query(writer,
        "DELETE FROM uia_sessions WHERE session IN (SELECT session FROM uia_sessions"
        " WHERE user_id = ?1 ORDER BY CASE WHEN finished THEN 2 WHEN begun_with = ?2 THEN 0"
        " ELSE 1 END, session"
        " LIMIT max(0, (SELECT count(*) FROM uia_sessions WHERE user_id = ?1) - ?3))",
        text(session.user_id), begun_with(session), others)
      .execute();
}

}  // namespace

void create_session(Connection& writer, const mxd_uia_session& session, int64_t now_ms) {
  Query(writer, "DELETE FROM uia_sessions WHERE user_id = ?1 AND expires_ms <= ?2",
        text(session.user_id), now_ms)
      .execute();
  make_room(writer, session);
  Query(writer,
        "INSERT INTO uia_sessions (id_digest, user_id, begun_with, expires_ms, state)"
        " VALUES (?1, ?2, ?3, ?4, ?5)",
        Blob{bytes_of(digest_of(text(session.proposed_id)))}, text(session.user_id),
        begun_with(session), session.expires_ms, Blob{text(session.state)})
      .execute();
}

bool read_session(Connection& connection, const mxd_uia_session_key& key, int64_t now_ms,
                  absl::FunctionRef<void(const mxd_uia_kept&)> found) {
  Query row(connection,
            "SELECT revision, state FROM uia_sessions WHERE id_digest = ?1 AND expires_ms > ?2",
            Blob{bytes_of(digest_of(text(key.session_id)))}, now_ms);
  if (!row.next()) return false;
  found({sizeof(mxd_uia_kept), 0, row.integer(0), view(row.text(1))});
  return true;
}

bool replace_session(Connection& writer, const mxd_uia_replacement& replacement) {
  return Query(writer,
               "UPDATE uia_sessions SET state = ?3, expires_ms = ?4, finished = ?5,"
               " revision = revision + 1 WHERE id_digest = ?1 AND revision = ?2",
               Blob{bytes_of(digest_of(text(replacement.session_id)))}, replacement.revision,
               Blob{text(replacement.state)}, replacement.expires_ms,
               (replacement.flags & MXD_UIA_FINISHED) != 0)
             .execute() != 0;
}

Swept sweep_sessions(Connection& writer, int64_t now_ms) {
  const int swept = Query(writer,
                          "DELETE FROM uia_sessions WHERE session IN (SELECT session FROM"
                          " uia_sessions WHERE expires_ms <= ?1 LIMIT ?2)",
                          now_ms, kSweptAtOnce)
                        .execute();
  return {swept, swept == kSweptAtOnce};
}

}  // namespace mxd::store::sqlite
