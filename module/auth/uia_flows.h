#pragma once

#include <string_view>

#include "module/host/records.h"

namespace mxd::auth {

// Leaves only the flows that can prove who a user is; `allow_unproved` leaves all. U6a
void drop_unproved_flows(host::Flows& flows, bool allow_unproved) noexcept;

// Whether a stage is among the completed ones.
bool is_completed(const host::CompletedStage* completed, std::string_view type) noexcept;

// Whether every stage of some flow is completed.
bool completes_a_flow(const host::Flows& flows, const host::CompletedStage* completed) noexcept;

// Whether a stage is the next one of some flow. U14.
bool is_due(const host::Flows& flows, const host::CompletedStage* completed,
            std::string_view type) noexcept;

}  // namespace mxd::auth
