#include "abi/check/check.h"

#include <boost/json.hpp>
#include <utility>

namespace mxd::check {

Question::Question(Dialogue& dialogue, Callback callback, std::shared_ptr<Lent> arguments,
                   std::function<int32_t(mxd_op)> call)
    : dialogue_(dialogue),
      callback_(callback),
      arguments_(std::move(arguments)),
      call_(std::move(call)) {}

bool Question::begin(const std::shared_ptr<Dialogue>& dialogue) {
  Instance& instance = dialogue->instance();
  if (instance.is_abandoned()) return false;
  const auto operation =
      Operation::open(callback_, dialogue, instance.shared_report(), std::move(arguments_));
  operation_ = operation;  // this may be gone once the callback has begun
  dialogue->ask(operation);
  const auto call = std::move(call_);
  return operation->has_returned(call(operation->number()));
}

bool Check::say(std::string_view name, bool holds, const std::string& how) {
  if (holds)
    held(name);
  else
    broken(name, how);
  return holds;
}

bool Check::is(std::string_view name, const Answer& answer, int32_t status,
               const std::string& what) {
  if (answer.status == status) {
    held(name);
    return true;
  }
  if (could_not(answer.status)) {
    not_tried(name, what + ": the host answered " + name_of(answer.status));
  } else {
    broken(name, what + ": " + name_of(answer.status) + " instead of " + name_of(status));
  }
  return false;
}

std::string Check::note(std::string_view name) const {
  const boost::json::value* const value = notes_.if_contains({name.data(), name.size()});
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

int64_t Check::number(std::string_view name) const {
  const boost::json::value* const value = notes_.if_contains({name.data(), name.size()});
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

std::string quoted(std::string_view text) {
  constexpr size_t kShown = 60;
  const std::string shown(text.substr(0, kShown));
  return boost::json::serialize(boost::json::string(shown)) +
         (text.size() > kShown ? "… (" + std::to_string(text.size()) + " bytes)" : "");
}

}  // namespace mxd::check
