// The raw request target taken apart: path, and the query parameters that matter.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mxd::server {

class RequestTarget {
 public:
  explicit RequestTarget(std::string_view target);

  std::string_view path() const { return path_; }

  struct Parameter {
    bool broken = false;  // given twice, with a broken escape, or not UTF-8
    std::optional<std::string> value;
  };
  // Decoded: '+' is a space, %2B a plus.
  Parameter query(std::string_view name) const;

 private:
  std::string_view path_;
  std::string_view query_;
};

}  // namespace mxd::server
