#include "tests/fuzz/scripted_host.h"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <cstring>

#include "tests/fuzz/require.h"
#include "tests/fuzz/rubbish.h"

namespace mxd::fuzz {
namespace {

constexpr std::string_view kUser = "@alice:example.org";
constexpr std::string_view kSecret = "SECRET";  // in tokens, passwords and session IDs
constexpr int kMostInside = 16;                 // requests inside callbacks
constexpr std::int64_t kNow = 1'700'000'000'000;

ScriptedHost& self(mxd_cookie cookie) {
  return *reinterpret_cast<ScriptedHost*>(cookie);
}

std::string_view text(mxd_view view) {
  return {view.data, view.size};
}

mxd_view view(std::string_view text) {
  return {text.data(), text.size()};
}

bool is_one_line(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= ' '; });
}

bool is_header(std::string_view text) {
  return is_one_line(text) && text.find('\x7f') == text.npos;
}

/// Whether the query has an access token that is not empty.
bool holds_token(std::string_view target) {
  const auto query = target.find('?');
  if (query == target.npos) return false;
  constexpr std::string_view kName = "access_token=";
  for (auto rest = target.substr(query);; rest = rest.substr(rest.find('&'))) {
    rest.remove_prefix(1);
    const auto parameter = rest.substr(0, rest.find('&'));
    if (parameter.starts_with(kName) && parameter != kName) return true;
    if (rest.find('&') == rest.npos) return false;
  }
}

bool is_json(std::string_view body) {
  boost::json::error_code error;
  boost::json::parse_options deep;
  deep.max_depth = 1000;
  boost::json::parse(boost::json::string_view(body.data(), body.size()), error, {}, deep);
  return !error;
}

}  // namespace

ScriptedHost::ScriptedHost(std::string_view script, std::string_view config)
    : module_(*matrix_devices_module_v1()), script_(script) {
  fill_table(static_cast<unsigned char>(next()));
  std::array<char, 256> error;
  error.fill('x');
  const auto status = module_.create(&table_, view(config), &instance_, error.data(), error.size());
  if (status == MXD_OK) return;
  require(instance_ == nullptr, "no instance where create() fails");
  const auto end = std::find(error.begin(), error.end(), '\0');
  require(end != error.end() && end != error.begin(), "create() says why, and ends its text");
  require(is_one_line({error.data(), static_cast<std::size_t>(end - error.begin())}),
          "create() says why in one line");
}

ScriptedHost::~ScriptedHost() {
  if (instance_ == nullptr) return;
  bool is_done = false;
  module_.shutdown(
      instance_, [](mxd_cookie done) noexcept { *reinterpret_cast<bool*>(done) = true; },
      reinterpret_cast<mxd_cookie>(&is_done));
  require(is_done, "with nothing in flight shutdown() is done at once");
  require(principals_.empty(), "every principal is released");
  require(module_.destroy(instance_) == MXD_OK, "destroy() frees what is shut down");
}

void ScriptedHost::fill_table(unsigned optional) {
  table_.size = sizeof table_;
  table_.abi_minor = MXD_ABI_MINOR;
  table_.cookie = reinterpret_cast<mxd_cookie>(this);
  table_.respond = [](mxd_cookie host, mxd_cookie request, const mxd_response* response) noexcept {
    self(host).respond(request, *response);
  };
  table_.authenticate = [](mxd_cookie host, mxd_cookie, mxd_op op,
                           const mxd_credentials* credentials) noexcept {
    return self(host).answer(op, [=] { return self(host).authenticate(op, *credentials); });
  };
  table_.list_devices = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie, mxd_view) noexcept {
    return self(host).answer(op, [=] {
      for (const auto& [device_id, name] : self(host).devices_)
        self(host).emit_device(op, device_id);
      return MXD_OK;
    });
  };
  table_.get_device = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie, mxd_view,
                         mxd_view device_id) noexcept {
    return self(host).answer(
        op, [=] { return self(host).emit_device(op, std::string(text(device_id))); });
  };
  table_.rename_device = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                            const mxd_device_update* update) noexcept {
    return self(host).answer(op, [=] { return self(host).update(*update, false); });
  };
  table_.delete_devices = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie, mxd_view,
                             const mxd_view* device_ids, std::size_t count) noexcept {
    return self(host).answer(op, [=] {
      for (std::size_t i = 0; i < count; ++i)
        self(host).devices_.erase(std::string(text(device_ids[i])));
      return MXD_OK;
    });
  };
  fill_uia_table();

  table_.release_principal = [](mxd_cookie host, mxd_cookie principal) noexcept {
    require(self(host).principals_.erase(principal) == 1, "a principal is released once");
  };
  table_.now_ms = [](mxd_cookie) noexcept { return kNow; };
  table_.log = [](mxd_cookie, mxd_cookie, std::int32_t, mxd_view line) noexcept {
    require(is_one_line(text(line)), "a line of log is one line");
    require(text(line).find(kSecret) == std::string_view::npos, "no secret is logged");
  };
  if ((optional & 1) == 0) {
    table_.put_device = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                           const mxd_device_update* update) noexcept {
      return self(host).answer(op, [=] { return self(host).update(*update, true); });
    };
  }
  if ((optional & 2) == 0) {
    table_.mark_validated = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                               std::int64_t) noexcept {
      return self(host).answer(op, [] { return MXD_OK; });
    };
  }
  if ((optional & 4) == 0) {
    table_.take_limit = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie, const mxd_limit*,
                           std::size_t, std::int32_t) noexcept {
      return self(host).answer(op, [] { return MXD_OK; });
    };
  }
  if ((optional & 8) == 0) {
    table_.cancel_operation = [](mxd_cookie, mxd_op) noexcept {};
  }
}

void ScriptedHost::fill_uia_table() {
  table_.uia_flows = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                        const mxd_uia_operation*) noexcept {
    return self(host).answer(op, [=] {
      const mxd_module& module = self(host).module_;
      module.emit_flow_stage(op, 0, view("m.login.password"));
      module.emit_flow_stage(op, 1, view("m.login.sso"));
      module.emit_flow_stage(op, 2, view("m.login.terms"));
      module.emit_flow_stage(op, 2, view("m.login.password"));
      module.emit_params(op, view("m.login.terms"), view(R"({"policies":{}})"));
      return MXD_OK;
    });
  };
  table_.uia_create_session = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                                 const mxd_session* session) noexcept {
    return self(host).answer(op, [=] { return self(host).create_session(op, *session); });
  };
  table_.uia_load_session = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                               mxd_view session_id) noexcept {
    return self(host).answer(op, [=] { return self(host).emit_session(op, text(session_id)); });
  };
  table_.uia_check = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                        const mxd_uia_attempt* attempt) noexcept {
    return self(host).answer(op, [=] { return self(host).check(op, *attempt); });
  };
  table_.uia_record = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                         const mxd_uia_record* record) noexcept {
    return self(host).answer(op, [=] { return self(host).record(op, *record); });
  };
}

void ScriptedHost::ask(const Request& request) {
  start(request);
  while (!later_.empty()) {
    const auto job = std::move(later_.front());
    later_.pop_front();
    job();
  }
  require(open_.empty(), "every request is answered");
}

void ScriptedHost::start(const Request& request) {
  std::vector<mxd_header> headers;
  for (const auto& [name, value] : request.headers)
    headers.push_back({view(name), view(value)});
  mxd_request asked{};
  asked.size = sizeof asked;
  asked.cookie = ++last_cookie_;
  asked.headers = headers.data();
  asked.header_count = headers.size();
  asked.method = view(request.method);
  asked.target = view(request.target);
  asked.body = view(request.body);
  asked.remote_addr = view("192.0.2.1");
  if (request.body.size() > module_.max_body_bytes(instance_)) {
    asked.flags = MXD_REQUEST_BODY_TOO_LARGE;
    asked.body = {};
  }
  open_.insert(asked.cookie);
  const auto status = module_.handle(instance_, &asked, &token_);
  if (status == MXD_OK) return;
  require(status == MXD_NOT_MINE || status == MXD_INVALID_ARGUMENT, "handle() takes it or says no");
  require(open_.erase(asked.cookie) == 1, "what was not taken is not answered");
}

void ScriptedHost::respond(mxd_cookie request, const mxd_response& response) {
  require(open_.erase(request) == 1, "a request is answered once");
  require(response.http_status >= 200 && response.http_status < 600, "the status is one of HTTP's");
  std::string_view type;
  for (std::size_t i = 0; i < response.header_count; ++i) {
    const auto [name, value] = response.headers[i];
    require(name.size > 0 && is_header(text(name)) && is_header(text(value)), "headers are plain");
    if (text(name) == "Content-Type") type = text(value);
  }
  if (type == "application/json") require(is_json(text(response.body)), "the body is JSON");
}

std::int32_t ScriptedHost::answer(mxd_op op, const Answer& rightly) {
  switch (next()) {
    case 'd':
      later_.push_back([this, op, rightly] { module_.complete(op, rightly()); });
      return MXD_OK;
    case 'k':
      module_.cancel(token_);
      break;
    case 'h':
      ask_inside();
      break;
    case 'c':
      module_.complete(op, rightly());
      require(module_.complete(op, MXD_OK) == MXD_STALE, "a second completion is stale");
      return MXD_OK;
    case 'r':
      return MXD_UNAVAILABLE;
    case 's':
      module_.complete(op, next() - '@');
      return MXD_OK;
    case 'e':
      emit_error(op);
      module_.complete(op, MXD_HOST_ERROR);
      return MXD_OK;
    case 'j':
      emit_rubbish(op);
      break;
    default:
      break;
  }
  module_.complete(op, rightly());
  return MXD_OK;
}

void ScriptedHost::ask_inside() {
  if (asked_inside_ == kMostInside) return;
  ++asked_inside_;
  Request request{
      .method = "GET", .target = "/_matrix/client/v3/devices", .headers = {}, .body = {}};
  request.headers.emplace_back("Authorization", "Bearer SECRET");
  start(request);
}

void ScriptedHost::emit_error(mxd_op op) {
  mxd_error error{};
  error.size = sizeof error;
  error.http_status = 400 + static_cast<unsigned char>(next());
  error.retry_after_ms = next() - '@';
  error.errcode = view(next_text());
  error.text = view(next_text());
  error.extra_json = view(next_text());
  module_.emit_error(op, &error);
}

void ScriptedHost::emit_rubbish(mxd_op op) {
  Rubbish rubbish([this] { return next(); }, [this] { return view(next_text()); });
  rubbish.emit(module_, op);
}

char ScriptedHost::next() {
  if (script_.empty()) return '.';
  const char found = script_[position_];
  position_ = (position_ + 1) % script_.size();
  return found;
}

/// As many characters as the next one says, of those up to the script's end.
std::string_view ScriptedHost::next_text() {
  const auto size = static_cast<unsigned char>(next()) % 64u;
  const auto found = script_.substr(position_, size);
  position_ = script_.empty() ? 0 : (position_ + found.size()) % script_.size();
  return found;
}

// ---- The right answers ----

/// What kind of caller it is, the token says: SECRET, and a capital letter for each kind.
std::int32_t ScriptedHost::authenticate(mxd_op op, const mxd_credentials& credentials) {
  const auto token = text(credentials.access_token);
  if (token.substr(0, kSecret.size()) != kSecret) return MXD_UNKNOWN_TOKEN;
  const auto kinds = token.substr(kSecret.size());
  const auto is = [&](char kind) { return kinds.find(kind) != std::string_view::npos; };
  if (is('L')) return MXD_USER_LOCKED;
  mxd_principal principal{};
  principal.size = sizeof principal;
  principal.user_id = view(kUser);
  principal.token_id = view("7");
  if (!is('N')) principal.device_id = view("LAPTOP");
  if (is('G')) principal.flags |= MXD_PRINCIPAL_GUEST;
  if (is('O')) principal.flags |= MXD_PRINCIPAL_OAUTH;
  if (is('U')) principal.flags |= MXD_PRINCIPAL_UNLIMITED;
  if (is('A')) {
    principal.flags |= MXD_PRINCIPAL_APPSERVICE;
    principal.service_id = view("bridge");
  }
  if (is('V')) {
    principal.flags |= MXD_PRINCIPAL_HAS_VALIDATED_MS;
    principal.validated_ms = kNow - 1000;
  }
  principal.cookie = ++last_cookie_;
  if (module_.emit_principal(op, &principal) == MXD_OK) principals_.insert(principal.cookie);
  return MXD_OK;
}

std::int32_t ScriptedHost::emit_device(mxd_op op, const std::string& device_id) const {
  const auto found = devices_.find(device_id);
  if (found == devices_.end()) return MXD_NOT_FOUND;
  mxd_device device{};
  device.size = sizeof device;
  device.flags = MXD_DEVICE_HAS_DISPLAY_NAME | MXD_DEVICE_HAS_LAST_SEEN_TS;
  device.device_id = view(found->first);
  device.display_name = view(found->second);
  device.last_seen_ts_ms = kNow;
  module_.emit_device(op, &device);
  return MXD_OK;
}

std::int32_t ScriptedHost::update(const mxd_device_update& update, bool may_create) {
  const std::string device_id(text(update.device_id));
  const bool is_new = devices_.find(device_id) == devices_.end();
  if (is_new && !may_create) return MXD_NOT_FOUND;
  if (is_new && update.max_devices > 0 && devices_.size() >= update.max_devices)
    return MXD_LIMIT_EXCEEDED;
  auto& name = devices_[device_id];
  if ((update.flags & MXD_SET_DISPLAY_NAME) != 0) name = text(update.display_name);
  return is_new ? MXD_CREATED : MXD_OK;
}

std::int32_t ScriptedHost::create_session(mxd_op op, const mxd_session& session) {
  require(session.body_digest.size == 32, "a digest has 32 bytes");
  const auto session_id = std::string(kSecret) + std::to_string(sessions_.size());
  Session& kept = sessions_[session_id];
  kept.user_id = text(session.user_id);
  kept.device_id = text(session.device_id);
  kept.token_id = text(session.token_id);
  kept.method = text(session.method);
  kept.endpoint = text(session.endpoint);
  kept.target = text(session.target);
  require(!holds_token(kept.target), "no token is kept");
  kept.path_device_id = text(session.path_device_id);
  kept.description = text(session.description);
  if ((session.flags & MXD_SESSION_HAS_BODY) != 0) kept.body = text(session.body);
  kept.body_digest = text(session.body_digest);
  kept.created_ms = session.created_ms;
  kept.lifetime_ms = session.lifetime_ms;
  module_.emit_session_id(op, view(session_id));
  return MXD_OK;
}

std::int32_t ScriptedHost::emit_session(mxd_op op, std::string_view session_id) const {
  const auto found = sessions_.find(std::string(session_id));
  if (found == sessions_.end()) return MXD_NOT_FOUND;
  const Session& kept = found->second;
  mxd_session session{};
  session.size = sizeof session;
  session.user_id = view(kept.user_id);
  session.device_id = view(kept.device_id);
  session.token_id = view(kept.token_id);
  session.method = view(kept.method);
  session.endpoint = view(kept.endpoint);
  session.target = view(kept.target);
  session.path_device_id = view(kept.path_device_id);
  session.description = view(kept.description);
  session.body_digest = view(kept.body_digest);
  session.created_ms = kept.created_ms;
  session.lifetime_ms = kept.lifetime_ms;
  if (kept.body) {
    session.flags |= MXD_SESSION_HAS_BODY;
    session.body = view(*kept.body);
  }
  if (!kept.finished_digest.empty()) {
    session.flags |= MXD_SESSION_FINISHED;
    session.finished_ms = kept.finished_ms;
    session.finished_digest = view(kept.finished_digest);
  }
  module_.emit_session(op, &session);
  for (const auto& [type, identity] : kept.completed)
    module_.emit_completed_stage(op, view(type), view(identity));
  return MXD_OK;
}

std::int32_t ScriptedHost::check(mxd_op op, const mxd_uia_attempt& attempt) const {
  require(is_json(text(attempt.auth_json)), "the auth object is JSON");
  if (text(attempt.type) == "m.login.terms") return MXD_OK;
  const auto has = [&](std::string_view word) {
    return text(attempt.auth_json).find(word) != std::string_view::npos;
  };
  if (has("SECRETgood")) {
    module_.emit_identity(op, view(kUser));
    return MXD_OK;
  }
  if (has("SECRETother")) {
    module_.emit_identity(op, view("@bob:example.org"));
    return MXD_OK;
  }
  module_.emit_reason(op, view("Wrong. Try another."));
  return has("SECRETbad") ? MXD_REFUSED : MXD_BAD_DATA;
}

std::int32_t ScriptedHost::record(mxd_op op, const mxd_uia_record& record) {
  const auto found = sessions_.find(std::string(text(record.session_id)));
  if (found == sessions_.end()) return MXD_NOT_FOUND;
  Session& kept = found->second;
  if ((record.flags & MXD_RECORD_STAGE) != 0)
    kept.completed.emplace_back(text(record.type), text(record.identity));
  if ((record.flags & MXD_RECORD_FINISH) != 0 && kept.finished_digest.empty()) {
    kept.finished_digest = text(record.body_digest);
    kept.finished_ms = record.now_ms;
    if ((record.flags & MXD_RECORD_HAS_BODY) != 0) kept.body = text(record.body);
  }
  return emit_session(op, text(record.session_id));
}

}  // namespace mxd::fuzz
