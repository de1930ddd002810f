#pragma once

#include <cstddef>
#include <string_view>

namespace mxd::sweep {

// What the module asks the host. Giving units back is told from taking them, since nobody waits
// for what comes of it.
enum class Callback {
  kAuthenticate,
  kListDevices,
  kGetDevice,
  kRenameDevice,
  kDeleteDevices,
  kFlows,
  kCreateSession,
  kLoadSession,
  kReplaceSession,
  kCheck,
  kPutDevice,
  kMarkValidated,
  kTakeLimit,
  kGiveBack,
  // Without an operation: they answer by returning.
  kNow,
  kRandom,
};

struct CallbackTraits {
  std::string_view name;      // as the log names it
  bool has_effect;            // the host keeps something when it answers OK
  bool asked_when_cancelled;  // also of a request that was cancelled before
};

inline constexpr CallbackTraits kCallbacks[] = {
    {"authenticate", false, false},
    {"list_devices", false, false},
    {"get_device", false, false},
    {"rename_device", true, false},
    {"delete_devices", true, true},
    {"uia_flows", false, false},
    {"uia_create_session", true, false},
    {"uia_load_session", false, false},
    {"uia_replace_session", true, true},
    {"uia_check", false, false},
    {"put_device", true, false},
    {"mark_validated", true, true},
    {"take_limit", false, true},
    {"take_limit", false, true},
    {"now_ms", false, true},
    {"random_bytes", false, true},
};
inline constexpr size_t kCallbackCount = sizeof kCallbacks / sizeof *kCallbacks;

inline constexpr const CallbackTraits& traits(Callback callback) {
  return kCallbacks[static_cast<size_t>(callback)];
}

inline constexpr bool is_uia(Callback callback) {
  return traits(callback).name.starts_with("uia_");
}

}  // namespace mxd::sweep
