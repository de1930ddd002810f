#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/object.hpp>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "matrix_devices/module.h"

namespace mxd::test {

// Whether a callback completes its operation before it returns, or leaves that to another thread.
enum class Completion { kInline, kDeferred };

// A request as it would come off the wire.
struct Request {
  std::string method = "GET";
  std::string target;
  std::string token = {};  // sent as a Bearer token, if there is one
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  uint32_t flags = 0;
  std::string remote_addr = "192.0.2.1";
};

struct Response {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  // Of the only header with this name, or nothing.
  std::optional<std::string> header(std::string_view name) const;
  // The body; an empty object, and a failed test, where it is no JSON object.
  boost::json::object json() const;
  friend std::ostream& operator<<(std::ostream& out, const Response& response);
};

struct FakeDevice {
  std::optional<std::string> display_name = {};
  std::optional<std::string> last_seen_ip = {};
  std::optional<int64_t> last_seen_ts = {};
};

struct User {
  std::string password = {};
  std::map<std::string, FakeDevice> devices = {};
  std::string email = {};  // a third-party identifier
  std::string phone = {};  // likewise
};

struct Token {
  std::string user;
  std::string device = {};
  std::string token_id = "row-1";
  uint32_t flags = 0;  // MXD_PRINCIPAL_…
  std::string service = {};
  int32_t refusal = MXD_OK;
  std::optional<int64_t> validated_ms = {};
};

// A call of take_limit.
struct LimitCall {
  std::vector<std::string> buckets;  // "name key burst interval_ms"
  int32_t units = 0;
};

struct Service {
  std::string sender;
  std::string prefix;  // of the user IDs in its namespace
};

struct Stage {
  std::string type;
  std::string identity;  // empty: it proved nobody
};

struct StoredSession {
  std::string user, device, token_id, method, endpoint, target, path_device;
  std::optional<std::string> body;
  std::string digest, finished_digest, description;
  int64_t created_ms = 0;
  int64_t lifetime_ms = 0;
  std::optional<int64_t> finished_ms;
  uint32_t max_live = 0;
  std::vector<Stage> completed;
};

// A homeserver in memory, that a test can look into and tell what to do. Its clock stands still
// until the test moves it.
//
// The public state belongs to the test while no request is under way, and to the host's callbacks
// while one is. Answers are made as late as the completion mode says, from the arguments that the
// callback was lent.
//
// When it goes it shuts its instance down, and fails the test if the module broke a promise: an
// answer too many, a principal not released once, a secret in the log.
class FakeHost {
 public:
  explicit FakeHost(Completion completion);
  ~FakeHost();
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  // ---- Before the first request ----
  mxd_host table{};
  std::string config;

  // ---- What is kept ----
  std::map<std::string, User> users;
  std::map<std::string, Token> tokens;
  std::map<std::string, Service> services;
  std::map<std::string, StoredSession> sessions;
  std::vector<std::vector<std::string>> flows{{"m.login.password"}};
  std::vector<std::pair<std::string, std::string>> params;
  std::atomic<int64_t> now_ms{1'700'000'000'000};

  // Gives the table a take_limit, which counts nothing: it lets pass, or says how long to wait.
  void share_limits();
  int64_t limit_wait_ms = 0;
  std::vector<LimitCall> limit_calls;

  // ---- Scripts, by the callback's name ----
  // Instead of its work: emits what it likes, and returns the status to complete with.
  std::map<std::string, std::function<int32_t(mxd_op)>> scripts;
  // The callback itself returns this.
  std::map<std::string, int32_t> refusals;
  // Done once, right before the callback's work.
  std::map<std::string, std::function<void()>> before;
  // These wait until release() in the order of their coming.
  std::set<std::string> held;
  void await_held(size_t count);
  void release();

  // ---- What has happened ----
  std::vector<std::string> calls() const;
  void forget_calls();
  std::vector<std::string> deleted;  // IDs of the last delete_devices, in order
  int deletions = 0;                 // calls of delete_devices
  std::string credentials_user_id, credentials_device_id, credentials_remote_addr;
  bool credentials_have_user_id = false, credentials_have_device_id = false;
  uint64_t max_devices_asked = 0;
  std::string attempt_auth_json;  // of the last uia_check
  std::string flows_operation;    // of the last uia_flows: "METHOD endpoint user device"
  std::vector<int64_t> marked_validated;
  // Lines of the log, "LEVEL text".
  std::vector<std::string> log() const;
  // Lines about the host's misbehaviour; without this call there must be none.
  std::vector<std::string> take_misbehaviour();

  // ---- Asking ----
  const mxd_module& module() const noexcept { return module_; }
  mxd_instance* instance();
  // What handle() returns for it; if that is MXD_OK, wait_for() has the response.
  int32_t start(const Request& request, mxd_cookie cookie);
  Response wait_for(mxd_cookie cookie);
  Response send(const Request& request);

 private:
  using Work = std::function<int32_t()>;
  void fill_table();
  void fill_uia_table();
  int32_t ask(const char* name, mxd_op op, Work work);
  int32_t ask_for(mxd_cookie principal, const char* name, mxd_op op, Work work);
  void enqueue(std::function<void()> job);
  void work();

  int32_t authenticate(mxd_op op, const mxd_credentials& credentials);
  int32_t emit_device(mxd_op op, const std::string& id, const FakeDevice& device);
  int32_t update_device(const mxd_device_update& update, bool may_create);
  int32_t create_session(mxd_op op, const mxd_session& session);
  int32_t emit_session(mxd_op op, const std::string& id);
  int32_t check(mxd_op op, const mxd_uia_attempt& attempt);
  int32_t record(mxd_op op, const mxd_uia_record& record);
  std::optional<std::string> find_identified(const boost::json::object& auth) const;

  const Completion completion_;
  const mxd_module& module_;
  mxd_instance* instance_ = nullptr;
  int sessions_created_ = 0;
  mxd_cookie next_cookie_ = 1000;

  mutable std::mutex mutex_;  // of all below; never held while the module is called
  std::condition_variable changed_;
  std::vector<std::string> calls_;
  std::vector<std::string> log_;
  std::map<mxd_cookie, Response> responses_;
  std::set<mxd_cookie> principals_;
  mxd_cookie next_principal_ = 1;
  std::deque<std::function<void()>> queue_;
  std::vector<std::function<void()>> waiting_;  // held operations
  bool stopping_ = false;
  bool done_ = false;
  std::thread worker_;
};

inline std::string_view text(mxd_view view) {
  return {view.data, view.size};
}
inline std::string copied(mxd_view view) {
  return std::string(text(view));
}
inline mxd_view view(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace mxd::test
