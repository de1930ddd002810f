#pragma once

#include <string>
#include <vector>

#include "matrix_devices/module.hpp"
#include "tests/sweep/answer_check.h"
#include "tests/sweep/dialogue.h"
#include "tests/sweep/faulty_host.h"

namespace mxd::sweep {

// One dialogue, on one instance: once without a fault, then with as many as one likes, one at a
// time. After each the same instance has to answer the whole dialogue rightly.
class Trial {
 public:
  // Throws mxd::Error where the module makes no instance.
  Trial(const mxd_module& module, const Dialogue& dialogue);
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;
  ~Trial();

  // Without a fault. Empty, or what is wrong: then no fault can be tried.
  std::vector<std::string> run_right();

  // The questions of that run.
  const std::vector<Asked>& asked() const { return asked_; }

  // With all answers delivered so.
  std::vector<std::string> run_delivered(const Fault& fault, const std::string& name);

  // With this one; `name` is what is said of it where it never ends. Empty, or what is wrong.
  std::vector<std::string> run(const Fault& fault, const std::string& name);

  // Ends the instance: empty, or what is wrong.
  std::vector<std::string> shut_down();

  size_t requests() const { return requests_; }

 private:
  void begin(const Fault* fault);
  void prepare(const Step& step);
  Answer send(const Step& step);
  void learn(const Answer& answer);
  void check_log(const Expected* expected, const Fault* fault);
  bool go_on_after(size_t step, const Answer& answer, const Fault& fault);
  void run_steps();
  void run_rest(size_t step);
  void run_again();
  std::vector<std::string> end();

  const mxd_module& module_;
  const Dialogue& dialogue_;
  FaultyHost host_;
  mxd_instance* instance_ = nullptr;
  std::vector<Asked> asked_;
  std::vector<Answer> without_;         // a fault, by step
  std::set<std::string> devices_left_;  // without a fault
  std::string session_, form_token_;    // that the answers told
  std::vector<std::string> problems_;
  size_t requests_ = 0;
};

}  // namespace mxd::sweep
