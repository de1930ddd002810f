#include "module/auth/session.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <iterator>

#include "module/auth/uia_flows.h"
#include "module/http/json_body.h"

namespace mxd::auth {
namespace {

namespace json = boost::json;
using host::CompletedStage;
using Outcome = ReadSession::Outcome;

// The members of a state. What they mean is frozen.
constexpr std::string_view kUser = "user";
constexpr std::string_view kDevice = "device";
constexpr std::string_view kToken = "token";
constexpr std::string_view kExpires = "expires_ms";
constexpr std::string_view kMethod = "method";
constexpr std::string_view kEndpoint = "endpoint";
constexpr std::string_view kPathDevice = "path_device";
constexpr std::string_view kPathDeviceDigest = "path_device_digest";
constexpr std::string_view kDigest = "digest";
constexpr std::string_view kBody = "body";
constexpr std::string_view kFormToken = "form_token";
constexpr std::string_view kCompleted = "completed";  // [{"type": …, "identity": …}, …]
constexpr std::string_view kType = "type";
constexpr std::string_view kIdentity = "identity";
constexpr std::string_view kFinished = "finished_ms";
constexpr std::string_view kDead = "dead";
constexpr std::string_view kMust = "must";  // names of members that a reader has to know

constexpr std::string_view kKnown[] = {
    kUser,   kDevice, kToken,     kExpires,   kMethod,   kEndpoint, kPathDevice, kPathDeviceDigest,
    kDigest, kBody,   kFormToken, kCompleted, kFinished, kDead,     kMust};

// The most that a state has completed: as many as were completed elsewhere, which need be of no
// flow, and beside them all stages of the flows.
constexpr size_t kMaxCompleted = 2 * host::kMaxStages;

bool is_known(const json::value& name) {
  const auto* text = name.if_string();
  return text != nullptr && std::find(std::begin(kKnown), std::end(kKnown),
                                      std::string_view(*text)) != std::end(kKnown);
}

// Reads members of a state, and notes whether any is not what it should be.
class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}

  std::optional<std::string_view> optional_text(std::string_view name) {
    return http::find_string(object_, name, wrong_);
  }
  std::string_view text(std::string_view name) {
    return optional_text(name).value_or(std::string_view());
  }
  std::string_view mandatory_text(std::string_view name) {
    const auto found = optional_text(name);
    if (!found.has_value() || found->empty()) wrong_ = true;
    return found.value_or(std::string_view());
  }
  std::optional<int64_t> time(std::string_view name) {
    const auto* value = object_.if_contains(name);
    if (value == nullptr) return std::nullopt;
    const auto* number = value->if_int64();
    if (number == nullptr || !host::is_time(*number)) wrong_ = true;
    return number == nullptr ? 0 : *number;
  }
  bool flag(std::string_view name) {
    const auto* value = object_.if_contains(name);
    if (value != nullptr && !value->is_bool()) wrong_ = true;
    return value != nullptr && value->is_bool() && value->get_bool();
  }
  const json::array* array(std::string_view name) {
    const auto* value = object_.if_contains(name);
    const auto* found = value == nullptr ? nullptr : value->if_array();
    if (value != nullptr && found == nullptr) wrong_ = true;
    return found;
  }
  void refuse() { wrong_ = true; }
  bool wrong() const { return wrong_; }

 private:
  const json::object& object_;
  bool wrong_ = false;
};

uint32_t count(const CompletedStage* stage) {
  uint32_t count = 0;
  for (; stage != nullptr; stage = stage->next)
    ++count;
  return count;
}

void append(memory::Arena& arena, Session& session, std::string_view type,
            std::string_view identity) {
  CompletedStage** end = &session.completed;
  while (*end != nullptr)
    end = &(*end)->next;
  *end = arena.make<CompletedStage>(type, identity, nullptr);
  if (!identity.empty() && identity != session.user.text) session.proves_another = true;
}

void read_completed(memory::Arena& arena, const json::array& stages, Reader& state,
                    Session& session) {
  if (stages.size() > kMaxCompleted) return state.refuse();
  for (const auto& element : stages) {
    const auto* object = element.if_object();
    if (object == nullptr) return state.refuse();
    Reader stage(*object);
    const auto type = stage.mandatory_text(kType);
    const auto identity = stage.text(kIdentity);
    if (stage.wrong()) return state.refuse();
    append(arena, session, type, identity);
  }
}

// U6a: every identity counts, also that of a stage which the state has already.
void merge(memory::Arena& arena, Session& session, const CompletedStage* elsewhere) {
  for (; elsewhere != nullptr; elsewhere = elsewhere->next) {
    const bool another = !elsewhere->identity.empty() && elsewhere->identity != session.user.text;
    if (another) session.proves_another = true;
    if (is_completed(session.completed, elsewhere->type)) continue;
    if (count(session.completed) == host::kMaxStages) continue;
    append(arena, session, elsewhere->type, elsewhere->identity);
    session.has_news = true;
  }
}

void set(json::object& state, std::string_view name, std::string_view text) {
  if (text.empty()) {
    state.erase(name);
  } else {
    state.insert_or_assign(name, json::string(text, state.storage()));
  }
}

json::object to_json(memory::Arena& arena, const Session& session) {
  const auto storage = http::storage_in(arena);
  json::object state(storage);
  if (session.loaded != nullptr) state = json::object(*session.loaded, storage);
  set(state, kUser, session.user.text);
  set(state, kDevice, session.device.text);
  set(state, kToken, session.token_id);
  state[kExpires] = session.expires_ms;
  set(state, kMethod, session.subject.method);
  set(state, kEndpoint, session.subject.endpoint);
  set(state, kPathDevice, session.subject.path_device);
  set(state, kPathDeviceDigest, session.subject.path_device_digest);
  set(state, kDigest, session.digest);
  set(state, kBody, session.body.value_or(std::string_view()));
  set(state, kFormToken, session.form_token);
  json::array completed(storage);
  for (const auto* stage = session.completed; stage != nullptr; stage = stage->next) {
    json::object row(storage);
    set(row, kType, stage->type);
    set(row, kIdentity, stage->identity);
    completed.push_back(std::move(row));
  }
  state[kCompleted] = std::move(completed);
  if (session.finished_ms.has_value()) state[kFinished] = *session.finished_ms;
  if (session.dead) state[kDead] = true;
  return state;
}

}  // namespace

ReadSession read_session(memory::Arena& arena, std::string_view id, const host::KeptSession& kept) {
  // More members than a body may have: a later version's count too.
  constexpr http::JsonLimits kLimits{.depth = 32, .members = 1024};
  const auto parsed = http::parse_json(arena, kept.state, kLimits);
  const auto* object = parsed.value == nullptr ? nullptr : parsed.value->if_object();
  if (object == nullptr) return {Outcome::kMalformed, {}};

  Reader state(*object);
  const auto* must = state.array(kMust);
  if (must != nullptr && !std::all_of(must->begin(), must->end(), is_known)) {
    return {Outcome::kTooNew, {}};
  }

  Session session;
  session.id = id;
  session.revision = kept.revision;
  session.user = host::UserId{state.mandatory_text(kUser)};
  session.device = host::DeviceId{state.text(kDevice)};
  session.token_id = state.text(kToken);
  session.expires_ms = state.time(kExpires).value_or(0);
  session.subject = {state.mandatory_text(kMethod), state.mandatory_text(kEndpoint),
                     state.text(kPathDevice), state.text(kPathDeviceDigest)};
  session.digest = state.mandatory_text(kDigest);
  session.body = state.optional_text(kBody);
  session.form_token = state.mandatory_text(kFormToken);
  if (const auto* stages = state.array(kCompleted)) {
    read_completed(arena, *stages, state, session);
  }
  session.finished_ms = state.time(kFinished);
  session.dead = state.flag(kDead);
  session.loaded = object;
  if (state.wrong()) return {Outcome::kMalformed, {}};
  merge(arena, session, kept.elsewhere);
  return {Outcome::kGood, session};
}

std::string_view write_state(memory::Arena& arena, const Session& session) {
  json::object state = to_json(arena, session);
  const std::string_view text = http::serialize(arena, state);
  if (text.size() <= host::kMaxState) return text;
  state.erase(kBody);
  return http::serialize(arena, state);
}

void add_completed(memory::Arena& arena, Session& session, std::string_view type,
                   std::string_view identity) {
  append(arena, session, type, identity);
  session.has_news = true;
}

}  // namespace mxd::auth
