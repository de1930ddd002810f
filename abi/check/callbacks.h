// The callbacks that ask a question: one table of what module.h allows as their answers.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "matrix_devices/module.h"

namespace mxd::check {

enum class Callback : uint8_t {
  kAuthenticate,
  kListDevices,
  kGetDevice,
  kRenameDevice,
  kDeleteDevices,
  kUiaFlows,
  kUiaCreateSession,
  kUiaLoadSession,
  kUiaReplaceSession,
  kUiaCheck,
  kPutDevice,
  kMarkValidated,
  kTakeLimit,
};

// What can be emitted, as bits.
using Emits = uint32_t;
inline constexpr Emits kPrincipal = 1, kDevice = 2, kStage = 4, kSessionId = 8, kSession = 16,
                       kCompleted = 32, kIdentity = 64, kReason = 128, kRetryAfter = 256,
                       kError = 512;

struct CallbackRow {
  std::string_view name;
  uint32_t statuses;  // bits of the statuses that this callback lists, without those of all
  Emits emits;        // that fit it, without emit_error and emit_retry_after, which fit all
  Emits needed;       // before OK
};

constexpr uint32_t bit(int32_t status) {
  return 1U << static_cast<uint32_t>(status);
}

inline constexpr std::array<CallbackRow, 13> kCallbacks{{
    {"authenticate",
     bit(MXD_OK) | bit(MXD_UNKNOWN_TOKEN) | bit(MXD_TOKEN_EXPIRED) | bit(MXD_USER_LOCKED) |
         bit(MXD_FORBIDDEN) | bit(MXD_UNKNOWN_DEVICE),
     kPrincipal, kPrincipal},
    {"list_devices", bit(MXD_OK), kDevice, 0},
    {"get_device", bit(MXD_OK) | bit(MXD_NOT_FOUND), kDevice, kDevice},
    {"rename_device", bit(MXD_OK) | bit(MXD_NOT_FOUND), 0, 0},
    {"delete_devices", bit(MXD_OK), 0, 0},
    {"uia_flows", bit(MXD_OK), kStage, 0},
    {"uia_create_session", bit(MXD_OK), kSessionId, 0},
    {"uia_load_session", bit(MXD_OK) | bit(MXD_NOT_FOUND), kSession | kCompleted, kSession},
    {"uia_replace_session", bit(MXD_OK) | bit(MXD_CONFLICT) | bit(MXD_NOT_FOUND), 0, 0},
    {"uia_check", bit(MXD_OK) | bit(MXD_REFUSED) | bit(MXD_BAD_DATA), kIdentity | kReason,
     kIdentity},
    {"put_device", bit(MXD_OK) | bit(MXD_CREATED) | bit(MXD_LIMIT_EXCEEDED), 0, 0},
    {"mark_validated", bit(MXD_OK), 0, 0},
    {"take_limit", bit(MXD_OK) | bit(MXD_LIMIT_EXCEEDED), 0, 0},
}};

inline const CallbackRow& row(Callback callback) {
  return kCallbacks[static_cast<size_t>(callback)];
}

// Convention 7.
inline bool is_listed(Callback callback, int32_t status) {
  if (status == MXD_HOST_ERROR || (status <= MXD_INTERNAL && status >= MXD_NO_MEMORY)) return true;
  return status >= 0 && status < 32 && (row(callback).statuses & bit(status)) != 0;
}

// The host could not try it, which says nothing about its promises.
inline bool could_not(int32_t status) {
  return status <= MXD_UNAVAILABLE && status >= MXD_NO_MEMORY;
}

// "MXD_NOT_FOUND", for a report.
std::string name_of(int32_t status);

}  // namespace mxd::check
