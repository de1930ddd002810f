#include "bindings/store/common/password.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <new>
#include <utility>

namespace mxd::store {
namespace {

constexpr size_t kHashBytes = 32;  // as crypto_pwhash_str() writes it

// "$argon2id$v=19$m=65536,t=2,p=1$SALT$HASH", in base64 without padding. It is taken apart here
// because crypto_pwhash_str_verify() says the same for a wrong password as for want of memory.
struct Argon2id {
  size_t kibibytes = 0;
  unsigned long long passes = 0;
  std::array<unsigned char, crypto_pwhash_SALTBYTES> salt;
  std::array<unsigned char, kHashBytes> hash;
};

// Reads a number that ends with `end`, and passes over both.
template <class Number>
bool take_number(std::string_view& text, Number& number, char end) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || rest == text.data() + text.size() || *rest != end) return false;
  text.remove_prefix(static_cast<size_t>(rest - text.data()) + 1);
  return true;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

template <size_t kSize>
bool decode(std::string_view base64, std::array<unsigned char, kSize>& out) {
  size_t size = 0;
  return sodium_base642bin(out.data(), kSize, base64.data(), base64.size(), nullptr, &size, nullptr,
                           sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0 &&
         size == kSize;
}

std::optional<Argon2id> parse(std::string_view text) {
  Argon2id parts;
  if (!take_prefix(text, "$argon2id$v=19$m=") || !take_number(text, parts.kibibytes, ',') ||
      !take_prefix(text, "t=") || !take_number(text, parts.passes, ',') ||
      !take_prefix(text, "p=1$")) {
    return std::nullopt;
  }
  const auto border = text.find('$');
  if (border == std::string_view::npos || !decode(text.substr(0, border), parts.salt) ||
      !decode(text.substr(border + 1), parts.hash)) {
    return std::nullopt;
  }
  return parts;
}

}  // namespace

std::optional<std::string> hash_password(std::string_view password) {
  std::array<char, crypto_pwhash_STRBYTES> hash;
  if (crypto_pwhash_str_alg(hash.data(), password.data(), password.size(),
                            crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return std::nullopt;
  }
  try {
    return std::string(hash.data());
  } catch (const std::bad_alloc&) {
    return std::nullopt;
  }
}

std::optional<bool> verify_password(const std::optional<std::string>& hash,
                                    std::string_view password) {
  const std::optional<Argon2id> parts =
      hash && password.find('\0') == std::string_view::npos ? parse(*hash) : std::nullopt;
  if (!parts) {
    if (!hash_password(password)) return std::nullopt;
    return false;
  }
  std::array<unsigned char, kHashBytes> computed;
  if (crypto_pwhash(computed.data(), computed.size(), password.data(), password.size(),
                    parts->salt.data(), parts->passes, parts->kibibytes * 1024,
                    crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return std::nullopt;
  }
  const bool is_right = sodium_memcmp(computed.data(), parts->hash.data(), computed.size()) == 0;
  sodium_memzero(computed.data(), computed.size());
  return is_right;
}

PasswordThreads::PasswordThreads() {
  const unsigned count = std::clamp(std::thread::hardware_concurrency(), 1u, 4u);
  try {
    for (unsigned i = 0; i < count; ++i)
      threads_.emplace_back([this] { loop(); });
  } catch (const std::exception&) {
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
  return enqueue(stages_, std::move(work));
}

bool PasswordThreads::enqueue(Queue& queue, std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (queue.size() >= kMaxQueued) return false;
    queue.push_back(std::move(work));
  }
  work_.notify_one();
  return true;
}

bool PasswordThreads::run(const std::function<void()>& work) {
  std::mutex mutex;
  std::condition_variable finished;
  bool is_finished = false;
  const bool accepted = enqueue(account_functions_, [&] {
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

std::function<void()> PasswordThreads::next() {
  const bool is_stage = account_functions_.empty() || (stage_is_next_ && !stages_.empty());
  Queue& queue = is_stage ? stages_ : account_functions_;
  std::function<void()> work = std::move(queue.front());
  queue.pop_front();
  stage_is_next_ = !is_stage;
  return work;
}

void PasswordThreads::loop() {
  std::unique_lock lock(mutex_);
  const auto is_idle = [this] { return stages_.empty() && account_functions_.empty(); };
  while (true) {
    work_.wait(lock, [&] { return stopping_ || !is_idle(); });
    if (is_idle()) return;
    std::function<void()> work = next();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

}  // namespace mxd::store
