#include "bindings/python/core/wakeup.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace mxd::python {

Wakeup::Wakeup() : file_descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (file_descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Wakeup::~Wakeup() {
  ::close(file_descriptor_);
}

void Wakeup::push(uint64_t key) {
  const std::lock_guard lock(mutex_);
  keys_.push_back(key);
  if (keys_.size() == 1) ::eventfd_write(file_descriptor_, 1);  // else it is readable already
}

std::vector<uint64_t> Wakeup::drain() {
  const std::lock_guard lock(mutex_);
  eventfd_t count = 0;
  ::eventfd_read(file_descriptor_, &count);
  return std::exchange(keys_, {});
}

}  // namespace mxd::python
