#pragma once

#include <cstdint>
#include <string_view>

#include "matrix_devices/module.h"

namespace mxd::host {

// Where what the host emits into an operation goes. Each question takes its own kinds of results
// and refuses the rest. All return MXD_OK or MXD_INVALID_ARGUMENT, and may throw std::bad_alloc;
// either makes the operation a failure (H3).
class Results {
 public:
  virtual int32_t principal(const mxd_principal&) { return misplaced(); }
  virtual int32_t device(const mxd_device&) { return misplaced(); }
  virtual int32_t stage(const mxd_uia_stage&) { return misplaced(); }
  virtual int32_t session_id(std::string_view) { return misplaced(); }
  virtual int32_t session(const mxd_uia_kept&) { return misplaced(); }
  virtual int32_t completed(const mxd_uia_completed&) { return misplaced(); }
  virtual int32_t identity(std::string_view) { return misplaced(); }
  virtual int32_t reason(std::string_view) = 0;
  virtual int32_t retry_after(int64_t ms) = 0;
  virtual int32_t error(const mxd_error&) = 0;

  // There was no memory to take a result in: the question fails, and that is nobody's fault.
  void lack_memory() noexcept { lacks_memory_ = true; }

  // Notes the first thing that is wrong, and in which record. Both are constants.
  int32_t fault(const char* what, const char* record = "") noexcept {
    if (fault_ == nullptr) {
      fault_ = what;
      faulty_record_ = record;
    }
    return MXD_INVALID_ARGUMENT;
  }

 protected:
  ~Results() = default;
  int32_t misplaced() noexcept { return fault("emitted a result of another kind"); }

  const char* fault_ = nullptr;
  const char* faulty_record_ = "";
  bool lacks_memory_ = false;
};

}  // namespace mxd::host
