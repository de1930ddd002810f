#include <pybind11/stl.h>

#include "bind.h"
#include "gil.h"
#include "store.h"
#include "text.h"

namespace mxd::python {
namespace {

// Call a function of the store, which may block, without the GIL. Throws Error with its line.
template <class Call>
void call(Call&& function) {
  mxd_sqlite_error error{};
  const int32_t status = without_gil([&] { return function(&error); });
  if (status != MXD_OK) throw Error(status, error.text);
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
  mxd_sqlite_service service{};
  service.size = sizeof(service);
  service.flags = rate_limited ? 0 : MXD_PRINCIPAL_UNLIMITED;
  service.id = view(id);
  service.as_token = view(as_token);
  service.sender_localpart = view(sender_localpart);
  service.user_namespaces = expressions.data();
  service.user_namespace_count = expressions.size();
  service.exclusive = exclusive.data();
  call([&](mxd_sqlite_error* error) {
    return store.functions().add_service(store.handle(), &service, error);
  });
}

void set_lifetimes(const Store& store, int64_t refresh_token_ms, int64_t guest_ms,
                   int64_t device_ms) {
  mxd_sqlite_lifetimes lifetimes{};
  lifetimes.size = sizeof(lifetimes);
  lifetimes.refresh_token_ms = refresh_token_ms;
  lifetimes.guest_ms = guest_ms;
  lifetimes.device_ms = device_ms;
  without_gil([&] { store.functions().set_lifetimes(store.handle(), &lifetimes); });
}

py::object find_service(const Store& store, const std::string& as_token) {
  mxd_view id{};
  const int32_t status = store.functions().find_service(store.handle(), view(as_token), &id);
  return status == MXD_OK ? py::object(to_str(id)) : py::object(py::none());
}

std::string resolve_name(const Store& store, const std::string& name) {
  char user_id[MXD_SQLITE_ID_CAPACITY] = "";
  call([&](mxd_sqlite_error* error) {
    return store.functions().resolve_name(store.handle(), view(name), user_id, error);
  });
  return user_id;
}

std::string add_account(const Store& store, const std::string& name, const std::string& password,
                        uint32_t flags, const std::string& service_id) {
  mxd_sqlite_new_account account{};
  account.size = sizeof(account);
  account.flags = flags;
  account.name = view(name);
  account.password = view(password);
  account.service_id = view(service_id);
  char user_id[MXD_SQLITE_ID_CAPACITY] = "";
  call([&](mxd_sqlite_error* error) {
    return store.functions().add_account(store.handle(), &account, user_id, error);
  });
  return user_id;
}

void set_account_flags(const Store& store, const std::string& name, uint32_t set, uint32_t clear) {
  call([&](mxd_sqlite_error* error) {
    return store.functions().set_account_flags(store.handle(), view(name), set, clear, error);
  });
}

void set_password(const Store& store, const std::string& name, const std::string& password) {
  call([&](mxd_sqlite_error* error) {
    return store.functions().set_password(store.handle(), view(name), view(password), error);
  });
}

std::string check_password(const Store& store, const std::string& name,
                           const std::string& password) {
  char user_id[MXD_SQLITE_ID_CAPACITY] = "";
  call([&](mxd_sqlite_error* error) {
    return store.functions().check_password(store.handle(), view(name), view(password), user_id,
                                            error);
  });
  return user_id;
}

// (user ID, device ID, access token, refresh token or None, ms to expiry or None)
py::tuple to_tuple(const mxd_sqlite_tokens& tokens) {
  return py::make_tuple(tokens.user_id, tokens.device_id, tokens.access_token,
                        optional_str(tokens.refresh_token),
                        tokens.expires_in_ms < 0 ? py::object(py::none())
                                                 : py::object(py::int_(tokens.expires_in_ms)));
}

py::tuple login(const Store& store, const std::string& name, const std::string& device_id,
                const std::string& display_name, uint32_t flags, int64_t lifetime_ms,
                uint64_t max_devices) {
  mxd_sqlite_login login{};
  login.size = sizeof(login);
  login.flags = flags;
  login.lifetime_ms = lifetime_ms;
  login.name = view(name);
  login.device_id = view(device_id);
  login.initial_device_display_name = view(display_name);
  login.max_devices = max_devices;
  mxd_sqlite_tokens tokens{};
  tokens.size = sizeof(tokens);
  call([&](mxd_sqlite_error* error) {
    return store.functions().login_device(store.handle(), &login, &tokens, error);
  });
  return to_tuple(tokens);
}

py::tuple refresh(const Store& store, const std::string& refresh_token) {
  mxd_sqlite_tokens tokens{};
  tokens.size = sizeof(tokens);
  call([&](mxd_sqlite_error* error) {
    return store.functions().refresh(store.handle(), view(refresh_token), &tokens, error);
  });
  return to_tuple(tokens);
}

// (user ID, device ID or None, flags)
py::tuple identify(const Store& store, const std::string& access_token,
                   const std::optional<std::string>& user_id,
                   const std::optional<std::string>& device_id, const std::string& remote_addr) {
  mxd_credentials credentials{};
  credentials.size = sizeof(credentials);
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
  mxd_sqlite_identity identity{};
  identity.size = sizeof(identity);
  const int32_t status = without_gil(
      [&] { return store.functions().identify(store.handle(), &credentials, &identity); });
  if (status != MXD_OK) throw Error(status, "the access token was refused");
  return py::make_tuple(identity.user_id, optional_str(identity.device_id), identity.flags);
}

void logout(const Store& store, const std::string& access_token, bool all_devices) {
  call([&](mxd_sqlite_error* error) {
    return store.functions().logout(store.handle(), view(access_token), all_devices ? 1 : 0, error);
  });
}

}  // namespace

void bind_store(py::module_& core) {
  py::class_<Store, std::shared_ptr<Store>>(core, "Store")
      .def(py::init<const std::string&, std::string_view, std::string_view, int64_t>(),
           py::arg("library"), py::arg("path"), py::arg("server_name"), py::arg("access_token_ms"))
      .def_property_readonly(
          "server_name",
          [](const Store& store) { return to_str(store.functions().server_name(store.handle())); })
      .def_property_readonly("now_ms", &Store::now_ms)
      .def("set_clock_offset", &Store::set_clock_offset)
      .def("set_lifetimes", &set_lifetimes)
      .def("add_service", &add_service)
      .def("find_service", &find_service)
      .def("resolve_name", &resolve_name)
      .def("add_account", &add_account)
      .def("set_account_flags", &set_account_flags)
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
