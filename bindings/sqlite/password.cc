#include "bindings/sqlite/password.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

namespace mxd::sqlite {

Secret::~Secret() {
  sodium_memzero(bytes_.data(), bytes_.size());
}

std::optional<std::string> hash_password(std::string_view password) {
  std::array<char, crypto_pwhash_STRBYTES> hash;
  if (crypto_pwhash_str_alg(hash.data(), password.data(), password.size(),
                            crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return std::nullopt;
  }
  return std::string(hash.data());
}

bool verify_password(const std::optional<std::string>& hash, std::string_view password) {
  if (!hash) {
    hash_password(password);
    return false;
  }
  return crypto_pwhash_str_verify(hash->c_str(), password.data(), password.size()) == 0;
}

PasswordThreads::PasswordThreads() {
  const unsigned count = std::clamp(std::thread::hardware_concurrency(), 1u, 4u);
  try {
    for (unsigned i = 0; i < count; ++i)
      threads_.emplace_back([this] { loop(); });
  } catch (const std::system_error&) {
    stop();
    throw;
  }
}

PasswordThreads::~PasswordThreads() {
  stop();
}

void PasswordThreads::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_)
    thread.join();
}

bool PasswordThreads::submit(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= kMaxQueued) return false;
    queue_.push_back(std::move(work));
  }
  work_.notify_one();
  return true;
}

bool PasswordThreads::run(const std::function<void()>& work) {
  std::mutex mutex;
  std::condition_variable finished;
  bool is_finished = false;
  const bool accepted = submit([&] {
    work();
    const std::lock_guard lock(mutex);
    is_finished = true;
    finished.notify_one();  // under the lock: the waiter then destroys it
  });
  if (!accepted) return false;
  std::unique_lock lock(mutex);
  finished.wait(lock, [&] { return is_finished; });
  return true;
}

void PasswordThreads::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::function<void()> work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

}  // namespace mxd::sqlite
