#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "matrix_devices/module.h"

namespace mxd::fuzz {

inline constexpr std::string_view kSecret = "SECRET";  // begins tokens, passwords, session IDs
inline constexpr int64_t kNow = 1'700'000'000'000;     // ms since the epoch

// A request as it stands in an input.
struct Request {
  std::string_view method;
  std::string_view target;
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  std::string_view body;
};

// A homeserver with a few devices that behaves as a script says, rightly or not, and that holds
// the module to its promises: one well-formed response a request, each principal released once,
// no secret in the log.
//
// A character of the script is one callback's behaviour; behind the last it begins anew.
//   `.`  answers rightly before the callback returns, as does any that is not listed
//   `d`  answers rightly after handle() has returned
//   `k`  cancels the request first
//   `h`  asks for something itself first, inside the callback
//   `c`  completes twice
//   `r`  returns a failure, and never completes
//   `s`  completes with the next character less 64 as status
//   `e`  answers with an error of its own, of which the next characters make the status
//   `j`  emits rubbish made of the characters that follow, then completes
//   `w`  a stage of every session is completed elsewhere first, as the next character's: `a`
//        proves the user, `b` another, any other nobody
//   `l`  does what is asked, and says that it was too late: MXD_CONFLICT
// Its first character says which optional callbacks are missing: its bits 0 to 3 stand for
// put_device, mark_validated, take_limit and cancel_operation.
class ScriptedHost {
 public:
  ScriptedHost(std::string_view script, std::string_view config);
  ~ScriptedHost();
  ScriptedHost(const ScriptedHost&) = delete;
  ScriptedHost& operator=(const ScriptedHost&) = delete;

  // Whether the module took the configuration.
  bool is_open() const { return instance_ != nullptr; }
  void ask(const Request& request);

 private:
  struct Session {
    std::string user_id, state;
    int64_t revision = 1;
    bool is_finished = false;
    std::vector<std::pair<std::string, std::string>> elsewhere;  // types and identities
  };
  using Answer = std::function<int32_t()>;
  // A callback with an operation, which this member function answers.
  template <auto answer>
  struct Question;

  void fill_table(unsigned optional);
  int32_t answer(mxd_op op, const Answer& rightly);
  void emit_rubbish(mxd_op op);
  void emit_error(mxd_op op);
  void complete_elsewhere();
  void ask_inside();
  void start(const Request& request);
  void respond(mxd_cookie request, const mxd_response& response);
  int32_t authenticate(mxd_op op, const mxd_credentials& credentials);
  int32_t emit_device(mxd_op op, const std::string& device_id) const;
  int32_t list_devices(mxd_op op, const mxd_device_query& query);
  int32_t get_device(mxd_op op, const mxd_device_key& key);
  int32_t rename_device(mxd_op op, const mxd_device_update& update);
  int32_t put_device(mxd_op op, const mxd_device_update& update);
  int32_t delete_devices(mxd_op op, const mxd_deletion& deletion);
  int32_t uia_flows(mxd_op op, const mxd_uia_operation& operation);
  int32_t create_session(mxd_op op, const mxd_uia_session& session);
  int32_t load_session(mxd_op op, const mxd_uia_session_key& key);
  int32_t replace_session(mxd_op op, const mxd_uia_replacement& replacement);
  int32_t check(mxd_op op, const mxd_uia_attempt& attempt);
  int32_t mark_validated(mxd_op op, const mxd_validation& validation);
  int32_t take_limit(mxd_op op, const mxd_limit_request& limits);
  char next();
  std::string_view next_text();

  const mxd_module& module_;
  mxd_host table_{};
  mxd_instance* instance_ = nullptr;
  std::string_view script_;
  size_t position_ = 0;
  std::map<std::string, std::string> devices_{{"LAPTOP", "laptop"}, {"PHONE", ""}};
  std::map<std::string, Session> sessions_;
  std::deque<std::function<void()>> later_;
  std::set<mxd_cookie> open_;  // requests without a response yet
  std::set<mxd_cookie> principals_;
  mxd_cookie last_cookie_ = 0;
  mxd_request_token token_ = 0;
  int asked_inside_ = 0;
};

}  // namespace mxd::fuzz
