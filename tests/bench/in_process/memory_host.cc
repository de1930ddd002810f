#include "tests/bench/in_process/memory_host.h"

#include <span>

namespace mxd::bench {
namespace {

constexpr int64_t kLastSeenMs = 1'700'000'000'000;

}  // namespace

Tables::Tables(size_t devices) {
  tokens[kAccessToken] = {std::string(kUserId), std::string(kOwnDevice)};
  User& user = users[kUserId];
  user.password = kPassword;
  for (size_t i = 0; i < devices; ++i) {
    user.devices[device_id(i)] = {"Alice's phone " + std::to_string(i), "192.0.2.7", kLastSeenMs};
  }
}

Tables::Token* Tables::find_token(std::string_view access_token) {
  const auto found = tokens.find(access_token);
  return found == tokens.end() ? nullptr : &found->second;
}

Tables::User* Tables::find_user(std::string_view user_id) {
  const auto found = users.find(user_id);
  return found == users.end() ? nullptr : &found->second;
}

MemoryHost::MemoryHost(const Module& module, size_t devices)
    : module_(module.table()), tables_(devices) {}

mxd_host MemoryHost::table() {
  auto host = make<mxd_host>();
  host.cookie = reinterpret_cast<mxd_cookie>(this);
  host.respond = Answers::respond;
  host.authenticate = authenticate;
  host.list_devices = list_devices;
  host.get_device = get_device;
  host.rename_device = rename_device;
  host.delete_devices = delete_devices;
  host.uia_flows = flows;
  host.uia_create_session = create_session;
  host.uia_load_session = load_session;
  host.uia_replace_session = replace_session;
  host.uia_check = check;
  host.take_limit = take_limit;
  return host;
}

int32_t MemoryHost::authenticate(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                                 const mxd_credentials* asked) noexcept {
  const Tables::Token* const token = of(host).tables_.find_token(text(asked->access_token));
  if (token == nullptr) return MXD_UNKNOWN_TOKEN;
  auto principal = make<mxd_principal>();
  principal.user_id = view(token->user_id);
  principal.device_id = view(token->device_id);
  of(host).module_.emit_principal(op, &principal);
  return of(host).module_.complete(op, MXD_OK);
}

void MemoryHost::emit(mxd_op op, const std::string& id, const Device& device) const {
  auto record = make<mxd_device>();
  record.flags =
      MXD_DEVICE_HAS_DISPLAY_NAME | MXD_DEVICE_HAS_LAST_SEEN_IP | MXD_DEVICE_HAS_LAST_SEEN_TS;
  record.device_id = view(id);
  record.display_name = view(device.display_name);
  record.last_seen_ip = view(device.last_seen_ip);
  record.last_seen_ts_ms = device.last_seen_ms;
  module_.emit_device(op, &record);
}

int32_t MemoryHost::list_devices(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                                 const mxd_device_query* asked) noexcept {
  const Tables::User* const user = of(host).tables_.find_user(text(asked->user_id));
  if (user == nullptr) return MXD_INTERNAL;
  for (const auto& [id, device] : user->devices)
    of(host).emit(op, id, device);
  return of(host).module_.complete(op, MXD_OK);
}

int32_t MemoryHost::get_device(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                               const mxd_device_key* asked) noexcept {
  const Tables::User* const user = of(host).tables_.find_user(text(asked->user_id));
  if (user == nullptr) return MXD_INTERNAL;
  const auto found = user->devices.find(text(asked->device_id));
  if (found == user->devices.end()) return MXD_NOT_FOUND;
  of(host).emit(op, found->first, found->second);
  return of(host).module_.complete(op, MXD_OK);
}

int32_t MemoryHost::rename_device(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                                  const mxd_device_update* asked) noexcept {
  Tables::User* const user = of(host).tables_.find_user(text(asked->user_id));
  if (user == nullptr) return MXD_INTERNAL;
  const auto found = user->devices.find(text(asked->device_id));
  if (found == user->devices.end()) return MXD_NOT_FOUND;
  found->second.display_name.assign(text(asked->display_name));
  return of(host).module_.complete(op, MXD_OK);
}

int32_t MemoryHost::delete_devices(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                                   const mxd_deletion* asked) noexcept {
  Tables::User* const user = of(host).tables_.find_user(text(asked->user_id));
  if (user == nullptr) return MXD_INTERNAL;
  for (const mxd_view id : std::span(asked->device_ids, asked->device_id_count)) {
    const auto found = user->devices.find(text(id));
    if (found != user->devices.end()) user->devices.erase(found);
  }
  return of(host).module_.complete(op, MXD_OK);
}

int32_t MemoryHost::flows(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                          const mxd_uia_operation*) noexcept {
  auto stage = make<mxd_uia_stage>();
  stage.type = view("m.login.password");
  of(host).module_.emit_stage(op, &stage);
  return of(host).module_.complete(op, MXD_OK);
}

int32_t MemoryHost::create_session(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                                   const mxd_uia_session* asked) noexcept {
  Session& session = of(host).session_;
  session.id.assign(text(asked->proposed_id));
  session.state.assign(text(asked->state));
  session.revision = 1;
  return of(host).module_.complete(op, MXD_OK);
}

int32_t MemoryHost::load_session(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                                 const mxd_uia_session_key* asked) noexcept {
  const Session& session = of(host).session_;
  if (session.id != text(asked->session_id)) return MXD_NOT_FOUND;
  auto kept = make<mxd_uia_kept>();
  kept.revision = session.revision;
  kept.state = view(session.state);
  of(host).module_.emit_session(op, &kept);
  return of(host).module_.complete(op, MXD_OK);
}

int32_t MemoryHost::replace_session(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                                    const mxd_uia_replacement* asked) noexcept {
  Session& session = of(host).session_;
  if (session.id != text(asked->session_id)) return MXD_NOT_FOUND;
  if (session.revision != asked->revision) return MXD_CONFLICT;
  session.state.assign(text(asked->state));
  ++session.revision;
  return of(host).module_.complete(op, MXD_OK);
}

int32_t MemoryHost::check(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                          const mxd_uia_attempt* asked) noexcept {
  const Tables::User* const user = of(host).tables_.find_user(text(asked->user));
  if (user == nullptr || user->password != text(asked->password)) return MXD_REFUSED;
  of(host).module_.emit_identity(op, asked->user);
  return of(host).module_.complete(op, MXD_OK);
}

// The limits are not what is measured, and a bench would be over them.
int32_t MemoryHost::take_limit(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                               const mxd_limit_request*) noexcept {
  return of(host).module_.complete(op, MXD_OK);
}

}  // namespace mxd::bench
