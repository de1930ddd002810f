// A request out of bytes, and where it ends and the next begins. Beast parses; this is stricter
// where two readers of a message could come to different ends.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/server/http/http_message.h"

namespace mxd::server {

class RequestParser final : private boost::beast::http::basic_parser<true> {
 public:
  enum class State {
    kNothing,   // of the request; empty lines before it are passed over (O11)
    kHeader,    // more of it is needed
    kBody,      // more of it is needed
    kComplete,  // put() has taken the last byte of it
    kTooLarge,  // its body is over the limit: the header is complete, the rest is not to be parsed
    kRefused,   // refusal() says why
  };

  explicit RequestParser(uint64_t max_body_bytes);
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Takes what it can of `bytes`, and says how much that was; what is left comes again, with more
  // after it. Not for kComplete, kTooLarge, kRefused. Throws std::bad_alloc.
  size_t put(std::string_view bytes);

  State state() const { return state_; }
  Response refusal() const;

  // ---- From kBody on ----

  std::string_view method() const { return part(method_); }
  std::string_view target() const { return part(target_); }
  // Of the header only: trailer fields are dropped, whatever they are called (O10).
  const std::vector<mxd_header>& headers() const { return headers_; }
  bool is_http_1_0() const { return version_ == 10; }
  bool keep_alive() const { return keep_alive_; }
  bool expects_continue() const { return expects_continue_; }
  const std::string& body() const { return body_; }

 private:
  using ErrorCode = boost::system::error_code;
  using Text = boost::beast::string_view;

  struct Part {  // of text_
    size_t at = 0;
    size_t size = 0;
  };
  struct Field {
    Part name;
    Part value;
  };

  void on_request_impl(boost::beast::http::verb, Text method, Text target, int version,
                       ErrorCode& error) override;
  void on_response_impl(int, Text, int, ErrorCode&) override {}
  void on_field_impl(boost::beast::http::field name, Text name_text, Text value,
                     ErrorCode& error) override;
  void on_header_impl(ErrorCode& error) override;
  void on_body_init_impl(const boost::optional<uint64_t>& length, ErrorCode&) override;
  size_t on_body_impl(Text bytes, ErrorCode&) override;
  void on_chunk_header_impl(uint64_t size, Text extension, ErrorCode& error) override;
  size_t on_chunk_body_impl(uint64_t left, Text bytes, ErrorCode&) override;
  void on_finish_impl(ErrorCode&) override {}

  size_t skip_empty_lines(std::string_view bytes) const;
  void refuse(unsigned status, std::string_view text, ErrorCode& error);
  Part keep(Text text);
  std::string_view part(Part part) const {
    return std::string_view(text_).substr(part.at, part.size);
  }

  const uint64_t max_body_bytes_;
  State state_ = State::kNothing;
  unsigned refusal_status_ = 0;
  std::string_view refusal_text_;

  std::string text_;  // of the header
  Part method_;
  Part target_;
  std::vector<Field> fields_;
  std::vector<mxd_header> headers_;
  int version_ = 11;
  size_t hosts_ = 0;
  size_t lengths_ = 0;
  size_t codings_ = 0;        // transfer codings
  size_t other_codings_ = 0;  // but chunked
  bool keep_alive_ = false;
  bool expects_continue_ = false;
  std::string body_;
};

}  // namespace mxd::server
