#include "module/auth/uia_flows.h"

#include "module/auth/stage_types.h"

namespace mxd::auth {
namespace {

bool proves_identity(const host::Flow& flow) {
  for (const auto* stage = flow.first; stage != nullptr; stage = stage->next) {
    const StageType* known = find_stage_type(stage->type);
    if (known == nullptr ? !stage->proves_nobody : known->proves_identity) return true;
  }
  return false;
}

}  // namespace

void drop_unproved_flows(host::Flows& flows, bool allow_unproved) noexcept {
  if (allow_unproved) return;
  for (host::Flow** link = &flows.first; *link != nullptr;) {
    if (proves_identity(**link)) {
      link = &(*link)->next;
    } else {
      *link = (*link)->next;
    }
  }
}

bool is_completed(const host::CompletedStage* completed, std::string_view type) noexcept {
  for (; completed != nullptr; completed = completed->next) {
    if (completed->type == type) return true;
  }
  return false;
}

bool completes_a_flow(const host::Flows& flows, const host::CompletedStage* completed) noexcept {
  for (const auto* flow = flows.first; flow != nullptr; flow = flow->next) {
    const auto* stage = flow->first;
    while (stage != nullptr && is_completed(completed, stage->type)) {
      stage = stage->next;
    }
    if (stage == nullptr) return true;
  }
  return false;
}

bool is_due(const host::Flows& flows, const host::CompletedStage* completed,
            std::string_view type) noexcept {
  for (const auto* flow = flows.first; flow != nullptr; flow = flow->next) {
    const auto* stage = flow->first;
    while (stage != nullptr && is_completed(completed, stage->type))
      stage = stage->next;
    if (stage != nullptr && stage->type == type) return true;
  }
  return false;
}

}  // namespace mxd::auth
