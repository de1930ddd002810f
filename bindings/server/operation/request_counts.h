// How many requests there were, of which kind, and how long they took.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

namespace mxd::server {

// Names of endpoints, methods and statuses are from fixed sets: what clients make up is "other".
// Each thread counts for itself, so counting costs no other thread anything. [any-thread]
void count_request(std::string_view method, std::string_view target, unsigned status,
                   std::chrono::steady_clock::duration duration) noexcept;

// Upper bounds, in seconds, of the buckets of a Latency; one more is for all that took longer.
inline constexpr std::array kLatencyBounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                           0.025,  0.05,    0.1,    0.25,  0.5,    1.0,   5.0};

struct RequestCount {
  std::string_view endpoint;
  std::string_view method;
  std::string_view status;
  uint64_t count;
};

struct Latency {
  std::string_view endpoint;
  std::array<uint64_t, kLatencyBounds.size() + 1> buckets;
  double seconds;  // of all together
};

// What has been counted since the process began; without what is 0.
struct RequestCounts {
  std::vector<RequestCount> requests;
  std::vector<Latency> latencies;
};
RequestCounts request_counts();

}  // namespace mxd::server
