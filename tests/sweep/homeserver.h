#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "matrix_devices/module.h"
#include "tests/sweep/result.h"

namespace mxd::sweep {

inline constexpr std::string_view kAlice = "@alice:example.org";
inline constexpr std::string_view kMallory = "@mallory:example.org";
inline constexpr std::string_view kAliceToken = "SECRET-alice";
inline constexpr std::string_view kDevicelessToken = "SECRET-deviceless";
inline constexpr std::string_view kServiceToken = "SECRET-service";
inline constexpr std::string_view kPassword = "SECRET-password";

struct StageElsewhere {
  std::string type;
  std::string identity;
};

// In a state, a member of a later version of the module.
inline constexpr std::string_view kLaterMember = R"("later":{"a":[1]})";

struct Setup {
  std::string config;  // of the module
  std::vector<std::vector<std::string>> flows{{"m.login.password"}};
  bool bare = false;  // without the optional callbacks
  bool grace = false;
};

// A right host's memory: what it keeps, and what it says to each question. Once a question is
// decided, its effect takes place when the reply's is called.
class Homeserver {
 public:
  void reset(const Setup& setup);

  Reply authenticate(const mxd_credentials& asked);
  Reply list_devices(const mxd_device_query& asked);
  Reply get_device(const mxd_device_key& asked);
  Reply rename_device(const mxd_device_update& asked);
  Reply delete_devices(const mxd_deletion& asked);
  Reply flows(const mxd_uia_operation& asked);
  Reply create_session(const mxd_uia_session& asked);
  Reply load_session(const mxd_uia_session_key& asked);
  Reply replace_session(const mxd_uia_replacement& asked);
  Reply check(const mxd_uia_attempt& asked);
  Reply put_device(const mxd_device_update& asked);
  Reply mark_validated(const mxd_validation& asked);
  Reply take_limit(const mxd_limit_request& asked);

  // The results and the status that went out: what the host has vouched for with them.
  void note_principal(const Reply& sent);
  void note_proofs(const Reply& sent);                        // of uia_load_session
  void note_proof(std::string_view type, const Reply& sent);  // of uia_check

  // A stage that is completed on another page, in each session there is.
  void complete_elsewhere(const StageElsewhere& stage);
  // Breaks a promise: such a stage is to come with every load.
  void forget_elsewhere();

  const std::set<std::string>& devices() const { return devices_; }
  int deletions() const { return deletions_; }
  // Of what is kept: texts that may stand in no log.
  std::vector<std::string> secrets() const;
  // Whether every session is whole: what is wrong, or nothing.
  std::string fault_of_sessions() const;
  bool has_dead_session() const;  // U6a
  // What the module asked that it must not.
  std::vector<std::string> take_complaints();

  int64_t now_ms = 1'700'000'000'000;
  int64_t told_ms = 0;  // what the module was told last that the time is

 private:
  struct Session {
    std::string user, device, token_id;
    int64_t expires_ms = 0;
    int64_t revision = 1;
    bool finished = false;
    std::string state;
    std::vector<StageElsewhere> elsewhere;
  };

  bool may_delete() const;
  void complain(std::string what) { complaints_.push_back(std::move(what)); }

  Setup setup_;
  std::set<std::string> devices_;             // alice's
  std::map<std::string, std::string> names_;  // of those
  std::map<std::string, Session, std::less<>> sessions_;
  std::map<std::string, int64_t> taken_;  // units, by name and key
  std::map<std::string, int64_t> validated_;
  int deletions_ = 0;

  Result principal_{};                         // as it went out last
  std::map<std::string, std::string> proved_;  // identities, by type
  bool has_later_member_ = false;              // of the state that was loaded last
  std::vector<std::string> complaints_;
};

}  // namespace mxd::sweep
