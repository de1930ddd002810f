#include "bindings/python/core/engine.h"

#include <utility>

#include "bindings/python/core/store.h"

namespace mxd::python {

// The table for hosts in Python. A callback only queues what it was asked; it never takes the GIL.
struct Engine::Callbacks {
  template <Callback callback, class Struct>
  static int32_t ask(mxd_cookie, mxd_cookie request, mxd_op op, mxd_cookie,
                     const Struct* asked) noexcept {
    reinterpret_cast<Exchange*>(request)->ask({callback, op, asked});
    return MXD_OK;
  }

  static void respond(mxd_cookie, mxd_cookie request, const mxd_response* response) noexcept {
    const auto exchange = std::move(reinterpret_cast<Exchange*>(request)->self);
    exchange->respond(*response);
  }

  static int64_t now_ms(mxd_cookie host) noexcept {
    return reinterpret_cast<Touched*>(host)->now_ms.load(std::memory_order_relaxed);
  }

  static void log(mxd_cookie host, mxd_cookie, int32_t level, mxd_view message) noexcept {
    reinterpret_cast<Touched*>(host)->log->push(level, text(message));
  }

  static mxd_host table(Touched& touched, const Options& options) noexcept {
    auto host = make<mxd_host>();
    host.abi_minor = MXD_ABI_MINOR;
    host.cookie = reinterpret_cast<mxd_cookie>(&touched);
    host.respond = respond;
    host.authenticate = ask<Callback::kAuthenticate>;
    host.list_devices = ask<Callback::kListDevices>;
    host.get_device = ask<Callback::kGetDevice>;
    host.rename_device = ask<Callback::kRenameDevice>;
    host.delete_devices = ask<Callback::kDeleteDevices>;
    host.uia_flows = ask<Callback::kUiaFlows>;
    host.uia_create_session = ask<Callback::kUiaCreateSession>;
    host.uia_load_session = ask<Callback::kUiaLoadSession>;
    host.uia_replace_session = ask<Callback::kUiaReplaceSession>;
    host.uia_check = ask<Callback::kUiaCheck>;
    if (options.put_device) host.put_device = ask<Callback::kPutDevice>;
    if (options.mark_validated) host.mark_validated = ask<Callback::kMarkValidated>;
    if (options.take_limit) host.take_limit = ask<Callback::kTakeLimit>;
    if (options.clock) host.now_ms = now_ms;
    host.log = log;
    return host;
  }
};

// A call that takes the instance. Whoever frees that waits for those that have begun.
class Engine::Visit {
 public:
  explicit Visit(const Engine& engine) noexcept : engine_(engine) {
    engine_.visits_.fetch_add(1);
    is_welcome_ = engine_.usable_.load();
  }
  ~Visit() {
    if (engine_.visits_.fetch_sub(1) == 1) engine_.visits_.notify_all();
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

  bool is_welcome() const noexcept { return is_welcome_; }

 private:
  const Engine& engine_;
  bool is_welcome_ = false;
};

Engine::Engine(const Module& module, std::string_view config, const Options& options,
               std::shared_ptr<Store> store)
    : module_(module), store_(std::move(store)) {
  touched_->log = store_ ? store_->log() : std::make_shared<LogQueue>();
  mxd_host host{};
  if (store_) {
    store_->fill_host(module.table(), host);
    host.respond = Callbacks::respond;
  } else {
    host = Callbacks::table(*touched_, options);
  }
  instance_ = std::make_shared<Instance>(module, host, config);
  max_body_bytes_ = instance_->max_body_bytes();
  mxd_route route{};
  for (uint32_t i = 0; instance_->route(i, route) == MXD_OK; ++i)
    routes_.push_back(route);
}

int32_t Engine::match(mxd_view method, mxd_view target) const noexcept {
  const Visit visit(*this);
  if (!visit.is_welcome()) return MXD_UNAVAILABLE;
  return instance_->match(text(method), text(target)) ? MXD_OK : MXD_NOT_MINE;
}

int32_t Engine::begin(mxd_request request, std::shared_ptr<Exchange>* exchange) noexcept {
  const Visit visit(*this);
  if (!visit.is_welcome()) return MXD_UNAVAILABLE;
  auto begun = std::make_shared<Exchange>();
  request.cookie = reinterpret_cast<mxd_cookie>(begun.get());
  begun->self = begun;
  const int32_t status = instance_->handle(request, &begun->token);
  if (status != MXD_OK) begun->self.reset();
  *exchange = std::move(begun);
  return status;
}

void Engine::shut_down() {
  const Visit visit(*this);
  if (!visit.is_welcome()) return;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(shutting_down_, true)) return;
  }
  instance_->shutdown([this] {
    const std::lock_guard lock(mutex_);
    shut_down_ = true;
    changed_.notify_all();
    if (wakeup_) std::exchange(wakeup_, nullptr)->push(key_);
  });
}

bool Engine::notify_closed(std::shared_ptr<Wakeup> wakeup, uint64_t key) noexcept {
  if (!is_usable()) return false;
  const std::lock_guard lock(mutex_);
  if (shut_down_) return false;
  wakeup_ = std::move(wakeup);
  key_ = key;
  return true;
}

bool Engine::close(std::chrono::milliseconds timeout) noexcept {
  if (!is_usable()) return true;
  {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, timeout, [this] { return shut_down_; })) return false;
  }
  if (!usable_.exchange(false)) return true;
  for (uint32_t visits = visits_.load(); visits != 0; visits = visits_.load()) {
    visits_.wait(visits);
  }
  instance_.reset();
  store_.reset();
  return true;
}

void Engine::abandon() noexcept {
  if (!usable_.exchange(false)) return;
  // A thread that was inside the module may still begin a callback: what that touches stays.
  left_alone_->touched = touched_;
  left_alone_->store = store_;
  if (visits_.load() == 0) {
    instance_->abandon();
  } else {
    left_alone_->instance = instance_;  // it must not be destroyed under them
  }
  static_cast<void>(left_alone_.release());
}

void Engine::forget() {
  if (!usable_.exchange(false)) return;
  // Other threads of the parent may have been inside: nothing is destroyed here.
  *left_alone_ = {store_, touched_, instance_};
  static_cast<void>(left_alone_.release());
}

}  // namespace mxd::python
