// The steps of plan.cc, by subject. Each runs with the principal that its token brought.
#pragma once

#include <cstdint>
#include <string_view>

#include "abi/check/check.h"
#include "abi/check/task.h"

namespace mxd::check {

// ---- tokens.cc: handle and authenticate ----

// Nothing of it may be decoded or resolved on the way.
inline constexpr std::string_view kOddTarget = "/_matrix/client/v3/devices/%41%2Fb%20c+d%25%2E%2e";

Task<> keep_target(Check& check);
Task<> refuse_body(Check& check);
Task<> pass_over_user_id(Check& check);
Task<> let_guest_in(Check& check);
Task<> be_sender(Check& check);
Task<> act_inside(Check& check);
Task<> act_as_device(Check& check);

// ---- devices.cc ----

Task<> read_devices(Check& check);
Task<> rename_devices(Check& check);
Task<> create_devices(Check& check);
Task<> end(Check& check);

// ---- deletion.cc ----

Task<> begin_on_spare(Check& check);
Task<> delete_spare(Check& check);
Task<> find_untouched(Check& check);
Task<> delete_itself(Check& check);
Task<> delete_under_reads(Check& check);
Task<> delete_many(Check& check);

// ---- sessions.cc ----

Task<> keep_sessions(Check& check);
Task<> load_anothers(Check& check);
Task<> replace_at_once(Check& check);
Task<> race_to_replace(Check& check);

// ---- eviction.cc ----

inline constexpr uint32_t kExpiryWait = 2'500;  // ms, of the client

Task<> begin_on_another(Check& check);
Task<> evict_sessions(Check& check);
Task<> let_expire(Check& check);
Task<> look_for_expired(Check& check);

// ---- lasting.cc: what a restart and another process must find ----

Task<> leave_session(Check& check);
Task<> replace_elsewhere(Check& check);
Task<> see_elsewhere(Check& check);
Task<> load_restarted(Check& check);

// ---- proving.cc ----

Task<> prove_identity(Check& check);
Task<> mark_validated(Check& check);
Task<> look_for_validation(Check& check);

// ---- limits.cc ----

inline constexpr uint32_t kRefillWait = 1'500;  // ms, of the client

Task<> take_units(Check& check);
Task<> take_at_once(Check& check);
Task<> take_refilled(Check& check);

}  // namespace mxd::check
