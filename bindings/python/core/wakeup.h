// How a thread inside the module tells an event loop that something is ready: a queue of keys and
// an eventfd that the loop watches. Nothing of Python in it, so that no foreign thread needs the
// GIL.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

namespace mxd::python {

class Wakeup {
 public:
  Wakeup();  // throws std::system_error
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  // Readable while there are keys; to be watched, and never to be read or closed by others.
  int file_descriptor() const noexcept { return file_descriptor_; }

  void push(uint64_t key);  // [any-thread]

  // All keys since the last call, in order.
  std::vector<uint64_t> drain();

 private:
  int file_descriptor_;
  std::mutex mutex_;
  std::vector<uint64_t> keys_;
};

}  // namespace mxd::python
