// A host for the tests of the checking module: right in all, but for what is planted in it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "matrix_devices/module.h"
#include "tests/check/world.h"

namespace mxd::check_test {

enum class Answers : uint8_t { kInline, kLate };

inline std::ostream& operator<<(std::ostream& out, Answers answers) {
  return out << (answers == Answers::kInline ? "inline" : "late");
}

struct Reply {
  uint32_t http_status = 0;  // 0: the request was not answered
  std::string body;
};

// One process of the host: an instance of the module, and threads for late answers.
class PlantedHost {
 public:
  // `planted` names a violation, or none. `library` is the checking module's file.
  PlantedHost(const std::string& library, std::shared_ptr<World> world, std::string planted,
              Answers answers, const std::string& config);
  ~PlantedHost();
  PlantedHost(const PlantedHost&) = delete;
  PlantedHost& operator=(const PlantedHost&) = delete;

  // Blocks until the answer is there, or a question was forgotten. [any-thread]
  Reply ask(const std::string& method, const std::string& target, const std::string& token,
            size_t body_size);

  std::vector<std::string> log();

  // ---- For the callbacks ----

  struct Waiting {  // a request; its cookie
    std::mutex mutex;
    std::condition_variable changed;
    bool answered = false;
    Reply reply;
  };

  // Whether this is what is planted.
  bool is(std::string_view violation) const { return planted_ == violation; }
  // `decide` emits and gives the status, with which the operation is completed; kCompleted: it is.
  int32_t answer(mxd_op op, std::function<int32_t()> decide);
  static constexpr int32_t kCompleted = 1'000;

  const mxd_module& module() const { return *module_; }
  World& world() { return *world_; }
  // Of a host that keeps sessions in its process.
  std::map<std::string, KeptSession>& own_sessions() { return own_sessions_; }
  void keep_log(std::string line);
  void call_match() { module_->match(instance_, {"GET", 3}, {"/", 1}); }

 private:
  void complete(mxd_op op, int32_t status);
  void work();

  const std::shared_ptr<World> world_;
  const std::string planted_;
  const Answers answers_;
  const mxd_module* module_ = nullptr;
  mxd_instance* instance_ = nullptr;
  std::map<std::string, KeptSession> own_sessions_;

  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::unique_ptr<Waiting>> requests_;  // also those that are never answered
  bool is_hung_ = false;
  std::vector<std::string> log_;
  std::vector<std::thread> threads_;
};

}  // namespace mxd::check_test
