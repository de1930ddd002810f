#include "bindings/server/accounts/workers.h"

#include <exception>

namespace mxd::server {

Workers::Workers(size_t threads, size_t capacity)
    : capacity_(capacity), more_may_come_(jobs_.get_executor()) {
  threads_.reserve(threads);
  try {
    for (size_t i = 0; i < threads; ++i)
      threads_.emplace_back([this] { jobs_.run(); });
  } catch (const std::exception&) {
    join();
    throw;
  }
}

Workers::~Workers() {
  jobs_.stop();
  join();
}

void Workers::join() {
  more_may_come_.reset();
  for (std::thread& thread : threads_)
    thread.join();
  threads_.clear();
}

}  // namespace mxd::server
