#include "module/entry/request.h"

#include <absl/strings/match.h>

#include <charconv>
#include <new>

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

// The response's standard headers: R12, and the specification's CORS headers.
void respond(const mxd_instance& instance, mxd_cookie request, const Response& response) noexcept {
  constexpr size_t kMost = 12;
  mxd_header headers[kMost];
  size_t count = 0;
  const auto add = [&](std::string_view name, std::string_view value) {
    headers[count++] = {view(name), view(value)};
  };
  if (response.page_policy.empty()) {
    add("Access-Control-Allow-Origin", "*");
    add("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS");
    add("Access-Control-Allow-Headers", "X-Requested-With, Content-Type, Authorization");
    add("Access-Control-Expose-Headers", "Retry-After");
  } else {  // F1: no other site may read a page, which holds the token of its form
    add("Content-Security-Policy", response.page_policy);
    add("Referrer-Policy", "no-referrer");
    add("X-Content-Type-Options", "nosniff");
    add("X-Frame-Options", "DENY");
  }
  add("Cache-Control", "no-store");
  if (response.is_preflight) add("Access-Control-Max-Age", "86400");  // R5: a day
  if (!response.content_type.empty()) add("Content-Type", response.content_type);
  if (!response.allow.empty()) add("Allow", response.allow);
  char seconds[20];
  if (response.retry_after_ms >= 0) {
    const int64_t rounded_up =
        response.retry_after_ms / 1000 + (response.retry_after_ms % 1000 != 0 ? 1 : 0);
    const auto end = std::to_chars(seconds, seconds + sizeof seconds, rounded_up).ptr;
    add("Retry-After", {seconds, static_cast<size_t>(end - seconds)});  // L1, H1
  }
  mxd_response record{};
  record.size = sizeof record;
  record.http_status = static_cast<uint32_t>(response.status);
  record.headers = headers;
  record.header_count = count;
  record.body = view(response.body);
  instance.host->respond(instance.host.cookie(), request, &record);
}

// A request that is being answered, in the arena of its slot.
struct ActiveRequest {
  mxd_instance& instance;
  Exchange exchange;
  Response response;
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

Root run_request(Exchange& exchange, devices::Route route, Response& response) {
  response = co_await devices::answer(exchange, route);
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
  if (active.response.body.data() == http::kOutOfMemory.body.data()) {
    log_failure(instance, line.request);
  }
  if (line.principal != 0 && instance.host->release_principal != nullptr) {
    instance.host->release_principal(instance.host.cookie(), line.principal);
  }
  if (gate.abandoned()) return;
  respond(instance, line.request, active.response);
  slot.release();
  gate.leave();
}

bool is_named(const mxd_header& header, std::string_view name) {
  return header.name.size == name.size() &&
         absl::EqualsIgnoreCase({header.name.data, header.name.size}, {name.data(), name.size()});
}

// Copies what outlives handle() into the request's own memory.
http::Request copy(memory::Arena& arena, const mxd_request& record) {
  http::Request request;
  request.method = arena.copy(host::text(record.method));
  request.target = http::Target::split(http::printable_target(arena, host::text(record.target)));
  request.remote_addr = arena.copy(host::text(record.remote_addr));
  request.body_too_large = (record.flags & MXD_REQUEST_BODY_TOO_LARGE) != 0;
  for (size_t i = 0; i < record.header_count; ++i) {
    const mxd_header& header = record.headers[i];
    if (is_named(header, "authorization")) {
      ++request.authorization_count;
      request.authorization = arena.copy(host::text(header.value));
    } else if (is_named(header, "accept-language")) {
      request.accept_language = arena.copy(host::text(header.value));
    }
  }
  return request;
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

// Sets a request up in a slot, ready to run. @throws std::bad_alloc
void prepare(Slot& slot, mxd_instance& instance, const mxd_request& record) {
  memory::Arena& arena = slot.arena();
  http::Request request = copy(arena, record);
  request.body_too_large |= record.body.size > instance.config.max_body_bytes;
  if (!request.body_too_large) request.body = arena.copy(host::text(record.body));

  void* const place = arena.allocate(sizeof(ActiveRequest), alignof(ActiveRequest));
  auto* active = new (place) ActiveRequest{instance,
                                           {instance.config,
                                            request,
                                            {instance.host, *instance.gate, slot, record.cookie},
                                            *instance.limiter,
                                            {}},
                                           http::kOutOfMemory};
  const auto route = devices::find_route(request.target.path, instance.config);
  const Root root = run_request(active->exchange, *route, active->response);
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
  if (!devices::find_route(target.path, instance->config)) return MXD_NOT_MINE;  // R8
  if (!instance->gate->enter()) return MXD_UNAVAILABLE;

  Slot* slot = nullptr;
  const int32_t prepared = guarded([&] {
    slot = &Slot::acquire(*instance->gate);
    prepare(*slot, *instance, *record);
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
