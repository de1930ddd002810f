// The SQLite store, but that what may complete later always does: on another thread, after the
// function has returned, with none of what was passed to it left.
#include <dlfcn.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "matrix_devices/store.h"

namespace {

const mxd_store_library& real() {
  static const mxd_store_library& table = *reinterpret_cast<mxd_store_entry_v1>(
      ::dlsym(::dlopen(MXD_STORE_LIBRARY, RTLD_NOW | RTLD_LOCAL), MXD_STORE_ENTRY_V1))();
  return table;
}

// One thread; it ends with the store. What is queued is done before.
class Late {
 public:
  Late() : thread_([this] { loop(); }) {}
  ~Late() {
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  void run(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    changed_.notify_one();
  }

 private:
  void loop() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return is_ending_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool is_ending_ = false;
  std::thread thread_;
};

std::optional<Late>& late() {
  static std::optional<Late> thread;
  return thread;
}

int32_t open(const mxd_store_options* options, mxd_store** out, char* error,
             size_t error_size) noexcept {
  const int32_t status = real().open(options, out, error, error_size);
  if (status == MXD_OK) late().emplace();
  return status;
}

void close(mxd_store* store) noexcept {
  late().reset();
  real().close(store);
}

std::string copy_of(mxd_view view) {
  return view.size == 0 ? std::string() : std::string(view.data, view.size);
}

mxd_view view(const std::string& text) {
  return {text.data(), text.size()};
}

int32_t resolve_name(mxd_store* store, const mxd_store_name* given,
                     void (*done)(mxd_cookie, int32_t, const mxd_store_user*, mxd_view) noexcept,
                     mxd_cookie cookie) noexcept {
  late()->run([store, name = copy_of(given->name), done, cookie] {
    mxd_store_name record{sizeof(mxd_store_name), 0, view(name)};
    real().resolve_name(store, &record, done, cookie);
  });
  return MXD_OK;
}

int32_t identify(mxd_store* store, const mxd_credentials* given,
                 void (*done)(mxd_cookie, int32_t, const mxd_store_identity*, mxd_view) noexcept,
                 mxd_cookie cookie) noexcept {
  late()->run([store, flags = given->flags, token = copy_of(given->access_token),
               user_id = copy_of(given->user_id), device_id = copy_of(given->device_id),
               address = copy_of(given->remote_addr), done, cookie] {
    mxd_credentials record{sizeof(mxd_credentials), flags,           view(token),
                           view(user_id),           view(device_id), view(address)};
    real().identify(store, &record, done, cookie);
  });
  return MXD_OK;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const mxd_store_library*
matrix_devices_store_v1() noexcept {
  static const mxd_store_library table = [] {
    mxd_store_library made = real();
    made.open = open;
    made.close = close;
    made.resolve_name = resolve_name;
    made.identify = identify;
    return made;
  }();
  return &table;
}
