#include "abi/check/report.h"

#include <stdexcept>
#include <utility>

#include "abi/check/promises.h"

namespace mxd::check {

Report::Report() {
  for (const PromiseRow& promise : promises()) {
    places_.emplace(promise.name, lines_.size());
    const Outcome outcome = promise.step.empty() ? Outcome::kHeld : Outcome::kToCome;
    lines_.push_back(Line{promise.name, promise.text, outcome, {}});
  }
}

void Report::note(std::string_view name, Outcome outcome, std::string detail) {
  const std::lock_guard lock(mutex_);
  const auto place = places_.find(name);
  if (place == places_.end()) throw std::logic_error("no such promise: " + std::string(name));
  Line& line = lines_[place->second];
  if (line.outcome == Outcome::kBroken) return;
  if (line.outcome == Outcome::kHeld && outcome == Outcome::kNotTried) return;
  if (outcome == Outcome::kBroken)
    unlogged_.push_back("broken: " + std::string(name) + ": " + detail);
  line.outcome = outcome;
  line.detail = std::move(detail);
}

void Report::held(std::string_view name) {
  note(name, Outcome::kHeld, {});
}

void Report::broken(std::string_view name, std::string how) {
  note(name, Outcome::kBroken, std::move(how));
}

void Report::not_tried(std::string_view name, std::string why) {
  note(name, Outcome::kNotTried, std::move(why));
}

void Report::count(Callback callback, bool late) {
  const std::lock_guard lock(mutex_);
  Count& count = counts_[static_cast<size_t>(callback)];
  ++(late ? count.late : count.in_callback);
}

std::vector<Line> Report::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

std::vector<std::string> Report::unlogged() {
  const std::lock_guard lock(mutex_);
  return std::exchange(unlogged_, {});
}

std::string Report::completions() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (size_t i = 0; i < kCallbacks.size(); ++i) {
    const Count& count = counts_[i];
    if (count.in_callback + count.late == 0) continue;
    text += (text.empty() ? "" : "; ") + std::string(kCallbacks[i].name) + " " +
            std::to_string(count.in_callback) + " inline, " + std::to_string(count.late) + " late";
  }
  return text;
}

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kHeld:
      return "held";
    case Outcome::kBroken:
      return "broken";
    case Outcome::kNotTried:
      return "not tried";
    case Outcome::kToCome:
      break;
  }
  return "to come";
}

}  // namespace mxd::check
