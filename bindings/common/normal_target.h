// A request target as every router of a host takes it, in whatever way the request came in.
#pragma once

#include <string>
#include <string_view>

namespace mxd::common {

// `raw` (RFC 9112, section 3.2) in the origin form, as text. R13:
// - The absolute form loses its scheme, `http` or `https` in any case, and its authority, whatever
//   that is; an empty path becomes "/". Other schemes stay as they are: nobody's path.
// - Bytes that are not UTF-8, U+0000 to U+0020 and U+007F are percent-encoded. Nothing else is
//   encoded or decoded.
// What is returned is a part of `raw`, or of `storage` where something had to be written.
std::string_view normal_target(std::string_view raw, std::string& storage);

}  // namespace mxd::common
