#include "tests/unit/host/failing_malloc.h"

#include <cstddef>

namespace {

thread_local bool fails = false;

}  // namespace

// The linker's names (--wrap): of what is called in the place of malloc(), and of malloc() itself.
extern "C" {
void* __real_malloc(size_t size);
void* __real_realloc(void* block, size_t size);
void* __wrap_malloc(size_t size);
void* __wrap_realloc(void* block, size_t size);

void* __wrap_malloc(size_t size) {
  return fails ? nullptr : __real_malloc(size);
}

void* __wrap_realloc(void* block, size_t size) {
  return fails ? nullptr : __real_realloc(block, size);
}
}

namespace mxd::test {

FailingMalloc::FailingMalloc() {
  fails = true;
}

FailingMalloc::~FailingMalloc() {
  fails = false;
}

}  // namespace mxd::test
