// Passwords: Argon2id, on threads of their own.
#ifndef MXD_BINDINGS_SQLITE_PASSWORD_H
#define MXD_BINDINGS_SQLITE_PASSWORD_H

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

namespace mxd::sqlite {

// A password's bytes, wiped at the end. It can't be printed.
class Secret {
 public:
  explicit Secret(std::string_view bytes) : bytes_(bytes) {}
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  std::string_view bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// A hash as it is stored, with its parameters; nullopt without memory. Takes some 50 ms and 64 MiB.
std::optional<std::string> hash_password(std::string_view password);

// Whether `password` has this hash. Without one (an unknown user) the answer is no, at the same
// cost.
bool verify_password(const std::optional<std::string>& hash, std::string_view password);

// The threads that hash, few enough that their memory is bounded.
class PasswordThreads {
 public:
  PasswordThreads();
  PasswordThreads(const PasswordThreads&) = delete;
  PasswordThreads& operator=(const PasswordThreads&) = delete;

  // Does what is queued, and joins the threads.
  ~PasswordThreads();

  // False, and nothing happens, when too much is queued already. `work` does not throw.
  [[nodiscard]] bool submit(std::function<void()> work);

  // The same, and waits for it.
  [[nodiscard]] bool run(const std::function<void()>& work);

 private:
  static constexpr std::size_t kMaxQueued = 32;

  void loop();
  void stop();

  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace mxd::sqlite

#endif  // MXD_BINDINGS_SQLITE_PASSWORD_H
