#include "module/auth/challenge.h"

#include "module/http/json_writer.h"

namespace mxd::auth {

const http::ApiError* make_challenge(memory::Arena& arena, const host::Flows& flows,
                                     const Session& session, std::string_view error_text,
                                     ChallengeKind kind) {
  memory::OutputBuffer members;
  http::JsonWriter json(members);
  json.key("flows");
  json.begin_array();
  for (const auto* flow = flows.first; flow != nullptr; flow = flow->next) {
    json.begin_object();
    json.key("stages");
    json.begin_array();
    for (const auto* stage = flow->first; stage != nullptr; stage = stage->next) {
      json.string(stage->type);
    }
    json.end_array();
    json.end_object();
  }
  json.end_array();
  json.key("params");
  json.begin_object();
  for (const auto* params = flows.params; params != nullptr; params = params->next) {
    json.escaped_key(params->type);
    json.raw(params->json);
  }
  json.end_object();
  json.member("session", session.id);
  if (kind == ChallengeKind::kContinued) {
    json.key("completed");
    json.begin_array();
    for (const auto* stage = session.completed; stage != nullptr; stage = stage->next) {
      json.string(stage->type);
    }
    json.end_array();
  }
  const std::string_view errcode = error_text.empty() ? "" : "M_FORBIDDEN";
  return http::make_error(arena, {401, errcode, error_text, arena.copy(members.view())});
}

}  // namespace mxd::auth
