// The requests that are measured, and what becomes of their answers.
#ifndef MXD_TESTS_BENCH_IN_PROCESS_EXCHANGE_H
#define MXD_TESTS_BENCH_IN_PROCESS_EXCHANGE_H

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "matrix_devices/module.hpp"

namespace mxd::bench {

inline constexpr std::string_view kUserId = "@alice:example.org";
inline constexpr std::string_view kPassword = "correct horse";
inline constexpr std::string_view kServerName = "example.org";
inline constexpr std::string_view kOwnDevice = "DEVICE00000";

// "DEVICE00000" and so on; five digits.
std::string device_id(size_t number);

// One kind of request, as a server would pass it on.
class Exchange {
 public:
  // `names` are those of exchange_names().
  Exchange(std::string_view name, std::string_view access_token);

  // The request of this cookie. Not good after the next call. Renames give another name each time,
  // since a name that is there already would not be written.
  const mxd_request& next(mxd_cookie cookie);

  const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::string method_;
  std::string target_;
  std::string body_;
  std::string authorization_;
  std::vector<mxd_header> headers_;
  mxd_request request_{};
  bool renames_;
  uint64_t sent_ = 0;
};

// list, get, rename: what their names say. challenge: DELETE without `auth`. delete: with the right
// password at once. delete_100: so in bulk, with 100 IDs. The devices that are deleted are not
// there, so that a run leaves all as it was: the way is the same.
const std::vector<std::string_view>& exchange_names();

// The status that is right for it.
uint32_t right_status(std::string_view name);

// Where respond() puts what a server would send. The request's cookie is the address of one.
class Answers {
 public:
  static void respond(mxd_cookie host, mxd_cookie request, const mxd_response* response) noexcept;

  mxd_cookie cookie() { return reinterpret_cast<mxd_cookie>(this); }

  uint64_t count() const { return count_.load(std::memory_order_acquire); }
  void wait_for(uint64_t count) const;  // until there are so many
  uint32_t status() const { return status_; }
  std::string_view body() const { return body_; }

 private:
  std::atomic<uint64_t> count_ = 0;
  uint32_t status_ = 0;
  std::string body_;
};

}  // namespace mxd::bench

#endif  // MXD_TESTS_BENCH_IN_PROCESS_EXCHANGE_H
