// An open store, with a clock that the test sets, and short names for what tests ask of it.
#ifndef MXD_TESTS_STORE_OPEN_STORE_H
#define MXD_TESTS_STORE_OPEN_STORE_H

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "matrix_devices/store.h"
#include "tests/store/fake_module.h"

namespace mxd::test {

inline mxd_view view(std::string_view text) {
  return {text.data(), text.size()};
}

// What a function of the table gave, and what it said.
struct Result {
  int32_t status = INT32_MIN;
  std::string user_id;
  std::string error;
};

struct Tokens {
  int32_t status = MXD_OK;
  std::string error;
  std::string user_id, device_id, access_token, refresh_token;
  int64_t expires_in_ms = 0;
};

struct Identity {
  int32_t status = INT32_MIN;
  std::string reason;
  uint32_t flags = 0;
  std::string user_id, device_id, service_id;
};

// An account or a device as an operator sees it.
struct FoundAccount {
  int32_t status = INT32_MIN;
  std::string error;
  uint32_t flags = 0;
  int64_t created_ms = 0, last_seen_ms = 0, device_count = 0;
  std::string user_id, service_id;
};

struct FoundDevice {
  uint32_t flags = 0;
  int64_t created_ms = 0, last_seen_ms = 0;
  std::string device_id, display_name, last_seen_ip;
};

struct Affected {
  int32_t status = INT32_MIN;
  std::string error;
  int64_t device_count = 0;
  std::string user_id, device_id;
};

// The table of the library under test, found as any server finds it.
const mxd_store_library& library();

// What the clock of a store shows, and what it logged.
struct Surroundings {
  std::atomic<int64_t> now_ms{1'700'000'000'000};
  std::mutex mutex;
  std::vector<std::string> log;

  std::string whole_log();
};

// An open store with its table.
class OpenStore {
 public:
  OpenStore(const std::string& url, Surroundings& surroundings,
            std::string_view server_name = "example.org");
  OpenStore(const OpenStore&) = delete;
  OpenStore& operator=(const OpenStore&) = delete;
  ~OpenStore() { close(); }

  void close();

  mxd_store* get() const { return store_; }
  int32_t status() const { return status_; }
  const std::string& error() const { return error_; }
  const mxd_host& host() const { return host_; }

  // Accounts.
  std::string add_user(std::string_view name, std::string_view password = "");
  std::string add_guest();
  Result add(const mxd_store_new_account& account);
  Result check_password(std::string_view name, std::string_view password);
  Result set_password(std::string_view name, std::string_view password, uint32_t flags = 0);
  FoundAccount find_account(std::string_view name);
  Result resolve_name(std::string_view name);
  int32_t set_flags(std::string_view name, uint32_t set, uint32_t clear = 0);
  int32_t add_service(std::string_view id, std::string_view token, std::string_view sender,
                      std::string_view users = "@_irc_.*:example\\.org", bool exclusive = true,
                      uint32_t flags = 0);
  Tokens login(std::string_view name, std::string_view device_id, uint32_t flags = 0,
               int64_t lifetime_ms = -1, std::string_view display_name = "");
  Tokens refresh(std::string_view refresh_token);
  int32_t logout(std::string_view access_token, bool all = false);
  uint64_t queued_writes();
  Identity identify(std::string_view access_token);
  // The ID of the service of this as_token, or nothing.
  std::optional<std::string> find_service(std::string_view as_token);

  // Devices and tokens, as an operator handles them.
  std::vector<FoundDevice> devices(std::string_view name, std::string_view after = "");
  Affected delete_devices(std::string_view name, const std::vector<std::string>& device_ids,
                          uint32_t flags = 0);
  Affected revoke_devices(std::string_view name, const std::vector<std::string>& device_ids,
                          uint32_t flags = 0);
  Affected revoke_token(std::string_view token);

  // Callbacks; each waits for its answer.
  Answer authenticate(std::string_view token, std::string_view address = "192.0.2.1");
  Answer authenticate_as(std::string_view token, const char* user_id, const char* device_id,
                         std::string_view address = "192.0.2.1");
  Answer list(std::string_view user_id);
  Answer get(std::string_view user_id, std::string_view device_id);
  Answer rename(std::string_view user_id, std::string_view device_id, const char* name);
  Answer put(std::string_view user_id, std::string_view device_id, const char* name,
             int64_t max_devices = 0);
  Answer remove(std::string_view user_id, const std::vector<std::string>& device_ids);
  Answer flows(std::string_view user_id);
  Answer create_session(const mxd_uia_session& session);
  Answer load_session(std::string_view session_id);
  Answer replace_session(const mxd_uia_replacement& replacement);
  Answer check(const mxd_uia_attempt& attempt);
  // The stage m.login.password.
  Answer check_user(std::string_view name, std::string_view password);
  Answer mark_validated(std::string_view user_id, std::string_view device_id, int64_t validated_ms);

 private:
  mxd_store* store_ = nullptr;
  int32_t status_ = 0;
  std::string error_;
  mxd_host host_{};
};

// A session of Alice's phone with the least in it, under this ID.
mxd_uia_session session_of(std::string_view id, int64_t expires_ms);

// An attempt of m.login.password with a name.
mxd_uia_attempt attempt_of(std::string_view name, std::string_view password);

std::vector<std::string> device_ids(const Answer& answer);

}  // namespace mxd::test

#endif  // MXD_TESTS_STORE_OPEN_STORE_H
