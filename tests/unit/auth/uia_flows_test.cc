#include "module/auth/uia_flows.h"

#include <gtest/gtest.h>

#include <deque>
#include <initializer_list>
#include <string>
#include <vector>

namespace mxd::auth {
namespace {

using Types = std::vector<std::string>;

constexpr std::string_view kSaidToProveNobody = "x.nobody";  // by the host, with its flag

// Flows as the host's results are kept, from lists of types.
class Built {
 public:
  explicit Built(const std::vector<Types>& flows) : types_(flows) {
    host::Flow** link = &flows_.first;
    for (const auto& types : types_) {
      host::Flow& flow = *(*link = &flow_memory_.emplace_back());
      link = &flow.next;
      for (const auto& type : types) {
        auto* stage = &stage_memory_.emplace_back(
            host::Flow::Stage{type, type == kSaidToProveNobody, nullptr});
        (flow.first == nullptr ? flow.first : flow.last->next) = stage;
        flow.last = stage;
      }
    }
  }
  host::Flows& operator*() { return flows_; }

  std::vector<Types> left() const {
    std::vector<Types> flows;
    for (const auto* flow = flows_.first; flow != nullptr; flow = flow->next) {
      Types& types = flows.emplace_back();
      for (const auto* stage = flow->first; stage != nullptr; stage = stage->next)
        types.emplace_back(stage->type);
    }
    return flows;
  }

 private:
  std::vector<Types> types_;
  std::deque<host::Flow> flow_memory_;
  std::deque<host::Flow::Stage> stage_memory_;
  host::Flows flows_;
};

// Completed stages, as they are kept.
class Completed {
 public:
  Completed(std::initializer_list<const char*> types) {
    host::CompletedStage** link = &first_;
    for (const char* type : types) {
      auto& stage = *(*link = &memory_.emplace_back());
      stage.type = type;
      link = &stage.next;
    }
  }
  const host::CompletedStage* operator*() const { return first_; }

 private:
  std::deque<host::CompletedStage> memory_;
  host::CompletedStage* first_ = nullptr;
};

TEST(DropUnprovedFlows, LeavesThoseThatMayProveSomebody) {
  const std::vector<Types> all = {{"m.login.dummy"},
                                  {"m.login.password"},
                                  {"m.login.terms", "m.login.recaptcha"},
                                  {"m.login.registration_token"},
                                  {"m.login.dummy", "x.custom"},
                                  {"m.login.dummy", "x.nobody"},
                                  {"x.nobody"},
                                  {"m.login.dummy"}};
  Built flows(all);
  drop_unproved_flows(*flows, false);
  EXPECT_EQ(flows.left(),
            (std::vector<Types>{{"m.login.password"}, {"m.login.dummy", "x.custom"}}));

  Built allowed(all);
  drop_unproved_flows(*allowed, true);
  EXPECT_EQ(allowed.left(), all);
}

TEST(DropUnprovedFlows, MayLeaveNone) {
  Built flows({{"m.login.dummy"}, {"m.login.terms"}});
  drop_unproved_flows(*flows, false);
  EXPECT_EQ(flows.left(), std::vector<Types>{});
}

TEST(IsCompleted, LooksForTheType) {
  const Completed completed{"a", "b"};
  EXPECT_TRUE(is_completed(*completed, "a"));
  EXPECT_TRUE(is_completed(*completed, "b"));
  EXPECT_FALSE(is_completed(*completed, "c"));
  EXPECT_FALSE(is_completed(nullptr, "a"));
}

TEST(CompletesAFlow, NeedsEveryStageOfOne) {
  Built flows({{"a", "b", "c"}, {"b", "d"}});
  EXPECT_FALSE(completes_a_flow(*flows, nullptr));
  EXPECT_FALSE(completes_a_flow(*flows, *Completed{"a", "b"}));
  EXPECT_TRUE(completes_a_flow(*flows, *Completed{"a", "b", "c"}));
  EXPECT_TRUE(completes_a_flow(*flows, *Completed{"c", "b", "a"})) << "in any order";
  EXPECT_TRUE(completes_a_flow(*flows, *Completed{"x", "d", "b"}));
  EXPECT_FALSE(completes_a_flow(*flows, *Completed{"a", "c", "d"})) << "not across flows";
  Built none({});
  EXPECT_FALSE(completes_a_flow(*none, *Completed{"a", "b"}));
}

TEST(IsDue, NextStageOfAFlow) {
  Built flows({{"a", "b", "c"}, {"b", "d"}});
  EXPECT_TRUE(is_due(*flows, nullptr, "a"));
  EXPECT_TRUE(is_due(*flows, nullptr, "b"));
  EXPECT_FALSE(is_due(*flows, nullptr, "c"));
  EXPECT_FALSE(is_due(*flows, nullptr, "z"));
  EXPECT_FALSE(is_due(*flows, nullptr, ""));
  EXPECT_FALSE(is_due(*flows, *Completed{"a"}, "a")) << "completed already";
  EXPECT_TRUE(is_due(*flows, *Completed{"a"}, "b"));
  EXPECT_TRUE(is_due(*flows, *Completed{"b"}, "d"));
  EXPECT_TRUE(is_due(*flows, *Completed{"a", "b"}, "c"));
}

}  // namespace
}  // namespace mxd::auth
