// Records of older and newer headers than the library's: module.h, convention 1.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

template <class Record>
Record sized() {
  Record record{};
  record.size = sizeof record;
  return record;
}

// As a later header has it: more at the end, which this library does not know.
template <class Record>
struct Grown {
  Record known = {};
  std::array<unsigned char, 64> later;

  Grown() {
    known.size = sizeof *this;
    later.fill(0xa5);
  }

  bool is_untouched() const {
    for (const unsigned char byte : later) {
      if (byte != 0xa5) return false;
    }
    return true;
  }
};

TEST(RecordLayoutTest, SizesOfVersion1_0AreThoseOfTheHeader) {
  EXPECT_EQ(sizeof(mxd_store_options), size_t{MXD_STORE_OPTIONS_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_lifetimes), size_t{MXD_STORE_LIFETIMES_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_swept), size_t{MXD_STORE_SWEPT_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_backup), size_t{MXD_STORE_BACKUP_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_export), size_t{MXD_STORE_EXPORT_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_import), size_t{MXD_STORE_IMPORT_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_finding), size_t{MXD_STORE_FINDING_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_device), size_t{MXD_STORE_DEVICE_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_device_query), size_t{MXD_STORE_DEVICE_QUERY_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_devices), size_t{MXD_STORE_DEVICES_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_affected), size_t{MXD_STORE_AFFECTED_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_token), size_t{MXD_STORE_TOKEN_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_service), size_t{MXD_STORE_SERVICE_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_account), size_t{MXD_STORE_ACCOUNT_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_account_query), size_t{MXD_STORE_ACCOUNT_QUERY_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_name), size_t{MXD_STORE_NAME_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_new_account), size_t{MXD_STORE_NEW_ACCOUNT_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_account_change), size_t{MXD_STORE_ACCOUNT_CHANGE_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_password), size_t{MXD_STORE_PASSWORD_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_user), size_t{MXD_STORE_USER_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_login), size_t{MXD_STORE_LOGIN_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_refresh), size_t{MXD_STORE_REFRESH_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_tokens), size_t{MXD_STORE_TOKENS_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_logout), size_t{MXD_STORE_LOGOUT_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_identity), size_t{MXD_STORE_IDENTITY_SIZE_1_0});
  EXPECT_EQ(sizeof(mxd_store_library), size_t{MXD_STORE_LIBRARY_SIZE_1_0});
}

TEST(RecordLayoutTest, TableIsWhole) {
  const mxd_store_library& table = library();
  EXPECT_GE(table.size, uint32_t{MXD_STORE_LIBRARY_SIZE_1_0});
  EXPECT_EQ(table.abi_minor, uint32_t{MXD_STORE_ABI_MINOR});
  EXPECT_EQ(table.caps, 0u);
  EXPECT_STRNE(table.product_version, "");
  EXPECT_NE(std::string(kStoreLibrary).find(std::string("matrix_devices_") + table.engine + "."),
            std::string::npos)
      << table.engine;
  const auto* slots = reinterpret_cast<const unsigned char*>(&table);
  for (size_t at = 16; at < table.size; at += sizeof(void*)) {
    void* slot;
    std::memcpy(&slot, slots + at, sizeof slot);
    EXPECT_NE(slot, nullptr) << at;
  }
  EXPECT_EQ(table.get_extension("nothing"), nullptr);
}

class RecordTest : public AliceTest {
 protected:
  // A record that is too short is refused with its name, and one of 1.0 is not refused for it.
  template <class Record, class Call>
  void expect_refused_below(size_t size_1_0, const char* name, Record& record, Call&& call) {
    for (const size_t size : {size_t{0}, size_t{8}, size_1_0 - 1}) {
      record.size = static_cast<uint32_t>(size);
      char error[256] = "";
      EXPECT_EQ(call(error), MXD_INVALID_ARGUMENT) << name << " of " << size;
      EXPECT_NE(std::string(error).find(name), std::string::npos) << error;
      EXPECT_NE(std::string(error).find("sizeof"), std::string::npos) << "what to do: " << error;
    }
    record.size = static_cast<uint32_t>(size_1_0);
  }

  mxd_store* at() const { return store.get(); }
};

TEST_F(RecordTest, BelowVersion1_0IsRefusedByName) {
  auto options = sized<mxd_store_options>();
  options.url = view("never.db");
  mxd_store* out = nullptr;
  expect_refused_below(MXD_STORE_OPTIONS_SIZE_1_0, "mxd_store_options", options,
                       [&](char* error) { return library().open(&options, &out, error, 256); });
  EXPECT_EQ(out, nullptr);
  auto host = sized<mxd_host>();
  expect_refused_below(MXD_HOST_SIZE_1_0, "mxd_host", host, [&](char* error) {
    return library().fill_host(at(), &fake_module(), &host, error, 256);
  });
  EXPECT_EQ(host.authenticate, nullptr);
  auto lifetimes = sized<mxd_store_lifetimes>();
  expect_refused_below(
      MXD_STORE_LIFETIMES_SIZE_1_0, "mxd_store_lifetimes", lifetimes,
      [&](char* error) { return library().set_lifetimes(at(), &lifetimes, error, 256); });
  expect_refused_below(MXD_STORE_OPTIONS_SIZE_1_0, "mxd_store_options", options, [&](char* error) {
    return library().examine(&options, nullptr, 0, error, 256);
  });
  auto swept = sized<mxd_store_swept>();
  expect_refused_below(MXD_STORE_SWEPT_SIZE_1_0, "mxd_store_swept", swept,
                       [&](char* error) { return library().sweep(at(), &swept, error, 256); });
  auto to = sized<mxd_store_export>();
  expect_refused_below(MXD_STORE_EXPORT_SIZE_1_0, "mxd_store_export", to, [&](char* error) {
    return library().export_records(&options, &to, error, 256);
  });
  auto from = sized<mxd_store_import>();
  expect_refused_below(MXD_STORE_IMPORT_SIZE_1_0, "mxd_store_import", from, [&](char* error) {
    return library().import_records(&options, &from, error, 256);
  });
  auto backup = sized<mxd_store_backup>();
  const std::string target = path("backup.db");
  backup.target = view(target);
  expect_refused_below(MXD_STORE_BACKUP_SIZE_1_0, "mxd_store_backup", backup,
                       [&](char* error) { return library().backup(at(), &backup, error, 256); });
  EXPECT_FALSE(std::filesystem::exists(target));
  auto service = sized<mxd_store_service>();
  expect_refused_below(MXD_STORE_SERVICE_SIZE_1_0, "mxd_store_service", service, [&](char* error) {
    return library().add_service(at(), &service, error, 256);
  });
  const mxd_store_service* const services[] = {&service};
  expect_refused_below(MXD_STORE_SERVICE_SIZE_1_0, "mxd_store_service", service, [&](char* error) {
    return library().set_services(at(), services, 1, error, 256);
  });
  auto account = sized<mxd_store_new_account>();
  account.name = view("carol");
  expect_refused_below(
      MXD_STORE_NEW_ACCOUNT_SIZE_1_0, "mxd_store_new_account", account,
      [&](char* error) { return library().add_account(at(), &account, nullptr, error, 256); });
  auto user = sized<mxd_store_user>();
  expect_refused_below(MXD_STORE_USER_SIZE_1_0, "mxd_store_user", user, [&](char* error) {
    return library().add_account(at(), &account, &user, error, 256);
  });
  EXPECT_EQ(store.login("carol", "X").status, MXD_NOT_FOUND) << "nothing was changed";
  auto query = sized<mxd_store_account_query>();
  expect_refused_below(
      MXD_STORE_ACCOUNT_QUERY_SIZE_1_0, "mxd_store_account_query", query,
      [&](char* error) { return library().list_accounts(at(), &query, nullptr, 0, error, 256); });
  auto wanted = sized<mxd_store_name>();
  wanted.name = view("alice");
  expect_refused_below(MXD_STORE_NAME_SIZE_1_0, "mxd_store_name", wanted, [&](char* error) {
    return library().find_account(at(), &wanted, nullptr, 0, error, 256);
  });
  auto devices_of = sized<mxd_store_device_query>();
  devices_of.name = view("alice");
  expect_refused_below(MXD_STORE_DEVICE_QUERY_SIZE_1_0, "mxd_store_device_query", devices_of,
                       [&](char* error) {
                         return library().list_devices(at(), &devices_of, nullptr, 0, error, 256);
                       });
  const std::string kept = store.login("alice", "KEPT").access_token;
  auto devices = sized<mxd_store_devices>();
  devices.name = view("alice");
  devices.flags = MXD_STORE_DEVICES_ALL;
  auto affected = sized<mxd_store_affected>();
  for (const auto function :
       {&mxd_store_library::delete_devices, &mxd_store_library::revoke_devices}) {
    const auto call = [&](char* error) {
      return (library().*function)(at(), &devices, &affected, error, 256);
    };
    expect_refused_below(MXD_STORE_DEVICES_SIZE_1_0, "mxd_store_devices", devices, call);
    expect_refused_below(MXD_STORE_AFFECTED_SIZE_1_0, "mxd_store_affected", affected, call);
  }
  auto token = sized<mxd_store_token>();
  token.token = view(kept);
  const auto revoke = [&](char* error) {
    return library().revoke_token(at(), &token, &affected, error, 256);
  };
  expect_refused_below(MXD_STORE_TOKEN_SIZE_1_0, "mxd_store_token", token, revoke);
  expect_refused_below(MXD_STORE_AFFECTED_SIZE_1_0, "mxd_store_affected", affected, revoke);
  EXPECT_EQ(store.authenticate(kept).status, MXD_OK) << "nothing was changed";
  EXPECT_EQ(store.delete_devices("alice", {"KEPT"}).status, MXD_OK);
  auto change = sized<mxd_store_account_change>();
  change.name = view("alice");
  expect_refused_below(
      MXD_STORE_ACCOUNT_CHANGE_SIZE_1_0, "mxd_store_account_change", change,
      [&](char* error) { return library().change_account(at(), &change, error, 256); });
  auto password = sized<mxd_store_password>();
  password.name = view("alice");
  password.password = view("secret");
  expect_refused_below(
      MXD_STORE_PASSWORD_SIZE_1_0, "mxd_store_password", password,
      [&](char* error) { return library().set_password(at(), &password, error, 256); });
  expect_refused_below(
      MXD_STORE_PASSWORD_SIZE_1_0, "mxd_store_password", password,
      [&](char* error) { return library().check_password(at(), &password, nullptr, error, 256); });
  auto login = sized<mxd_store_login>();
  login.name = view("alice");
  auto tokens = sized<mxd_store_tokens>();
  const auto log_in = [&](char* error) {
    return library().login(at(), &login, &tokens, error, 256);
  };
  expect_refused_below(MXD_STORE_LOGIN_SIZE_1_0, "mxd_store_login", login, log_in);
  expect_refused_below(MXD_STORE_TOKENS_SIZE_1_0, "mxd_store_tokens", tokens, log_in);
  EXPECT_TRUE(store.list(alice).devices.empty()) << "nothing was changed";
  auto refresh = sized<mxd_store_refresh>();
  expect_refused_below(MXD_STORE_REFRESH_SIZE_1_0, "mxd_store_refresh", refresh, [&](char* error) {
    return library().refresh(at(), &refresh, &tokens, error, 256);
  });
  auto logout = sized<mxd_store_logout>();
  expect_refused_below(MXD_STORE_LOGOUT_SIZE_1_0, "mxd_store_logout", logout,
                       [&](char* error) { return library().logout(at(), &logout, error, 256); });

  auto name = sized<mxd_store_name>();
  name.size = MXD_STORE_NAME_SIZE_1_0 - 1;
  const auto never_name = [](mxd_cookie, int32_t, const mxd_store_user*, mxd_view) noexcept {
    ADD_FAILURE() << "a status that is returned is the answer";
  };
  EXPECT_EQ(library().resolve_name(at(), &name, never_name, 0), MXD_INVALID_ARGUMENT);
  auto credentials = sized<mxd_credentials>();
  credentials.size = MXD_CREDENTIALS_SIZE_1_0 - 1;
  const auto never = [](mxd_cookie, int32_t, const mxd_store_identity*, mxd_view) noexcept {
    ADD_FAILURE() << "a status that is returned is the answer";
  };
  EXPECT_EQ(library().identify(at(), &credentials, never, 0), MXD_INVALID_ARGUMENT);
}

TEST_F(RecordTest, WhatALaterHeaderAddsIsTaken) {
  Grown<mxd_store_options> options;
  const Database another(folder.path(), "grown");
  options.known.url = view(another.url());
  options.known.server_name = view("example.org");
  mxd_store* grown = nullptr;
  char error[256];
  ASSERT_EQ(library().open(&options.known, &grown, error, sizeof error), MXD_OK) << error;

  Grown<mxd_store_new_account> account;
  account.known.name = view("bob");
  account.known.password = view("right");
  Grown<mxd_store_user> user;
  ASSERT_EQ(library().add_account(grown, &account.known, &user.known, error, sizeof error), MXD_OK)
      << error;
  EXPECT_STREQ(user.known.user_id, "@bob:example.org");
  EXPECT_EQ(user.known.size, sizeof(mxd_store_user)) << "lowered to what this library knows";
  EXPECT_TRUE(user.is_untouched());

  Grown<mxd_store_login> login;
  login.known.name = view("bob");
  login.known.flags = MXD_STORE_LOGIN_REFRESHABLE;
  login.known.lifetime_ms = -1;
  Grown<mxd_store_tokens> tokens;
  ASSERT_EQ(library().login(grown, &login.known, &tokens.known, error, sizeof error), MXD_OK)
      << error;
  EXPECT_EQ(tokens.known.size, sizeof(mxd_store_tokens));
  EXPECT_TRUE(tokens.is_untouched());

  Grown<mxd_store_refresh> refresh;
  refresh.known.refresh_token = view(tokens.known.refresh_token);
  Grown<mxd_store_tokens> refreshed;
  EXPECT_EQ(library().refresh(grown, &refresh.known, &refreshed.known, error, sizeof error), MXD_OK)
      << error;
  Grown<mxd_store_logout> logout;
  logout.known.access_token = view(refreshed.known.access_token);
  EXPECT_EQ(library().logout(grown, &logout.known, error, sizeof error), MXD_OK) << error;

  Grown<mxd_store_password> password;
  password.known.name = view("bob");
  password.known.password = view("right");
  Grown<mxd_store_user> checked;
  EXPECT_EQ(library().check_password(grown, &password.known, &checked.known, error, sizeof error),
            MXD_OK)
      << error;
  Grown<mxd_store_devices> devices;
  devices.known.name = view("bob");
  devices.known.flags = MXD_STORE_DEVICES_ALL;
  Grown<mxd_store_affected> affected;
  EXPECT_EQ(library().revoke_devices(grown, &devices.known, &affected.known, error, sizeof error),
            MXD_OK)
      << error;
  EXPECT_EQ(affected.known.size, sizeof(mxd_store_affected));
  EXPECT_TRUE(affected.is_untouched());
  Grown<mxd_store_swept> swept;
  EXPECT_EQ(library().sweep(grown, &swept.known, error, sizeof error), MXD_OK) << error;
  EXPECT_EQ(swept.known.size, sizeof(mxd_store_swept));
  EXPECT_TRUE(swept.is_untouched());
  Grown<mxd_store_backup> backup;
  const std::string target = path("grown-backup.db");
  backup.known.target = view(target);
  EXPECT_EQ(library().backup(grown, &backup.known, error, sizeof error),
            kBacksUp ? MXD_OK : MXD_UNSUPPORTED)
      << error;
  Grown<mxd_store_account_change> change;
  change.known.name = view("bob");
  change.known.set = MXD_STORE_ACCOUNT_LOCKED;
  EXPECT_EQ(library().change_account(grown, &change.known, error, sizeof error), MXD_OK) << error;
  Grown<mxd_store_lifetimes> lifetimes;
  EXPECT_EQ(library().set_lifetimes(grown, &lifetimes.known, error, sizeof error), MXD_OK) << error;
  Grown<mxd_store_service> service;
  service.known.id = view("irc");
  service.known.as_token = view("as-token");
  service.known.sender_localpart = view("irc_bot");
  EXPECT_EQ(library().add_service(grown, &service.known, error, sizeof error), MXD_OK) << error;

  Grown<mxd_store_name> name;
  name.known.name = view("Bob");
  struct Found {
    std::string user_id;
    std::atomic<int> answers{0};
  } found;
  const auto cookie = reinterpret_cast<mxd_cookie>(&found);
  const auto meant = [](mxd_cookie to, int32_t status, const mxd_store_user* named,
                        mxd_view) noexcept {
    auto& told = *reinterpret_cast<Found*>(to);
    if (status == MXD_OK) told.user_id = named->user_id;
    ++told.answers;
  };
  EXPECT_EQ(library().resolve_name(grown, &name.known, meant, cookie), MXD_OK);
  ASSERT_TRUE(eventually([&] { return found.answers == 1; }));
  EXPECT_EQ(found.user_id, "@bob:example.org");
  Grown<mxd_credentials> credentials;
  credentials.known.access_token = view("as-token");
  const auto identified = [](mxd_cookie to, int32_t status, const mxd_store_identity* identity,
                             mxd_view) noexcept {
    auto& told = *reinterpret_cast<Found*>(to);
    if (status == MXD_OK) told.user_id.assign(identity->user_id.data, identity->user_id.size);
    ++told.answers;
  };
  EXPECT_EQ(library().identify(grown, &credentials.known, identified, cookie), MXD_OK);
  ASSERT_TRUE(eventually([&] { return found.answers == 2; }));
  EXPECT_EQ(found.user_id, "@irc_bot:example.org");

  Grown<mxd_host> host;
  host.later.fill(0);
  host.known.abi_minor = MXD_ABI_MINOR + 1;
  ASSERT_EQ(library().fill_host(grown, &fake_module(), &host.known, error, sizeof error), MXD_OK)
      << error;
  EXPECT_EQ(host.known.size, sizeof host) << "the table is the caller's";
  EXPECT_EQ(host.known.abi_minor, uint32_t{MXD_ABI_MINOR}) << "lowered: the callbacks are of 1.0";
  EXPECT_EQ(host.later, (std::array<unsigned char, 64>{})) << "what it does not know stays zero";
  library().close(grown);
}

}  // namespace
}  // namespace mxd::test
