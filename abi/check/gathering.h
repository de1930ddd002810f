// Requests that are to be in flight at once: each waits, with no open operation, until as many are
// there as are to come.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mxd::check {

class Dialogue;

// What the requests of one step count together. [any-thread]
class Tally {
 public:
  void add(const std::string& what, int64_t count = 1);
  int64_t of(const std::string& what) const;
  // The highest count of all that begin so.
  int64_t most(const std::string& prefix) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, int64_t> counts_;
};

class Gatherings {
 public:
  explicit Gatherings(size_t needed) : needed_(needed) {}

  // `dialogue` waits; the last to come lets all go on, on its own thread. Each has been told its
  // place, the first 0.
  void join(const std::shared_ptr<Dialogue>& dialogue);
  // Those that wait, but for this step's, go on without the others.
  void give_up_all_but(const std::optional<std::string>& resume);
  std::shared_ptr<Tally> tally(const std::optional<std::string>& resume);

 private:
  struct Gathering {
    std::vector<std::shared_ptr<Dialogue>> waiting;
    std::shared_ptr<Tally> tally = std::make_shared<Tally>();
  };

  const size_t needed_;
  std::mutex mutex_;
  std::map<std::optional<std::string>, Gathering> gatherings_;  // by the step's resume value
};

}  // namespace mxd::check
