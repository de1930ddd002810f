#include "engine.h"

#include <utility>

#include "store.h"

namespace mxd::python {

// The table for hosts in Python. A callback only queues what it was asked; it never takes the GIL.
struct Engine::Callbacks {
  template <Callback callback>
  static int32_t ask(mxd_cookie request, mxd_op op, Arguments arguments) noexcept {
    reinterpret_cast<Exchange*>(request)->ask({callback, op, arguments});
    return MXD_OK;
  }

  // Callbacks whose question is one struct of the contract.
  template <Callback callback, class Argument>
  static int32_t ask_about(mxd_cookie, mxd_cookie request, mxd_op op, mxd_cookie,
                           const Argument* argument) noexcept {
    return ask<callback>(request, op, argument);
  }

  static void respond(mxd_cookie, mxd_cookie request, const mxd_response* response) noexcept {
    const auto exchange = std::move(reinterpret_cast<Exchange*>(request)->self);
    exchange->respond(*response);
  }

  static int32_t authenticate(mxd_cookie, mxd_cookie request, mxd_op op,
                              const mxd_credentials* credentials) noexcept {
    return ask<Callback::kAuthenticate>(request, op, credentials);
  }

  static int32_t list_devices(mxd_cookie, mxd_cookie request, mxd_op op, mxd_cookie,
                              mxd_view user_id) noexcept {
    return ask<Callback::kListDevices>(request, op, UserArgument{user_id});
  }

  static int32_t get_device(mxd_cookie, mxd_cookie request, mxd_op op, mxd_cookie, mxd_view user_id,
                            mxd_view device_id) noexcept {
    return ask<Callback::kGetDevice>(request, op, DeviceArguments{user_id, device_id});
  }

  static int32_t delete_devices(mxd_cookie, mxd_cookie request, mxd_op op, mxd_cookie,
                                mxd_view user_id, const mxd_view* ids, size_t count) noexcept {
    return ask<Callback::kDeleteDevices>(request, op, DevicesArguments{user_id, ids, count});
  }

  static int32_t uia_load_session(mxd_cookie, mxd_cookie request, mxd_op op, mxd_cookie,
                                  mxd_view session_id) noexcept {
    return ask<Callback::kUiaLoadSession>(request, op, SessionArgument{session_id});
  }

  static int32_t mark_validated(mxd_cookie, mxd_cookie request, mxd_op op, mxd_cookie,
                                int64_t now_ms) noexcept {
    return ask<Callback::kMarkValidated>(request, op, TimeArgument{now_ms});
  }

  static int32_t take_limit(mxd_cookie, mxd_cookie request, mxd_op op, mxd_cookie,
                            const mxd_limit* limits, size_t count, int32_t units) noexcept {
    return ask<Callback::kTakeLimit>(request, op, LimitsArguments{limits, count, units});
  }

  static int64_t now_ms(mxd_cookie host) noexcept {
    return reinterpret_cast<Engine*>(host)->now_ms_.load(std::memory_order_relaxed);
  }

  static void log(mxd_cookie host, mxd_cookie, int32_t level, mxd_view message) noexcept {
    reinterpret_cast<Engine*>(host)->log_->push(level, text(message));
  }

  static mxd_host table(Engine& engine, const Options& options) noexcept {
    mxd_host host{};
    host.size = sizeof(host);
    host.abi_minor = MXD_ABI_MINOR;
    host.caps = options.atomic_delete ? MXD_HOST_CAP_ATOMIC_DELETE : 0;
    host.cookie = reinterpret_cast<mxd_cookie>(&engine);
    host.respond = respond;
    host.authenticate = authenticate;
    host.list_devices = list_devices;
    host.get_device = get_device;
    host.rename_device = ask_about<Callback::kRenameDevice, mxd_device_update>;
    host.delete_devices = delete_devices;
    host.uia_flows = ask_about<Callback::kUiaFlows, mxd_uia_operation>;
    host.uia_create_session = ask_about<Callback::kUiaCreateSession, mxd_session>;
    host.uia_load_session = uia_load_session;
    host.uia_check = ask_about<Callback::kUiaCheck, mxd_uia_attempt>;
    host.uia_record = ask_about<Callback::kUiaRecord, mxd_uia_record>;
    if (options.put_device) host.put_device = ask_about<Callback::kPutDevice, mxd_device_update>;
    if (options.mark_validated) host.mark_validated = mark_validated;
    if (options.take_limit) host.take_limit = take_limit;
    if (options.clock) host.now_ms = now_ms;
    host.log = log;
    return host;
  }
};

Engine::Engine(const Module& module, std::string_view config, const Options& options,
               std::shared_ptr<Store> store)
    : module_(module),
      store_(std::move(store)),
      log_(store_ ? store_->log() : std::make_shared<LogQueue>()) {
  mxd_host host{};
  if (store_) {
    host.size = sizeof(host);
    store_->fill_host(module.table(), host);
    host.respond = Callbacks::respond;
    host.log = Store::log_of_host;
  } else {
    host = Callbacks::table(*this, options);
  }
  instance_.emplace(module, host, config);
  max_body_bytes_ = instance_->max_body_bytes();
  mxd_route route{};
  for (uint32_t i = 0; instance_->route(i, route) == MXD_OK; ++i)
    routes_.push_back(route);
}

int32_t Engine::begin(mxd_request request, std::shared_ptr<Exchange>* exchange) noexcept {
  if (!is_usable()) return MXD_UNAVAILABLE;
  auto begun = std::make_shared<Exchange>();
  request.cookie = reinterpret_cast<mxd_cookie>(begun.get());
  begun->self = begun;
  const int32_t status = instance_->handle(request, &begun->token);
  if (status != MXD_OK) begun->self.reset();
  *exchange = std::move(begun);
  return status;
}

void Engine::shut_down() {
  if (!is_usable()) return;
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
  usable_.store(false, std::memory_order_release);
  instance_.reset();
  store_.reset();
  return true;
}

void Engine::abandon() noexcept {
  if (!usable_.exchange(false)) return;
  instance_->abandon();
  store_.reset();
}

void Engine::forget() {
  if (!usable_.exchange(false)) return;
  // Other threads of the parent may have been inside: neither is destroyed here.
  new std::optional<Instance>(std::move(instance_));
  new std::shared_ptr<Store>(std::move(store_));
}

}  // namespace mxd::python
