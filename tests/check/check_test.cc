// Each planted violation is named by the report, whether the host answers inline or late; a host
// that is right in all has a clean one.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include "tests/check/driver.h"

namespace mxd::check_test {
namespace {

struct Violation {
  const char* planted;
  const char* promise;  // that must be named

  friend std::ostream& operator<<(std::ostream& out, const Violation& violation) {
    return out << violation.planted;
  }
};

constexpr Violation kViolations[] = {
    {"forgets to complete what is not found", "operation.completes"},
    {"completes twice", "operation.completes_once"},
    {"fails and completes", "operation.one_answer"},
    {"emits after completing", "operation.emits_before_completion"},
    {"emits an identity for a device", "operation.emits_fit"},
    {"emits Latin-1", "operation.emits_well_formed"},
    {"limits without a wait", "operation.results"},
    {"answers with a status of another callback", "operation.statuses"},
    {"reads arguments late", "operation.arguments"},
    {"calls the module from log", "callbacks.re_enter_nothing"},
    {"compares sizes", "callbacks.growth"},
    {"decodes targets", "handle.target"},
    {"passes bodies of any size", "handle.body_limit"},
    {"has no unknown tokens", "authenticate.unknown"},
    {"forgets expired tokens", "authenticate.expired"},
    {"lets locked accounts in", "authenticate.locked"},
    {"lets users act as others", "authenticate.passes_over_user_id"},
    {"lets services act as anybody", "authenticate.service_outside"},
    {"lists in any order", "list_devices.same_order"},
    {"lists a page", "list_devices.complete"},
    {"counts last seen in seconds", "list_devices.last_seen"},
    {"loses devices at a restart", "list_devices.after_restart"},
    {"finds anybody's devices", "get_device.other_user"},
    {"compares IDs without case", "get_device.exact_id"},
    {"clears empty names", "rename_device.empty_name"},
    {"stamps what is renamed", "rename_device.nothing_else"},
    {"miscounts the cap", "put_device.cap"},
    {"caps renames", "put_device.cap_spares_renames"},
    {"clears names that are not set", "put_device.keeps_name"},
    {"binds 999 variables", "delete_devices.many"},
    {"reads no IDs as all", "delete_devices.none"},
    {"deletes anybody's devices", "delete_devices.other_user_untouched"},
    {"leaves tokens of deleted devices", "delete_devices.tokens_dead"},
    {"leaves sessions of deleted devices", "delete_devices.sessions_gone"},
    {"offers flows in any order", "uia_flows.same_order"},
    {"has one session a user", "uia_create_session.own_id"},
    {"keeps every session", "uia_create_session.max_live"},
    {"evicts whatever device's", "uia_create_session.evicts_same_device_first"},
    {"evicts by the clock", "uia_create_session.evicts_in_order"},
    {"evicts finished sessions first", "uia_create_session.evicts_finished_last"},
    {"evicts whosesoever", "uia_create_session.evicts_own_only"},
    {"counts expired sessions", "uia_create_session.removes_expired_first"},
    {"keeps states as JSON", "uia_load_session.state_bytes"},
    {"loads expired sessions", "uia_load_session.expired"},
    {"loses sessions at a restart", "uia_load_session.after_restart"},
    {"keeps sessions in the process", "uia_load_session.elsewhere"},
    {"replaces any revision", "uia_replace_session.conflict"},
    {"counts changes only", "uia_replace_session.counts"},
    {"compares before it writes", "uia_replace_session.one_wins"},
    {"keeps the first expiry", "uia_replace_session.expiry"},
    {"takes any badge", "uia_check.unknown_identifier"},
    {"compares with who asks", "uia_check.another_user"},
    {"proves who asks", "uia_check.another_user"},
    {"takes any token", "uia_check.stages"},
    {"forgets who was validated", "mark_validated.kept"},
    {"takes from some buckets", "take_limit.all_or_none"},
    {"fills buckets over their burst", "take_limit.never_over_burst"},
    {"knows buckets by key only", "take_limit.by_name_and_key"},
};

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names)
    text += name + "\n";
  return text;
}

class Checking : public testing::TestWithParam<std::tuple<Violation, Answers>> {};

TEST_P(Checking, NamesWhatIsPlanted) {
  const auto& [violation, answers] = GetParam();
  const Result result = run(MXD_CHECK_LIBRARY, violation.planted, answers);
  const auto found = result.promises.find(violation.promise);
  ASSERT_NE(found, result.promises.end());
  EXPECT_EQ(found->second.outcome, "broken")
      << violation.promise << " must be named; these are not held:\n"
      << result.text();
  const std::string line = std::string("check: broken: ") + violation.promise + ": ";
  EXPECT_TRUE(std::any_of(result.log.begin(), result.log.end(), [&](const std::string& logged) {
    return logged.rfind(line, 0) == 0;
  })) << "it must be logged too";
}

INSTANTIATE_TEST_SUITE_P(All, Checking,
                         testing::Combine(testing::ValuesIn(kViolations),
                                          testing::Values(Answers::kInline, Answers::kLate)),
                         [](const auto& test) {
                           std::string name = std::get<0>(test.param).planted;
                           std::erase_if(name, [](char c) { return c == '\''; });
                           std::replace_if(
                               name.begin(), name.end(),
                               [](unsigned char c) { return !std::isalnum(c); }, '_');
                           return name + "_" + testing::PrintToString(std::get<1>(test.param));
                         });

class CheckingARightHost : public testing::TestWithParam<Answers> {};

TEST_P(CheckingARightHost, FindsNothing) {
  const Result result = run(MXD_CHECK_LIBRARY, "nothing", GetParam());
  EXPECT_EQ(joined(result.of("broken")), "") << result.text();
  // It is given all that the configuration may have, but for a refreshed token.
  EXPECT_EQ(joined(result.of("not tried")), "authenticate.replaced\n") << result.text();
}

INSTANTIATE_TEST_SUITE_P(All, CheckingARightHost, testing::Values(Answers::kInline, Answers::kLate),
                         [](const auto& test) { return testing::PrintToString(test.param); });

}  // namespace
}  // namespace mxd::check_test
