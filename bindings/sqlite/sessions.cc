#include "bindings/sqlite/sessions.h"

#include <algorithm>
#include <optional>

#include "bindings/sqlite/random_text.h"
#include "bindings/sqlite/text.h"
#include "bindings/sqlite/time.h"

namespace mxd::sqlite {
namespace {

constexpr int64_t kSweptAtOnce = 500;

std::optional<int64_t> find_session(Connection& connection, std::string_view session_id,
                                    int64_t now_ms) {
  Query row(connection, "SELECT session FROM uia_sessions WHERE id_digest = ?1 AND expires_ms > ?2",
            Blob{bytes_of(digest_of(session_id))}, now_ms);
  if (!row.next()) return std::nullopt;
  return row.integer(0);
}

// U25: the oldest unfinished of the same device first, then of the user, finished ones last.
void make_room(Connection& writer, const mxd_session& session) {
  const int64_t others = std::max<int64_t>(session.max_live, 1) - 1;
  Query(writer,
        "DELETE FROM uia_sessions WHERE session IN (SELECT session FROM uia_sessions"
        " WHERE user_id = ?1 ORDER BY CASE WHEN finished_ms IS NOT NULL THEN 2"
        " WHEN device_id = ?2 AND (?2 <> '' OR token_id = ?3) THEN 0 ELSE 1 END,"
        " created_ms, session"
        " LIMIT max(0, (SELECT count(*) FROM uia_sessions WHERE user_id = ?1) - ?4))",
        text(session.user_id), text(session.device_id), text(session.token_id), others)
      .execute();
}

}  // namespace

void create_session(Connection& writer, const mxd_session& session, std::string_view session_id,
                    int64_t now_ms) {
  Query(writer, "DELETE FROM uia_sessions WHERE user_id = ?1 AND expires_ms <= ?2",
        text(session.user_id), now_ms)
      .execute();
  make_room(writer, session);
  std::optional<std::string_view> body;
  if ((session.flags & MXD_SESSION_HAS_BODY) != 0) body = text(session.body);
  Query(writer,
        "INSERT INTO uia_sessions (id_digest, user_id, device_id, token_id, method, endpoint,"
        " target, path_device_id, body, body_digest, description, created_ms, lifetime_ms,"
        " expires_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        Blob{bytes_of(digest_of(session_id))}, text(session.user_id), text(session.device_id),
        text(session.token_id), text(session.method), text(session.endpoint), text(session.target),
        text(session.path_device_id), body, Blob{text(session.body_digest)},
        text(session.description), session.created_ms, session.lifetime_ms,
        after_ms(session.created_ms, session.lifetime_ms))
      .execute();
}

bool read_session(
    Connection& connection, std::string_view session_id, int64_t now_ms,
    absl::FunctionRef<void(const mxd_session&)> on_session,
    absl::FunctionRef<void(std::string_view type, std::string_view identity)> on_stage) {
  // One statement, so that session and stages are of one moment.
  Query rows(connection,
             "SELECT s.user_id, s.device_id, s.token_id, s.method, s.endpoint, s.target,"
             " s.path_device_id, s.body, s.body_digest, s.description, s.created_ms,"
             " s.lifetime_ms, s.finished_ms, s.finished_digest, g.type, g.identity"
             " FROM uia_sessions s LEFT JOIN uia_stages g USING (session)"
             " WHERE s.id_digest = ?1 AND s.expires_ms > ?2 ORDER BY g.position",
             Blob{bytes_of(digest_of(session_id))}, now_ms);
  if (!rows.next()) return false;
  mxd_session session{};
  session.size = sizeof session;
  session.user_id = view(rows.text(0));
  session.device_id = view(rows.text(1));
  session.token_id = view(rows.text(2));
  session.method = view(rows.text(3));
  session.endpoint = view(rows.text(4));
  session.target = view(rows.text(5));
  session.path_device_id = view(rows.text(6));
  if (!rows.is_null(7)) {
    session.flags |= MXD_SESSION_HAS_BODY;
    session.body = view(rows.text(7));
  }
  session.body_digest = view(rows.text(8));
  session.description = view(rows.text(9));
  session.created_ms = rows.integer(10);
  session.lifetime_ms = rows.integer(11);
  if (!rows.is_null(12)) {
    session.flags |= MXD_SESSION_FINISHED;
    session.finished_ms = rows.integer(12);
    session.finished_digest = view(rows.text(13));
  }
  on_session(session);
  bool is_stage = !rows.is_null(14);
  while (is_stage) {
    on_stage(rows.text(14), rows.text(15));
    is_stage = rows.next();
  }
  return true;
}

bool record_stage(Connection& writer, const mxd_uia_record& record, int64_t now_ms) {
  const std::optional<int64_t> session = find_session(writer, text(record.session_id), now_ms);
  if (!session) return false;
  if ((record.flags & MXD_RECORD_STAGE) != 0) {
    std::optional<std::string_view> identity;
    if ((record.flags & MXD_RECORD_HAS_IDENTITY) != 0) identity = text(record.identity);
    Query(writer,
          "INSERT OR IGNORE INTO uia_stages (session, position, type, identity) VALUES (?1,"
          " (SELECT count(*) FROM uia_stages WHERE session = ?1), ?2, ?3)",
          *session, text(record.type), identity)
        .execute();
  }
  if ((record.flags & MXD_RECORD_HAS_BODY) != 0) {
    Query(writer, "UPDATE uia_sessions SET body = ?2 WHERE session = ?1 AND finished_ms IS NULL",
          *session, text(record.body))
        .execute();
  }
  if ((record.flags & MXD_RECORD_FINISH) != 0) {
    Query(writer,
          "UPDATE uia_sessions SET finished_ms = ?2, finished_digest = ?3"
          " WHERE session = ?1 AND finished_ms IS NULL",
          *session, record.now_ms, Blob{text(record.body_digest)})
        .execute();
  }
  return true;
}

bool sweep_sessions(Connection& writer, int64_t now_ms) {
  const int swept = Query(writer,
                          "DELETE FROM uia_sessions WHERE session IN (SELECT session FROM"
                          " uia_sessions WHERE expires_ms <= ?1 LIMIT ?2)",
                          now_ms, kSweptAtOnce)
                        .execute();
  return swept == kSweptAtOnce;
}

bool SessionCopy::read(Connection& connection, std::string_view session_id, int64_t now_ms) {
  return read_session(
      connection, session_id, now_ms,
      [this](const mxd_session& session) {
        session_ = session;
        for (mxd_view mxd_session::*member :
             {&mxd_session::user_id, &mxd_session::device_id, &mxd_session::token_id,
              &mxd_session::method, &mxd_session::endpoint, &mxd_session::target,
              &mxd_session::path_device_id, &mxd_session::body, &mxd_session::body_digest,
              &mxd_session::finished_digest, &mxd_session::description}) {
          session_.*member = keep(session.*member);
        }
      },
      [this](std::string_view type, std::string_view identity) {
        stages_.push_back({std::string(type), std::string(identity)});
      });
}

mxd_view SessionCopy::keep(mxd_view given) {
  return view(texts_.emplace_back(text(given)));
}

void SessionCopy::emit(const mxd_module& module, mxd_op op) const {
  module.emit_session(op, &session_);
  for (const Stage& stage : stages_) {
    module.emit_completed_stage(op, view(stage.type), view(stage.identity));
  }
}

}  // namespace mxd::sqlite
