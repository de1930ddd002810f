// The fake host's answers to everything but User-Interactive Authentication.
#include <algorithm>

#include "tests/unit/fake_host.h"

namespace mxd::test {

int32_t FakeHost::authenticate(mxd_op op, const mxd_credentials& credentials) {
  expect_text(credentials.access_token, "a token");
  expect_text(credentials.user_id, "a user to act as");
  expect_text(credentials.device_id, "a device to act as");
  EXPECT_LE(credentials.access_token.size, 4096u);
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

int32_t FakeHost::list_devices(mxd_op op, const mxd_device_query& query) {
  for (const auto& [id, device] : users[copied(query.user_id)].devices)
    emit_device(op, id, device);
  return MXD_OK;
}

int32_t FakeHost::get_device(mxd_op op, const mxd_device_key& key) {
  expect_text(key.device_id, "a device ID");
  const auto& devices = users[copied(key.user_id)].devices;
  const auto found = devices.find(copied(key.device_id));
  if (found == devices.end()) return MXD_NOT_FOUND;
  return emit_device(op, found->first, found->second);
}

int32_t FakeHost::rename_device(mxd_op, const mxd_device_update& update) {
  EXPECT_EQ(update.flags, uint32_t{MXD_UPDATE_SET_DISPLAY_NAME});
  expect_text(update.display_name, "a name");
  auto& devices = users[copied(update.user_id)].devices;
  const auto found = devices.find(copied(update.device_id));
  if (found == devices.end()) return MXD_NOT_FOUND;
  found->second.display_name = copied(update.display_name);
  return MXD_OK;
}

int32_t FakeHost::put_device(mxd_op, const mxd_device_update& update) {
  expect_text(update.device_id, "a device ID");
  expect_text(update.display_name, "a name");
  max_devices_asked = update.max_devices;
  auto& devices = users[copied(update.user_id)].devices;
  const std::string id = copied(update.device_id);
  const bool known = devices.count(id) != 0;
  const bool full =
      update.max_devices != 0 && static_cast<int64_t>(devices.size()) >= update.max_devices;
  if (!known && full) return MXD_LIMIT_EXCEEDED;
  FakeDevice& device = devices[id];
  if ((update.flags & MXD_UPDATE_SET_DISPLAY_NAME) != 0)
    device.display_name = copied(update.display_name);
  return known ? MXD_OK : MXD_CREATED;
}

int32_t FakeHost::delete_devices(mxd_op, const mxd_deletion& deletion) {
  ++deletions;
  deleted.clear();
  const std::string user = copied(deletion.user_id);
  for (size_t i = 0; i < deletion.device_id_count; ++i) {
    expect_text(deletion.device_ids[i], "a device ID");
    const std::string id = copied(deletion.device_ids[i]);
    deleted.push_back(id);
    std::erase_if(tokens, [&](const auto& entry) {
      return entry.second.user == user && entry.second.device == id;
    });
    if (users[user].devices.erase(id) == 0) continue;
    std::erase_if(sessions, [&](const auto& entry) {
      return entry.second.user == user && entry.second.device == id;
    });
  }
  EXPECT_TRUE(std::is_sorted(deleted.begin(), deleted.end()));
  EXPECT_EQ(std::adjacent_find(deleted.begin(), deleted.end()), deleted.end()) << "one is twice";
  return MXD_OK;
}

}  // namespace mxd::test
