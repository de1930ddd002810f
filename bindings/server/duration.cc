#include "bindings/server/duration.h"

#include <absl/strings/numbers.h>
#include <absl/time/time.h>

namespace mxd::server {

std::optional<std::chrono::milliseconds> parse_duration(const std::string& text) {
  constexpr int kMaxDays = 36'500;
  // Abseil knows no days: they differ in length where summer time is kept. Here a day is 24 hours.
  int days = 0;
  const auto unit = text.find('d');
  if (unit != std::string::npos) {
    const std::string number = text.substr(0, unit);
    const bool digits_only =
        !number.empty() && number.find_first_not_of("0123456789") == std::string::npos;
    if (!digits_only || !absl::SimpleAtoi(number, &days) || days > kMaxDays) return std::nullopt;
  }
  const std::string rest = unit == std::string::npos ? text : text.substr(unit + 1);
  absl::Duration duration;
  const bool is_days_alone = unit != std::string::npos && rest.empty();
  if (!is_days_alone && !absl::ParseDuration(rest, &duration)) return std::nullopt;
  if (duration < absl::ZeroDuration()) return std::nullopt;
  duration += absl::Hours(24) * days;
  if (duration > absl::Hours(24) * kMaxDays) return std::nullopt;
  return absl::ToChronoMilliseconds(duration);
}

}  // namespace mxd::server
