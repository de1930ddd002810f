#include "tests/unit/fake_host.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <chrono>
#include <memory>

namespace mxd::test {
namespace {

constexpr std::chrono::seconds kForever{60};  // after which a test that hangs fails

FakeHost& self(mxd_cookie cookie) {
  return *reinterpret_cast<FakeHost*>(cookie);
}

}  // namespace

// ---- Responses ----

std::optional<std::string> Response::header(std::string_view name) const {
  std::optional<std::string> found;
  for (const auto& [key, value] : headers) {
    if (key != name) continue;
    if (found) ADD_FAILURE() << "two " << name << " headers in " << *this;
    found = value;
  }
  return found;
}

boost::json::object Response::json() const {
  boost::json::error_code error;
  const auto value = boost::json::parse(body, error);
  if (!error && value.is_object()) return value.get_object();
  ADD_FAILURE() << "expected a JSON object, got " << *this;
  return {};
}

std::ostream& operator<<(std::ostream& out, const Response& response) {
  return out << response.status << " " << response.body;
}

// ---- Life ----

FakeHost::FakeHost(Completion completion)
    : completion_(completion), module_(*matrix_devices_module_v1()) {
  table.size = sizeof table;
  table.abi_minor = MXD_ABI_MINOR;
  table.caps = MXD_HOST_CAP_ATOMIC_DELETE;
  table.cookie = reinterpret_cast<mxd_cookie>(this);
  fill_table();
  fill_uia_table();
  if (completion_ == Completion::kDeferred) worker_ = std::thread([this] { work(); });
}

FakeHost::~FakeHost() {
  if (instance_ != nullptr) {
    const auto done = [](mxd_cookie cookie) noexcept {
      FakeHost& host = self(cookie);
      const std::lock_guard lock(host.mutex_);
      host.done_ = true;
      host.changed_.notify_all();
    };
    EXPECT_EQ(module_.shutdown(instance_, done, table.cookie), MXD_OK);
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kForever, [&] { return done_; }))
        << "expected shutdown() to be done, but requests are in flight";
    lock.unlock();
    EXPECT_EQ(module_.destroy(instance_), MXD_OK);
  }
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (worker_.joinable()) worker_.join();

  EXPECT_TRUE(principals_.empty()) << principals_.size() << " principals were not released";
  EXPECT_TRUE(responses_.empty()) << responses_.size() << " responses that nobody asked for";
  for (const auto& line : log_) {
    EXPECT_EQ(line.find("secret-"), line.npos) << "a secret in the log: " << line;
    EXPECT_NE(line.substr(0, 2), "4 ") << "the host was told off: " << line;
  }
}

mxd_instance* FakeHost::instance() {
  if (instance_ == nullptr) {
    char error[256];
    EXPECT_EQ(module_.create(&table, view(config), &instance_, error, sizeof error), MXD_OK)
        << error;
  }
  return instance_;
}

// ---- Asking ----

std::int32_t FakeHost::start(const Request& request, mxd_cookie cookie) {
  // A copy that is gone when handle() returns, so that the sanitizers see who keeps it.
  auto lent = std::make_unique<Request>(request);
  if (!lent->token.empty()) lent->headers.emplace_back("Authorization", "Bearer " + lent->token);
  auto headers = std::make_unique<std::vector<mxd_header>>();
  for (const auto& [name, value] : lent->headers)
    headers->push_back({view(name), view(value)});
  mxd_request record{};
  record.size = sizeof record;
  record.flags = lent->flags;
  record.cookie = cookie;
  record.headers = headers->data();
  record.header_count = headers->size();
  record.method = view(lent->method);
  record.target = view(lent->target);
  record.body = view(lent->body);
  record.remote_addr = view(lent->remote_addr);
  return module_.handle(instance(), &record, nullptr);
}

Response FakeHost::wait_for(mxd_cookie cookie) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kForever, [&] { return responses_.count(cookie) != 0; })) {
    ADD_FAILURE() << "expected a response, got none";
    return {};
  }
  return responses_.extract(cookie).mapped();
}

Response FakeHost::send(const Request& request) {
  const mxd_cookie cookie = next_cookie_++;
  const std::int32_t status = start(request, cookie);
  EXPECT_EQ(status, MXD_OK) << "handle() of " << request.method << " " << request.target;
  return status == MXD_OK ? wait_for(cookie) : Response{};
}

// ---- What has happened ----

std::vector<std::string> FakeHost::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

void FakeHost::forget_calls() {
  const std::lock_guard lock(mutex_);
  calls_.clear();
}

std::vector<std::string> FakeHost::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

std::vector<std::string> FakeHost::take_misbehaviour() {
  const std::lock_guard lock(mutex_);
  const auto told_off = [](const std::string& line) { return line.starts_with("4 "); };
  std::vector<std::string> taken;
  std::copy_if(log_.begin(), log_.end(), std::back_inserter(taken), told_off);
  std::erase_if(log_, told_off);
  return taken;
}

// ---- Operations ----

std::int32_t FakeHost::ask(const char* name, mxd_op op, Work work) {
  {
    const std::lock_guard lock(mutex_);
    calls_.push_back(name);
  }
  const auto refusal = refusals.find(name);
  if (refusal != refusals.end()) return refusal->second;
  const auto script = scripts.find(name);
  if (script != scripts.end()) work = [op, answer = script->second] { return answer(op); };
  const auto job = [this, name, op, work] {
    const auto hook = before.extract(name);
    if (!hook.empty()) hook.mapped()();
    EXPECT_EQ(module_.complete(op, work()), MXD_OK) << name;
  };
  if (held.count(name) != 0) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(job);
    changed_.notify_all();
  } else {
    enqueue(job);
  }
  return MXD_OK;
}

std::int32_t FakeHost::ask_for(mxd_cookie principal, const char* name, mxd_op op, Work work) {
  {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(principals_.count(principal), 1u) << name << " for a principal that is not live";
  }
  return ask(name, op, std::move(work));
}

void FakeHost::enqueue(std::function<void()> job) {
  if (completion_ == Completion::kInline) return job();
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(job));
  changed_.notify_all();
}

void FakeHost::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const auto job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

void FakeHost::await_held(std::size_t count) {
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, kForever, [&] { return waiting_.size() >= count; }))
      << "expected " << count << " held operations, got " << waiting_.size();
}

void FakeHost::release() {
  held.clear();
  std::vector<std::function<void()>> jobs;
  {
    const std::lock_guard lock(mutex_);
    jobs.swap(waiting_);
  }
  for (auto& job : jobs)
    enqueue(std::move(job));
}

// ---- The table, but User-Interactive Authentication ----

void FakeHost::fill_table() {
  table.respond = [](mxd_cookie host, mxd_cookie request, const mxd_response* record) noexcept {
    Response response{static_cast<int>(record->http_status), {}, copied(record->body)};
    for (std::size_t i = 0; i < record->header_count; ++i) {
      response.headers.emplace_back(copied(record->headers[i].name),
                                    copied(record->headers[i].value));
    }
    FakeHost& me = self(host);
    const std::lock_guard lock(me.mutex_);
    EXPECT_TRUE(me.responses_.emplace(request, std::move(response)).second) << "answered twice";
    me.changed_.notify_all();
  };
  table.authenticate = [](mxd_cookie host, mxd_cookie, mxd_op op,
                          const mxd_credentials* credentials) noexcept {
    return self(host).ask("authenticate", op,
                          [=] { return self(host).authenticate(op, *credentials); });
  };
  table.list_devices = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie principal,
                          mxd_view user) noexcept {
    return self(host).ask_for(principal, "list_devices", op, [=] {
      for (const auto& [id, device] : self(host).users[copied(user)].devices)
        self(host).emit_device(op, id, device);
      return MXD_OK;
    });
  };
  table.get_device = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie principal, mxd_view user,
                        mxd_view id) noexcept {
    return self(host).ask_for(principal, "get_device", op, [=] {
      const auto& devices = self(host).users[copied(user)].devices;
      const auto found = devices.find(copied(id));
      if (found == devices.end()) return MXD_NOT_FOUND;
      return self(host).emit_device(op, found->first, found->second);
    });
  };
  table.rename_device = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie principal,
                           const mxd_device_update* update) noexcept {
    return self(host).ask_for(principal, "rename_device", op,
                              [=] { return self(host).update_device(*update, false); });
  };
  table.put_device = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie principal,
                        const mxd_device_update* update) noexcept {
    return self(host).ask_for(principal, "put_device", op,
                              [=] { return self(host).update_device(*update, true); });
  };
  table.delete_devices = [](mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie principal,
                            mxd_view user, const mxd_view* ids, std::size_t count) noexcept {
    return self(host).ask_for(principal, "delete_devices", op, [=] {
      FakeHost& me = self(host);
      ++me.deletions;
      me.deleted.clear();
      for (std::size_t i = 0; i < count; ++i) {
        const std::string id = copied(ids[i]);
        me.deleted.push_back(id);
        std::erase_if(me.tokens, [&](const auto& entry) {
          return entry.second.user == text(user) && entry.second.device == id;
        });
        me.users[copied(user)].devices.erase(id);
      }
      return MXD_OK;
    });
  };
  table.release_principal = [](mxd_cookie host, mxd_cookie principal) noexcept {
    FakeHost& me = self(host);
    const std::lock_guard lock(me.mutex_);
    EXPECT_EQ(me.principals_.erase(principal), 1u) << "a principal was released twice";
  };
  table.now_ms = [](mxd_cookie host) noexcept -> std::int64_t { return self(host).now_ms; };
  table.log = [](mxd_cookie host, mxd_cookie, std::int32_t level, mxd_view message) noexcept {
    FakeHost& me = self(host);
    const std::lock_guard lock(me.mutex_);
    me.log_.push_back(std::to_string(level) + " " + copied(message));
  };
}

std::int32_t FakeHost::authenticate(mxd_op op, const mxd_credentials& credentials) {
  credentials_have_user_id = (credentials.flags & MXD_CREDENTIALS_HAS_USER_ID) != 0;
  credentials_have_device_id = (credentials.flags & MXD_CREDENTIALS_HAS_DEVICE_ID) != 0;
  credentials_user_id = copied(credentials.user_id);
  credentials_device_id = copied(credentials.device_id);
  credentials_remote_addr = copied(credentials.remote_addr);
  const auto found = tokens.find(copied(credentials.access_token));
  if (found == tokens.end()) return MXD_UNKNOWN_TOKEN;
  Token token = found->second;
  if (token.refusal != MXD_OK) return token.refusal;

  if (!token.service.empty()) {
    const Service& service = services.at(token.service);
    token.user = credentials_have_user_id ? credentials_user_id : service.sender;
    const bool owned = token.user == service.sender || token.user.starts_with(service.prefix);
    if (!owned || users.count(token.user) == 0) return MXD_FORBIDDEN;
    if (credentials_have_device_id) {
      if (users[token.user].devices.count(credentials_device_id) == 0) return MXD_UNKNOWN_DEVICE;
      token.device = credentials_device_id;
    }
  }
  mxd_principal principal{};
  principal.size = sizeof principal;
  principal.flags = token.flags | (token.service.empty() ? 0 : MXD_PRINCIPAL_APPSERVICE);
  if (token.validated_ms) {
    principal.flags |= MXD_PRINCIPAL_HAS_VALIDATED_MS;
    principal.validated_ms = *token.validated_ms;
  }
  principal.user_id = view(token.user);
  principal.device_id = view(token.device);
  principal.token_id = view(token.token_id);
  principal.service_id = view(token.service);
  {
    const std::lock_guard lock(mutex_);
    principal.cookie = next_principal_++;
    principals_.insert(principal.cookie);
  }
  EXPECT_EQ(module_.emit_principal(op, &principal), MXD_OK);
  return MXD_OK;
}

std::int32_t FakeHost::emit_device(mxd_op op, const std::string& id, const FakeDevice& device) {
  mxd_device record{};
  record.size = sizeof record;
  record.device_id = view(id);
  // What is not known is full of rubbish, which nobody may look at.
  const std::string rubbish = "rubbish";
  record.display_name = view(device.display_name ? *device.display_name : rubbish);
  record.last_seen_ip = view(device.last_seen_ip ? *device.last_seen_ip : rubbish);
  record.last_seen_ts_ms = device.last_seen_ts.value_or(-1);
  if (device.display_name) record.flags |= MXD_DEVICE_HAS_DISPLAY_NAME;
  if (device.last_seen_ip) record.flags |= MXD_DEVICE_HAS_LAST_SEEN_IP;
  if (device.last_seen_ts) record.flags |= MXD_DEVICE_HAS_LAST_SEEN_TS;
  EXPECT_EQ(module_.emit_device(op, &record), MXD_OK) << id;
  return MXD_OK;
}

std::int32_t FakeHost::update_device(const mxd_device_update& update, bool may_create) {
  max_devices_asked = update.max_devices;
  auto& devices = users[copied(update.user_id)].devices;
  const std::string id = copied(update.device_id);
  const bool known = devices.count(id) != 0;
  if (!known && !may_create) return MXD_NOT_FOUND;
  if (!known && update.max_devices != 0 && devices.size() >= update.max_devices) {
    return MXD_LIMIT_EXCEEDED;
  }
  FakeDevice& device = devices[id];
  if ((update.flags & MXD_SET_DISPLAY_NAME) != 0) device.display_name = copied(update.display_name);
  return known ? MXD_OK : MXD_CREATED;
}

}  // namespace mxd::test
