#include <string>

#include "abi/check/steps/steps.h"

namespace mxd::check {
namespace {

constexpr int64_t kNever = 3'600'000;  // ms: no unit comes back while this runs
constexpr int64_t kRefill = 1'000;

Bucket bucket(Check& check, const std::string& key, int64_t burst, int64_t interval_ms = kNever) {
  Bucket made;
  made.name = "uia_repeats";
  made.key = "check " + check.note("run") + " " + key;
  made.burst = burst;
  made.interval_ms = interval_ms;
  return made;
}

// How many units come out of it, one by one.
Task<int64_t> drain(Check& check, const Bucket& from) {
  const std::vector<Bucket> buckets{from};
  int64_t units = 0;
  for (int64_t i = 0; i < from.burst + 1; ++i) {
    const Answer taken = co_await check.take_limit(buckets, 1);
    if (taken.status != MXD_OK) break;
    ++units;
  }
  co_return units;
}

Task<> give_back(Check& check, const Bucket& empty) {
  const std::vector<Bucket> buckets{empty};
  const Answer given = co_await check.take_limit(buckets, -1);
  const Answer taken = co_await check.take_limit(buckets, 1);
  const Answer over = co_await check.take_limit(buckets, 1);
  const bool right =
      check.is("take_limit.gives_back", given, MXD_OK, "take_limit of -1 unit") &&
      check.is("take_limit.gives_back", taken, MXD_OK, "take_limit after a unit was given back");
  if (right) {
    check.is("take_limit.gives_back", over, MXD_LIMIT_EXCEEDED,
             "take_limit after that unit was taken again");
  }
}

}  // namespace

Task<> take_units(Check& check) {
  const Bucket first = bucket(check, "first", 3);
  const int64_t units = co_await drain(check, first);
  check.say("take_limit.takes", units == 3,
            std::to_string(units) + " units came out of a bucket of 3");
  const std::vector<Bucket> emptied{first};
  const Answer refused = co_await check.take_limit(emptied, 1);
  if (check.is("take_limit.takes", refused, MXD_LIMIT_EXCEEDED, "take_limit of an empty bucket")) {
    const int64_t wait = refused.retry_after_ms.value_or(0);
    check.say("take_limit.retry_after", wait >= 1 && wait <= kNever,
              "the wait is " + std::to_string(wait) + " ms, with an interval of " +
                  std::to_string(kNever));
  }

  const Bucket full = bucket(check, "full", 2);
  const std::vector<Bucket> both{full, first};
  const Answer none = co_await check.take_limit(both, 1);
  const int64_t left = co_await drain(check, full);
  if (check.is("take_limit.all_or_none", none, MXD_LIMIT_EXCEEDED,
               "take_limit of a full bucket and an empty one")) {
    check.say("take_limit.all_or_none", left == 2,
              "the full bucket of 2 then had " + std::to_string(left));
  }
  co_await give_back(check, first);

  const Bucket untouched = bucket(check, "untouched", 2);
  const std::vector<Bucket> filled{untouched};
  const Answer over = co_await check.take_limit(filled, -1);
  const int64_t held = co_await drain(check, untouched);
  check.say("take_limit.never_over_burst", over.status == MXD_OK && held == 2,
            "a full bucket of 2, given one back, had " + std::to_string(held));

  Bucket other_name = first;
  other_name.name = "uia_challenges";
  const int64_t by_name = co_await drain(check, other_name);
  const Bucket other_key = bucket(check, "First", 3);
  const int64_t by_key = co_await drain(check, other_key);
  check.say("take_limit.by_name_and_key", by_name == 3 && by_key == 3,
            "buckets of another name and another key share units with an empty one");

  const Bucket refilling = bucket(check, "refilling", 1, kRefill);
  const std::vector<Bucket> slow{refilling};
  const Answer taken = co_await check.take_limit(slow, 1);
  if (taken.status == MXD_OK) check.notes()["refilling_since"] = check.now_ms();
}

Task<> take_at_once(Check& check) {
  const auto half = static_cast<int64_t>((check.instance().parallel() + 1) / 2);
  const std::shared_ptr<Tally> tally = check.tally();
  const std::vector<Bucket> buckets{bucket(check, "at once", half)};
  const std::optional<size_t> place = co_await check.meet();
  if (!place) co_return;
  const Answer taken = co_await check.take_limit(buckets, 1);
  if (taken.status == MXD_OK) tally->add("taken");
  const std::optional<size_t> done = co_await check.meet();
  if (!done || *done != 0) co_return;
  check.say("take_limit.at_once", tally->of("taken") == half,
            std::to_string(tally->of("taken")) + " units came out of a bucket of " +
                std::to_string(half) + " at once");
}

Task<> take_refilled(Check& check) {
  const int64_t since = check.number("refilling_since");
  if (since == 0 || check.now_ms() < since + kRefill) {
    check.not_tried("take_limit.refills",
                    since == 0 ? "no unit could be taken before" : "the host's clock stands still");
    co_return;
  }
  const std::vector<Bucket> buckets{bucket(check, "refilling", 1, kRefill)};
  const Answer taken = co_await check.take_limit(buckets, 1);
  check.is("take_limit.refills", taken, MXD_OK, "take_limit one interval later");
}

}  // namespace mxd::check
