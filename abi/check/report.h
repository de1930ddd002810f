// What is known of each promise: held, broken and how, or not tried and why.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>

#include "abi/check/callbacks.h"

namespace mxd::check {

// kToCome: the step that tries it has not come.
enum class Outcome : uint8_t { kToCome, kNotTried, kHeld, kBroken };

struct Line {
  std::string_view name;
  std::string_view promise;  // in words
  Outcome outcome = Outcome::kToCome;
  std::string detail;  // how it was broken, why it was not tried; else perhaps empty
};

// [any-thread]. A name that promises.cc does not list is a mistake of the checking module's: it
// throws std::logic_error.
class Report {
 public:
  Report();

  // What is broken once stays so, with the first reason; what held once is tried.
  void held(std::string_view name);
  void broken(std::string_view name, std::string how);
  void not_tried(std::string_view name, std::string why);

  // A completion: before its callback returned, or later.
  void count(Callback callback, bool late);

  // All lines, in the order of promises.cc.
  std::vector<Line> lines() const;
  // "broken: NAME: how", what became broken since the last call.
  std::vector<std::string> unlogged();
  // How often each callback was completed: "get_device 3 inline, 0 late", those that were.
  std::string completions() const;

 private:
  void note(std::string_view name, Outcome outcome, std::string detail);

  struct Count {
    uint64_t in_callback = 0;
    uint64_t late = 0;
  };

  mutable std::mutex mutex_;
  std::vector<Line> lines_;
  std::map<std::string_view, size_t> places_;
  std::vector<std::string> unlogged_;
  std::array<Count, kCallbacks.size()> counts_{};
};

// "to come", "not tried", "held", "broken".
std::string_view name_of(Outcome outcome);

}  // namespace mxd::check
