// A host in C++ over module.hpp: one user, one device, one request.
//   cpp_host libmatrix_devices.so
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

#include "matrix_devices/module.hpp"

namespace {

const mxd_module* module_table;

int32_t authenticate(mxd_cookie, mxd_cookie, mxd_op op, mxd_cookie,
                     const mxd_credentials* credentials) noexcept {
  if (mxd::text(credentials->access_token) != "secret") return MXD_UNKNOWN_TOKEN;
  auto alice = mxd::make<mxd_principal>();
  alice.user_id = mxd::view("@alice:example.org");
  alice.device_id = mxd::view("LAPTOP");
  module_table->emit_principal(op, &alice);
  return module_table->complete(op, MXD_OK);
}

int32_t list_devices(mxd_cookie, mxd_cookie, mxd_op op, mxd_cookie,
                     const mxd_device_query*) noexcept {
  auto device = mxd::make<mxd_device>();
  device.device_id = mxd::view("LAPTOP");
  module_table->emit_device(op, &device);
  return module_table->complete(op, MXD_OK);
}

template <class Question>
int32_t not_served(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const Question*) noexcept {
  return MXD_UNAVAILABLE;
}

void respond(mxd_cookie, mxd_cookie, const mxd_response* response) noexcept {
  const std::string_view body = mxd::text(response->body);
  std::printf("%u %.*s\n", response->http_status, static_cast<int>(body.size()), body.data());
}

mxd_host table() {
  auto host = mxd::make<mxd_host>();
  host.respond = respond;
  host.authenticate = authenticate;
  host.list_devices = list_devices;
  host.get_device = not_served;
  host.rename_device = not_served;
  host.delete_devices = not_served;
  host.uia_flows = not_served;
  host.uia_create_session = not_served;
  host.uia_load_session = not_served;
  host.uia_replace_session = not_served;
  host.uia_check = not_served;
  return host;
}

// What has to fail while starting does, with this status and a text.
bool fails(int32_t status, const std::function<void()>& start) {
  try {
    start();
  } catch (const mxd::Error& error) {
    if (error.status() == status && !std::string_view(error.what()).empty()) return true;
    std::fprintf(stderr, "expected status %d, got %d: %s\n", status, error.status(), error.what());
    return false;
  }
  std::fprintf(stderr, "expected status %d, got a start\n", status);
  return false;
}

bool run(const std::string& path) {
  const mxd::Module module = mxd::Module::load(path);
  module_table = &module.table();
  mxd_host host = table();
  const mxd_host no_host{};

  bool right = fails(MXD_INVALID_ARGUMENT, [] { mxd::Module::load("/no/such/file.so"); }) &&
               fails(MXD_INVALID_ARGUMENT, [] { mxd::Module::load("libc.so.6"); }) &&
               fails(MXD_INVALID_ARGUMENT, [&] { mxd::Instance(module, host, "["); }) &&
               fails(MXD_INVALID_ARGUMENT, [&] { mxd::Instance(module, no_host, "{}"); });

  mxd::Instance instance(module, host, "{}");
  const std::string_view target = "/_matrix/client/v3/devices";
  mxd_route route{};
  right =
      right && instance.match("GET", target) && !instance.match("GET", "/_matrix/client/v3/sync");
  right = right && instance.route(0, route) == MXD_OK && MXD_HAS(&route, path) &&
          mxd::text(route.path).starts_with("/_matrix/client/");
  right = right && instance.route(1000, route) == MXD_NOT_FOUND;
  right = right && instance.max_body_bytes() == 1024 * 1024;

  const mxd_header header = {mxd::view("Authorization"), mxd::view("Bearer secret")};
  auto request = mxd::make<mxd_request>();
  request.headers = &header;
  request.header_count = 1;
  request.method = mxd::view("GET");
  request.target = mxd::view(target);
  right = right && instance.handle(request) == MXD_OK;
  bool done = false;
  right = right && instance.shutdown([&] { done = true; }) == MXD_OK && done;
  right = right && instance.shutdown({}) == MXD_BUSY && instance.handle(request) == MXD_UNAVAILABLE;
  return right && instance.destroy() == MXD_OK;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: cpp_host libmatrix_devices.so\n");
    return 2;
  }
  try {
    if (run(argv[1])) return 0;
    std::fprintf(stderr, "expected what module.hpp promises, got something else\n");
  } catch (const mxd::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  return 1;
}
