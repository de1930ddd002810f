#include "bindings/server/http/request_reader.h"

#include <sys/socket.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "bindings/common/normal_target.h"

namespace mxd::server {
namespace {

using Got = RequestReader::Got;

constexpr size_t kMostDropped = 16 * 1024 * 1024;

struct Received {
  Got got;
  std::string_view bytes;  // in the buffer, of kSome
};

Received receive(int socket, std::span<char> buffer) noexcept {
  const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return {Got::kNothing, {}};
  if (size <= 0) return {Got::kEnd, {}};
  return {Got::kSome, {buffer.data(), static_cast<size_t>(size)}};
}

}  // namespace

void RequestReader::begin(uint64_t max_body_bytes) {
  parser_.emplace(max_body_bytes);
  if (at_ == kept_.size()) {
    kept_ = {};
    at_ = 0;
  }
  has_unparsed_ = !kept_.empty();
}

void RequestReader::parse_kept() {
  has_unparsed_ = false;
  at_ += parser_->put(std::string_view(kept_).substr(at_));
  if (at_ == kept_.size()) {
    kept_.clear();
    at_ = 0;
  }
}

Got RequestReader::read(int socket, std::span<char> buffer) {
  const auto [got, bytes] = receive(socket, buffer);
  if (got != Got::kSome) return got;
  if (kept_.empty()) {
    const size_t used = parser_->put(bytes);
    kept_.assign(bytes.substr(used));
  } else {
    kept_.erase(0, at_);
    at_ = 0;
    kept_.append(bytes);
    parse_kept();
  }
  return got;
}

bool RequestReader::waits_to_continue() const {
  return parser_->expects_continue() && parser_->body().empty() && kept_.empty();
}

void RequestReader::fill_in(Request& request) {
  request.method = parser_->method();
  request.target = common::normal_target(parser_->target(), target_);
  request.body_too_large = parser_->state() == RequestParser::State::kTooLarge;
  request.body = request.body_too_large ? std::string_view() : parser_->body();
  request.headers = parser_->headers();
}

void RequestReader::end() {
  parser_.reset();
  kept_ = {};
  dropped_ = 0;
}

Got RequestReader::drop(int socket, std::span<char> buffer) {
  const auto [got, bytes] = receive(socket, buffer);
  dropped_ += bytes.size();
  return dropped_ > kMostDropped ? Got::kEnd : got;
}

}  // namespace mxd::server
