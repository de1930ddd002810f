#include "module/auth/uia_flows.h"

#include <algorithm>
#include <iterator>

namespace mxd::auth {
namespace {

// The stages that anybody can complete; all others may prove an identity.
constexpr std::string_view kProvesNobody[] = {"m.login.dummy", "m.login.terms", "m.login.recaptcha",
                                              "m.login.registration_token"};

bool proves_identity(const host::Flow& flow) {
  for (const auto* stage = flow.first; stage != nullptr; stage = stage->next) {
    if (std::find(std::begin(kProvesNobody), std::end(kProvesNobody), stage->type) ==
        std::end(kProvesNobody)) {
      return true;
    }
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

bool completes_a_flow(const host::Flows& flows, const host::CompletedStage* completed,
                      std::string_view also) noexcept {
  for (const auto* flow = flows.first; flow != nullptr; flow = flow->next) {
    const auto* stage = flow->first;
    while (stage != nullptr && (stage->type == also || is_completed(completed, stage->type))) {
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
