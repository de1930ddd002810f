// A regular expression of RE2, as the store and the server match namespaces with: in time linear in
// the text, whatever an expression is.
#pragma once

#include <re2/re2.h>

#include <memory>
#include <string>
#include <string_view>

namespace mxd::python {

class Expression {
 public:
  // Throws std::invalid_argument with what RE2 says.
  explicit Expression(std::string_view text);

  // From the start of the text, not to its end. accounts.md, T9 [any-thread]
  bool matches_start_of(std::string_view text) const;

  const std::string& text() const { return compiled_->pattern(); }

 private:
  std::unique_ptr<const RE2> compiled_;
};

}  // namespace mxd::python
