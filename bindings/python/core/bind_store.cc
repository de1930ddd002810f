#include <pybind11/stl.h>

#include <condition_variable>
#include <mutex>

#include "bindings/common/database_url.h"
#include "bindings/python/core/bind.h"
#include "bindings/python/core/gil.h"
#include "bindings/python/core/store.h"
#include "bindings/python/core/text.h"

namespace mxd::python {
namespace {

// Call a function of the store, which may block, without the GIL. Throws Error with its line.
template <class Function, class... Arguments>
void call(const Store& store, Function function, Arguments... arguments) {
  StoreError error;
  const int32_t status = without_gil(
      [&] { return function(store.handle(), arguments..., error.text, sizeof(error.text)); });
  if (status != MXD_OK) throw Error(status, error.text);
}

// What is answered on any thread, while the one that asked waits for it.
class Answer {
 public:
  void finish(int32_t status, mxd_view reason) noexcept {
    const std::lock_guard lock(mutex_);
    status_ = status;
    reason_ = text(reason);
    is_finished_ = true;
    changed_.notify_all();  // with the lock: this is gone as soon as its waiter goes on
  }

  int32_t wait() noexcept {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return is_finished_; });
    return status_;
  }

  const std::string& reason() const noexcept { return reason_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_finished_ = false;
  int32_t status_ = MXD_INTERNAL;
  std::string reason_;
};

// Call a function of the store that may complete later, without the GIL, and wait for the answer.
// Throws Error with its line.
template <class Answered, class Function, class Ask, class Done>
void wait_for(const Store& store, Answered& answer, Function function, const Ask* ask, Done done) {
  const int32_t status = without_gil([&] {
    const int32_t begun =
        function(store.handle(), ask, done, reinterpret_cast<mxd_cookie>(&answer));
    return begun == MXD_OK ? answer.wait() : begun;
  });
  if (status != MXD_OK) throw Error(status, answer.reason());
}

py::object optional_str(const char* text) {
  return *text == '\0' ? py::object(py::none()) : py::object(py::str(text));
}

void add_service(const Store& store, const std::string& id, const std::string& as_token,
                 const std::string& sender_localpart,
                 const std::vector<std::pair<std::string, bool>>& namespaces, bool rate_limited) {
  std::vector<mxd_view> expressions;
  std::vector<uint8_t> exclusive;
  for (const auto& [expression, is_exclusive] : namespaces) {
    expressions.push_back(view(expression));
    exclusive.push_back(is_exclusive ? 1 : 0);
  }
  auto service = make<mxd_store_service>();
  service.flags = rate_limited ? 0 : MXD_STORE_SERVICE_UNLIMITED;
  service.id = view(id);
  service.as_token = view(as_token);
  service.sender_localpart = view(sender_localpart);
  service.user_namespaces = expressions.data();
  service.exclusive = exclusive.data();
  service.user_namespace_count = expressions.size();
  call(store, store.library()->add_service, &service);
}

void set_lifetimes(const Store& store, int64_t refresh_token_ms, int64_t guest_ms,
                   int64_t device_ms) {
  auto lifetimes = make<mxd_store_lifetimes>();
  lifetimes.refresh_token_ms = refresh_token_ms;
  lifetimes.guest_ms = guest_ms;
  lifetimes.device_ms = device_ms;
  call(store, store.library()->set_lifetimes, &lifetimes);
}

py::object find_service(const Store& store, const std::string& as_token) {
  mxd_view id{};
  const int32_t status = store.library()->find_service(store.handle(), view(as_token), &id);
  return status == MXD_OK ? py::object(to_str(id)) : py::object(py::none());
}

std::string resolve_name(const Store& store, const std::string& name) {
  struct Resolved : Answer {
    std::string user_id;
  };
  auto asked = make<mxd_store_name>();
  asked.name = view(name);
  Resolved resolved;
  wait_for(
      store, resolved, store.library()->resolve_name, &asked,
      [](mxd_cookie cookie, int32_t status, const mxd_store_user* user, mxd_view reason) noexcept {
        auto& answer = *reinterpret_cast<Resolved*>(cookie);
        if (user != nullptr) answer.user_id = user->user_id;
        answer.finish(status, reason);
      });
  return resolved.user_id;
}

std::string add_account(const Store& store, const std::string& name, const std::string& password,
                        uint32_t flags, const std::string& service_id) {
  auto account = make<mxd_store_new_account>();
  account.flags = flags;
  account.name = view(name);
  account.password = view(password);
  account.service_id = view(service_id);
  auto user = make<mxd_store_user>();
  call(store, store.library()->add_account, &account, &user);
  return user.user_id;
}

void change_account(const Store& store, const std::string& name, uint32_t set, uint32_t clear) {
  auto change = make<mxd_store_account_change>();
  change.set = set;
  change.clear = clear;
  change.name = view(name);
  call(store, store.library()->change_account, &change);
}

mxd_store_password password_of(const std::string& name, const std::string& password) {
  auto asked = make<mxd_store_password>();
  asked.name = view(name);
  asked.password = view(password);
  return asked;
}

void set_password(const Store& store, const std::string& name, const std::string& password) {
  const mxd_store_password asked = password_of(name, password);
  call(store, store.library()->set_password, &asked);
}

std::string check_password(const Store& store, const std::string& name,
                           const std::string& password) {
  const mxd_store_password asked = password_of(name, password);
  auto user = make<mxd_store_user>();
  call(store, store.library()->check_password, &asked, &user);
  return user.user_id;
}

// (user ID, device ID, access token, refresh token or None, ms to expiry or None)
py::tuple to_tuple(const mxd_store_tokens& tokens) {
  return py::make_tuple(tokens.user_id, tokens.device_id, tokens.access_token,
                        optional_str(tokens.refresh_token),
                        tokens.expires_in_ms < 0 ? py::object(py::none())
                                                 : py::object(py::int_(tokens.expires_in_ms)));
}

py::tuple login(const Store& store, const std::string& name, const std::string& device_id,
                const std::string& display_name, uint32_t flags, int64_t lifetime_ms,
                int64_t max_devices) {
  auto login = make<mxd_store_login>();
  login.flags = flags;
  login.lifetime_ms = lifetime_ms;
  login.max_devices = max_devices;
  login.name = view(name);
  login.device_id = view(device_id);
  login.initial_device_display_name = view(display_name);
  auto tokens = make<mxd_store_tokens>();
  call(store, store.library()->login, &login, &tokens);
  return to_tuple(tokens);
}

py::tuple refresh(const Store& store, const std::string& refresh_token) {
  auto refresh = make<mxd_store_refresh>();
  refresh.refresh_token = view(refresh_token);
  auto tokens = make<mxd_store_tokens>();
  call(store, store.library()->refresh, &refresh, &tokens);
  return to_tuple(tokens);
}

// (user ID, device ID or None, flags)
py::tuple identify(const Store& store, const std::string& access_token,
                   const std::optional<std::string>& user_id,
                   const std::optional<std::string>& device_id, const std::string& remote_addr) {
  struct Identified : Answer {
    std::string user_id;
    std::string device_id;
    uint32_t flags = 0;
  };
  auto credentials = make<mxd_credentials>();
  credentials.access_token = view(access_token);
  if (user_id) {
    credentials.flags |= MXD_CREDENTIALS_HAS_USER_ID;
    credentials.user_id = view(*user_id);
  }
  if (device_id) {
    credentials.flags |= MXD_CREDENTIALS_HAS_DEVICE_ID;
    credentials.device_id = view(*device_id);
  }
  credentials.remote_addr = view(remote_addr);
  Identified identified;
  wait_for(store, identified, store.library()->identify, &credentials,
           [](mxd_cookie cookie, int32_t status, const mxd_store_identity* identity,
              mxd_view reason) noexcept {
             auto& answer = *reinterpret_cast<Identified*>(cookie);
             if (identity != nullptr) {
               answer.user_id = text(identity->user_id);
               answer.device_id = text(identity->device_id);
               answer.flags = identity->flags;
             }
             answer.finish(status, reason);
           });
  return py::make_tuple(identified.user_id, optional_str(identified.device_id.c_str()),
                        identified.flags);
}

void logout(const Store& store, const std::string& access_token, bool all_devices) {
  auto logout = make<mxd_store_logout>();
  logout.flags = all_devices ? MXD_STORE_LOGOUT_ALL : 0;
  logout.access_token = view(access_token);
  call(store, store.library()->logout, &logout);
}

}  // namespace

void bind_store(py::module_& core) {
  core.def("engine_of", &common::engine_of, py::arg("database"));
  core.def("holds_password", &common::holds_password, py::arg("database"));

  py::class_<StoreLibrary>(core, "StoreLibrary")
      .def(py::init<const std::string&>(), py::arg("path"))
      .def_property_readonly("path", &StoreLibrary::path);

  py::class_<Store, std::shared_ptr<Store>>(core, "Store")
      .def(py::init<const StoreLibrary&, std::string_view, std::string_view, int64_t, uint32_t,
                    bool>(),
           py::arg("library"), py::arg("url"), py::arg("server_name"), py::arg("access_token_ms"),
           py::arg("connections"), py::arg("prepared_statements"))
      .def_property_readonly(
          "server_name",
          [](const Store& store) { return to_str(store.library()->server_name(store.handle())); })
      .def_property_readonly("now_ms", &Store::now_ms)
      .def("set_clock_offset", &Store::set_clock_offset)
      .def("set_lifetimes", &set_lifetimes)
      .def("add_service", &add_service)
      .def("find_service", &find_service)
      .def("resolve_name", &resolve_name)
      .def("add_account", &add_account)
      .def("change_account", &change_account)
      .def("set_password", &set_password)
      .def("check_password", &check_password)
      .def("login", &login)
      .def("refresh", &refresh)
      .def("identify", &identify)
      .def("logout", &logout)
      .def("drain_log", [](const Store& store) {
        py::list lines;
        for (const LogQueue::Line& line : store.log()->drain()) {
          lines.append(py::make_tuple(line.level, to_str(line.message)));
        }
        return lines;
      });
}

}  // namespace mxd::python
