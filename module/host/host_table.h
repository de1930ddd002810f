#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "matrix_devices/module.h"
#include "module/async/gate.h"

namespace mxd::host {

constexpr std::string_view text(mxd_view view) noexcept {
  return {view.data, view.size};
}
constexpr mxd_view view(std::string_view text) noexcept {
  return {text.data(), text.size()};
}

// The host's table as the module uses it: a copy, zeroed after what the host knows, so that a
// callback is there if it is not null. Never changes after adopt() and guard().
class HostTable {
 public:
  // Copies and checks a host's table. MXD_OK, or a status of create() with `error` saying what to
  // mend. @throws std::bad_alloc
  int32_t adopt(const mxd_host* host, std::string& error);

  // From then on the host is not called by the functions below once the gate is abandoned.
  void guard(const async::Gate& gate) noexcept { gate_ = &gate; }

  const mxd_host* operator->() const noexcept { return &host_; }
  mxd_cookie cookie() const noexcept { return host_.cookie; }

  // Fills with randomness of the host's, or the system's. False: there is none.
  bool random_bytes(void* out, size_t size) const noexcept;

  // Wall clock, ms since the epoch; a time that sums of some can be made of.
  int64_t now_ms() const noexcept;

  void log(mxd_cookie request, int32_t level, std::string_view message) const noexcept {
    if (host_.log != nullptr && may_call()) {
      host_.log(host_.cookie, request, level, view(message));
    }
  }

 private:
  bool may_call() const noexcept { return gate_ == nullptr || !gate_->abandoned(); }

  mxd_host host_{};
  const async::Gate* gate_ = nullptr;
};

}  // namespace mxd::host
