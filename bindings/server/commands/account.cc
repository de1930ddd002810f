#include "bindings/server/commands/account.h"

#include <optional>

#include "bindings/server/commands/failure.h"
#include "bindings/server/commands/terminal.h"
#include "bindings/server/database_choice.h"

namespace mxd::server {

Store open_database(const OperatorOptions& options) {
  const SignalsAreMine here;
  Store::Options chosen = database_of(options);
  chosen.server_name = options.server_name;
  return Store(chosen);
}

Account::Account(const mxd_store_account& record)
    : flags(record.flags),
      created_ms(record.created_ms),
      last_seen_ms(record.last_seen_ms),
      device_count(record.device_count),
      user_id(text(record.user_id)),
      service_id(text(record.service_id)) {}

std::string Account::state() const {
  static constexpr struct {
    uint32_t flag;
    const char* name;
  } kFlags[] = {{MXD_STORE_ACCOUNT_GUEST, "guest"},
                {MXD_STORE_ACCOUNT_APPSERVICE, "appservice"},
                {MXD_STORE_ACCOUNT_LOCKED, "locked"},
                {MXD_STORE_ACCOUNT_SUSPENDED, "suspended"},
                {MXD_STORE_ACCOUNT_DEACTIVATED, "deactivated"}};
  std::string state;
  for (const auto& [flag, name] : kFlags) {
    if ((flags & flag) == 0) continue;
    if (!state.empty()) state += ',';
    state += name;
  }
  return state;
}

boost::json::object Account::json() const {
  const auto has = [this](uint32_t flag) { return (flags & flag) != 0; };
  boost::json::object json{{"user_id", user_id},
                           {"guest", has(MXD_STORE_ACCOUNT_GUEST)},
                           {"appservice", nullptr},
                           {"locked", has(MXD_STORE_ACCOUNT_LOCKED)},
                           {"suspended", has(MXD_STORE_ACCOUNT_SUSPENDED)},
                           {"deactivated", has(MXD_STORE_ACCOUNT_DEACTIVATED)},
                           {"has_password", has(MXD_STORE_ACCOUNT_HAS_PASSWORD)},
                           {"devices", device_count},
                           {"last_seen_ms", nullptr},
                           {"created_ms", created_ms}};
  if (has(MXD_STORE_ACCOUNT_APPSERVICE)) json["appservice"] = service_id;
  if (last_seen_ms >= 0) json["last_seen_ms"] = last_seen_ms;
  return json;
}

Account find_account(const Store& store, const std::string& name) {
  auto wanted = make<mxd_store_name>();
  wanted.name = view(name);
  std::optional<Account> found;
  const auto visit = [](mxd_cookie cookie, const mxd_store_account* account) noexcept -> int32_t {
    reinterpret_cast<std::optional<Account>*>(cookie)->emplace(*account);
    return MXD_OK;
  };
  check(store.call(&mxd_store_library::find_account, &wanted, +visit,
                   reinterpret_cast<mxd_cookie>(&found)));
  return *found;
}

std::string count_of(int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace mxd::server
