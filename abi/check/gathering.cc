#include "abi/check/gathering.h"

#include <algorithm>

#include "abi/check/dialogue.h"

namespace mxd::check {

void Tally::add(const std::string& what, int64_t count) {
  const std::lock_guard lock(mutex_);
  counts_[what] += count;
}

int64_t Tally::of(const std::string& what) const {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(what);
  return found == counts_.end() ? 0 : found->second;
}

int64_t Tally::most(const std::string& prefix) const {
  const std::lock_guard lock(mutex_);
  int64_t most = 0;
  for (auto at = counts_.lower_bound(prefix); at != counts_.end(); ++at) {
    if (at->first.compare(0, prefix.size(), prefix) != 0) break;
    most = std::max(most, at->second);
  }
  return most;
}

void Gatherings::join(const std::shared_ptr<Dialogue>& dialogue) {
  std::vector<std::shared_ptr<Dialogue>> complete;
  {
    const std::lock_guard lock(mutex_);
    auto& waiting = gatherings_[dialogue->request().resume].waiting;
    waiting.push_back(dialogue);
    if (waiting.size() < needed_) return;
    complete.swap(waiting);
  }
  for (size_t place = 0; place < complete.size(); ++place)
    complete[place]->set_place(place);
  for (const auto& each : complete)
    each->schedule();
}

void Gatherings::give_up_all_but(const std::optional<std::string>& resume) {
  std::vector<std::shared_ptr<Dialogue>> alone;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [step, gathering] : gatherings_) {
      if (resume && step == resume) continue;
      alone.insert(alone.end(), gathering.waiting.begin(), gathering.waiting.end());
      gathering.waiting.clear();
    }
  }
  for (const auto& each : alone) {
    each->set_place(std::nullopt);
    each->schedule();
  }
}

std::shared_ptr<Tally> Gatherings::tally(const std::optional<std::string>& resume) {
  const std::lock_guard lock(mutex_);
  return gatherings_[resume].tally;
}

}  // namespace mxd::check
