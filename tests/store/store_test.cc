#include "tests/sqlite/store_test.h"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Statement.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace mxd::test {

std::string Surroundings::whole_log() {
  const std::lock_guard lock(mutex);
  std::string whole;
  for (const std::string& line : log)
    whole += line + "\n";
  return whole;
}

OpenStore::OpenStore(const std::string& path, Surroundings& surroundings,
                     std::string_view server_name) {
  mxd_sqlite_options options{};
  options.size = sizeof options;
  options.path = view(path);
  options.server_name = view(server_name);
  options.now_ms = [](mxd_cookie cookie) noexcept {
    return reinterpret_cast<Surroundings*>(cookie)->now_ms.load();
  };
  options.now_cookie = reinterpret_cast<mxd_cookie>(&surroundings);
  options.log = [](mxd_cookie cookie, int32_t, mxd_view message) noexcept {
    auto& kept = *reinterpret_cast<Surroundings*>(cookie);
    const std::lock_guard lock(kept.mutex);
    kept.log.emplace_back(message.data, message.size);
  };
  options.log_cookie = reinterpret_cast<mxd_cookie>(&surroundings);
  mxd_sqlite_error error;
  status_ = mxd_sqlite_open(&options, &store_, &error);
  error_ = error.text;
  if (store_ != nullptr) mxd_sqlite_fill_host(store_, &fake_module(), &host_);
}

void OpenStore::close() {
  mxd_sqlite_close(store_);
  store_ = nullptr;
}

std::string OpenStore::add_user(std::string_view name, std::string_view password) {
  mxd_sqlite_new_account account{};
  account.size = sizeof account;
  account.name = view(name);
  account.password = view(password);
  char user_id[MXD_SQLITE_ID_CAPACITY];
  mxd_sqlite_error error;
  EXPECT_EQ(mxd_sqlite_add_account(store_, &account, user_id, &error), MXD_OK) << error.text;
  return user_id;
}

int32_t OpenStore::set_flags(std::string_view name, uint32_t set, uint32_t clear) {
  return mxd_sqlite_set_account_flags(store_, view(name), set, clear, nullptr);
}

int32_t OpenStore::add_service(std::string_view id, std::string_view token, std::string_view sender,
                               std::string_view users, bool exclusive, uint32_t flags) {
  const mxd_view expression = view(users);
  const uint8_t is_exclusive = exclusive ? 1 : 0;
  mxd_sqlite_service service{};
  service.size = sizeof service;
  service.flags = flags;
  service.id = view(id);
  service.as_token = view(token);
  service.sender_localpart = view(sender);
  service.user_namespaces = &expression;
  service.user_namespace_count = 1;
  service.exclusive = &is_exclusive;
  return mxd_sqlite_add_service(store_, &service, nullptr);
}

namespace {

Tokens tokens_of(int32_t status, const mxd_sqlite_tokens& out, const mxd_sqlite_error& error) {
  if (status != MXD_OK) return {status, error.text, {}, {}, {}, {}, 0};
  return {status,           {}, out.user_id, out.device_id, out.access_token, out.refresh_token,
          out.expires_in_ms};
}

}  // namespace

Tokens OpenStore::login(std::string_view name, std::string_view device_id, uint32_t flags,
                        int64_t lifetime_ms, std::string_view display_name) {
  mxd_sqlite_login login{};
  login.size = sizeof login;
  login.flags = flags;
  login.lifetime_ms = lifetime_ms;
  login.name = view(name);
  login.device_id = view(device_id);
  login.initial_device_display_name = view(display_name);
  mxd_sqlite_tokens out{};
  out.size = sizeof out;
  mxd_sqlite_error error;
  return tokens_of(mxd_sqlite_login_device(store_, &login, &out, &error), out, error);
}

Tokens OpenStore::refresh(std::string_view refresh_token) {
  mxd_sqlite_tokens out{};
  out.size = sizeof out;
  mxd_sqlite_error error;
  return tokens_of(mxd_sqlite_refresh(store_, view(refresh_token), &out, &error), out, error);
}

namespace {

// Calls a callback and waits: it returns OK, and completes its operation once.
template <class Callback, class... Arguments>
Answer ask(const mxd_host& host, Callback callback, Arguments... arguments) {
  const mxd_op op = new_operation();
  EXPECT_EQ(callback(host.cookie, 7, op, arguments...), MXD_OK);
  const Answer answer = wait_for(op);
  EXPECT_EQ(answer.completions, 1);
  return answer;
}

}  // namespace

Answer OpenStore::authenticate(std::string_view token, std::string_view address) {
  return authenticate_as(token, nullptr, nullptr, address);
}

Answer OpenStore::authenticate_as(std::string_view token, const char* user_id,
                                  const char* device_id, std::string_view address) {
  mxd_credentials credentials{};
  credentials.size = sizeof credentials;
  credentials.access_token = view(token);
  credentials.remote_addr = view(address);
  if (user_id != nullptr) {
    credentials.flags |= MXD_CREDENTIALS_HAS_USER_ID;
    credentials.user_id = view(user_id);
  }
  if (device_id != nullptr) {
    credentials.flags |= MXD_CREDENTIALS_HAS_DEVICE_ID;
    credentials.device_id = view(device_id);
  }
  return ask(host_, host_.authenticate, &credentials);
}

Answer OpenStore::list(std::string_view user_id) {
  return ask(host_, host_.list_devices, mxd_cookie{0}, view(user_id));
}

Answer OpenStore::get(std::string_view user_id, std::string_view device_id) {
  return ask(host_, host_.get_device, mxd_cookie{0}, view(user_id), view(device_id));
}

namespace {

mxd_device_update update_of(std::string_view user_id, std::string_view device_id, const char* name,
                            uint64_t max_devices) {
  mxd_device_update update{};
  update.size = sizeof update;
  update.user_id = view(user_id);
  update.device_id = view(device_id);
  update.max_devices = max_devices;
  if (name != nullptr) {
    update.flags = MXD_SET_DISPLAY_NAME;
    update.display_name = view(name);
  }
  return update;
}

}  // namespace

Answer OpenStore::rename(std::string_view user_id, std::string_view device_id, const char* name) {
  const mxd_device_update update = update_of(user_id, device_id, name, 0);
  return ask(host_, host_.rename_device, mxd_cookie{0}, &update);
}

Answer OpenStore::put(std::string_view user_id, std::string_view device_id, const char* name,
                      uint64_t max_devices) {
  const mxd_device_update update = update_of(user_id, device_id, name, max_devices);
  return ask(host_, host_.put_device, mxd_cookie{0}, &update);
}

Answer OpenStore::remove(std::string_view user_id, const std::vector<std::string>& device_ids) {
  std::vector<mxd_view> views;
  for (const std::string& id : device_ids)
    views.push_back(view(id));
  return ask(host_, host_.delete_devices, mxd_cookie{0}, view(user_id),
             static_cast<const mxd_view*>(views.data()), views.size());
}

Answer OpenStore::flows(std::string_view user_id) {
  mxd_uia_operation operation{};
  operation.size = sizeof operation;
  operation.user_id = view(user_id);
  return ask(host_, host_.uia_flows, mxd_cookie{0}, &operation);
}

Answer OpenStore::create_session(const mxd_session& session) {
  return ask(host_, host_.uia_create_session, mxd_cookie{0}, &session);
}

Answer OpenStore::load_session(std::string_view session_id) {
  return ask(host_, host_.uia_load_session, mxd_cookie{0}, view(session_id));
}

Answer OpenStore::record(const mxd_uia_record& record) {
  return ask(host_, host_.uia_record, mxd_cookie{0}, &record);
}

Answer OpenStore::check(std::string_view type, std::string_view auth_json) {
  mxd_uia_attempt attempt{};
  attempt.size = sizeof attempt;
  attempt.type = view(type);
  attempt.auth_json = view(auth_json);
  return ask(host_, host_.uia_check, mxd_cookie{0}, &attempt);
}

Answer OpenStore::mark_validated(mxd_cookie principal, int64_t now_ms) {
  return ask(host_, host_.mark_validated, principal, now_ms);
}

std::vector<std::string> device_ids(const Answer& answer) {
  std::vector<std::string> ids;
  for (const Device& device : answer.devices)
    ids.push_back(device.device_id);
  return ids;
}

bool eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

StoreTest::StoreTest() {
  std::string name = testing::TempDir() + "mxd_sqlite_XXXXXX";
  directory_ = ::mkdtemp(name.data());
}

StoreTest::~StoreTest() {
  std::filesystem::remove_all(directory_);
}

int64_t StoreTest::number(const std::string& sql) {
  SQLite::Database database(path(), SQLite::OPEN_READONLY, 5000);
  return database.execAndGet(sql).getInt64();
}

void StoreTest::execute(const std::string& sql) {
  SQLite::Database database(path(), SQLite::OPEN_READWRITE, 5000);
  database.exec("PRAGMA foreign_keys = ON");
  database.exec(sql);
}

}  // namespace mxd::test
