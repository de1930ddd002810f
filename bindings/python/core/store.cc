#include "bindings/python/core/store.h"

#include <dlfcn.h>

#include <chrono>

#include "bindings/python/core/gil.h"

namespace mxd::python {

StoreLibrary::StoreLibrary(const std::string& path) : path_(path) {
  void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const reason = ::dlerror();
    throw Error(MXD_INVALID_ARGUMENT,
                "cannot load the store: " + (reason != nullptr ? std::string(reason) : path));
  }
  const auto entry = reinterpret_cast<mxd_store_entry_v1>(::dlsym(library, MXD_STORE_ENTRY_V1));
  if (entry == nullptr) {
    throw Error(MXD_INVALID_ARGUMENT, path + " does not export " MXD_STORE_ENTRY_V1
                                             ": it is no matrix_devices store of version 1");
  }
  table_ = entry();
  if (table_ == nullptr || table_->size < MXD_STORE_LIBRARY_SIZE_1_0) {
    throw Error(MXD_INVALID_ARGUMENT,
                path + " returns a shorter table than version 1.0 has: build it again");
  }
  if (table_->caps >> MXD_CAP_MUST_UNDERSTAND_FROM != 0) {
    throw Error(MXD_UNSUPPORTED, path +
                                     " demands a capability that this package does not know: use a "
                                     "newer matrix_devices");
  }
}

struct Store::Callbacks {
  static int64_t now_ms(mxd_cookie store) noexcept {
    return reinterpret_cast<const Store*>(store)->now_ms();
  }

  static void log(mxd_cookie store, mxd_cookie, int32_t level, mxd_view message) noexcept {
    reinterpret_cast<const Store*>(store)->log_->push(level, text(message));
  }
};

Store::Store(const StoreLibrary& library, std::string_view url, std::string_view server_name,
             int64_t access_token_ms, uint32_t connections, bool prepared_statements)
    : library_(library), log_(std::make_shared<LogQueue>()) {
  auto options = make<mxd_store_options>();
  options.abi_minor = MXD_STORE_ABI_MINOR;
  options.access_token_ms = access_token_ms;
  options.flags = prepared_statements ? 0 : MXD_STORE_UNPREPARED;
  options.connections = connections;
  options.url = view(url);
  options.server_name = view(server_name);
  options.now_ms = Callbacks::now_ms;
  options.log = Callbacks::log;
  options.cookie = reinterpret_cast<mxd_cookie>(this);
  StoreError error;
  const int32_t status = without_gil(
      [&] { return library_->open(&options, &store_, error.text, sizeof(error.text)); });
  if (status != MXD_OK) throw Error(status, error.text);
}

Store::~Store() {
  library_->close(store_);
}

int64_t Store::now_ms() const noexcept {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count() +
         clock_offset_ms_.load(std::memory_order_relaxed);
}

void Store::fill_host(const mxd_module& module, mxd_host& host) const {
  host = make<mxd_host>();
  host.abi_minor = MXD_ABI_MINOR;
  StoreError error;
  const int32_t status =
      library_->fill_host(store_, &module, &host, error.text, sizeof(error.text));
  if (status != MXD_OK) throw Error(status, error.text);
}

}  // namespace mxd::python
