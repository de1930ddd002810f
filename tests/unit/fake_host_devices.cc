// The fake host's answers to everything but User-Interactive Authentication.
#include "tests/unit/fake_host.h"

namespace mxd::test {
namespace {

FakeHost& self(mxd_cookie cookie) {
  return *reinterpret_cast<FakeHost*>(cookie);
}

}  // namespace

void FakeHost::fill_table() {
  table.respond = [](mxd_cookie host, mxd_cookie request, const mxd_response* record) noexcept {
    Response response{static_cast<int>(record->http_status), {}, copied(record->body)};
    for (size_t i = 0; i < record->header_count; ++i) {
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
                            mxd_view user, const mxd_view* ids, size_t count) noexcept {
    return self(host).ask_for(principal, "delete_devices", op, [=] {
      FakeHost& me = self(host);
      ++me.deletions;
      me.deleted.clear();
      for (size_t i = 0; i < count; ++i) {
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
  table.now_ms = [](mxd_cookie host) noexcept -> int64_t { return self(host).now_ms; };
  table.log = [](mxd_cookie host, mxd_cookie, int32_t level, mxd_view message) noexcept {
    FakeHost& me = self(host);
    const std::lock_guard lock(me.mutex_);
    me.log_.push_back(std::to_string(level) + " " + copied(message));
  };
}

int32_t FakeHost::authenticate(mxd_op op, const mxd_credentials& credentials) {
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

int32_t FakeHost::emit_device(mxd_op op, const std::string& id, const FakeDevice& device) {
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

int32_t FakeHost::update_device(const mxd_device_update& update, bool may_create) {
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
