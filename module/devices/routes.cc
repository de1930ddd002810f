#include "module/devices/routes.h"

#include "module/auth/fallback.h"
#include "module/auth/stage_types.h"
#include "module/devices/endpoints.h"

namespace mxd::devices {
namespace {

using Asks = Endpoint::Asks;

constexpr Method kListMethods[] = {{"GET", list}};
constexpr Method kDeviceMethods[] = {{"GET", get}, {"PUT", put}, {"DELETE", delete_one, true}};
constexpr Method kDeleteMethods[] = {{"POST", delete_many, true}};
constexpr Method kPageMethods[] = {{"GET", auth::answer_fallback}, {"POST", auth::answer_fallback}};

constexpr Endpoint kEndpoints[] = {
    {"/devices", Asks::kPrincipal, kListMethods},
    {kDevicePath, Asks::kPrincipal, kDeviceMethods},
    {kDeleteDevicesPath, Asks::kPrincipal, kDeleteMethods},
    {"/auth/{type}/fallback/web", Asks::kNobody, kPageMethods},
};

// The one segment of a path between two literal parts, or an empty text.
std::string_view find_segment(std::string_view path, const Endpoint& endpoint) noexcept {
  const auto [before, after] = std::pair(endpoint.before, endpoint.after);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) ||
      !path.ends_with(after)) {
    return {};
  }
  path = path.substr(before.size(), path.size() - before.size() - after.size());
  return path.find('/') == path.npos ? path : std::string_view();
}

// F1: pages are there where they are turned on, for the stages that have one.
bool is_served(const Endpoint& endpoint, std::string_view segment,
               const config::Config& config) noexcept {
  return endpoint.asks == Asks::kPrincipal || (config.fallback_pages && auth::has_page(segment));
}

}  // namespace

std::span<const Endpoint> endpoints() noexcept {
  return kEndpoints;
}

std::optional<Route> find_route(std::string_view path, const config::Config& config) noexcept {
  if (!path.starts_with(kClientPrefix)) return std::nullopt;
  path.remove_prefix(kClientPrefix.size());
  const auto slash = path.find('/');
  if (slash == path.npos) return std::nullopt;
  const auto version = path.substr(0, slash);
  const auto& versions = config.path_versions;
  if (std::find(versions.begin(), versions.end(), version) == versions.end()) return std::nullopt;
  path.remove_prefix(slash);

  for (const auto& endpoint : kEndpoints) {
    const auto segment = endpoint.has_segment ? find_segment(path, endpoint) : std::string_view();
    const bool matches = endpoint.has_segment ? !segment.empty() : path == endpoint.path;
    if (!matches) continue;
    if (!is_served(endpoint, segment, config)) return std::nullopt;
    return Route{&endpoint, segment};
  }
  return std::nullopt;
}

const Method* find_method(const Endpoint& endpoint, std::string_view name) noexcept {
  if (name == "HEAD") name = "GET";  // R6
  for (const auto& method : endpoint.methods) {
    if (method.name == name) return &method;
  }
  return nullptr;
}

}  // namespace mxd::devices
