#include "bindings/server/device_module.h"

#include <memory>
#include <utility>

#include "bindings/server/operation/json_log.h"

namespace mxd::server {
namespace {

constexpr size_t kUsualHeaderBytes = 320;  // of all but pages

Response copy_of(const mxd_response& from) {
  Response response;
  response.status = from.http_status;
  response.headers.reserve(kUsualHeaderBytes);
  for (size_t i = 0; i < from.header_count; ++i)
    add_header(response.headers, text(from.headers[i].name), text(from.headers[i].value));
  response.body = text(from.body);
  return response;
}

void respond(mxd_cookie, mxd_cookie request, const mxd_response* response) noexcept {
  auto& exchange = *reinterpret_cast<Exchange*>(request);
  Response copy;
  try {
    copy = copy_of(*response);
  } catch (const std::exception&) {
    copy = bare_failure();
  }
  exchange.respond(std::move(copy));
}

mxd_host host_on(const Store& store, const Module& module) {
  mxd_host host = store.host_for(module);  // with the store's log, which is this program's
  host.respond = &respond;
  return host;
}

}  // namespace

ModuleLibrary::ModuleLibrary(const std::string& path, const Store& store)
    : module_(Module::load(path)), host_(host_on(store, module_)) {}

DeviceModule::DeviceModule(const ModuleLibrary& library, std::string config)
    : config_(std::move(config)),
      instance_(library.module(), library.host(), config_),
      max_body_bytes_(instance_.max_body_bytes()) {
  // Shared with this: the instance may still be telling when this is gone.
  tell_stopped_ = [stopped = stopped_] { stopped->happen(); };
}

int32_t DeviceModule::handle(Exchange& exchange, mxd_request_token* token) {
  const Request& from = exchange.request();
  auto request = make<mxd_request>();
  request.flags = from.body_too_large ? MXD_REQUEST_BODY_TOO_LARGE : 0;
  request.cookie = reinterpret_cast<mxd_cookie>(&exchange);
  request.headers = from.headers.data();
  request.header_count = from.headers.size();
  request.method = view(from.method);
  request.target = view(from.target);
  request.body = view(from.body);
  request.remote_addr = view(from.remote_addr);
  return instance_.handle(request, token);
}

void DeviceModule::begin_stop() noexcept {
  if (tell_stopped_) instance_.shutdown(std::exchange(tell_stopped_, nullptr));
}

bool DeviceModule::is_stopped() const {
  return stopped_->has_happened();
}

bool DeviceModule::end_stop(std::chrono::steady_clock::time_point deadline) {
  if (stopped_->wait_until(deadline)) return true;
  log_message(MXD_LOG_ERROR, "requests in the module did not finish; they are abandoned");
  instance_.abandon();
  return false;
}

}  // namespace mxd::server
