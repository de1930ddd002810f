#include "tests/check/callbacks.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>

#include "tests/check/planted_host.h"

namespace mxd::check_test {

namespace {

std::string text(mxd_view view) {
  return {view.data, view.size};
}
mxd_view view(std::string_view text) {
  return {text.data(), text.size()};
}
PlantedHost& at(mxd_cookie cookie) {
  return *reinterpret_cast<PlantedHost*>(cookie);
}

bool equal_without_case(const std::string& left, const std::string& right) {
  return std::equal(
      left.begin(), left.end(), right.begin(), right.end(),
      [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

mxd_device record_of(const std::string& id, const KeptDevice& device) {
  mxd_device record{};
  record.size = sizeof record;
  record.flags = MXD_DEVICE_HAS_LAST_SEEN_TS;
  record.device_id = view(id);
  record.last_seen_ts_ms = device.last_seen_ms;
  if (device.name) {
    record.flags |= MXD_DEVICE_HAS_DISPLAY_NAME;
    record.display_name = view(*device.name);
  }
  return record;
}

void respond(mxd_cookie, mxd_cookie request, const mxd_response* response) noexcept {
  auto& waiting = *reinterpret_cast<PlantedHost::Waiting*>(request);
  const std::lock_guard lock(waiting.mutex);
  waiting.reply = Reply{response->http_status, text(response->body)};
  waiting.answered = true;
  waiting.changed.notify_all();
}

void log(mxd_cookie cookie, mxd_cookie, int32_t, mxd_view message) noexcept {
  PlantedHost& host = at(cookie);
  host.keep_log(text(message));
  if (host.is("calls the module from log")) host.call_match();
}

int64_t now_ms(mxd_cookie cookie) noexcept {
  return at(cookie).world().now_ms();
}

// ---- authenticate ----

int32_t as_user(PlantedHost& host, mxd_op op, const std::string& token,
                const mxd_credentials& from) {
  World& world = host.world();
  const auto found = world.tokens.find(token);
  if (found == world.tokens.end()) {
    return host.is("has no unknown tokens") ? MXD_TOKEN_EXPIRED : MXD_UNKNOWN_TOKEN;
  }
  const Token& kept = found->second;
  if (kept.state == TokenState::kExpired) {
    return host.is("forgets expired tokens") ? MXD_UNKNOWN_TOKEN : MXD_TOKEN_EXPIRED;
  }
  User& user = world.users.at(kept.user_id);
  if (user.locked && !host.is("lets locked accounts in")) return MXD_USER_LOCKED;
  const auto device = user.devices.find(kept.device_id);
  if (device != user.devices.end()) {
    device->second.last_seen_ms =
        host.is("counts last seen in seconds") ? world.now_ms() / 1000 : world.now_ms();
  }
  std::string user_id = kept.user_id;
  if (host.is("lets users act as others") && (from.flags & MXD_CREDENTIALS_HAS_USER_ID) != 0) {
    user_id = text(from.user_id);
  }
  mxd_principal principal{};
  principal.size = sizeof principal;
  principal.flags = user.guest ? MXD_PRINCIPAL_GUEST : 0;
  principal.user_id = view(user_id);
  principal.device_id = view(kept.device_id);
  if (device != user.devices.end() && device->second.validated_ms) {
    principal.flags |= MXD_PRINCIPAL_HAS_VALIDATED_MS;
    principal.validated_ms = *device->second.validated_ms;
  }
  if (!host.is("authenticates without a principal")) {
    host.module().emit_principal(op, &principal);
  }
  return MXD_OK;
}

int32_t as_service(PlantedHost& host, mxd_op op, const mxd_credentials& from) {
  World& world = host.world();
  std::string user_id(kSender);
  if ((from.flags & MXD_CREDENTIALS_HAS_USER_ID) != 0) user_id = text(from.user_id);
  const auto user = world.users.find(user_id);
  const bool is_inside = user != world.users.end() && user->second.of_service;
  if (!is_inside && !(host.is("lets services act as anybody") && user != world.users.end())) {
    return MXD_FORBIDDEN;
  }
  std::string device_id;
  if ((from.flags & MXD_CREDENTIALS_HAS_DEVICE_ID) != 0) {
    device_id = text(from.device_id);
    if (user->second.devices.count(device_id) == 0) return MXD_UNKNOWN_DEVICE;
  }
  mxd_principal principal{};
  principal.size = sizeof principal;
  principal.flags = MXD_PRINCIPAL_APPSERVICE;
  principal.user_id = view(user_id);
  principal.device_id = view(device_id);
  principal.token_id = view("service token");
  principal.service_id = view("service");
  host.module().emit_principal(op, &principal);
  return MXD_OK;
}

int32_t authenticate(mxd_cookie cookie, mxd_cookie, mxd_op op, mxd_cookie,
                     const mxd_credentials* from) noexcept {
  PlantedHost& host = at(cookie);
  return host.answer(op, [&host, op, from] {
    const std::lock_guard lock(host.world().mutex);
    const std::string token = text(from->access_token);
    return token == kServiceToken ? as_service(host, op, *from) : as_user(host, op, token, *from);
  });
}

// ---- Devices ----

int32_t list_devices(mxd_cookie cookie, mxd_cookie, mxd_op op, mxd_cookie,
                     const mxd_device_query* query) noexcept {
  PlantedHost& host = at(cookie);
  return host.answer(op, [&host, op, query] {
    if (host.is("compares sizes") && query->size != sizeof *query) return MXD_INTERNAL;
    World& world = host.world();
    const std::lock_guard lock(world.mutex);
    std::vector<mxd_device> records;
    for (const auto& [id, device] : world.users.at(text(query->user_id)).devices) {
      records.push_back(record_of(id, device));
    }
    if (host.is("lists in any order") && ++world.sequence % 2 == 0) {
      std::reverse(records.begin(), records.end());
    }
    if (host.is("lists a page") && records.size() > 3) records.resize(3);
    for (const mxd_device& record : records)
      host.module().emit_device(op, &record);
    return MXD_OK;
  });
}

int32_t get_device(mxd_cookie cookie, mxd_cookie, mxd_op op, mxd_cookie,
                   const mxd_device_key* key) noexcept {
  PlantedHost& host = at(cookie);
  return host.answer(op, [&host, op, key] {
    World& world = host.world();
    const std::lock_guard lock(world.mutex);
    const std::string id = text(key->device_id);
    for (const auto& [user_id, user] : world.users) {
      if (user_id != text(key->user_id) && !host.is("finds anybody's devices")) continue;
      for (const auto& [kept_id, device] : user.devices) {
        const bool matches =
            host.is("compares IDs without case") ? equal_without_case(kept_id, id) : kept_id == id;
        if (!matches) continue;
        mxd_device record = record_of(kept_id, device);
        if (host.is("emits Latin-1")) record.last_seen_ip = view("\xe9");
        if (host.is("emits Latin-1")) record.flags |= MXD_DEVICE_HAS_LAST_SEEN_IP;
        if (host.is("emits an identity for a device"))
          host.module().emit_identity(op, view("@x:y"));
        host.module().emit_device(op, &record);
        return MXD_OK;
      }
    }
    return host.is("answers with a status of another callback") ? MXD_UNKNOWN_DEVICE
                                                                : MXD_NOT_FOUND;
  });
}

int32_t rename_device(mxd_cookie cookie, mxd_cookie, mxd_op op, mxd_cookie,
                      const mxd_device_update* update) noexcept {
  PlantedHost& host = at(cookie);
  if (host.is("fails and completes")) {
    host.module().complete(op, MXD_NOT_FOUND);
    return MXD_NOT_FOUND;
  }
  return host.answer(op, [&host, op, update] {
    World& world = host.world();
    const std::lock_guard lock(world.mutex);
    User& user = world.users.at(text(update->user_id));
    const auto found = user.devices.find(text(update->device_id));
    if (found == user.devices.end()) return MXD_NOT_FOUND;
    const bool late = host.is("reads arguments late");
    if (late) host.module().complete(op, MXD_OK);
    found->second.name = text(update->display_name);
    if (host.is("clears empty names") && found->second.name->empty()) found->second.name.reset();
    if (host.is("stamps what is renamed")) found->second.last_seen_ms = world.now_ms() + 1;
    return late ? PlantedHost::kCompleted : MXD_OK;
  });
}

int32_t put_device(mxd_cookie cookie, mxd_cookie, mxd_op op, mxd_cookie,
                   const mxd_device_update* update) noexcept {
  PlantedHost& host = at(cookie);
  return host.answer(op, [&host, update] {
    World& world = host.world();
    const std::lock_guard lock(world.mutex);
    User& user = world.users.at(text(update->user_id));
    const std::string id = text(update->device_id);
    const bool is_there = user.devices.count(id) != 0;
    const auto count = static_cast<int64_t>(user.devices.size());
    const int64_t most = update->max_devices + (host.is("miscounts the cap") ? 1 : 0);
    const bool is_full = update->max_devices != 0 && count >= most;
    if (is_full && (!is_there || host.is("caps renames"))) return MXD_LIMIT_EXCEEDED;
    KeptDevice& device = user.devices[id];
    if ((update->flags & MXD_UPDATE_SET_DISPLAY_NAME) != 0) {
      device.name = text(update->display_name);
    } else if (host.is("clears names that are not set")) {
      device.name.reset();
    }
    return is_there ? MXD_OK : MXD_CREATED;
  });
}

void delete_device(PlantedHost& host, const std::string& asking, const std::string& id,
                   std::unique_lock<std::mutex>& lock) {
  World& world = host.world();
  for (auto& [user_id, user] : world.users) {
    if (user_id != asking && !host.is("deletes anybody's devices")) continue;
    if (user.devices.count(id) == 0) continue;
    if (host.is("empties the list while it deletes")) {
      auto devices = std::exchange(user.devices, {});
      lock.unlock();
      for (int i = 0; i < 20'000; ++i)
        std::this_thread::yield();
      lock.lock();
      user.devices = std::move(devices);
    }
    user.devices.erase(id);
    if (!host.is("leaves tokens of deleted devices")) {
      std::erase_if(world.tokens, [&](const auto& token) {
        return token.second.user_id == user_id && token.second.device_id == id;
      });
    }
    if (host.is("leaves sessions of deleted devices")) continue;
    std::erase_if(world.sessions, [&](const auto& session) {
      return session.second.user_id == user_id && session.second.device_id == id;
    });
  }
}

int32_t delete_devices(mxd_cookie cookie, mxd_cookie, mxd_op op, mxd_cookie,
                       const mxd_deletion* deletion) noexcept {
  PlantedHost& host = at(cookie);
  return host.answer(op, [&host, deletion] {
    World& world = host.world();
    std::unique_lock lock(world.mutex);
    constexpr size_t kVariables = 999;
    if (host.is("binds 999 variables") && deletion->device_id_count > kVariables) {
      return MXD_INTERNAL;
    }
    const std::string asking = text(deletion->user_id);
    if (host.is("reads no IDs as all") && deletion->device_id_count == 0) {
      world.users.at(asking).devices.clear();
    }
    for (size_t i = 0; i < deletion->device_id_count; ++i) {
      delete_device(host, asking, text(deletion->device_ids[i]), lock);
    }
    return MXD_OK;
  });
}

// ---- Limits and validation ----

int32_t mark_validated(mxd_cookie cookie, mxd_cookie, mxd_op op, mxd_cookie,
                       const mxd_validation* validation) noexcept {
  PlantedHost& host = at(cookie);
  return host.answer(op, [&host, validation] {
    World& world = host.world();
    const std::lock_guard lock(world.mutex);
    KeptDevice& device =
        world.users.at(text(validation->user_id)).devices.at(text(validation->device_id));
    if (!host.is("forgets who was validated")) device.validated_ms = validation->validated_ms;
    return MXD_OK;
  });
}

Units& units_of(PlantedHost& host, const mxd_limit& limit) {
  World& world = host.world();
  const std::string name = host.is("knows buckets by key only") ? "" : text(limit.name);
  const auto [place, is_new] =
      world.buckets.try_emplace({name, text(limit.key)}, Units{limit.burst, world.now_ms()});
  Units& units = place->second;
  const int64_t back = (world.now_ms() - units.since_ms) / limit.interval_ms;
  if (back > 0 && units.left < limit.burst) units.left = std::min(limit.burst, units.left + back);
  units.since_ms += back * limit.interval_ms;
  return units;
}

int32_t take_limit(mxd_cookie cookie, mxd_cookie, mxd_op op, mxd_cookie,
                   const mxd_limit_request* request) noexcept {
  PlantedHost& host = at(cookie);
  return host.answer(op, [&host, op, request] {
    World& world = host.world();
    const std::lock_guard lock(world.mutex);
    int64_t wait_ms = 0;
    for (size_t i = 0; i < request->limit_count; ++i) {
      const mxd_limit& limit = request->limits[i];
      Units& units = units_of(host, limit);
      const bool is_short = request->units > 0 && units.left < 1;
      if (is_short) {
        wait_ms = std::max(wait_ms, units.since_ms + limit.interval_ms - world.now_ms());
      }
      if (host.is("takes from some buckets") && !is_short) units.left -= request->units;
    }
    if (wait_ms > 0) {
      if (!host.is("limits without a wait")) host.module().emit_retry_after(op, wait_ms);
      return MXD_LIMIT_EXCEEDED;
    }
    for (size_t i = 0; i < request->limit_count; ++i) {
      const mxd_limit& limit = request->limits[i];
      Units& units = units_of(host, limit);
      if (host.is("takes from some buckets")) continue;
      units.left -= request->units;
      if (!host.is("fills buckets over their burst")) {
        units.left = std::min(units.left, limit.burst);
      }
    }
    return MXD_OK;
  });
}

}  // namespace

mxd_host callback_table(mxd_cookie cookie) {
  mxd_host host{};
  host.size = sizeof host;
  host.abi_minor = MXD_ABI_MINOR;
  host.cookie = cookie;
  host.respond = &respond;
  host.log = &log;
  host.now_ms = &now_ms;
  host.authenticate = &authenticate;
  host.list_devices = &list_devices;
  host.get_device = &get_device;
  host.rename_device = &rename_device;
  host.put_device = &put_device;
  host.delete_devices = &delete_devices;
  host.mark_validated = &mark_validated;
  host.take_limit = &take_limit;
  add_session_callbacks(host);
  return host;
}

}  // namespace mxd::check_test
