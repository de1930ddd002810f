#include "bindings/python/core/expression.h"

#include <stdexcept>

namespace mxd::python {
namespace {

re2::StringPiece piece(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

Expression::Expression(std::string_view text)
    : compiled_(std::make_unique<const RE2>(piece(text), RE2::Quiet)) {
  if (!compiled_->ok()) throw std::invalid_argument(compiled_->error());
}

bool Expression::matches_start_of(std::string_view text) const {
  return compiled_->Match(piece(text), 0, text.size(), RE2::ANCHOR_START, nullptr, 0);
}

}  // namespace mxd::python
