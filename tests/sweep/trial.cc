#include "tests/sweep/trial.h"

#include <algorithm>
#include <array>

namespace mxd::sweep {
namespace {

std::string filled(std::string text, std::string_view name, const std::string& value) {
  const auto at = text.find(name);
  return at == std::string::npos ? text : text.replace(at, name.size(), value);
}

// The host said that it kept something, and did not: what follows is its own doing.
bool lies(const Fault& fault) {
  if (fault.what == What::kValue) return true;
  if (fault.what != What::kStatus || !traits(fault.callback).has_effect) return false;
  const bool kept = fault.status == MXD_OK || fault.status == MXD_CREATED;
  const bool refused = fault.status == MXD_CONFLICT || fault.status == MXD_NOT_FOUND;
  return fault.done ? refused : kept;
}

}  // namespace

Trial::Trial(const mxd_module& module, const Dialogue& dialogue)
    : module_(module), dialogue_(dialogue), host_(module) {
  host_.begin(dialogue.setup, nullptr);
  const mxd_host table = host_.table(dialogue.setup);
  std::array<char, 512> error{};
  const int32_t status = module.create(&table, mxd::view(dialogue.setup.config), &instance_,
                                       error.data(), error.size());
  if (status != MXD_OK) throw mxd::Error(status, error.data());
}

Trial::~Trial() {
  if (instance_ != nullptr) module_.destroy(instance_);
}

void Trial::begin(const Fault* fault) {
  host_.begin(dialogue_.setup, fault);
  session_.clear();
  form_token_.clear();
}

// What happens at the host before a step.
void Trial::prepare(const Step& step) {
  if (step.before.has_value()) host_.homeserver().complete_elsewhere(*step.before);
  if (step.forgets) host_.homeserver().forget_elsewhere();
}

Answer Trial::send(const Step& step) {
  ++requests_;
  const std::string target = "/_matrix/client/v3" + filled(step.target, "$S", session_);
  const std::string body = filled(filled(step.body, "$S", session_), "$F", form_token_);
  const std::string authorization = "Bearer " + std::string(step.token);
  const mxd_header headers[] = {{mxd::view("authorization"), mxd::view(authorization)}};
  auto request = mxd::make<mxd_request>();
  request.headers = headers;
  request.header_count = step.token.empty() ? 0 : 1;
  request.method = mxd::view(step.method);
  request.target = mxd::view(target);
  request.body = mxd::view(body);
  request.remote_addr = mxd::view("192.0.2.1");
  const int before = host_.homeserver().deletions();
  Answer answer = host_.send(instance_, request);
  check_any(answer, step, problems_);
  if (host_.homeserver().deletions() - before > 1) {
    problems_.emplace_back("delete_devices was asked twice");
  }
  return answer;
}

void Trial::learn(const Answer& answer) {
  const std::string session = text_member(answer.body, "session");
  if (!session.empty()) session_ = session;
  constexpr std::string_view kField = "name=\"form_token\" value=\"";
  const auto at = answer.body.find(kField);
  if (at == std::string::npos) return;
  const auto from = at + kField.size();
  form_token_ = answer.body.substr(from, answer.body.find('"', from) - from);
}

void Trial::check_log(const Expected* expected, const Fault* fault) {
  sweep::check_log(host_.take_log(), expected, fault, host_.homeserver().secrets(), problems_);
}

std::vector<std::string> Trial::end() {
  for (auto& complaint : host_.take_complaints())
    problems_.push_back(std::move(complaint));
  const std::string fault = host_.homeserver().fault_of_sessions();
  if (!fault.empty()) problems_.push_back(fault);
  return std::exchange(problems_, {});
}

std::vector<std::string> Trial::run_right() {
  begin(nullptr);
  for (size_t i = 0; i < dialogue_.steps.size(); ++i) {
    const Step& step = dialogue_.steps[i];
    host_.set_step(i);
    prepare(step);
    const Answer answer = send(step);
    learn(answer);
    if (answer.status != step.status) {
      problems_.push_back("step " + std::to_string(i) + ": " + std::to_string(answer.status) +
                          " in the place of " + std::to_string(step.status) + " " + answer.body);
    }
    if (step.scene == Scene::kDead && !host_.homeserver().has_dead_session()) {
      problems_.emplace_back("U6a: the session was not written as dead");
    }
    without_.push_back(answer);
  }
  check_log(nullptr, nullptr);
  asked_ = host_.asked();
  devices_left_ = host_.homeserver().devices();
  return end();
}

std::vector<std::string> Trial::run_delivered(const Fault& fault, const std::string& name) {
  host_.set_name(name);
  begin(&fault);
  run_steps();
  Expected expect{Row::kAsWithout, false, fault.how != How::kLate};
  check_log(&expect, &fault);
  return end();
}

std::vector<std::string> Trial::run(const Fault& fault, const std::string& name) {
  host_.set_name(name);
  begin(&fault);
  bool went_on = true;
  for (size_t i = 0; i < dialogue_.steps.size() && went_on; ++i) {
    const Step& step = dialogue_.steps[i];
    host_.set_step(i);
    prepare(step);
    const bool met_before = host_.fault_was_met();
    const int deletions = host_.homeserver().deletions();
    const Answer answer = send(step);
    if (!host_.fault_was_met() || met_before) {
      check_same(answer, without_[i], problems_);
      learn(answer);
      continue;
    }
    if (answer.status >= 400 && fault.callback != Callback::kDeleteDevices &&
        host_.homeserver().deletions() != deletions) {
      problems_.emplace_back("H5: a deletion was asked, and the answer is a failure");
    }
    went_on = go_on_after(i, answer, fault);
  }
  if (!host_.fault_was_met()) problems_.emplace_back("the fault was never met");
  if (went_on) {
    if (host_.homeserver().devices() != devices_left_) {
      problems_.emplace_back("other devices are left than without the fault");
    }
    check_log(nullptr, nullptr);
  }
  host_.take_log();
  auto problems = end();
  run_again();
  for (auto& problem : end())
    problems.push_back("the same again, without a fault: " + problem);
  return problems;
}

// Checks the answer to the request that met the fault, and where it is no success sends that
// request again, which must be answered as without a fault. False: the dialogue ends here.
bool Trial::go_on_after(size_t i, const Answer& answer, const Fault& fault) {
  const Step& step = dialogue_.steps[i];
  const bool question_follows =
      std::any_of(asked_.begin(), asked_.end(), [&, seen = false](const Asked& asked) mutable {
        if (asked.callback == fault.callback && asked.nth == fault.nth) {
          seen = true;
          return false;
        }
        return seen && asked.step == i && !traits(asked.callback).asked_when_cancelled;
      });
  const Expected expect = expected(fault, step.scene, question_follows);
  check_row(answer, without_[i], expect.row, fault, host_.sent(), step, problems_);
  check_log(&expect, &fault);
  host_.mend();
  if (lies(fault) || expect.row == Row::kAny) {
    learn(answer);
    run_rest(i + 1);
    return false;
  }
  if (expect.row == Row::kAsWithout || expect.row == Row::kStatusAsWithout) {
    learn(answer);
    return true;
  }
  Answer again = send(step);
  learn(again);
  // What a host did before it failed is done.
  if (again.status == 200 && without_[i].status == 201) again.status = 201;
  const bool dead = expect.row == Row::kU6a && again.status == 403;
  if (dead) return false;
  check_same(again, without_[i], problems_);
  return !dialogue_.setup.grace;  // a repeat is no proof that is new
}

// What follows on an answer that means something else: no failure of the server's, and no word
// against a host that is right again.
void Trial::run_rest(size_t from) {
  for (size_t i = from; i < dialogue_.steps.size(); ++i) {
    const Step& step = dialogue_.steps[i];
    host_.set_step(i);
    prepare(step);
    const Answer answer = send(step);
    learn(answer);
    if (answer.status < 500) continue;
    problems_.push_back("step " + std::to_string(i) +
                        " after it: " + std::to_string(answer.status) + " " + answer.body);
  }
  check_log(nullptr, nullptr);
}

void Trial::run_again() {
  begin(nullptr);
  run_steps();
  check_log(nullptr, nullptr);
}

// All steps, each with the answer that comes without a fault.
void Trial::run_steps() {
  for (size_t i = 0; i < dialogue_.steps.size(); ++i) {
    const Step& step = dialogue_.steps[i];
    prepare(step);
    const Answer answer = send(step);
    learn(answer);
    check_same(answer, without_[i], problems_);
  }
  if (host_.homeserver().devices() != devices_left_)
    problems_.emplace_back("other devices are left");
}

std::vector<std::string> Trial::shut_down() {
  int calls = 0;
  const int32_t shut = module_.shutdown(
      instance_, [](mxd_cookie cookie) noexcept { ++*reinterpret_cast<int*>(cookie); },
      reinterpret_cast<mxd_cookie>(&calls));
  if (shut != MXD_OK) problems_.push_back("shutdown returned " + std::to_string(shut));
  if (calls != 1) problems_.push_back("done was called " + std::to_string(calls) + " times");
  const int32_t destroyed = module_.destroy(instance_);
  if (destroyed != MXD_OK) problems_.push_back("destroy returned " + std::to_string(destroyed));
  if (destroyed == MXD_OK) instance_ = nullptr;
  return std::exchange(problems_, {});
}

}  // namespace mxd::sweep
