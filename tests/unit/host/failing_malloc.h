#pragma once

namespace mxd::test {

// While it lives, malloc() and realloc() fail where the module's own code calls them on this
// thread: this program is linked with both wrapped.
class FailingMalloc {
 public:
  FailingMalloc();
  ~FailingMalloc();
  FailingMalloc(const FailingMalloc&) = delete;
  FailingMalloc& operator=(const FailingMalloc&) = delete;
};

}  // namespace mxd::test
