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

// A session, as any host keeps it.
struct KeptSession {
  std::string user, device, token_id;
  uint64_t order = 0;  // of creation
  int64_t expires_ms = 0;
  bool finished = false;
  int64_t revision = 1;
  std::string state;             // the module's own
  std::vector<Stage> elsewhere;  // completed elsewhere than in the module, in that order
  // For pages of the host's own.
  std::string method, endpoint, target, description;
};

// What uia_check was told; nothing where the flag for it is not set.
struct Attempt {
  std::string user_id, device_id, session_id, type, remote_addr;
  std::optional<std::string> user, medium, address, country, password;
  std::string auth_json;
};

// A question that waits for its answer.
struct HeldQuestion {
  mxd_cookie request;
  std::string callback;
  std::function<void()> answer;
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
  std::map<std::string, KeptSession> sessions;  // by their ID
  std::vector<std::vector<std::string>> flows{{"m.login.password"}};
  std::vector<std::pair<std::string, std::string>> params;
  std::atomic<int64_t> now_ms{1'700'000'000'000};
  // Whether a new session gets an ID of the host's own, "secret-session-1" and so on, or the one
  // that is proposed.
  bool names_sessions = true;

  // Gives the table a take_limit, which counts nothing: it lets pass, or says how long to wait.
  void share_limits();
  int64_t limit_wait_ms = 0;
  std::vector<LimitCall> limit_calls;

  // ---- Scripts, by the callback's name ----
  // Instead of its work: emits what it likes, and returns the status to complete with.
  std::map<std::string, std::function<int32_t(mxd_op)>> scripts;
  // The callback itself returns this.
  std::map<std::string, int32_t> refusals;
  // Its work is done, and yet the operation is completed with this.
  std::map<std::string, int32_t> denials;
  // Done once, right before the callback's work.
  std::map<std::string, std::function<void()>> before;

  // These wait to be answered, in the order of their coming, until release(), which holds no more
  // from then on.
  std::set<std::string> held;
  void await_held(size_t count);
  void release();
  // Of one request: the callback that waits, or nothing; and its answer.
  std::optional<std::string> held_of(mxd_cookie request) const;
  void answer_held_of(mxd_cookie request);

  // ---- What has happened ----
  std::vector<std::string> calls() const;
  void forget_calls();
  std::vector<std::string> deleted;  // IDs of the last delete_devices, in order
  int deletions = 0;                 // calls of delete_devices
  std::string credentials_user_id, credentials_device_id, credentials_remote_addr;
  bool credentials_have_user_id = false, credentials_have_device_id = false;
  int64_t max_devices_asked = 0;
  Attempt attempt;              // the last uia_check
  std::string flows_operation;  // of the last uia_flows: "METHOD endpoint user device"
  uint32_t max_live_asked = 0;  // by the last uia_create_session
  std::vector<std::string> marked_validated;  // "time user device token"
  // Lines of the log, "LEVEL text".
  std::vector<std::string> log() const;
  // Lines about the host's misbehaviour; without this call there must be none.
  std::vector<std::string> take_misbehaviour();

  // ---- Asking ----
  const mxd_module& module() const noexcept { return module_; }
  mxd_instance* instance();
  // Shuts the instance down, as the end of the process would: the next request makes another.
  void restart();
  // What handle() returns for it; if that is MXD_OK, wait_for() has the response.
  int32_t start(const Request& request, mxd_cookie cookie, mxd_request_token* token = nullptr);
  Response wait_for(mxd_cookie cookie);
  Response send(const Request& request);

 private:
  using Work = std::function<int32_t()>;
  template <auto name, auto answer>
  struct Question;

  void fill_table();
  int32_t ask(const char* name, mxd_cookie request, mxd_op op, Work work);
  int32_t ask_for(mxd_cookie principal, const char* name, mxd_cookie request, mxd_op op, Work work);
  void enqueue(std::function<void()> job);
  void work();

  int32_t authenticate(mxd_op op, const mxd_credentials& credentials);
  int32_t list_devices(mxd_op op, const mxd_device_query& query);
  int32_t get_device(mxd_op op, const mxd_device_key& key);
  int32_t rename_device(mxd_op op, const mxd_device_update& update);
  int32_t put_device(mxd_op op, const mxd_device_update& update);
  int32_t delete_devices(mxd_op op, const mxd_deletion& deletion);
  int32_t uia_flows(mxd_op op, const mxd_uia_operation& operation);
  int32_t uia_create_session(mxd_op op, const mxd_uia_session& session);
  int32_t uia_load_session(mxd_op op, const mxd_uia_session_key& key);
  int32_t uia_replace_session(mxd_op op, const mxd_uia_replacement& replacement);
  int32_t uia_check(mxd_op op, const mxd_uia_attempt& attempt);
  int32_t mark_validated(mxd_op op, const mxd_validation& validation);
  int32_t take_limit(mxd_op op, const mxd_limit_request& request);

  int32_t emit_device(mxd_op op, const std::string& id, const FakeDevice& device);
  void evict_sessions(const std::string& user, const std::string& device,
                      const std::string& token_id, uint32_t max_live);
  std::optional<std::string> judge();
  std::string identified() const;

  const Completion completion_;
  const mxd_module& module_;
  mxd_instance* instance_ = nullptr;
  uint64_t sessions_created_ = 0;
  std::set<std::string> used_once_;  // responses of captchas
  mxd_cookie next_cookie_ = 1000;

  mutable std::mutex mutex_;  // of all below; never held while the module is called
  std::condition_variable changed_;
  std::vector<std::string> calls_;
  std::vector<std::string> log_;
  std::map<mxd_cookie, Response> responses_;
  std::set<mxd_cookie> principals_;
  mxd_cookie next_principal_ = 1;
  std::deque<std::function<void()>> queue_;
  std::vector<HeldQuestion> waiting_;
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

// Fails the test unless a text of the module's is one that any host can keep: UTF-8 without U+0000.
void expect_text(mxd_view view, const char* what);

}  // namespace mxd::test
