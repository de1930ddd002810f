#include "tests/bench/stores/counting_module.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace mxd::bench {
namespace {

std::atomic<uint64_t> count = 0;
std::atomic<uint64_t> waited_for = 0;

int32_t complete(mxd_op, int32_t status) noexcept {
  if (status != MXD_OK && status != MXD_CREATED) {
    std::fprintf(stderr, "an operation was completed with status %d\n", status);
    std::abort();
  }
  // Who waits for 64 is woken once.
  if (count.fetch_add(1) + 1 == waited_for) count.notify_all();
  return MXD_OK;
}

// What is emitted is not copied, but its length is looked at, as a reader would.
std::atomic<uint64_t> bytes = 0;

int32_t emit_principal(mxd_op, const mxd_principal* principal) noexcept {
  bytes.fetch_add(principal->user_id.size + principal->device_id.size, std::memory_order_relaxed);
  return MXD_OK;
}

int32_t emit_device(mxd_op, const mxd_device* device) noexcept {
  bytes.fetch_add(device->device_id.size + device->display_name.size, std::memory_order_relaxed);
  return MXD_OK;
}

int32_t emit_session(mxd_op, const mxd_uia_kept* session) noexcept {
  bytes.fetch_add(session->state.size, std::memory_order_relaxed);
  return MXD_OK;
}

int32_t emit_text(mxd_op, mxd_view text) noexcept {
  bytes.fetch_add(text.size, std::memory_order_relaxed);
  return MXD_OK;
}

int32_t emit_error(mxd_op, const mxd_error* error) noexcept {
  std::fprintf(stderr, "the store refused: %.*s\n", static_cast<int>(error->text.size),
               error->text.data);
  return MXD_OK;
}

mxd_module make_table() {
  mxd_module module{};
  module.size = sizeof module;
  module.abi_minor = MXD_ABI_MINOR;
  module.product_version = "counting";
  module.complete = complete;
  module.emit_principal = emit_principal;
  module.emit_device = emit_device;
  module.emit_session = emit_session;
  module.emit_session_id = emit_text;
  module.emit_identity = emit_text;
  module.emit_reason = emit_text;
  module.emit_error = emit_error;
  return module;
}

}  // namespace

const mxd_module& counting_module() {
  static const mxd_module table = make_table();
  return table;
}

uint64_t completed() {
  return count.load(std::memory_order_acquire);
}

void wait_for_completed(uint64_t wanted) {
  waited_for = wanted;
  for (uint64_t now = count; now < wanted; now = count)
    count.wait(now);
}

}  // namespace mxd::bench
