#include "tests/bench/in_process/store_host.h"

#include <dlfcn.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <stdexcept>

namespace mxd::bench {
namespace {

const mxd_store_library& load(const std::string& path) {
  void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* const entry = library == nullptr ? nullptr : ::dlsym(library, MXD_STORE_ENTRY_V1);
  if (entry == nullptr) throw std::runtime_error(::dlerror());
  return *reinterpret_cast<mxd_store_entry_v1>(entry)();
}

// What the store has to say is about something that went wrong.
void print(mxd_cookie, mxd_cookie, int32_t, mxd_view message) noexcept {
  std::fprintf(stderr, "store: %.*s\n", static_cast<int>(message.size), message.data);
}

// Calls a function of the table with a place for its error.
template <class Call>
void require(const char* what, Call call) {
  std::array<char, 256> error{};
  const int32_t status = call(error.data(), error.size());
  if (status != MXD_OK) {
    throw std::runtime_error(std::string(what) + ": status " + std::to_string(status) + ", " +
                             error.data());
  }
}

}  // namespace

int64_t standing_now_ms() {
  static const int64_t now = std::chrono::duration_cast<std::chrono::milliseconds>(
                                 std::chrono::system_clock::now().time_since_epoch())
                                 .count();
  return now;
}

StoreHost::StoreHost(const std::string& library, const std::string& url)
    : library_(&load(library)) {
  mxd_store_options options = make<mxd_store_options>();
  options.abi_minor = MXD_STORE_ABI_MINOR;
  options.url = view(url);
  options.server_name = view(kServerName);
  options.log = print;
  options.now_ms = [](mxd_cookie) noexcept { return standing_now_ms(); };
  require("open",
          [&](char* error, size_t size) { return library_->open(&options, &store_, error, size); });
}

StoreHost::~StoreHost() {
  library_->close(store_);
}

std::string StoreHost::add_alice(size_t devices) {
  auto account = make<mxd_store_new_account>();
  account.name = view("alice");
  account.password = view(kPassword);
  require("add_account", [&](char* error, size_t size) {
    return library_->add_account(store_, &account, nullptr, error, size);
  });
  std::string access_token;
  for (size_t i = 0; i < devices; ++i) {
    const std::string id = device_id(i);
    const std::string name = "Alice's phone " + std::to_string(i);
    auto login = make<mxd_store_login>();
    login.lifetime_ms = -1;
    login.name = view("alice");
    login.device_id = view(id);
    login.initial_device_display_name = view(name);
    auto tokens = make<mxd_store_tokens>();
    require("login", [&](char* error, size_t size) {
      return library_->login(store_, &login, &tokens, error, size);
    });
    if (i == 0) access_token = tokens.access_token;
  }
  return access_token;
}

mxd_host StoreHost::table(const Module& module) {
  auto host = make<mxd_host>();
  require("fill_host", [&](char* error, size_t size) {
    return library_->fill_host(store_, &module.table(), &host, error, size);
  });
  host.respond = Answers::respond;
  return host;
}

}  // namespace mxd::bench
