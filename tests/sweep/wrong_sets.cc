#include "tests/sweep/wrong_sets.h"

#include <algorithm>
#include <iterator>

namespace mxd::sweep {
namespace {

// What is emitted into a callback's operation. What goes with statuses of every callback is
// dropped with others: a reason, a time to wait, an error.
constexpr struct {
  Callback callback;
  Kind kind;
} kOwnKinds[] = {
    {Callback::kAuthenticate, Kind::kPrincipal},  {Callback::kListDevices, Kind::kDevice},
    {Callback::kGetDevice, Kind::kDevice},        {Callback::kFlows, Kind::kStage},
    {Callback::kCreateSession, Kind::kSessionId}, {Callback::kLoadSession, Kind::kSession},
    {Callback::kLoadSession, Kind::kCompleted},   {Callback::kCheck, Kind::kIdentity},
};

bool is_own(Callback callback, Kind kind) {
  return std::any_of(std::begin(kOwnKinds), std::end(kOwnKinds),
                     [&](const auto& own) { return own.callback == callback && own.kind == kind; });
}

bool is_of_every_callback(Kind kind) {
  return kind == Kind::kReason || kind == Kind::kRetryAfter || kind == Kind::kError;
}

// Of which a second one has no meaning.
bool comes_once(Callback callback, Kind kind) {
  return kind == Kind::kPrincipal || kind == Kind::kSessionId || kind == Kind::kSession ||
         kind == Kind::kIdentity || callback == Callback::kGetDevice;
}

Result sample(Kind kind) {
  switch (kind) {
    case Kind::kPrincipal:
      return principal("@cause:example.org", "CAUSE", "CAUSE", "", 0);
    case Kind::kDevice:
      return device("CAUSE", "CAUSE");
    case Kind::kStage:
      return stage(0, "org.example.CAUSE", "");
    case Kind::kSessionId:
      return session_id("CAUSE");
    case Kind::kSession:
      return session(1, "{\"CAUSE\":1}");
    case Kind::kCompleted:
      return completed("org.example.CAUSE", "");
    case Kind::kIdentity:
      return identity("@cause:example.org");
    case Kind::kReason:
      return reason("CAUSE");
    case Kind::kRetryAfter:
      return retry_after(5000);
    case Kind::kError:
      return error(418, "M_CAUSE", "CAUSE");
  }
  return reason("CAUSE");
}

void add_other_results(const Asked& asked, std::vector<Spoil>& out) {
  for (const Kind kind : kKinds) {
    if (is_own(asked.callback, kind)) continue;
    const bool last_counts = asked.callback == Callback::kCheck && kind == Kind::kReason;
    const Row row = last_counts                  ? Row::kStatusAsWithout
                    : is_of_every_callback(kind) ? Row::kAsWithout
                                                 : Row::kH3;
    const std::string which = " #" + std::to_string(static_cast<int>(kind));
    out.push_back(
        {"another result before the right ones," + which,
         [kind](Reply& reply) { reply.results.insert(reply.results.begin(), sample(kind)); }, row});
    out.push_back({"another result after the right ones," + which,
                   [kind](Reply& reply) { reply.results.push_back(sample(kind)); }, row});
  }
}

void add_numbers_of_results(const Asked& asked, std::vector<Spoil>& out) {
  const auto& results = asked.reply.results;
  if (results.empty()) return;
  const Kind kind = results.front().kind;
  const bool once = comes_once(asked.callback, kind);
  out.push_back({"the first result twice",
                 [](Reply& reply) {
                   reply.results.insert(reply.results.begin(), Result(reply.results.front()));
                 },
                 once                        ? Row::kH3
                 : kind == Kind::kReason     ? Row::kAsWithout
                 : kind == Kind::kRetryAfter ? Row::kAsWithout
                                             : Row::kStatusAsWithout});
  out.push_back({"the results in the opposite order",
                 [](Reply& reply) { std::reverse(reply.results.begin(), reply.results.end()); },
                 kind == Kind::kStage && results.back().number != 0 ? Row::kH3
                 : kind == Kind::kStage                             ? Row::kAny
                 : kind == Kind::kDevice                            ? Row::kStatusAsWithout
                                                                    : Row::kAsWithout});
}

void add_too_many(const Asked& asked, std::vector<Spoil>& out) {
  const auto add = [&](const std::string& what, Row row, std::function<void(Reply&)> apply) {
    out.push_back({what, std::move(apply), row});
  };
  const auto type = [](uint32_t number) { return "org.example.s" + std::to_string(number); };
  if (asked.callback == Callback::kFlows) {
    const uint32_t flows = static_cast<uint32_t>(asked.reply.results.back().number) + 1;
    for (const uint32_t most : {32U, 33U}) {
      add(std::to_string(most) + " flows", most > 32 ? Row::kH3 : Row::kStatusAsWithout,
          [flows, most, type](Reply& reply) {
            for (uint32_t flow = flows; flow < most; ++flow)
              reply.results.push_back(stage(flow, type(flow), ""));
          });
    }
    for (const uint32_t most : {16U, 17U}) {
      add("a flow of " + std::to_string(most) + " stages",
          most > 16 ? Row::kH3 : Row::kStatusAsWithout, [flows, most, type](Reply& reply) {
            for (uint32_t i = 0; i < most; ++i)
              reply.results.push_back(stage(flows, type(i), ""));
          });
    }
    const auto right = static_cast<uint32_t>(asked.reply.results.size());
    for (const uint32_t most : {64U, 65U}) {
      add(std::to_string(most) + " stages in all", most > 64 ? Row::kH3 : Row::kStatusAsWithout,
          [flows, most, right, type](Reply& reply) {
            for (uint32_t i = 0; right + i < most; ++i)
              reply.results.push_back(stage(flows + i / 16, type(i), ""));
          });
    }
    for (const std::string_view params :
         {"[1]", "1", "{", "{\"a\":1}x", "{\"a\":1,\"a\":2}", "{\"a\":\"\xFF\"}"}) {
      add("params " + std::string(params), Row::kH3,
          [params](Reply& reply) { reply.results.front().texts[1] = {std::string(params)}; });
    }
    add("params {}", Row::kStatusAsWithout,
        [](Reply& reply) { reply.results.front().texts[1] = {"{}"}; });
  }
  if (asked.callback == Callback::kLoadSession && asked.reply.status == MXD_OK) {
    const auto elsewhere = static_cast<uint32_t>(asked.reply.results.size()) - 1;
    for (const uint32_t most : {64U, 65U}) {
      add(std::to_string(most) + " stages completed elsewhere", most > 64 ? Row::kH3 : Row::kAny,
          [elsewhere, most, type](Reply& reply) {
            for (uint32_t i = elsewhere; i < most; ++i)
              reply.results.push_back(completed(type(i), ""));
          });
    }
  }
}

}  // namespace

void add_wrong_sets(std::vector<Spoil>& out, const Asked& asked) {
  add_other_results(asked, out);
  add_numbers_of_results(asked, out);
  add_too_many(asked, out);
}

}  // namespace mxd::sweep
