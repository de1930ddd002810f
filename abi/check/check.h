// What the steps are written with: questions to the host, the configuration, what is carried from
// step to step, and the report.
#pragma once

#include <boost/json/object.hpp>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "abi/check/answer.h"
#include "abi/check/dialogue.h"
#include "abi/check/gathering.h"
#include "abi/check/instance.h"
#include "abi/check/operation.h"

namespace mxd::check {

// co_await gives the host's answer.
class Question final : public Suspension {
 public:
  // `call` calls the callback with the operation's number.
  Question(Dialogue& dialogue, Callback callback, std::shared_ptr<Lent> arguments,
           std::function<int32_t(mxd_op)> call);

  bool await_ready() noexcept { return false; }
  template <class Promise>
  [[gnu::noinline]] void await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    dialogue_.wait_for(*this, handle);
  }
  Answer await_resume() { return operation_->take_answer(); }

  bool begin(const std::shared_ptr<Dialogue>& dialogue) override;

 private:
  Dialogue& dialogue_;
  Callback callback_;
  std::shared_ptr<Lent> arguments_;
  std::function<int32_t(mxd_op)> call_;
  std::shared_ptr<Operation> operation_;
};

// co_await waits until as many requests of the step are here as are to come, and gives this one's
// place; nothing: the others were given up.
class Meeting final : public Suspension {
 public:
  explicit Meeting(Dialogue& dialogue) : dialogue_(dialogue) {}

  bool await_ready() noexcept { return false; }
  template <class Promise>
  [[gnu::noinline]] void await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    dialogue_.wait_for(*this, handle);
  }
  std::optional<size_t> await_resume() { return dialogue_.place(); }

  bool begin(const std::shared_ptr<Dialogue>& dialogue) override {
    dialogue->instance().gatherings().join(dialogue);
    return false;
  }

 private:
  Dialogue& dialogue_;
};

struct Session {  // of uia_create_session
  int64_t lifetime_ms = 3'600'000;
  uint32_t max_live = 32;
  std::string state;
};

struct Replacement {  // of uia_replace_session
  std::string session_id;
  int64_t revision = 0;
  int64_t lifetime_ms = 3'600'000;
  bool finished = false;
  std::string state;
};

struct Attempt {  // of uia_check
  std::string type = "m.login.password";
  std::string session_id;
  std::optional<std::string> user, medium, address, country, password;
  boost::json::object auth;  // more members of auth_json
};

struct Bucket {  // of take_limit
  std::string name;
  std::string key;
  int64_t burst = 1;
  int64_t interval_ms = 1;
};

class Check {
 public:
  Check(Dialogue& dialogue, boost::json::object notes)
      : dialogue_(dialogue), notes_(std::move(notes)) {}

  // ---- Questions; user and device are the principal's ----
  Question authenticate();
  // `grown`: with a field and a flag that module.h does not have yet.
  Question list_devices(bool grown = false);
  Question get_device(std::string_view device_id, bool grown = false);
  Question rename_device(std::string_view device_id, std::string_view name);
  // Without a name: none is set. `max_devices` 0: no cap.
  Question put_device(std::string_view device_id, std::optional<std::string_view> name,
                      int64_t max_devices);
  Question delete_devices(const std::vector<std::string>& device_ids);
  Question uia_flows();
  Question create_session(const Session& session);
  // The ID of what create_session was asked for last: the host's own, or the proposed one.
  std::string id_of(const Answer& created) const { return created.session_id.value_or(proposed_); }
  Question load_session(std::string_view session_id, bool grown = false);
  Question replace_session(const Replacement& replacement);
  Question try_stage(const Attempt& attempt);
  Question mark_validated(int64_t validated_ms);
  Question take_limit(const std::vector<Bucket>& buckets, int32_t units);
  Meeting meet() { return Meeting(dialogue_); }

  // ---- The report ----
  void held(std::string_view name) { report().held(name); }
  void broken(std::string_view name, std::string how) { report().broken(name, std::move(how)); }
  void not_tried(std::string_view name, std::string why) {
    report().not_tried(name, std::move(why));
  }
  // Held, or broken so.
  bool say(std::string_view name, bool holds, const std::string& how);
  // Whether the answer is the status that was promised; else it is broken, or not tried where the
  // host could not. `what` says what was asked.
  bool is(std::string_view name, const Answer& answer, int32_t status, const std::string& what);
  Report& report() { return dialogue_.instance().report(); }

  // ---- What is known ----
  const Principal& me() const { return *dialogue_.principal(); }
  const Request& request() const { return dialogue_.request(); }
  const Answer& authenticated() const { return authenticated_; }
  void set_authenticated(Answer answer) { authenticated_ = std::move(answer); }
  Instance& instance() { return dialogue_.instance(); }
  std::string setting(std::string_view pointer) { return instance().setting(pointer); }
  int64_t now_ms() { return instance().now_ms(); }
  std::string random_id() { return instance().random_id(); }
  std::shared_ptr<Tally> tally() {
    return instance().gatherings().tally(dialogue_.request().resume);
  }

  // Carried to the later steps, also over a restart and to another process: small, and in a URL.
  boost::json::object& notes() { return notes_; }
  std::string note(std::string_view name) const;
  int64_t number(std::string_view name) const;

 private:
  Dialogue& dialogue_;
  boost::json::object notes_;
  Answer authenticated_;
  std::string proposed_;
};

// "device_id ABC": a text in quotes for a report, cut where it is long.
std::string quoted(std::string_view text);

}  // namespace mxd::check
