// Passwords: Argon2id, on threads of their own.
#ifndef MXD_BINDINGS_STORE_COMMON_PASSWORD_H
#define MXD_BINDINGS_STORE_COMMON_PASSWORD_H

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace mxd::store {

// A hash as it is stored, with its parameters; nullopt without memory. Takes some 50 ms and 64 MiB.
std::optional<std::string> hash_password(std::string_view password);

// Whether `password` has this hash; nullopt if that could not be found out, for want of memory
// (H6). Without a hash (an unknown user) the answer is no, at the same cost, and so it is for a
// password with U+0000, which nobody has.
std::optional<bool> verify_password(const std::optional<std::string>& hash,
                                    std::string_view password);

// The threads that hash, few enough that their memory is bounded. Stages of User-Interactive
// Authentication and account functions wait in queues of their own and take turns, so that a flood
// of logins leaves the password of a deletion its place.
class PasswordThreads {
 public:
  PasswordThreads();
  PasswordThreads(const PasswordThreads&) = delete;
  PasswordThreads& operator=(const PasswordThreads&) = delete;

  // Does what is queued, and joins the threads.
  ~PasswordThreads();

  // For a stage. False, and nothing happens, when too many are queued already. `work` does not
  // throw.
  [[nodiscard]] bool submit(std::function<void()> work);

  // For an account function, and waits for it.
  [[nodiscard]] bool run(const std::function<void()>& work);

 private:
  static constexpr size_t kMaxQueued = 32;  // in each queue

  using Queue = std::deque<std::function<void()>>;

  bool enqueue(Queue& queue, std::function<void()> work);
  std::function<void()> next();
  void loop();
  void stop();

  std::mutex mutex_;
  std::condition_variable work_;
  Queue stages_;
  Queue account_functions_;
  bool stage_is_next_ = true;  // where both have something
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_PASSWORD_H
