#include <algorithm>
#include <limits>
#include <optional>

#include "tests/sweep/fault.h"
#include "tests/sweep/state_spoils.h"

namespace mxd::sweep {
namespace {

constexpr size_t kNoMost = std::numeric_limits<size_t>::max();

// What the contract allows a text to be. A legal other text than the right one is `legal`.
constexpr struct TextRule {
  Kind kind;
  size_t index;
  std::string_view name;
  size_t least, most;
  bool nul, control;
  Row legal;
} kTexts[] = {
    {Kind::kPrincipal, 0, "user_id", 1, 255, false, true, Row::kAny},
    {Kind::kPrincipal, 1, "device_id", 0, 255, false, true, Row::kAny},
    {Kind::kPrincipal, 2, "token_id", 0, 255, false, true, Row::kAny},
    {Kind::kPrincipal, 3, "service_id", 0, 255, false, true, Row::kAny},
    {Kind::kDevice, 0, "device_id", 1, 255, false, true, Row::kStatusAsWithout},
    {Kind::kDevice, 1, "display_name", 0, kNoMost, true, true, Row::kStatusAsWithout},
    {Kind::kDevice, 2, "last_seen_ip", 0, kNoMost, true, true, Row::kStatusAsWithout},
    {Kind::kStage, 0, "type", 1, 255, false, false, Row::kAny},
    {Kind::kSessionId, 0, "session ID", 1, 255, false, true, Row::kAny},
    {Kind::kCompleted, 0, "type", 1, 255, false, false, Row::kAny},
    {Kind::kCompleted, 1, "identity", 0, 255, false, false, Row::kAny},
    {Kind::kIdentity, 0, "identity", 0, 255, false, false, Row::kU6},
    {Kind::kReason, 0, "reason", 0, kNoMost, false, true, Row::kStatusAsWithout},
    {Kind::kError, 0, "errcode", 1, 255, false, true, Row::kA16},
    {Kind::kError, 1, "text", 0, kNoMost, false, true, Row::kA16},
};

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

// Whether what is left of a principal says whose the token is.
bool is_whole(const Result& principal) {
  const auto there = [&](size_t index) { return !principal.texts[index].bytes.empty(); };
  if ((principal.flags & MXD_PRINCIPAL_APPSERVICE) != 0) return there(0) && there(3);
  return there(0) && (there(1) || there(2));
}

// A change to one result, which `index` is that of in the right reply.
class Spoiler {
 public:
  // `before`: the number of the result before it, if there is one.
  Spoiler(std::vector<Spoil>& out, std::string name, size_t index, Result right,
          std::optional<int64_t> before = std::nullopt)
      : out_(out),
        name_(std::move(name)),
        index_(index),
        right_(std::move(right)),
        before_(before) {}

  void spoil_texts() {
    for (const auto& rule : kTexts) {
      if (rule.kind == right_.kind) spoil_text(rule);
    }
  }

  void spoil_record() {
    const uint32_t least = size_1_0(right_.kind);
    if (least == 0) return;
    const size_t first = out_.size();
    add("NULL", Row::kH3, [](Result& result) { result.no_record = true; });
    for (const uint32_t size : {uint32_t{0}, uint32_t{4}, uint32_t{8}, least - 8, least - 1}) {
      add("size " + std::to_string(size), Row::kH3, [size](Result& result) { result.size = size; });
    }
    for (size_t i = first; i < out_.size(); ++i)
      out_[i].record = record_name(right_.kind);
    for (const uint32_t size : {least + 8, least + 64}) {
      add("size " + std::to_string(size), as_right(),
          [size](Result& result) { result.size = size; });
    }
    if (right_.kind == Kind::kError) return;  // has no flags
    constexpr uint32_t kUnknownFlags = 0xFFFFFF00;
    add("flags that nobody knows", as_right(),
        [](Result& result) { result.flags |= kUnknownFlags; });
  }

  void spoil_numbers() {
    const auto times = {std::numeric_limits<int64_t>::min(),
                        std::numeric_limits<int64_t>::min() + 1,
                        int64_t{-1},
                        int64_t{0},
                        int64_t{1},
                        (int64_t{1} << 53) - 1,
                        int64_t{1} << 53,
                        (int64_t{1} << 53) + 1,
                        std::numeric_limits<int64_t>::max() - 1,
                        std::numeric_limits<int64_t>::max()};
    for (const int64_t time : times) {
      switch (right_.kind) {
        case Kind::kPrincipal:
          add("validated_ms " + std::to_string(time),
              time < 0 || time > int64_t{1} << 53 ? Row::kH3 : Row::kAny, [time](Result& result) {
                result.flags |= MXD_PRINCIPAL_HAS_VALIDATED_MS;
                result.number = time;
              });
          break;
        case Kind::kDevice:
          add_number("last_seen_ts_ms", time, Row::kStatusAsWithout);
          break;
        case Kind::kSession:
          // A revision that does not stand there is answered with CONFLICT, and it is loaded again.
          add_number("revision", time, time < 1 ? Row::kH3 : Row::kAsWithout);
          break;
        case Kind::kError:
          add_number("retry_after_ms", time, Row::kA16);
          break;
        default:
          break;
      }
    }
    if (right_.kind != Kind::kStage) return;
    for (const uint32_t flow : {0U, 1U, 2U, 31U, 32U, UINT32_MAX - 1, UINT32_MAX}) {
      if (flow == right_.number) continue;
      const bool in_order = before_.has_value() && (flow == *before_ || flow == *before_ + 1);
      add_number("flow", flow, in_order ? Row::kAny : Row::kH3);
    }
  }

  // The host keeps the session at this revision: its counting up must not overflow.
  void keep_at_the_last_revisions() {
    if (right_.kind != Kind::kSession) return;
    for (const int64_t revision :
         {std::numeric_limits<int64_t>::max() - 1, std::numeric_limits<int64_t>::max()}) {
      out_.push_back({name_ + "kept at revision " + std::to_string(revision),
                      [index = index_, revision](Reply& reply) {
                        reply.results[index].number = revision;
                        *reply.kept_revision = revision;
                      },
                      Row::kAsWithout});
    }
  }

 private:
  Row as_right() const { return right_.kind == Kind::kError ? Row::kA16 : Row::kAsWithout; }

  void add(const std::string& what, Row row, std::function<void(Result&)> change) {
    Result changed = right_;
    change(changed);
    if (right_.kind == Kind::kPrincipal && row == Row::kAny && !is_whole(changed)) row = Row::kH3;
    out_.push_back({name_ + what,
                    [index = index_, change = std::move(change)](Reply& reply) {
                      change(reply.results[index]);
                    },
                    row,
                    {},
                    0});
  }

  void add_number(const std::string& what, int64_t number, Row row) {
    add(what + " " + std::to_string(number), row,
        [number](Result& result) { result.number = number; });
  }

  void spoil_text(const TextRule& rule) {
    const auto legal_if = [&rule](bool legal) { return legal ? rule.legal : Row::kH3; };
    const auto put = [&](const std::string& what, std::string bytes, Row row,
                         bool no_data = false) {
      if (right_.kind == Kind::kIdentity && bytes.empty()) row = Row::kU6a;
      if (bytes == right_.texts[rule.index].bytes && !no_data) return;
      add(std::string(rule.name) + " " + what, row,
          [index = rule.index, bytes = std::move(bytes), no_data](Result& result) {
            result.texts[index] = {bytes, no_data};
          });
    };
    // get_device is to emit the device that was asked for.
    const std::string start = "CAUSE";
    const std::string utf8 = start + "\xC3\xA9";
    put("that is NULL and has a size", start, Row::kH3, true);
    put("that is not UTF-8", start + "\xFF", Row::kH3);
    put("with half a surrogate pair", start + "\xED\xA0\x80", Row::kH3);
    put("with an overlong U+0000", start + std::string("\xC0\x80"), Row::kH3);
    put("with U+0000", start + std::string(1, '\0'), legal_if(rule.nul));
    put("with control characters", start + "\n\x01\x7F", legal_if(rule.control));
    put("that is empty", "", legal_if(rule.least == 0));
    if (rule.most == kNoMost) {
      put("of 70,000 bytes", std::string(70'000, 'q'), rule.legal);
    } else {
      put("as long as it may be", std::string(rule.most - utf8.size(), 'q') + utf8, rule.legal);
      put("too long", std::string(rule.most + 1 - utf8.size(), 'q') + utf8, Row::kH3);
    }
    if (rule.kind == Kind::kError) put("with quotes", "M_\"</script>\\", rule.legal);
  }

  std::vector<Spoil>& out_;
  std::string name_;
  size_t index_;
  Result right_;
  std::optional<int64_t> before_;
};

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

std::vector<Spoil> spoils_of(const Asked& asked) {
  std::vector<Spoil> out;
  const auto& results = asked.reply.results;
  for (size_t index = 0; index < results.size(); ++index) {
    if (index != 0 && index + 1 != results.size()) continue;
    std::optional<int64_t> number_before;
    if (index != 0) number_before = results[index - 1].number;
    Spoiler spoiler(out, "result " + std::to_string(index) + ", ", index, results[index],
                    number_before);
    const size_t first = out.size();
    spoiler.spoil_texts();
    // Another device than the one that was asked for.
    const auto is_id = [](const Spoil& spoil) {
      return spoil.name.find("device_id") != spoil.name.npos;
    };
    for (size_t i = first; asked.callback == Callback::kGetDevice && i < out.size(); ++i) {
      if (is_id(out[i])) out[i].row = Row::kH3;
    }
    spoiler.spoil_record();
    spoiler.spoil_numbers();
    spoiler.keep_at_the_last_revisions();
    if (results[index].kind == Kind::kSession) add_state_spoils(out, index);
  }
  add_other_results(asked, out);
  add_numbers_of_results(asked, out);
  add_too_many(asked, out);
  return out;
}

std::vector<Spoil> errors_of(Callback callback) {
  std::vector<Spoil> changed;
  const Result right = error(403, "M_CUSTOM", "Accept the terms first.");
  for (const uint32_t status : {0U, 1U, 200U, 302U, 399U, 400U, 401U, 403U, 404U, 429U, 499U, 500U,
                                503U, 599U, 600U, UINT32_MAX - 1, UINT32_MAX}) {
    const bool legal = status >= 400 && status <= 599 && !(status == 401 && is_uia(callback));
    changed.push_back({"http_status " + std::to_string(status),
                       [status](Reply& reply) { reply.results.front().http_status = status; },
                       legal ? Row::kA16 : Row::kH3});
  }
  constexpr struct {
    std::string_view json;
    bool legal;
  } kExtras[] = {
      {"{}", true},
      {" { \"consent_uri\" : \"https://example.org/\" } ", true},
      {"{\"a\":{\"b\":[1,2,null]}}", true},
      {"[1]", false},
      {"null", false},
      {"{", false},
      {"{\"a\":1}}", false},
      {"{\"a\":1,\"a\":2}", false},
      {"{\"a\":\"\xFF\"}", false},
      // Members that the answer has already.
      {"{\"errcode\":\"M_UNKNOWN_TOKEN\"}", false},
      {"{\"error\":\"CAUSE\"}", false},
      {"{\"retry_after_ms\":1}", false},
      {"{\"\\u0065rrcode\":\"M_UNKNOWN_TOKEN\"}", false},
  };
  for (const auto& extra : kExtras) {
    changed.push_back(
        {"extra_json " + std::string(extra.json),
         [extra](Reply& reply) { reply.results.front().texts[2] = {std::string(extra.json)}; },
         extra.legal ? Row::kA16 : Row::kH3});
  }
  Spoiler spoiler(changed, "", 0, right);
  spoiler.spoil_texts();
  spoiler.spoil_record();
  spoiler.spoil_numbers();
  for (auto& spoil : changed) {
    spoil.apply = [right, apply = std::move(spoil.apply)](Reply& reply) {
      reply.results.insert(reply.results.begin(), right);
      apply(reply);
      reply.status = MXD_HOST_ERROR;
      reply.effect = nullptr;
    };
  }
  return changed;
}

}  // namespace mxd::sweep
