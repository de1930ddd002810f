// The callbacks of an open store, each waited for.
#include <gtest/gtest.h>

#include "tests/store/open_store.h"

namespace mxd::test {

namespace {

template <class Record>
Record sized() {
  Record record{};
  record.size = sizeof record;
  return record;
}

// Calls a callback and waits: it returns OK, and completes its operation once.
template <class Record>
Answer ask(const mxd_host& host,
           int32_t (*callback)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const Record*) noexcept,
           const Record& record) {
  const mxd_op op = new_operation();
  EXPECT_EQ(callback(host.cookie, 7, op, 0, &record), MXD_OK);
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
  return ask(host_, host_.authenticate, credentials);
}

Answer OpenStore::list(std::string_view user_id) {
  auto query = sized<mxd_device_query>();
  query.user_id = view(user_id);
  return ask(host_, host_.list_devices, query);
}

Answer OpenStore::get(std::string_view user_id, std::string_view device_id) {
  auto key = sized<mxd_device_key>();
  key.user_id = view(user_id);
  key.device_id = view(device_id);
  return ask(host_, host_.get_device, key);
}

namespace {

mxd_device_update update_of(std::string_view user_id, std::string_view device_id, const char* name,
                            int64_t max_devices) {
  mxd_device_update update{};
  update.size = sizeof update;
  update.user_id = view(user_id);
  update.device_id = view(device_id);
  update.max_devices = max_devices;
  if (name != nullptr) {
    update.flags = MXD_UPDATE_SET_DISPLAY_NAME;
    update.display_name = view(name);
  }
  return update;
}

}  // namespace

Answer OpenStore::rename(std::string_view user_id, std::string_view device_id, const char* name) {
  const mxd_device_update update = update_of(user_id, device_id, name, 0);
  return ask(host_, host_.rename_device, update);
}

Answer OpenStore::put(std::string_view user_id, std::string_view device_id, const char* name,
                      int64_t max_devices) {
  const mxd_device_update update = update_of(user_id, device_id, name, max_devices);
  return ask(host_, host_.put_device, update);
}

Answer OpenStore::remove(std::string_view user_id, const std::vector<std::string>& device_ids) {
  std::vector<mxd_view> views;
  for (const std::string& id : device_ids)
    views.push_back(view(id));
  auto deletion = sized<mxd_deletion>();
  deletion.user_id = view(user_id);
  deletion.device_ids = views.data();
  deletion.device_id_count = views.size();
  return ask(host_, host_.delete_devices, deletion);
}

Answer OpenStore::flows(std::string_view user_id) {
  auto operation = sized<mxd_uia_operation>();
  operation.user_id = view(user_id);
  return ask(host_, host_.uia_flows, operation);
}

Answer OpenStore::create_session(const mxd_uia_session& session) {
  return ask(host_, host_.uia_create_session, session);
}

Answer OpenStore::load_session(std::string_view session_id) {
  auto key = sized<mxd_uia_session_key>();
  key.session_id = view(session_id);
  return ask(host_, host_.uia_load_session, key);
}

Answer OpenStore::replace_session(const mxd_uia_replacement& replacement) {
  return ask(host_, host_.uia_replace_session, replacement);
}

Answer OpenStore::check(const mxd_uia_attempt& attempt) {
  return ask(host_, host_.uia_check, attempt);
}

Answer OpenStore::check_user(std::string_view name, std::string_view password) {
  return check(attempt_of(name, password));
}

Answer OpenStore::mark_validated(std::string_view user_id, std::string_view device_id,
                                 int64_t validated_ms) {
  auto validation = sized<mxd_validation>();
  validation.validated_ms = validated_ms;
  validation.user_id = view(user_id);
  validation.device_id = view(device_id);
  return ask(host_, host_.mark_validated, validation);
}

mxd_uia_session session_of(std::string_view id, int64_t expires_ms) {
  auto session = sized<mxd_uia_session>();
  session.expires_ms = expires_ms;
  session.max_live = 32;
  session.proposed_id = view(id);
  session.user_id = view("@alice:example.org");
  session.device_id = view("PHONE");
  session.state = view("{}");
  session.method = view("POST");
  session.endpoint = view("/delete_devices");
  session.target = view("/_matrix/client/v3/delete_devices");
  session.description = view("Sign out 1 device");
  return session;
}

mxd_uia_attempt attempt_of(std::string_view name, std::string_view password) {
  auto attempt = sized<mxd_uia_attempt>();
  attempt.flags = MXD_ATTEMPT_HAS_USER | MXD_ATTEMPT_HAS_PASSWORD;
  attempt.type = view("m.login.password");
  attempt.user = view(name);
  attempt.password = view(password);
  attempt.auth_json = view("{}");
  return attempt;
}

std::vector<std::string> device_ids(const Answer& answer) {
  std::vector<std::string> ids;
  for (const Device& device : answer.devices)
    ids.push_back(device.device_id);
  return ids;
}

}  // namespace mxd::test
