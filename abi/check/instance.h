// What create() makes: the host's table, the configuration, the report, and the requests in flight.
#pragma once

#include <atomic>
#include <boost/json/value.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "abi/check/configuration.h"
#include "abi/check/gathering.h"
#include "abi/check/report.h"
#include "matrix_devices/module.h"

namespace mxd::check {

class Dialogue;

// [any-thread]
class Instance {
 public:
  Instance(const mxd_host& host, ReadConfiguration configuration);

  const mxd_host& host() const { return host_; }
  // A text of the configuration by a JSON pointer, "/users/0/token"; empty: it is not there.
  std::string setting(std::string_view pointer) const;
  // An object or another value, as JSON text; empty: it is not there.
  const boost::json::value* find_setting(std::string_view pointer) const;
  size_t parallel() const;
  bool has_grace_period() const { return configuration_.has_grace_period; }

  Report& report() { return *report_; }
  const std::shared_ptr<Report>& shared_report() const { return report_; }
  Gatherings& gatherings() { return gatherings_; }

  // The optional callbacks, or what stands in for them.
  int64_t now_ms();
  // 43 characters of 256 random bits.
  std::string random_id();
  // `lines`, and what became broken since the last time.
  void log(mxd_cookie request, const std::vector<std::string>& lines);
  void release_principal(mxd_cookie principal);
  // No callback may begin: after abandon().
  bool is_abandoned() const { return abandoned_; }

  // A request comes in: false once it is shutting down. It is answered when its respond() has
  // returned.
  bool enter(const std::shared_ptr<Dialogue>& dialogue);
  void answered();
  // Its response is about to go: it is asked nothing any more.
  void forget(const Dialogue* dialogue);
  // Reports what those requests were asked that came for another step, or for one that is given up.
  void note_unanswered(const Dialogue& present);

  int32_t shut_down(void (*done)(mxd_cookie) noexcept, mxd_cookie cookie);
  void abandon();
  bool is_busy() const;

 private:
  mxd_host host_;
  ReadConfiguration configuration_;
  std::shared_ptr<Report> report_ = std::make_shared<Report>();
  Gatherings gatherings_;
  std::atomic<bool> abandoned_ = false;

  mutable std::mutex mutex_;  // of what follows
  std::vector<std::shared_ptr<Dialogue>> dialogues_;
  size_t in_flight_ = 0;
  bool shutting_down_ = false;
  void (*done_)(mxd_cookie) noexcept = nullptr;
  mxd_cookie done_cookie_ = 0;
};

// The callback that must not re-enter and is running on this thread, or nullptr.
const char* quiet_callback() noexcept;

}  // namespace mxd::check
