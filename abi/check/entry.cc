// The module's table, as matrix_devices_module_v1() gives it.
#include <boost/json.hpp>
#include <cstring>
#include <new>
#include <optional>
#include <string>
#include <string_view>

#include "abi/check/configuration.h"
#include "abi/check/dialogue.h"
#include "abi/check/emit.h"
#include "abi/check/guard.h"
#include "abi/check/instance.h"
#include "abi/check/operation.h"
#include "abi/check/plan.h"
#include "abi/check/request.h"
#include "abi/check/text.h"

using mxd::check::Dialogue;
using mxd::check::guarded;
using mxd::check::Instance;
using mxd::check::Operation;
using mxd::check::text;
using mxd::check::view;

struct mxd_instance {
  std::shared_ptr<Instance> shared;
};

namespace {

void write_error(std::string_view line, char* out, size_t size) noexcept {
  if (out == nullptr || size == 0) return;
  const size_t length = std::min(line.size(), size - 1);
  std::memcpy(out, line.data(), length);
  out[length] = '\0';
}

// What of the host's table is missing, or nullptr.
const char* missing_in(const mxd_host& host) {
  if (host.respond == nullptr) return "respond";
  if (host.authenticate == nullptr) return "authenticate";
  if (host.list_devices == nullptr) return "list_devices";
  if (host.get_device == nullptr) return "get_device";
  if (host.rename_device == nullptr) return "rename_device";
  if (host.delete_devices == nullptr) return "delete_devices";
  if (host.uia_flows == nullptr) return "uia_flows";
  if (host.uia_create_session == nullptr) return "uia_create_session";
  if (host.uia_load_session == nullptr) return "uia_load_session";
  if (host.uia_replace_session == nullptr) return "uia_replace_session";
  if (host.uia_check == nullptr) return "uia_check";
  return nullptr;
}

int32_t create_instance(const mxd_host* from, mxd_view config, mxd_instance** out, char* error,
                        size_t error_size) {
  const auto refuse = [&](int32_t status, const std::string& line) {
    write_error(line, error, error_size);
    return status;
  };
  if (from == nullptr || from->size < MXD_HOST_SIZE_1_0) {
    return refuse(MXD_INVALID_ARGUMENT, "mxd_host: its size is below that of version 1.0");
  }
  mxd_host host{};
  std::memcpy(&host, from, std::min<size_t>(from->size, sizeof host));
  if ((host.caps >> MXD_CAP_MUST_UNDERSTAND_FROM) != 0) {
    return refuse(MXD_UNSUPPORTED, "mxd_host: caps has a bit that must be understood, and is not");
  }
  if (const char* missing = missing_in(host)) {
    return refuse(MXD_INVALID_ARGUMENT, std::string("mxd_host: set the callback ") + missing);
  }
  mxd::check::ReadConfiguration read = mxd::check::read_configuration(text(config));
  if (!read.fault.empty()) return refuse(MXD_INVALID_ARGUMENT, read.fault);
  *out = new mxd_instance{std::make_shared<Instance>(host, std::move(read))};
  return MXD_OK;
}

int32_t create(const mxd_host* host, mxd_view config, mxd_instance** out, char* error,
               size_t error_size) noexcept {
  return guarded([&] {
    if (out == nullptr) return MXD_INVALID_ARGUMENT;
    *out = nullptr;
    write_error({}, error, error_size);
    return create_instance(host, config, out, error, error_size);
  });
}

int32_t destroy(mxd_instance* instance) noexcept {
  return guarded([&] {
    if (instance == nullptr) return MXD_INVALID_ARGUMENT;
    if (instance->shared->is_busy()) return MXD_BUSY;
    delete instance;
    return MXD_OK;
  });
}

int32_t shutdown(mxd_instance* instance, void (*done)(mxd_cookie) noexcept,
                 mxd_cookie cookie) noexcept {
  return guarded([&] {
    if (instance == nullptr || done == nullptr) return MXD_INVALID_ARGUMENT;
    const std::shared_ptr<Instance> shared = instance->shared;  // `done` may destroy it
    return shared->shut_down(done, cookie);
  });
}

int32_t abandon(mxd_instance* instance) noexcept {
  return guarded([&] {
    if (instance == nullptr) return MXD_INVALID_ARGUMENT;
    instance->shared->abandon();
    return MXD_OK;
  });
}

// The callbacks that must not re-enter are known by the thread that runs them.
void note_re_entry(mxd::check::Report& report, const char* entry) {
  if (const char* callback = mxd::check::quiet_callback()) {
    report.broken("callbacks.re_enter_nothing", std::string(callback) + " called " + entry);
  }
}

int32_t handle(mxd_instance* instance, const mxd_request* request,
               mxd_request_token* token) noexcept {
  return guarded([&] {
    if (instance == nullptr || request == nullptr) return MXD_INVALID_ARGUMENT;
    const std::shared_ptr<Instance> shared = instance->shared;
    note_re_entry(shared->report(), "handle");
    if (const char* fault = mxd::check::fault_of(*request)) {
      shared->report().broken("handle.request", std::string("handle: ") + fault);
      return MXD_INVALID_ARGUMENT;
    }
    if (mxd::check::find_route(text(request->target)) == nullptr) return MXD_NOT_MINE;
    const auto dialogue = std::make_shared<Dialogue>(shared, mxd::check::read_request(*request));
    if (!shared->enter(dialogue)) return MXD_UNAVAILABLE;
    if (token != nullptr) *token = dialogue->token();
    dialogue->schedule();
    return MXD_OK;
  });
}

int32_t cancel(mxd_request_token request) noexcept {
  return guarded([&] {
    const std::shared_ptr<Dialogue> dialogue = Dialogue::find(request);
    if (dialogue == nullptr) return MXD_STALE;
    dialogue->cancel();
    return MXD_OK;
  });
}

int32_t match(mxd_instance* instance, mxd_view, mxd_view target) noexcept {
  return guarded([&] {
    if (instance == nullptr) return MXD_INVALID_ARGUMENT;
    note_re_entry(instance->shared->report(), "match");
    return mxd::check::find_route(text(target)) == nullptr ? MXD_NOT_MINE : MXD_OK;
  });
}

uint64_t max_body_bytes(mxd_instance*) noexcept {
  return mxd::check::kMaxBodyBytes;
}

int32_t route(mxd_instance* instance, uint32_t index, mxd_route* out) noexcept {
  if (instance == nullptr || out == nullptr || out->size < MXD_ROUTE_SIZE_1_0) {
    return MXD_INVALID_ARGUMENT;
  }
  const mxd::check::RouteRow* const row = mxd::check::route_row(index);
  if (row == nullptr) return MXD_NOT_FOUND;
  mxd_route filled{};
  filled.size = static_cast<uint32_t>(std::min<size_t>(out->size, sizeof filled));
  filled.methods = view(row->methods);
  filled.path = view(row->path);
  std::memcpy(out, &filled, filled.size);
  return MXD_OK;
}

int32_t complete(mxd_op op, int32_t status) noexcept {
  return guarded([&] {
    const std::shared_ptr<Operation> operation = Operation::find(op);
    if (operation == nullptr) return MXD_STALE;
    note_re_entry(operation->report(), "complete");
    return operation->complete(status);
  });
}

const void* get_extension(const char*) noexcept {
  return nullptr;
}

mxd_module table() noexcept {
  mxd_module module{};
  module.size = sizeof module;
  module.abi_minor = MXD_ABI_MINOR;
  module.product_version = MXD_PRODUCT_VERSION;
  module.create = &create;
  module.destroy = &destroy;
  module.shutdown = &shutdown;
  module.abandon = &abandon;
  module.handle = &handle;
  module.cancel = &cancel;
  module.match = &match;
  module.max_body_bytes = &max_body_bytes;
  module.route = &route;
  module.complete = &complete;
  mxd::check::fill_emits(module);
  module.get_extension = &get_extension;
  return module;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const mxd_module* matrix_devices_module_v1(
    void) noexcept {
  static const mxd_module module = table();
  return &module;
}
