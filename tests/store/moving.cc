#include "tests/store/moving.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/store/database.h"

namespace mxd::test {
namespace {

mxd_store_options options_of(const std::string& url, std::string_view server_name) {
  mxd_store_options options{};
  options.size = sizeof options;
  options.abi_minor = MXD_STORE_ABI_MINOR;
  options.url = view(url);
  options.server_name = view(server_name);
  return options;
}

}  // namespace

Result export_records(const mxd_store_library& library, const std::string& url, Records& records,
                      std::string_view server_name) {
  const mxd_store_options options = options_of(url, server_name);
  mxd_store_export to{};
  to.size = sizeof to;
  to.take = [](mxd_cookie cookie, mxd_view record) MXD_NOEXCEPT -> int32_t {
    reinterpret_cast<Records*>(cookie)->emplace_back(record.data, record.size);
    return MXD_OK;
  };
  to.cookie = reinterpret_cast<mxd_cookie>(&records);
  std::array<char, 512> error{};
  const int32_t status = library.export_records(&options, &to, error.data(), error.size());
  return {status, {}, error.data()};
}

Result import_records(const mxd_store_library& library, const std::string& url,
                      const Records& records, std::string_view server_name) {
  const mxd_store_options options = options_of(url, server_name);
  mxd_store_import from{};
  from.size = sizeof from;
  from.give = [](mxd_cookie cookie, mxd_store_take_record take, mxd_cookie to) MXD_NOEXCEPT {
    for (const std::string& record : *reinterpret_cast<const Records*>(cookie)) {
      const int32_t status = take(to, view(record));
      if (status != MXD_OK) return status;
    }
    return int32_t{MXD_OK};
  };
  from.cookie = reinterpret_cast<mxd_cookie>(&records);
  std::array<char, 512> error{};
  const int32_t status = library.import_records(&options, &from, error.data(), error.size());
  return {status, {}, error.data()};
}

Filled fill(OpenStore& store, Database& database) {
  EXPECT_EQ(store.add_service("irc", "irc token", "irc_bot"), MXD_OK);
  mxd_store_new_account bridged{};
  bridged.size = sizeof bridged;
  bridged.flags = MXD_STORE_ACCOUNT_APPSERVICE;
  bridged.name = view("_irc_Erin");
  bridged.service_id = view("irc");
  EXPECT_EQ(store.add(bridged).status, MXD_OK);
  const std::string zoe = store.add_user("zoe", "the password of zoe");
  store.add_user("bob");
  store.add_user("carol");
  store.add_user("dave");
  const std::string guest = store.add_guest();
  Filled filled;
  filled.phone_before = store.login("zoe", "PHONE", MXD_STORE_LOGIN_REFRESHABLE, -1, "Zoë's");
  filled.phone = store.refresh(filled.phone_before.refresh_token);
  EXPECT_EQ(store.authenticate(filled.phone.access_token).status, MXD_OK);
  const Tokens unused = store.login("zoe", "TABLET", MXD_STORE_LOGIN_REFRESHABLE);
  EXPECT_EQ(store.refresh(unused.refresh_token).status, MXD_OK) << "a pair that replaces another";
  filled.laptop = store.login("zoe", "LAPTOP", MXD_STORE_LOGIN_OAUTH);
  EXPECT_EQ(store.mark_validated(zoe, "LAPTOP", 1234).status, MXD_OK);
  store.login("carol", "REVOKED");
  EXPECT_EQ(store.revoke_devices("carol", {"REVOKED"}).status, MXD_OK);
  EXPECT_EQ(store.put(zoe, "NAMELESS", nullptr).status, MXD_CREATED);
  EXPECT_EQ(store.put(zoe, "EMPTY NAME \"\\\xc3\xa4", "").status, MXD_CREATED);
  EXPECT_EQ(store.put(zoe, "GONE", "x").status, MXD_CREATED);
  EXPECT_EQ(store.remove(zoe, {"GONE"}).status, MXD_OK);
  filled.guest = store.login(guest, "GUEST");
  store.set_flags("bob", MXD_STORE_ACCOUNT_LOCKED);
  store.set_flags("carol", MXD_STORE_ACCOUNT_SUSPENDED);
  store.set_flags("dave", MXD_STORE_ACCOUNT_DEACTIVATED);
  database.execute(
      "INSERT INTO user_threepids (medium, address, account) SELECT 'email', 'zoe@example.com',"
      " account FROM accounts WHERE user_id = '" +
      zoe + "'");
  database.add_for_devices("device_keys", "key_json", "'{\"keys\":{}}'");
  database.add_for_devices("one_time_keys", "algorithm, key_id, key_json",
                           "'signed_curve25519', 'AAAA', '{}'");
  database.add_for_devices("fallback_keys", "algorithm, key_id, key_json",
                           "'signed_curve25519', 'AAAB', '{}'");
  database.add_for_devices("to_device_inbox", "message_json", "'{\"type\":\"m.dummy\"}'", 3);
  return filled;
}

}  // namespace mxd::test
