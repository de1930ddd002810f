#include "tests/check/planted_host.h"

#include <dlfcn.h>

#include <chrono>
#include <future>
#include <stdexcept>
#include <utility>

#include "tests/check/callbacks.h"

namespace mxd::check_test {
namespace {

constexpr int kThreads = 4;
constexpr std::chrono::milliseconds kPatience(20);  // between two looks at what was forgotten

mxd_view view(std::string_view text) {
  return {text.data(), text.size()};
}

std::string decoded(const std::string& target) {
  std::string out;
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i] == '%' && i + 2 < target.size()) {
      out += static_cast<char>(std::stoi(target.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      out += target[i];
    }
  }
  return out;
}

}  // namespace

PlantedHost::PlantedHost(const std::string& library, std::shared_ptr<World> world,
                         std::string planted, Answers answers, const std::string& config)
    : world_(std::move(world)), planted_(std::move(planted)), answers_(answers) {
  void* const loaded = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (loaded == nullptr) throw std::runtime_error(dlerror());
  const auto entry = reinterpret_cast<mxd_entry_v1>(dlsym(loaded, MXD_ENTRY_V1));
  if (entry == nullptr) throw std::runtime_error(dlerror());
  module_ = entry();
  const mxd_host host = callback_table(reinterpret_cast<mxd_cookie>(this));
  char error[256];
  if (module_->create(&host, view(config), &instance_, error, sizeof error) != MXD_OK) {
    throw std::runtime_error(error);
  }
  for (int i = 0; i < (answers == Answers::kLate ? kThreads : 0); ++i) {
    threads_.emplace_back([this] { work(); });
  }
}

PlantedHost::~PlantedHost() {
  std::promise<void> done;
  module_->shutdown(
      instance_,
      [](mxd_cookie cookie) noexcept {
        reinterpret_cast<std::promise<void>*>(cookie)->set_value();
      },
      reinterpret_cast<mxd_cookie>(&done));
  // What was forgotten is never answered: then the instance goes as if the process went.
  if (!is_hung_)
    done.get_future().wait();
  else
    module_->abandon(instance_);
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_)
    thread.join();
  module_->destroy(instance_);
}

void PlantedHost::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const std::function<void()> next = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    next();
    lock.lock();
  }
}

int32_t PlantedHost::answer(mxd_op op, std::function<int32_t()> decide) {
  auto answer = [this, op, decide = std::move(decide)] { complete(op, decide()); };
  if (answers_ == Answers::kInline) {
    answer();
    return MXD_OK;
  }
  {
    const std::lock_guard lock(mutex_);
    queue_.emplace_back(std::move(answer));
  }
  changed_.notify_one();
  return MXD_OK;
}

void PlantedHost::complete(mxd_op op, int32_t status) {
  if (is("forgets to complete what is not found") && status == MXD_NOT_FOUND) {
    ++world_->unanswered;
    return;
  }
  if (status == kCompleted) return;
  module_->complete(op, status);
  if (is("completes twice")) module_->complete(op, status);
  if (is("emits after completing")) module_->emit_reason(op, view("too late"));
}

Reply PlantedHost::ask(const std::string& method, const std::string& target,
                       const std::string& token, size_t body_size) {
  const std::string bearer = "Bearer " + token;
  const mxd_header headers[] = {{view("Accept"), view("application/json")},
                                {view("authorization"), view(bearer)}};
  const std::string passed = is("decodes targets") ? decoded(target) : target;
  const bool too_large =
      body_size > module_->max_body_bytes(instance_) && !is("passes bodies of any size");
  const std::string body(too_large ? 0 : body_size, ' ');
  Waiting* waiting = nullptr;
  {
    const std::lock_guard lock(mutex_);
    waiting = requests_.emplace_back(std::make_unique<Waiting>()).get();
  }
  mxd_request request{};
  request.size = sizeof request;
  request.flags = too_large ? MXD_REQUEST_BODY_TOO_LARGE : 0;
  request.cookie = reinterpret_cast<mxd_cookie>(waiting);
  request.headers = headers;
  request.header_count = 2;
  request.method = view(method);
  request.target = view(passed);
  request.body = view(body);
  request.remote_addr = view("192.0.2.7");
  const int unanswered_before = world_->unanswered;
  if (module_->handle(instance_, &request, nullptr) != MXD_OK) return {};
  std::unique_lock lock(waiting->mutex);
  while (!waiting->changed.wait_for(lock, kPatience, [&] { return waiting->answered; })) {
    if (world_->unanswered != unanswered_before) {
      const std::lock_guard hung(mutex_);
      is_hung_ = true;
      return {};
    }
  }
  return waiting->reply;
}

void PlantedHost::keep_log(std::string line) {
  const std::lock_guard lock(mutex_);
  log_.push_back(std::move(line));
}

std::vector<std::string> PlantedHost::log() {
  const std::lock_guard lock(mutex_);
  return log_;
}

}  // namespace mxd::check_test
