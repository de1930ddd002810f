#include "bindings/server/operation/request_counts.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>

#include "bindings/server/http/request_target.h"

namespace mxd::server {
namespace {

constexpr std::array<std::string_view, 8> kMethods{"GET",    "HEAD",    "PUT",   "POST",
                                                   "DELETE", "OPTIONS", "other", "none"};
constexpr size_t kOtherMethod = 6;
constexpr size_t kNoMethod = 7;  // of what is no HTTP

constexpr std::array<std::string_view, 20> kStatuses{
    "200", "201", "204", "400", "401", "403", "404", "405", "408", "413",
    "417", "426", "429", "431", "500", "501", "503", "504", "505", "other"};

// After the prefix and the version; what stands after "*" is data.
struct Route {
  std::string_view path;
  std::string_view name;
};
constexpr std::array kRoutes{
    Route{"devices", "devices"},
    Route{"devices/*", "device"},
    Route{"delete_devices", "delete_devices"},
    Route{"auth/*", "fallback_page"},
    Route{"login", "login"},
    Route{"register", "register"},
    Route{"refresh", "refresh"},
    Route{"logout", "logout"},
    Route{"logout/all", "logout_all"},
    Route{"account/whoami", "whoami"},
};
constexpr size_t kVersions = kRoutes.size();
constexpr size_t kHealth = kRoutes.size() + 1;
constexpr size_t kOther = kRoutes.size() + 2;
constexpr size_t kEndpoints = kRoutes.size() + 3;

std::string_view endpoint_name(size_t endpoint) {
  if (endpoint < kRoutes.size()) return kRoutes[endpoint].name;
  return endpoint == kVersions ? "versions" : endpoint == kHealth ? "health" : "other";
}

size_t endpoint_of(std::string_view target) {
  constexpr std::string_view kPrefix = "/_matrix/client/";
  std::string_view path = RequestTarget(target).path();
  if (path == "/health") return kHealth;
  if (!path.starts_with(kPrefix)) return kOther;
  path.remove_prefix(kPrefix.size());
  if (path == "versions") return kVersions;
  const auto slash = path.find('/');  // after the version
  if (slash == path.npos) return kOther;
  path.remove_prefix(slash + 1);
  for (size_t i = 0; i < kRoutes.size(); ++i) {
    const std::string_view route = kRoutes[i].path;
    if (route.ends_with('*') ? path.starts_with(route.substr(0, route.size() - 1))
                             : path == route) {
      return i;
    }
  }
  return kOther;
}

template <class Names>
size_t index_of(const Names& names, std::string_view name, size_t otherwise) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? otherwise : static_cast<size_t>(found - names.begin());
}

size_t status_index(unsigned status) {
  const std::array<char, 3> digits{static_cast<char>('0' + status / 100 % 10),
                                   static_cast<char>('0' + status / 10 % 10),
                                   static_cast<char>('0' + status % 10)};
  return index_of(kStatuses, std::string_view(digits.data(), digits.size()), kStatuses.size() - 1);
}

// Only the thread that owns it adds, so a load and a store are enough.
class Counter {
 public:
  void add(uint64_t more) {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

// What one thread has counted.
struct Tally {
  std::array<std::array<std::array<Counter, kStatuses.size()>, kMethods.size()>, kEndpoints>
      requests;
  std::array<std::array<Counter, kLatencyBounds.size() + 1>, kEndpoints> buckets;
  std::array<Counter, kEndpoints> nanoseconds;
};

struct Tallies {
  std::mutex mutex;
  std::vector<std::unique_ptr<Tally>> all;  // they stay when their threads have ended
};

Tallies& tallies() {
  static Tallies* const tallies = new Tallies;  // outlives whatever still counts
  return *tallies;
}

Tally& tally_of_this_thread() {
  thread_local Tally* const tally = [] {
    auto made = std::make_unique<Tally>();
    const std::lock_guard lock(tallies().mutex);
    tallies().all.push_back(std::move(made));
    return tallies().all.back().get();
  }();
  return *tally;
}

}  // namespace

void count_request(std::string_view method, std::string_view target, unsigned status,
                   std::chrono::steady_clock::duration duration) noexcept try {
  Tally& tally = tally_of_this_thread();
  const size_t endpoint = endpoint_of(target);
  const size_t of_method = method.empty() ? kNoMethod : index_of(kMethods, method, kOtherMethod);
  tally.requests[endpoint][of_method][status_index(status)].add(1);
  const double seconds = std::chrono::duration<double>(duration).count();
  const auto bound = std::lower_bound(kLatencyBounds.begin(), kLatencyBounds.end(), seconds);
  tally.buckets[endpoint][static_cast<size_t>(bound - kLatencyBounds.begin())].add(1);
  tally.nanoseconds[endpoint].add(static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count()));
} catch (const std::exception&) {  // no memory for a thread's first request: it is not counted
}

RequestCounts request_counts() {
  RequestCounts counts;
  const std::lock_guard lock(tallies().mutex);
  const auto sum = [](const auto& counter_of) {
    uint64_t all = 0;
    for (const auto& tally : tallies().all)
      all += counter_of(*tally).get();
    return all;
  };
  for (size_t e = 0; e < kEndpoints; ++e) {
    for (size_t m = 0; m < kMethods.size(); ++m) {
      for (size_t s = 0; s < kStatuses.size(); ++s) {
        const auto count = sum([&](const Tally& t) -> auto& { return t.requests[e][m][s]; });
        if (count > 0) {
          counts.requests.push_back({endpoint_name(e), kMethods[m], kStatuses[s], count});
        }
      }
    }
    Latency latency{endpoint_name(e), {}, 0};
    bool is_there = false;
    for (size_t b = 0; b < latency.buckets.size(); ++b) {
      latency.buckets[b] = sum([&](const Tally& t) -> auto& { return t.buckets[e][b]; });
      is_there = is_there || latency.buckets[b] > 0;
    }
    latency.seconds =
        static_cast<double>(sum([&](const Tally& t) -> auto& { return t.nanoseconds[e]; })) / 1e9;
    if (is_there) counts.latencies.push_back(latency);
  }
  return counts;
}

}  // namespace mxd::server
