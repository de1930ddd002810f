#include "module/entry/request.h"

#include <absl/strings/match.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <new>
#include <span>

#include "module/async/drain.h"
#include "module/async/slot.h"
#include "module/async/task.h"
#include "module/devices/endpoints.h"
#include "module/entry/guard.h"
#include "module/host/exchange.h"

namespace mxd::entry {
namespace {

using async::Slot;
using host::Exchange;
using host::view;
using http::Response;

constexpr mxd_header header(std::string_view name, std::string_view value) noexcept {
  return {view(name), view(value)};
}

// R12, and the specification's CORS headers.
constexpr mxd_header kApiHeaders[] = {
    header("Access-Control-Max-Age", "86400"),  // the first: of a preflight alone (R5), a day
    header("Access-Control-Allow-Origin", "*"),
    header("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS"),
    header("Access-Control-Allow-Headers", "X-Requested-With, Content-Type, Authorization"),
    header("Access-Control-Expose-Headers", "Retry-After"),
    header("Cache-Control", "no-store"),
    header("Content-Type", "application/json"),  // the last: of all but a preflight
};

// F1: no other site may read a page, which holds the token of its form.
constexpr mxd_header kPageHeaders[] = {
    header("Referrer-Policy", "no-referrer"),
    header("X-Content-Type-Options", "nosniff"),
    header("X-Frame-Options", "DENY"),
    header("Cache-Control", "no-store"),
    header("Content-Type", "text/html; charset=utf-8"),
};

// What all responses of a kind have. Nearly all have no other headers, and are sent with these.
std::span<const mxd_header> standard_headers(Response::Kind kind) noexcept {
  const std::span<const mxd_header> api = kApiHeaders;
  switch (kind) {
    case Response::Kind::kPreflight:
      return api.first(api.size() - 1);
    case Response::Kind::kPage:
      return kPageHeaders;
    case Response::Kind::kApi:
      break;
  }
  return api.subspan(1);
}

void respond(const mxd_instance& instance, mxd_cookie request, const Response& response) noexcept {
  constexpr size_t kOwn = 3;
  mxd_header room[std::size(kApiHeaders) + kOwn];
  char seconds[20];
  std::span<const mxd_header> headers = standard_headers(response.kind);
  if (!response.allow.empty() || !response.page_policy.empty() || response.retry_after_ms >= 0) {
    mxd_header* end = std::copy(headers.begin(), headers.end(), room);
    if (!response.allow.empty()) *end++ = header("Allow", response.allow);
    if (!response.page_policy.empty()) {
      *end++ = header("Content-Security-Policy", response.page_policy);
    }
    if (response.retry_after_ms >= 0) {
      const int64_t rounded_up =
          response.retry_after_ms / 1000 + (response.retry_after_ms % 1000 != 0 ? 1 : 0);
      const auto last = std::to_chars(seconds, seconds + sizeof seconds, rounded_up).ptr;
      *end++ = header("Retry-After", {seconds, static_cast<size_t>(last - seconds)});  // L1, H1
    }
    headers = {room, end};
  }
  mxd_response record{};
  record.size = sizeof record;
  record.http_status = static_cast<uint32_t>(response.status);
  record.headers = headers.data();
  record.header_count = headers.size();
  record.body = view(response.body);
  instance.host->respond(instance.host.cookie(), request, &record);
}

// A request that is being answered, in the arena of its slot.
struct ActiveRequest {
  mxd_instance& instance;
  Exchange exchange;
  const Response* response;
};

// The outermost coroutine of a request: runs it, and keeps the response for finish().
struct Root {
  struct promise_type : async::FrameInArena {
    template <class... Rest>
    explicit promise_type(Exchange& exchange, Rest&...) : slot(exchange.line.slot) {}
    Root get_return_object() noexcept {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    struct Ended {
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<promise_type> root) const noexcept {
        async::note_finished(root.promise().slot);
      }
      void await_resume() const noexcept {}
    };
    Ended final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept {}  // the response stays the ready-made 500 (H4)

    Slot& slot;
  };
  std::coroutine_handle<promise_type> handle;
};

const Response* render(Exchange& exchange, const http::ApiError& error) {
  return http::make_response(exchange.arena(), http::render(error, exchange.output()));
}

Root run_request(Exchange& exchange, devices::Route route, const Response*& response) {
  const auto answered = co_await devices::answer(exchange, route);
  response = answered ? *answered : render(exchange, *answered.error());
}

void log_failure(const mxd_instance& instance, mxd_cookie request) noexcept {
  instance.host.log(request, MXD_LOG_ERROR,
                    "the request failed inside, most likely for want of memory; it got a 500");
}

// The request's last moments: answer it, recycle what it used, let the instance go.
void finish(Slot& slot) noexcept {
  ActiveRequest& active = *static_cast<ActiveRequest*>(slot.user);
  mxd_instance& instance = active.instance;
  async::Gate& gate = *instance.gate;
  if (gate.abandoned()) return;  // what is lent is leaked
  const host::Line& line = active.exchange.line;
  if (active.response == &http::kOutOfMemory) {
    log_failure(instance, line.request);
  }
  if (line.principal != 0 && instance.host->release_principal != nullptr) {
    instance.host->release_principal(instance.host.cookie(), line.principal);
  }
  if (gate.abandoned()) return;
  respond(instance, line.request, *active.response);
  slot.release();
  gate.leave();
}

// Mostly it is spelled as it is here.
bool is_same_in_any_case(std::string_view given, std::string_view name) noexcept {
  return given == name ||
         absl::EqualsIgnoreCase({given.data(), given.size()}, {name.data(), name.size()});
}

bool is_named(const mxd_header& header, std::string_view name) noexcept {
  return header.name.size == name.size() && is_same_in_any_case(host::text(header.name), name);
}

// Copies what outlives handle() into the request's own memory.
void copy(memory::Arena& arena, const mxd_request& record, const http::Target& target,
          http::Request& request) {
  request.method = arena.copy(host::text(record.method));
  request.target = {http::printable_target(arena, target.path),
                    http::printable_target(arena, target.query)};
  request.remote_addr = arena.copy(host::text(record.remote_addr));
  request.body_too_large = (record.flags & MXD_REQUEST_BODY_TOO_LARGE) != 0;
  for (size_t i = 0; i < record.header_count; ++i) {
    const mxd_header& header = record.headers[i];
    if (is_named(header, "Authorization")) {
      ++request.authorization_count;
      request.authorization = arena.copy(host::text(header.value));
    } else if (is_named(header, "Accept-Language")) {
      request.accept_language = arena.copy(host::text(header.value));
    }
  }
}

bool is_well_formed(const mxd_request* record) noexcept {
  if (record == nullptr || record->size < MXD_REQUEST_SIZE_1_0) return false;
  const auto is_text = [](mxd_view text) { return text.data != nullptr || text.size == 0; };
  if (!is_text(record->method) || !is_text(record->target) || !is_text(record->body) ||
      !is_text(record->remote_addr) || (record->headers == nullptr && record->header_count != 0)) {
    return false;
  }
  for (size_t i = 0; i < record->header_count; ++i) {
    if (!is_text(record->headers[i].name) || !is_text(record->headers[i].value)) return false;
  }
  return true;
}

// Sets a request up in a slot, ready to run. `target` and `route` point into the record.
// @throws std::bad_alloc
void prepare(Slot& slot, mxd_instance& instance, const mxd_request& record,
             const http::Target& target, devices::Route route) {
  memory::Arena& arena = slot.arena();
  void* const place = arena.allocate(sizeof(ActiveRequest), alignof(ActiveRequest));
  auto* active = new (place) ActiveRequest{instance,
                                           {instance.config,
                                            {},
                                            {instance.host, *instance.gate, slot, record.cookie},
                                            *instance.limiter,
                                            {}},
                                           &http::kOutOfMemory};
  http::Request& request = active->exchange.request;
  copy(arena, record, target, request);
  request.body_too_large |= record.body.size > instance.config.max_body_bytes;
  if (!request.body_too_large) request.body = arena.copy(host::text(record.body));
  route.segment = http::printable_target(arena, route.segment);
  const Root root = run_request(active->exchange, route, active->response);
  slot.user = active;
  slot.finished = finish;
  slot.waiting = root.handle;
}

}  // namespace

int32_t handle(mxd_instance* instance, const mxd_request* record,
               mxd_request_token* token) noexcept {
  if (token != nullptr) *token = 0;
  if (instance == nullptr || !is_well_formed(record)) return MXD_INVALID_ARGUMENT;
  const auto target = http::Target::split(host::text(record->target));
  const auto route = devices::find_route(target.path, instance->config);
  if (!route) return MXD_NOT_MINE;  // R8
  if (!instance->gate->enter()) return MXD_UNAVAILABLE;

  Slot* slot = nullptr;
  const int32_t prepared = guarded([&] {
    slot = &Slot::acquire(*instance->gate);
    prepare(*slot, *instance, *record, target, *route);
    return MXD_OK;
  });
  if (prepared != MXD_OK) {  // H4
    if (slot != nullptr) slot->release();
    log_failure(*instance, record->cookie);
    if (!instance->gate->abandoned()) respond(*instance, record->cookie, http::kOutOfMemory);
    instance->gate->leave();
    return MXD_OK;
  }
  if (token != nullptr) *token = slot->request_token();
  async::run(*slot);
  return MXD_OK;
}

int32_t match(mxd_instance* instance, mxd_view, mxd_view target) noexcept {
  if (instance == nullptr || (target.data == nullptr && target.size != 0)) {
    return MXD_INVALID_ARGUMENT;
  }
  const auto path = http::Target::split(host::text(target)).path;
  return devices::find_route(path, instance->config) ? MXD_OK : MXD_NOT_MINE;  // R7, R8
}

int32_t cancel(mxd_request_token token) noexcept {
  Slot* slot = Slot::find(token);
  if (slot == nullptr) return MXD_STALE;
  async::Gate* gate = slot->pin();
  if (gate == nullptr) return MXD_STALE;
  const auto cancelled = slot->cancel(token);
  if (cancelled == Slot::Cancelled::kNow) {
    const auto& host = static_cast<mxd_instance*>(gate->instance())->host;
    const async::Token operation = slot->open_operation();
    // The operation is this request's if the request is still there after it was read.
    if (operation != 0 && slot->is_in_flight(token) && host->cancel_operation != nullptr) {
      host->cancel_operation(host.cookie(), operation);
    }
  }
  gate->leave();
  return cancelled == Slot::Cancelled::kAnswered ? MXD_STALE : MXD_OK;
}

}  // namespace mxd::entry
