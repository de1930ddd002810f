#include <algorithm>
#include <limits>
#include <optional>

#include "tests/sweep/fault.h"
#include "tests/sweep/state_spoils.h"
#include "tests/sweep/wrong_sets.h"

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
  add_wrong_sets(out, asked);
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
