#pragma once

#include "module/config/config.h"
#include "module/host/host_call.h"
#include "module/host/records.h"
#include "module/http/request.h"
#include "module/memory/arena.h"
#include "module/memory/output_buffer.h"

namespace mxd::limits {
class Limiter;
}

namespace mxd::host {

// One request on its way to a response: what it said, what it may use, whom it may ask. Every
// coroutine takes it as its first argument, and has its frame in its arena.
struct Exchange {
  const config::Config& config;
  http::Request request;
  Line line;  // to the host
  limits::Limiter& limiter;
  Principal who;  // once authenticated

  memory::Arena& arena() noexcept { return line.slot.arena(); }
  memory::OutputBuffer& output() noexcept { return line.slot.output(); }
  int64_t now_ms() const noexcept { return line.table.now_ms(); }
};

}  // namespace mxd::host
