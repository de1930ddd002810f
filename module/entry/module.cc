#include "matrix_devices/module.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "module/async/slot.h"
#include "module/devices/routes.h"
#include "module/entry/emit.h"
#include "module/entry/guard.h"
#include "module/entry/instance.h"
#include "module/entry/request.h"

namespace mxd::entry {
namespace {

void write_error(std::string_view text, char* out, size_t size) noexcept {
  if (out == nullptr || size == 0) return;
  const size_t length = std::min(text.size(), size - 1);
  std::copy_n(text.begin(), length, out);
  out[length] = '\0';
}

// @throws std::bad_alloc
int32_t set_up(mxd_instance& instance, const mxd_host* host, mxd_view config, std::string& error) {
  const int32_t adopted = instance.host.adopt(host, error);
  if (adopted != MXD_OK) return adopted;
  if (!config::parse(host::text(config), instance.config, error)) return MXD_INVALID_ARGUMENT;
  if (instance.config.uia.grace_period_ms > 0 && instance.host->mark_validated == nullptr) {
    error =
        "configuration: \"uia.grace_period_ms\" needs the host's callback mark_validated; set it, "
        "or leave the grace period out";
    return MXD_INVALID_ARGUMENT;
  }
  for (const auto& version : instance.config.path_versions) {
    for (const auto& endpoint : devices::endpoints()) {
      const bool page = endpoint.asks == devices::Endpoint::Asks::kNobody;
      if (page && !instance.config.fallback_pages) continue;
      std::string path(devices::kClientPrefix);
      path.append(version).append(endpoint.path);
      instance.routes.push_back({endpoint.allow(), std::move(path)});
    }
  }
  unsigned char secret[16];
  if (!instance.host.random_bytes(secret, sizeof secret)) {
    error = "host: random_bytes failed; leave it NULL to use the system's";
    return MXD_INVALID_ARGUMENT;
  }
  instance.limiter = std::make_unique<limits::Limiter>(secret);
  instance.gate = &async::Gate::claim(&instance);
  instance.host.guard(*instance.gate);
  return MXD_OK;
}

int32_t create(const mxd_host* host, mxd_view config, mxd_instance** out, char* error,
               size_t error_size) noexcept {
  write_error({}, error, error_size);
  if (out == nullptr) {
    write_error("create: `out` is NULL; pass the address of a pointer", error, error_size);
    return MXD_INVALID_ARGUMENT;
  }
  *out = nullptr;
  const int32_t status = guarded([&] {
    auto instance = std::make_unique<mxd_instance>();
    std::string text;
    const int32_t result = set_up(*instance, host, config, text);
    write_error(text, error, error_size);
    if (result == MXD_OK) *out = instance.release();
    return result;
  });
  if (status == MXD_NO_MEMORY) write_error("create: out of memory", error, error_size);
  return status;
}

int32_t destroy(mxd_instance* instance) noexcept {
  if (instance == nullptr) return MXD_INVALID_ARGUMENT;
  switch (instance->gate->release()) {
    case async::Gate::Release::kBusy:
      return MXD_BUSY;
    case async::Gate::Release::kEmpty:
      delete instance;
      break;
    case async::Gate::Release::kInUse:  // abandoned: what is in use is leaked
      break;
  }
  return MXD_OK;
}

int32_t shutdown(mxd_instance* instance, void (*done)(mxd_cookie) noexcept,
                 mxd_cookie cookie) noexcept {
  if (instance == nullptr || done == nullptr) return MXD_INVALID_ARGUMENT;
  return instance->gate->close(done, cookie) ? MXD_OK : MXD_BUSY;
}

int32_t abandon(mxd_instance* instance) noexcept {
  if (instance == nullptr) return MXD_INVALID_ARGUMENT;
  instance->gate->abandon();
  async::Slot::for_each([&](async::Slot& slot) { slot.abandon(*instance->gate); });
  return MXD_OK;
}

uint64_t max_body_bytes(mxd_instance* instance) noexcept {
  return instance == nullptr ? 0 : instance->config.max_body_bytes;
}

int32_t route(mxd_instance* instance, uint32_t index, mxd_route* out) noexcept {
  if (instance == nullptr || out == nullptr || out->size < MXD_ROUTE_SIZE_1_0) {
    return MXD_INVALID_ARGUMENT;
  }
  if (index >= instance->routes.size()) return MXD_NOT_FOUND;
  mxd_route record{};
  record.size = std::min<uint32_t>(out->size, sizeof record);
  record.methods = host::view(instance->routes[index].methods);
  record.path = host::view(instance->routes[index].path);
  std::memcpy(out, &record, record.size);
  return MXD_OK;
}

const void* get_extension(const char*) noexcept {
  return nullptr;
}

constexpr mxd_module kModule{
    .size = sizeof(mxd_module),
    .abi_minor = MXD_ABI_MINOR,
    .caps = 0,
    .product_version = MXD_PRODUCT_VERSION,
    .create = create,
    .destroy = destroy,
    .shutdown = shutdown,
    .abandon = abandon,
    .handle = handle,
    .cancel = cancel,
    .match = match,
    .max_body_bytes = max_body_bytes,
    .route = route,
    .complete = complete,
    .emit_principal = emit_principal,
    .emit_device = emit_device,
    .emit_stage = emit_stage,
    .emit_session_id = emit_session_id,
    .emit_session = emit_session,
    .emit_completed = emit_completed,
    .emit_identity = emit_identity,
    .emit_reason = emit_reason,
    .emit_retry_after = emit_retry_after,
    .emit_error = emit_error,
    .get_extension = get_extension,
};

}  // namespace
}  // namespace mxd::entry

extern "C" __attribute__((visibility("default"))) const mxd_module* matrix_devices_module_v1(
    void) noexcept {
  return &mxd::entry::kModule;
}
