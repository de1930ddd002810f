#include "store.h"

#include <dlfcn.h>

#include <chrono>
#include <mutex>
#include <unordered_map>

namespace mxd::python {
namespace {

// A table's cookie is the store itself, so its log lines find their queue by that.
class LogQueues {
 public:
  void add(mxd_cookie store, std::shared_ptr<LogQueue> log) {
    const std::lock_guard lock(mutex_);
    queues_[store] = std::move(log);
  }

  void remove(mxd_cookie store) {
    const std::lock_guard lock(mutex_);
    queues_.erase(store);
  }

  std::shared_ptr<LogQueue> find(mxd_cookie store) {
    const std::lock_guard lock(mutex_);
    const auto found = queues_.find(store);
    return found == queues_.end() ? nullptr : found->second;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<mxd_cookie, std::shared_ptr<LogQueue>> queues_;
};

LogQueues& log_queues() {
  static auto* const queues = new LogQueues;  // other threads may log until the process ends
  return *queues;
}

void log_of_store(mxd_cookie queue, int32_t level, mxd_view message) noexcept {
  reinterpret_cast<LogQueue*>(queue)->push(level, text(message));
}

int64_t now_of_store(mxd_cookie store) noexcept {
  return reinterpret_cast<const Store*>(store)->now_ms();
}

template <class Function>
void find(void* library, const std::string& path, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr) {
    throw Error(MXD_INVALID_ARGUMENT,
                path + " does not export " + name + ": it is no matrix_devices store");
  }
}

}  // namespace

StoreFunctions StoreFunctions::load(const std::string& path) {
  void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const reason = ::dlerror();
    throw Error(MXD_INVALID_ARGUMENT,
                "cannot load the store: " + (reason != nullptr ? std::string(reason) : path));
  }
  StoreFunctions found{};
  find(library, path, "mxd_sqlite_open", found.open);
  find(library, path, "mxd_sqlite_close", found.close);
  find(library, path, "mxd_sqlite_fill_host", found.fill_host);
  find(library, path, "mxd_sqlite_set_lifetimes", found.set_lifetimes);
  find(library, path, "mxd_sqlite_server_name", found.server_name);
  find(library, path, "mxd_sqlite_add_service", found.add_service);
  find(library, path, "mxd_sqlite_find_service", found.find_service);
  find(library, path, "mxd_sqlite_resolve_name", found.resolve_name);
  find(library, path, "mxd_sqlite_add_account", found.add_account);
  find(library, path, "mxd_sqlite_set_account_flags", found.set_account_flags);
  find(library, path, "mxd_sqlite_set_password", found.set_password);
  find(library, path, "mxd_sqlite_check_password", found.check_password);
  find(library, path, "mxd_sqlite_login_device", found.login_device);
  find(library, path, "mxd_sqlite_refresh", found.refresh);
  find(library, path, "mxd_sqlite_identify", found.identify);
  find(library, path, "mxd_sqlite_logout", found.logout);
  return found;
}

Store::Store(const std::string& library, std::string_view path, std::string_view server_name,
             int64_t access_token_ms)
    : functions_(StoreFunctions::load(library)), log_(std::make_shared<LogQueue>()) {
  mxd_sqlite_options options{};
  options.size = sizeof(options);
  options.path = view(path);
  options.server_name = view(server_name);
  options.access_token_ms = access_token_ms;
  options.now_ms = now_of_store;
  options.now_cookie = reinterpret_cast<mxd_cookie>(this);
  options.log = log_of_store;
  options.log_cookie = reinterpret_cast<mxd_cookie>(log_.get());
  mxd_sqlite_error error{};
  const int32_t status = functions_.open(&options, &store_, &error);
  if (status != MXD_OK) throw Error(status, error.text);
  log_queues().add(reinterpret_cast<mxd_cookie>(store_), log_);
}

Store::~Store() {
  functions_.close(store_);
  log_queues().remove(reinterpret_cast<mxd_cookie>(store_));
}

int64_t Store::now_ms() const noexcept {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count() +
         clock_offset_ms_.load(std::memory_order_relaxed);
}

void Store::fill_host(const mxd_module& module, mxd_host& host) const noexcept {
  functions_.fill_host(store_, &module, &host);
}

void Store::log_of_host(mxd_cookie store, mxd_cookie /*request*/, int32_t level,
                        mxd_view message) noexcept {
  if (const auto log = log_queues().find(store)) log->push(level, text(message));
}

}  // namespace mxd::python
