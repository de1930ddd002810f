#include "bindings/server/operation/metrics_page.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "bindings/server/http/request_target.h"
#include "bindings/server/operation/json_log.h"
#include "bindings/server/operation/request_counts.h"

namespace mxd::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

ClientMetric::Label label(const char* name, std::string_view value) {
  ClientMetric::Label made;
  made.name = name;
  made.value = value;
  return made;
}

MetricFamily family(const char* name, const char* help, MetricType type) {
  MetricFamily made;
  made.name = name;
  made.help = help;
  made.type = type;
  return made;
}

void add(MetricFamily& to, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.counter.value = value;  // the type of the family says which of the two it is
  metric.gauge.value = value;
  to.metric.push_back(std::move(metric));
}

MetricFamily requests_total(const RequestCounts& counts) {
  MetricFamily made =
      family("mxd_requests_total", "Requests that were answered.", MetricType::Counter);
  for (const RequestCount& one : counts.requests) {
    add(made,
        {label("endpoint", one.endpoint), label("method", one.method), label("status", one.status)},
        static_cast<double>(one.count));
  }
  return made;
}

MetricFamily request_seconds(const RequestCounts& counts) {
  MetricFamily made =
      family("mxd_request_duration_seconds",
             "From the whole of a request to the end of its answer.", MetricType::Histogram);
  for (const Latency& one : counts.latencies) {
    ClientMetric metric;
    metric.label = {label("endpoint", one.endpoint)};
    uint64_t cumulative = 0;
    for (size_t i = 0; i < one.buckets.size(); ++i) {
      cumulative += one.buckets[i];
      ClientMetric::Bucket bucket;
      bucket.cumulative_count = cumulative;
      bucket.upper_bound =
          i < kLatencyBounds.size() ? kLatencyBounds[i] : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back(bucket);
    }
    metric.histogram.sample_count = cumulative;
    metric.histogram.sample_sum = one.seconds;
    made.metric.push_back(std::move(metric));
  }
  return made;
}

// The limit that a 429 of an endpoint comes from.
std::string_view limit_of(const RequestCount& refused) {
  if (refused.endpoint == "login") return "login";
  if (refused.endpoint == "register" || refused.endpoint == "refresh") return "registration";
  if (refused.endpoint == "device" && refused.method == "PUT") return "device_creation";
  return "uia";
}

MetricFamily refusals_total(const RequestCounts& counts, const HttpServer& http) {
  MetricFamily made =
      family("mxd_refusals_total", "What a limit has refused or cut.", MetricType::Counter);
  std::vector<std::pair<std::string_view, uint64_t>> limits{
      {"login", 0},
      {"registration", 0},
      {"device_creation", 0},
      {"uia", 0},
      {"max_connections", http.connections().times_made_room()},
      {"max_incoming_body_bytes", http.incoming_bodies().times_refused()}};
  for (const RequestCount& one : counts.requests) {
    if (one.status != "429") continue;
    for (auto& [limit, count] : limits) {
      if (limit == limit_of(one)) count += one.count;
    }
  }
  for (const auto& [limit, count] : limits)
    add(made, {label("limit", limit)}, static_cast<double>(count));
  return made;
}

MetricFamily single(const char* name, const char* help, MetricType type, double value) {
  MetricFamily made = family(name, help, type);
  add(made, {}, value);
  return made;
}

}  // namespace

void MetricsPage::serve(Exchange& exchange, mxd_request_token*) {
  const Request& request = exchange.request();
  if (RequestTarget(request.target).path() != "/metrics" ||
      (request.method != "GET" && request.method != "HEAD")) {
    return exchange.respond(error_response(404, "M_UNRECOGNIZED", "Here is GET /metrics only."));
  }
  exchange.respond(
      Response{200, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n", text()});
}

std::string MetricsPage::text() const {
  const RequestCounts counts = request_counts();
  MetricFamily queues = family("mxd_queue_length", "What waits for a thread.", MetricType::Gauge);
  add(queues, {label("queue", "workers")}, static_cast<double>(workers_.open()));
  add(queues, {label("queue", "passwords")}, static_cast<double>(password_workers_.open()));
  add(queues, {label("queue", "writes")}, static_cast<double>(store_.queued_writes()));
  const std::vector<MetricFamily> families{
      requests_total(counts),
      request_seconds(counts),
      refusals_total(counts, http_),
      std::move(queues),
      single("mxd_open_connections", "Connections of clients.", MetricType::Gauge,
             static_cast<double>(http_.connections().open())),
      single("mxd_incoming_body_bytes", "Memory for bodies that are coming in.", MetricType::Gauge,
             static_cast<double>(http_.incoming_bodies().bytes())),
      single("mxd_lost_log_lines_total", "Lines of log that could not be written.",
             MetricType::Counter, static_cast<double>(lost_log_lines())),
  };
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace mxd::server
