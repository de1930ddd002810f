#include "tests/store/open_store.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>

#include "tests/store/database.h"

namespace mxd::test {

std::string Surroundings::whole_log() {
  const std::lock_guard lock(mutex);
  std::string whole;
  for (const std::string& line : log)
    whole += line + "\n";
  return whole;
}

const mxd_store_library& library() {
  static const mxd_store_library& found = [&]() -> const mxd_store_library& {
    void* const opened = ::dlopen(kStoreLibrary, RTLD_NOW | RTLD_LOCAL);
    if (opened == nullptr) {
      std::fprintf(stderr, "%s\n", ::dlerror());
      std::abort();
    }
    return *reinterpret_cast<mxd_store_entry_v1>(::dlsym(opened, MXD_STORE_ENTRY_V1))();
  }();
  return found;
}

namespace {

// Where a function of the table writes what went wrong.
struct ErrorText {
  char text[256] = "not written";
};

template <class Record>
Record sized() {
  Record record{};
  record.size = sizeof record;
  return record;
}

}  // namespace

OpenStore::OpenStore(const std::string& url, Surroundings& surroundings,
                     std::string_view server_name) {
  auto options = sized<mxd_store_options>();
  options.url = view(url);
  options.server_name = view(server_name);
  options.now_ms = [](mxd_cookie cookie) noexcept {
    return reinterpret_cast<Surroundings*>(cookie)->now_ms.load();
  };
  options.log = [](mxd_cookie cookie, mxd_cookie, int32_t, mxd_view message) noexcept {
    auto& kept = *reinterpret_cast<Surroundings*>(cookie);
    const std::lock_guard lock(kept.mutex);
    kept.log.emplace_back(message.data, message.size);
  };
  options.cookie = reinterpret_cast<mxd_cookie>(&surroundings);
  ErrorText error;
  status_ = library().open(&options, &store_, error.text, sizeof error.text);
  error_ = error.text;
  if (store_ == nullptr) return;
  host_.size = sizeof host_;
  host_.abi_minor = MXD_ABI_MINOR;
  EXPECT_EQ(library().fill_host(store_, &fake_module(), &host_, error.text, sizeof error.text),
            MXD_OK)
      << error.text;
}

void OpenStore::close() {
  library().close(store_);
  store_ = nullptr;
}

std::string OpenStore::add_user(std::string_view name, std::string_view password) {
  auto account = sized<mxd_store_new_account>();
  account.name = view(name);
  account.password = view(password);
  const Result added = add(account);
  EXPECT_EQ(added.status, MXD_OK) << added.error;
  return added.user_id;
}

std::string OpenStore::add_guest() {
  auto account = sized<mxd_store_new_account>();
  account.flags = MXD_STORE_ACCOUNT_GUEST;
  const Result added = add(account);
  EXPECT_EQ(added.status, MXD_OK) << added.error;
  return added.user_id;
}

Result OpenStore::add(const mxd_store_new_account& account) {
  auto user = sized<mxd_store_user>();
  ErrorText error;
  const int32_t status =
      library().add_account(store_, &account, &user, error.text, sizeof error.text);
  return {status, user.user_id, error.text};
}

namespace {

mxd_store_password password_of(std::string_view name, std::string_view password) {
  auto given = sized<mxd_store_password>();
  given.name = view(name);
  given.password = view(password);
  return given;
}

}  // namespace

Result OpenStore::check_password(std::string_view name, std::string_view password) {
  const mxd_store_password given = password_of(name, password);
  auto user = sized<mxd_store_user>();
  ErrorText error;
  const int32_t status =
      library().check_password(store_, &given, &user, error.text, sizeof error.text);
  return {status, user.user_id, error.text};
}

Result OpenStore::set_password(std::string_view name, std::string_view password, uint32_t flags) {
  mxd_store_password given = password_of(name, password);
  given.flags = flags;
  ErrorText error;
  const int32_t status = library().set_password(store_, &given, error.text, sizeof error.text);
  return {status, {}, error.text};
}

namespace {

// What `done` is called with, once.
template <class Given>
class Awaited {
 public:
  void come(Given given) {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(given_.has_value()) << "done is called once";
    given_ = std::move(given);
    came_.notify_one();
  }

  Given wait() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [this] { return given_.has_value(); });
    return *given_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::optional<Given> given_;
};

std::string copy_of(mxd_view text) {
  return text.size == 0 ? std::string() : std::string(text.data, text.size);
}

}  // namespace

FoundAccount OpenStore::find_account(std::string_view name) {
  auto given = sized<mxd_store_name>();
  given.name = view(name);
  FoundAccount found;
  const auto visit = [](mxd_cookie cookie, const mxd_store_account* account) noexcept -> int32_t {
    auto& to = *reinterpret_cast<FoundAccount*>(cookie);
    EXPECT_EQ(to.user_id, "") << "it is called once";
    EXPECT_EQ(account->size, sizeof *account);
    to.flags = account->flags;
    to.created_ms = account->created_ms;
    to.last_seen_ms = account->last_seen_ms;
    to.device_count = account->device_count;
    to.user_id = copy_of(account->user_id);
    to.service_id = copy_of(account->service_id);
    return MXD_OK;
  };
  ErrorText error;
  found.status = library().find_account(store_, &given, visit, reinterpret_cast<mxd_cookie>(&found),
                                        error.text, sizeof error.text);
  found.error = error.text;
  return found;
}

std::vector<FoundDevice> OpenStore::devices(std::string_view name, std::string_view after) {
  auto query = sized<mxd_store_device_query>();
  query.name = view(name);
  query.after = view(after);
  std::vector<FoundDevice> found;
  const auto visit = [](mxd_cookie cookie, const mxd_store_device* device) noexcept -> int32_t {
    EXPECT_EQ(device->size, sizeof *device);
    reinterpret_cast<std::vector<FoundDevice>*>(cookie)->push_back(
        {device->flags, device->created_ms, device->last_seen_ms, copy_of(device->device_id),
         copy_of(device->display_name), copy_of(device->last_seen_ip)});
    return MXD_OK;
  };
  ErrorText error;
  EXPECT_EQ(library().list_devices(store_, &query, visit, reinterpret_cast<mxd_cookie>(&found),
                                   error.text, sizeof error.text),
            MXD_OK)
      << error.text;
  return found;
}

namespace {

template <class Call>
Affected affected_by(std::string_view name, const std::vector<std::string>& device_ids,
                     uint32_t flags, Call&& call) {
  std::vector<mxd_view> ids;
  for (const std::string& id : device_ids)
    ids.push_back(view(id));
  auto devices = sized<mxd_store_devices>();
  devices.flags = flags;
  devices.name = view(name);
  devices.device_ids = ids.data();
  devices.device_id_count = ids.size();
  auto affected = sized<mxd_store_affected>();
  ErrorText error;
  const int32_t status = call(&devices, &affected, error.text, sizeof error.text);
  return {status, error.text, affected.device_count, affected.user_id, affected.device_id};
}

}  // namespace

Affected OpenStore::delete_devices(std::string_view name,
                                   const std::vector<std::string>& device_ids, uint32_t flags) {
  return affected_by(name, device_ids, flags,
                     [this](auto... rest) { return library().delete_devices(store_, rest...); });
}

Affected OpenStore::revoke_devices(std::string_view name,
                                   const std::vector<std::string>& device_ids, uint32_t flags) {
  return affected_by(name, device_ids, flags,
                     [this](auto... rest) { return library().revoke_devices(store_, rest...); });
}

Affected OpenStore::revoke_token(std::string_view token) {
  auto given = sized<mxd_store_token>();
  given.token = view(token);
  auto affected = sized<mxd_store_affected>();
  ErrorText error;
  const int32_t status =
      library().revoke_token(store_, &given, &affected, error.text, sizeof error.text);
  return {status, error.text, affected.device_count, affected.user_id, affected.device_id};
}

Result OpenStore::resolve_name(std::string_view name) {
  auto given = sized<mxd_store_name>();
  given.name = view(name);
  Awaited<Result> awaited;
  const int32_t status = library().resolve_name(
      store_, &given,
      [](mxd_cookie cookie, int32_t answered, const mxd_store_user* user,
         mxd_view reason) noexcept {
        reinterpret_cast<Awaited<Result>*>(cookie)->come(
            {answered, user == nullptr ? "" : user->user_id, copy_of(reason)});
      },
      reinterpret_cast<mxd_cookie>(&awaited));
  return status == MXD_OK ? awaited.wait() : Result{status, {}, {}};
}

uint64_t OpenStore::queued_writes() {
  return library().queued_writes(store_);
}

Identity OpenStore::identify(std::string_view access_token) {
  auto credentials = sized<mxd_credentials>();
  credentials.access_token = view(access_token);
  Awaited<Identity> awaited;
  const int32_t status = library().identify(
      store_, &credentials,
      [](mxd_cookie cookie, int32_t answered, const mxd_store_identity* found,
         mxd_view reason) noexcept {
        Identity identity{answered, copy_of(reason), 0, {}, {}, {}};
        if (found != nullptr) {
          identity.flags = found->flags;
          identity.user_id = copy_of(found->user_id);
          identity.device_id = copy_of(found->device_id);
          identity.service_id = copy_of(found->service_id);
        }
        reinterpret_cast<Awaited<Identity>*>(cookie)->come(std::move(identity));
      },
      reinterpret_cast<mxd_cookie>(&awaited));
  return status == MXD_OK ? awaited.wait() : Identity{status, {}, 0, {}, {}, {}};
}

std::optional<std::string> OpenStore::find_service(std::string_view as_token) {
  mxd_view id{};
  if (library().find_service(store_, view(as_token), &id) != MXD_OK) return std::nullopt;
  return copy_of(id);
}

int32_t OpenStore::set_flags(std::string_view name, uint32_t set, uint32_t clear) {
  auto change = sized<mxd_store_account_change>();
  change.set = set;
  change.clear = clear;
  change.name = view(name);
  return library().change_account(store_, &change, nullptr, 0);
}

int32_t OpenStore::add_service(std::string_view id, std::string_view token, std::string_view sender,
                               std::string_view users, bool exclusive, uint32_t flags) {
  const mxd_view expression = view(users);
  const uint8_t is_exclusive = exclusive ? 1 : 0;
  auto service = sized<mxd_store_service>();
  service.flags = flags;
  service.id = view(id);
  service.as_token = view(token);
  service.sender_localpart = view(sender);
  service.user_namespaces = &expression;
  service.user_namespace_count = 1;
  service.exclusive = &is_exclusive;
  return library().add_service(store_, &service, nullptr, 0);
}

namespace {

Tokens tokens_of(int32_t status, const mxd_store_tokens& out, const ErrorText& error) {
  if (status != MXD_OK) return {status, error.text, {}, {}, {}, {}, 0};
  return {status,           {}, out.user_id, out.device_id, out.access_token, out.refresh_token,
          out.expires_in_ms};
}

}  // namespace

Tokens OpenStore::login(std::string_view name, std::string_view device_id, uint32_t flags,
                        int64_t lifetime_ms, std::string_view display_name) {
  auto login = sized<mxd_store_login>();
  login.flags = flags;
  login.lifetime_ms = lifetime_ms;
  login.name = view(name);
  login.device_id = view(device_id);
  login.initial_device_display_name = view(display_name);
  auto out = sized<mxd_store_tokens>();
  ErrorText error;
  const int32_t status = library().login(store_, &login, &out, error.text, sizeof error.text);
  return tokens_of(status, out, error);
}

Tokens OpenStore::refresh(std::string_view refresh_token) {
  auto refresh = sized<mxd_store_refresh>();
  refresh.refresh_token = view(refresh_token);
  auto out = sized<mxd_store_tokens>();
  ErrorText error;
  const int32_t status = library().refresh(store_, &refresh, &out, error.text, sizeof error.text);
  return tokens_of(status, out, error);
}

int32_t OpenStore::logout(std::string_view access_token, bool all) {
  auto logout = sized<mxd_store_logout>();
  logout.flags = all ? MXD_STORE_LOGOUT_ALL : 0;
  logout.access_token = view(access_token);
  return library().logout(store_, &logout, nullptr, 0);
}

}  // namespace mxd::test
