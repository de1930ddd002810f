#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "matrix_devices/module.h"

namespace mxd::sweep {

enum class Kind {
  kPrincipal,
  kDevice,
  kStage,
  kSessionId,
  kSession,
  kCompleted,
  kIdentity,
  kReason,
  kRetryAfter,
  kError,
};
inline constexpr Kind kKinds[] = {
    Kind::kPrincipal, Kind::kDevice,   Kind::kStage,  Kind::kSessionId,  Kind::kSession,
    Kind::kCompleted, Kind::kIdentity, Kind::kReason, Kind::kRetryAfter, Kind::kError};

struct Text {
  std::string bytes;
  bool no_data = false;  // NULL, with the size that `bytes` has
};

// One emit, as a value that can be spoiled before it is made.
struct Result {
  Kind kind;
  uint32_t flags = 0;
  // validated_ms, last_seen_ts_ms, flow, revision, retry_after_ms (of both kinds that have one).
  int64_t number = 0;
  uint32_t http_status = 0;           // of an error
  std::vector<Text> texts = {};       // in the record's order
  mxd_cookie cookie = 0;              // of a principal
  std::optional<uint32_t> size = {};  // where it is not that of the header
  bool no_record = false;             // NULL
};

// The name that the log has for a record of this kind; empty: it is no record.
std::string_view record_name(Kind kind);
uint32_t size_1_0(Kind kind);

// Emits it. A size above the header's has that many bytes behind it.
int32_t emit(const mxd_module& module, mxd_op op, const Result& result);

Result principal(std::string_view user, std::string_view device, std::string_view token_id,
                 std::string_view service, uint32_t flags);
Result device(std::string_view id, std::string_view name);
Result stage(uint32_t flow, std::string_view type, std::string_view params);
Result session_id(std::string_view id);
Result session(int64_t revision, std::string_view state);
Result completed(std::string_view type, std::string_view identity);
Result identity(std::string_view user);
Result reason(std::string_view text);
Result retry_after(int64_t ms);
Result error(uint32_t http_status, std::string_view errcode, std::string_view text);

// What the host says to one question.
struct Reply {
  int32_t status = 0;
  std::vector<Result> results = {};
  std::function<void()> effect = nullptr;  // what it keeps with that, if anything
  int64_t* kept_revision = nullptr;        // of the session that is loaded
};

}  // namespace mxd::sweep
