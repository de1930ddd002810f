// Durations as people write them.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace mxd::server {

// "10m", "90s", "500ms", "0s", "1h30m", "365d", "1d12h"; nothing for anything else, below 0, or
// over 36500 days.
std::optional<std::chrono::milliseconds> parse_duration(const std::string& text);

}  // namespace mxd::server
