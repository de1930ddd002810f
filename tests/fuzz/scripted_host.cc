#include "tests/fuzz/scripted_host.h"

#include <algorithm>
#include <array>

#include "matrix_devices/module.hpp"
#include "tests/fuzz/promises.h"
#include "tests/fuzz/rubbish.h"

namespace mxd::fuzz {
namespace {

constexpr int kMostInside = 16;  // requests inside callbacks

ScriptedHost& self(mxd_cookie cookie) {
  return *reinterpret_cast<ScriptedHost*>(cookie);
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
  require(is_one_line({error.data(), static_cast<size_t>(end - error.begin())}),
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

template <class Asked, int32_t (ScriptedHost::*kAnswer)(mxd_op, const Asked&)>
struct ScriptedHost::Question<kAnswer> {
  static int32_t callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                          const Asked* asked) noexcept {
    require(asked->size == sizeof *asked, "a struct of the module's has its whole size");
    return self(host).answer(op, [=] { return (self(host).*kAnswer)(op, *asked); });
  }
};

void ScriptedHost::fill_table(unsigned optional) {
  table_.size = sizeof table_;
  table_.abi_minor = MXD_ABI_MINOR;
  table_.cookie = reinterpret_cast<mxd_cookie>(this);
  table_.respond = [](mxd_cookie host, mxd_cookie request, const mxd_response* response) noexcept {
    self(host).respond(request, *response);
  };
  table_.authenticate = Question<&ScriptedHost::authenticate>::callback;
  table_.list_devices = Question<&ScriptedHost::list_devices>::callback;
  table_.get_device = Question<&ScriptedHost::get_device>::callback;
  table_.rename_device = Question<&ScriptedHost::rename_device>::callback;
  table_.delete_devices = Question<&ScriptedHost::delete_devices>::callback;
  table_.uia_flows = Question<&ScriptedHost::uia_flows>::callback;
  table_.uia_create_session = Question<&ScriptedHost::create_session>::callback;
  table_.uia_load_session = Question<&ScriptedHost::load_session>::callback;
  table_.uia_replace_session = Question<&ScriptedHost::replace_session>::callback;
  table_.uia_check = Question<&ScriptedHost::check>::callback;

  table_.release_principal = [](mxd_cookie host, mxd_cookie principal) noexcept {
    require(self(host).principals_.erase(principal) == 1, "a principal is released once");
  };
  table_.now_ms = [](mxd_cookie) noexcept { return kNow; };
  table_.log = [](mxd_cookie, mxd_cookie, int32_t, mxd_view line) noexcept {
    require(is_one_line(text(line)), "a line of log is one line");
    require(text(line).find(kSecret) == std::string_view::npos, "no secret is logged");
  };
  if ((optional & 1) == 0) table_.put_device = Question<&ScriptedHost::put_device>::callback;
  if ((optional & 2) == 0)
    table_.mark_validated = Question<&ScriptedHost::mark_validated>::callback;
  if ((optional & 4) == 0) table_.take_limit = Question<&ScriptedHost::take_limit>::callback;
  if ((optional & 8) == 0) table_.cancel_operation = [](mxd_cookie, mxd_op) noexcept {};
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
  const auto matched = module_.match(instance_, asked.method, asked.target);
  asked.remote_addr = view("192.0.2.1");
  if (request.body.size() > module_.max_body_bytes(instance_)) {
    asked.flags = MXD_REQUEST_BODY_TOO_LARGE;
    asked.body = {};
  }
  open_.insert(asked.cookie);
  const auto status = module_.handle(instance_, &asked, &token_);
  require((status == MXD_NOT_MINE) == (matched == MXD_NOT_MINE), "match() says what handle() does");
  if (status == MXD_OK) return;
  require(status == MXD_NOT_MINE || status == MXD_INVALID_ARGUMENT, "handle() takes it or says no");
  require(open_.erase(asked.cookie) == 1, "what was not taken is not answered");
}

void ScriptedHost::respond(mxd_cookie request, const mxd_response& response) {
  require(open_.erase(request) == 1, "a request is answered once");
  require(response.http_status >= 200 && response.http_status < 600, "the status is one of HTTP's");
  std::string_view type;
  for (size_t i = 0; i < response.header_count; ++i) {
    const auto [name, value] = response.headers[i];
    require(name.size > 0 && is_header(text(name)) && is_header(text(value)), "headers are plain");
    if (text(name) == "Content-Type") type = text(value);
  }
  if (type == "application/json") require(is_json(text(response.body)), "the body is JSON");
}

int32_t ScriptedHost::answer(mxd_op op, const Answer& rightly) {
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
    case 'w':
      complete_elsewhere();
      break;
    case 'l':
      rightly();
      module_.complete(op, MXD_CONFLICT);
      return MXD_OK;
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

void ScriptedHost::complete_elsewhere() {
  const char who = next();
  const char* identity = who == 'a' ? "@alice:example.org" : who == 'b' ? "@bob:example.org" : "";
  for (auto& [session_id, session] : sessions_)
    session.elsewhere.emplace_back("m.login.sso", identity);
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

// As many characters as the next one says, of those up to the script's end.
std::string_view ScriptedHost::next_text() {
  const auto size = static_cast<unsigned char>(next()) % 64u;
  const auto found = script_.substr(position_, size);
  position_ = script_.empty() ? 0 : (position_ + found.size()) % script_.size();
  return found;
}

}  // namespace mxd::fuzz
