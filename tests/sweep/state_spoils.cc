#include "tests/sweep/state_spoils.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "tests/sweep/homeserver.h"

namespace mxd::sweep {
namespace {

constexpr size_t kMostState = 256 * 1024;

using Change = std::function<std::string(std::string)>;

// The member has this value, in JSON; none: it is left out.
Change with(const std::string& name, const std::string& value) {
  return [name, value](const std::string& text) {
    auto state = boost::json::parse(text).as_object();
    if (value.empty()) {
      state.erase(name);
    } else {
      state[name] = boost::json::parse(value);
    }
    return boost::json::serialize(state);
  };
}

Change with_member(const std::string& member) {
  return [member](std::string state) { return "{" + member + "," + state.substr(1); };
}

Change constant(std::string state) {
  return [state = std::move(state)](const std::string&) { return state; };
}

Change padded_to(size_t size) {
  return [size](std::string state) { return state + std::string(size - state.size(), ' '); };
}

}  // namespace

void add_state_spoils(std::vector<Spoil>& out, size_t index) {
  const std::string expires = "expires_ms";
  const struct {
    const char* name;
    Change change;
    Row row;
  } states[] = {
      {"of no bytes", constant(""), Row::kH3},
      {"of no JSON", constant("CAUSE"), Row::kH3},
      {"of no object", constant("[]"), Row::kH3},
      {"of an empty object", constant("{}"), Row::kH3},
      {"that is not UTF-8", constant("{\"a\":\"\xFF\"}"), Row::kH3},
      {"with U+0000", constant(std::string("{\0}", 3)), Row::kH3},
      {"cut in half", [](const std::string& s) { return s.substr(0, s.size() / 2); }, Row::kH3},
      {"cut by a byte", [](const std::string& s) { return s.substr(0, s.size() - 1); }, Row::kH3},
      {"twice", [](const std::string& s) { return s + s; }, Row::kH3},
      {"of 256 KiB", padded_to(kMostState), Row::kAsWithout},
      {"over 256 KiB", padded_to(kMostState + 1), Row::kH3},
      {"that is too deep", with_member("\"x\":" + std::string(40, '[') + std::string(40, ']')),
       Row::kH3},
      {"with a member twice", with_member("\"user\":\"@alice:example.org\""), Row::kH3},
      {"with a member of a later version", with_member(std::string(kLaterMember)), Row::kAsWithout},
      {"that must be understood", with_member("\"must\":[\"later\"]"), Row::kU9},
      {"whose must is no list", with_member("\"must\":\"later\""), Row::kH3},
      {"that is dead",
       [](const std::string& s) {
         return s.find("\"dead\"") == s.npos ? with_member("\"dead\":true")(s) : s;
       },
       Row::kU6a},
      {"whose dead is no boolean", with_member("\"dead\":1"), Row::kH3},
      {"of another user", with("user", "\"@mallory:example.org\""), Row::kU10},
      {"without a user", with("user", ""), Row::kH3},
      {"without a digest", with("digest", ""), Row::kH3},
      {"of another digest", with("digest", "\"zzzz\""), Row::kAny},
      {"that expired at 0", with(expires, "0"), Row::kU9},
      {"that expired at 1", with(expires, "1"), Row::kU9},
      {"that expires at -1", with(expires, "-1"), Row::kH3},
      {"that expires at 2^53", with(expires, "9007199254740992"), Row::kAsWithout},
      {"that expires after 2^53", with(expires, "9007199254740993"), Row::kH3},
      {"that expires last", with(expires, "9223372036854775807"), Row::kH3},
      {"that expires beyond any number", with(expires, "18446744073709551615"), Row::kH3},
      {"that expires in a text", with(expires, "\"soon\""), Row::kH3},
      {"whose completed is no list", with("completed", "{}"), Row::kH3},
      {"whose completed has no types", with("completed", "[{}]"), Row::kH3},
  };
  out.push_back({"state that is NULL and has a size",
                 [index](Reply& reply) { reply.results[index].texts[0].no_data = true; },
                 Row::kH3});
  for (const auto& [name, change, row] : states) {
    out.push_back({"state " + std::string(name),
                   [index, apply = change](Reply& reply) {
                     Text& state = reply.results[index].texts[0];
                     state.bytes = apply(state.bytes);
                   },
                   row});
  }
}

}  // namespace mxd::sweep
