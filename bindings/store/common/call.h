// How a function of the table is called: records in, statuses and texts out, and no exception.
#ifndef MXD_BINDINGS_STORE_COMMON_CALL_H
#define MXD_BINDINGS_STORE_COMMON_CALL_H

#include <cstddef>
#include <cstdint>

#include "bindings/store/common/record.h"
#include "bindings/store/common/store.h"

namespace mxd::store {

// Where a caller wants to read what went wrong.
struct ErrorText {
  char* text;
  size_t size;

  int32_t report(const Outcome& outcome) const noexcept {
    if (text != nullptr) copy_terminated(text, size, outcome.text);
    return outcome.status;
  }
};

// Runs what gives an Outcome: that, or what it threw.
template <class Call>
int32_t reported(const mxd_store* store, ErrorText error, Call&& call) noexcept {
  bool is_reported = false;
  const int32_t status = guarded(*store, "a function of the store", [&] {
    const int32_t called = error.report(call());
    is_reported = true;
    return called;
  });
  if (!is_reported && error.text != nullptr) {
    copy_terminated(error.text, error.size, "the database failed: see the log, and try again");
  }
  return status;
}

// The same with a record: refused, or as this library knows it.
template <class Record, class Call>
int32_t reported(const mxd_store* store, ErrorText error, const Record* given, size_t size_1_0,
                 const char* name, Call&& call) noexcept {
  return reported(store, error, [&]() -> Outcome {
    Outcome outcome = check_size(*given, size_1_0, name);
    return succeeded(outcome.status) ? call(known_part(*given)) : outcome;
  });
}

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_CALL_H
