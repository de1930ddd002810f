#pragma once

#include <optional>
#include <string_view>

#include "module/memory/arena.h"

namespace mxd::http {

// A raw request target (RFC 9112, section 3.2), in its two parts, neither of them decoded.
struct Target {
  std::string_view path;
  std::string_view query;  // without the question mark

  // The absolute form loses its scheme, `http` or `https` in any case, and its authority,
  // whatever that is. Other schemes stay: nobody's path. R13
  static Target split(std::string_view raw) noexcept;
};

// A raw target, or a part of one, as it may be handed on, in the arena: bytes that are not UTF-8,
// U+0000 to U+0020 and U+007F are percent-encoded, nothing else is. R13. @throws std::bad_alloc
std::string_view printable_target(memory::Arena& arena, std::string_view raw);

// What a percent-encoded text stands for; none where an escape is broken. In a query a plus is a
// space. Copies into the arena only what has escapes. @throws std::bad_alloc
std::optional<std::string_view> percent_decode(memory::Arena& arena, std::string_view encoded,
                                               bool in_query);

// With everything escaped but RFC 3986's unreserved characters. @throws std::bad_alloc
std::string_view percent_encode(memory::Arena& arena, std::string_view text);

// One parameter of a query, looked up by its decoded name.
struct QueryParameter {
  enum class State { kAbsent, kGiven, kTwice, kBroken };
  State state = State::kAbsent;
  std::string_view value;  // decoded; with kGiven
};

// @throws std::bad_alloc
QueryParameter find_parameter(memory::Arena& arena, std::string_view query, std::string_view name);

// The target with every parameter of this name cut out. @throws std::bad_alloc
std::string_view without_parameter(memory::Arena& arena, const Target& target,
                                   std::string_view name);

}  // namespace mxd::http
