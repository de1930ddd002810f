#include "bindings/server/http/request_parser.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

#include "matrix_devices/module.hpp"

namespace mxd::server {
namespace {

namespace http = boost::beast::http;

constexpr uint32_t kHeaderBytes = 16 * 1024;
constexpr size_t kUsualHeaderBytes = 512;
constexpr size_t kUsualFields = 16;
// What is still to come of a chunked body is never less: Beast asserts it.
constexpr size_t kLastChunkBytes = 5;

// How a callback of ours ends the parsing.
constexpr http::error kRefusal = http::error::bad_value;
constexpr http::error kOverLimit = http::error::body_limit;
constexpr http::error kLastChunk = http::error::end_of_stream;

absl::string_view absl_view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

bool is_number(boost::beast::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

// RFC 3986: a name or an address, and perhaps a port. What stands in it is looked at no further.
bool is_host(boost::beast::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(c) || absl::StrContains("-._~%!$&'()*+,;=:[]", c);
  });
}

}  // namespace

RequestParser::RequestParser(uint64_t max_body_bytes) : max_body_bytes_(max_body_bytes) {
  eager(true);
  header_limit(kHeaderBytes);
  body_limit(boost::none);  // ours is looked at below
}

size_t RequestParser::put(std::string_view bytes) {
  size_t used = 0;
  if (state_ == State::kNothing) {
    used = skip_empty_lines(bytes);
    bytes.remove_prefix(used);
    if (bytes.empty() || bytes == "\r") return used;
    // Not before: an idle connection has a parser, too.
    text_.reserve(kUsualHeaderBytes);
    fields_.reserve(kUsualFields);
    state_ = State::kHeader;
  }
  if (state_ == State::kBody && chunked() && bytes.size() < kLastChunkBytes) return used;
  ErrorCode error;
  const size_t parsed = basic_parser::put({bytes.data(), bytes.size()}, error);
  used += parsed;
  bytes.remove_prefix(parsed);
  if (error == kLastChunk) {
    // Beast has seen that the trailer is complete; it is not asked to read it.
    used += bytes.find("\r\n\r\n") + 4;
    state_ = State::kComplete;
  } else if (error == kOverLimit) {
    state_ = State::kTooLarge;
  } else if (error == http::error::header_limit) {
    refuse(431, "The header is too large.", error);
  } else if (error && error != http::error::need_more) {
    if (state_ != State::kRefused) refuse(400, "This is no HTTP/1.1 request.", error);
  } else if (is_done()) {
    state_ = State::kComplete;
  } else if (is_header_done()) {
    state_ = State::kBody;
    // All else is taken as it comes.
    if (bytes.size() >= kHeaderBytes) refuse(400, "A line between chunks is too long.", error);
  }
  return used;
}

Response RequestParser::refusal() const {
  return error_response(refusal_status_, refusal_status_ == 431 ? "M_TOO_LARGE" : "M_UNKNOWN",
                        refusal_text_);
}

size_t RequestParser::skip_empty_lines(std::string_view bytes) const {
  size_t at = 0;
  while (true) {
    const std::string_view rest = bytes.substr(at);
    if (rest.starts_with("\r\n")) {
      at += 2;
    } else if (rest.starts_with('\n')) {
      at += 1;
    } else {
      return at;
    }
  }
}

void RequestParser::refuse(unsigned status, std::string_view text, ErrorCode& error) {
  state_ = State::kRefused;
  refusal_status_ = status;
  refusal_text_ = text;
  error = kRefusal;
}

RequestParser::Part RequestParser::keep(Text text) {
  const Part part{text_.size(), text.size()};
  text_.append(text.data(), text.size());
  return part;
}

void RequestParser::on_request_impl(http::verb, Text method, Text target, int version, ErrorCode&) {
  method_ = keep(method);
  target_ = keep(target);
  version_ = version;
}

void RequestParser::on_field_impl(http::field name, Text name_text, Text value, ErrorCode& error) {
  // Beast's limit is for what comes at once.
  if (text_.size() + name_text.size() + value.size() > kHeaderBytes) {
    error = http::error::header_limit;
    return;
  }
  fields_.push_back({keep(name_text), keep(value)});
  switch (name) {
    case http::field::host:
      ++hosts_;
      if (!is_host(value)) refuse(400, "The Host header is no host.", error);
      break;
    case http::field::content_length:
      ++lengths_;
      if (!is_number(value)) refuse(400, "Content-Length is no number.", error);
      break;
    case http::field::transfer_encoding:
      for (const absl::string_view listed : absl::StrSplit(absl_view(value), ',')) {
        const absl::string_view coding = absl::StripAsciiWhitespace(listed);
        if (coding.empty()) continue;
        ++codings_;
        if (!absl::EqualsIgnoreCase(coding, "chunked")) ++other_codings_;
      }
      if (codings_ == 0) refuse(400, "Transfer-Encoding names no coding.", error);
      break;
    case http::field::expect:
      expects_continue_ = absl::EqualsIgnoreCase(absl_view(value), "100-continue");
      break;
    default:
      break;
  }
}

void RequestParser::on_header_impl(ErrorCode& error) {
  headers_.reserve(fields_.size());
  for (const Field& field : fields_) {
    headers_.push_back({view(part(field.name)), view(part(field.value))});
  }
  // RFC 9112, 6.1: the framing of HTTP/1.0 knows no chunks; what stands after them may be a part.
  keep_alive_ = basic_parser::keep_alive() && (codings_ == 0 || version_ == 11);
  if (version_ != 11) expects_continue_ = false;

  if (hosts_ > 1 || (hosts_ == 0 && version_ == 11)) {
    return refuse(400, "A request has one Host header.", error);
  }
  if (lengths_ > 1 || (lengths_ == 1 && codings_ > 0)) {
    return refuse(400, "A request has one length: Content-Length, once, or Transfer-Encoding.",
                  error);
  }
  if (other_codings_ > 0) {
    return refuse(501, "Of transfer codings only chunked is known.", error);
  }
  if (codings_ > 1 || (codings_ == 1) != chunked()) {
    return refuse(400, "Transfer-Encoding is chunked, once.", error);
  }
  if (content_length().value_or(0) > max_body_bytes_) error = kOverLimit;
}

void RequestParser::on_body_init_impl(const boost::optional<uint64_t>& length, ErrorCode&) {
  // Memory that nothing is written to costs nothing.
  if (length) body_.reserve(static_cast<size_t>(*length));
}

size_t RequestParser::on_body_impl(Text bytes, ErrorCode&) {
  body_.append(bytes.data(), bytes.size());
  return bytes.size();
}

void RequestParser::on_chunk_header_impl(uint64_t size, Text, ErrorCode& error) {
  if (size == 0) error = kLastChunk;
  if (size > max_body_bytes_ - body_.size()) error = kOverLimit;
}

size_t RequestParser::on_chunk_body_impl(uint64_t, Text bytes, ErrorCode&) {
  body_.append(bytes.data(), bytes.size());
  return bytes.size();
}

}  // namespace mxd::server
