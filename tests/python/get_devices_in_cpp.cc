// What GET /devices on the SQLite store costs from C++: the measure for the same call from Python.
//   get_devices_in_cpp MODULE STORE DATABASE TOKEN ROUNDS REQUESTS   prints µs of a processor a
//   request, the least of the rounds
#include <dlfcn.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "matrix_devices/module.hpp"
#include "matrix_devices/store.h"

namespace {

struct Answer {
  unsigned status = 0;
  std::string body;  // copied, as any server must
};

void respond(mxd_cookie, mxd_cookie request, const mxd_response* response) noexcept {
  auto& answer = *reinterpret_cast<Answer*>(request);
  answer.status = response->http_status;
  answer.body = mxd::text(response->body);
}

// What this process has used of a processor: others on the machine do not lengthen it.
double processor_us() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e6 + static_cast<double>(used.tv_nsec) / 1e3;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return 2;
  void* const library = ::dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return 1;
  const auto entry = reinterpret_cast<mxd_store_entry_v1>(::dlsym(library, MXD_STORE_ENTRY_V1));
  const mxd_store_library& functions = *entry();
  mxd_store_options options{};
  options.size = sizeof(options);
  options.abi_minor = MXD_STORE_ABI_MINOR;
  options.url = mxd::view(argv[3]);
  mxd_store* store = nullptr;
  char error[512];
  if (functions.open(&options, &store, error, sizeof(error)) != MXD_OK) {
    std::fprintf(stderr, "%s\n", error);
    return 1;
  }
  double least = 1e9;
  {
    const mxd::Module module = mxd::Module::load(argv[1]);
    mxd_host host{};
    host.size = sizeof(host);
    host.abi_minor = MXD_ABI_MINOR;
    if (functions.fill_host(store, &module.table(), &host, error, sizeof(error)) != MXD_OK) {
      std::fprintf(stderr, "%s\n", error);
      return 1;
    }
    host.respond = respond;
    mxd::Instance instance(module, host, "{}");
    const std::string authorization = std::string("Bearer ") + argv[4];
    const mxd_header header{mxd::view("Authorization"), mxd::view(authorization)};
    Answer answer;
    mxd_request request{};
    request.size = sizeof(request);
    request.cookie = reinterpret_cast<mxd_cookie>(&answer);
    request.method = mxd::view("GET");
    request.target = mxd::view("/_matrix/client/v3/devices");
    request.headers = &header;
    request.header_count = 1;
    request.remote_addr = mxd::view("192.0.2.7");
    const int count = std::atoi(argv[6]);
    for (int round = 0; round < std::atoi(argv[5]); ++round) {
      const double start = processor_us();
      for (int i = 0; i < count; ++i) {
        if (instance.handle(request) != MXD_OK || answer.status != 200) return 1;
      }
      least = std::min(least, (processor_us() - start) / count);
    }
  }
  functions.close(store);
  std::printf("%.3f\n", least);
}
