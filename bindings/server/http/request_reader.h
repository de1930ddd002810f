// What a client sends, as requests: reads from its socket, has one request after the other parsed,
// and keeps what came after a request until it is that one's turn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "bindings/server/http/http_message.h"
#include "bindings/server/http/request_parser.h"

namespace mxd::server {

class RequestReader {
 public:
  // What a read has found. kEnd: no more will come, since the client has closed, or has gone.
  enum class Got { kSome, kNothing, kEnd };

  // For the next request. What has been kept is its beginning.
  void begin(uint64_t max_body_bytes);

  // Whether something has been kept that the parser has not seen; it is not to be read before that.
  bool has_unparsed() const { return has_unparsed_; }
  void parse_kept();

  // Reads once, into `buffer`, and has that parsed. Of a request that is cut short nothing is made.
  // It and the above throw std::bad_alloc.
  Got read(int socket, std::span<char> buffer);

  const RequestParser& parser() const { return *parser_; }
  // Whether its client waits to be told to send the body.
  bool waits_to_continue() const;
  // Whether more has been read than belongs to the request.
  bool has_more() const { return !kept_.empty(); }
  // The request, from its body on; all but who sends it. Its views are good until begin() or end().
  // @throws std::bad_alloc
  void fill_in(Request& request);

  // There is no next request. What still comes is read to be dropped: no more than 16 MiB of it.
  void end();
  Got drop(int socket, std::span<char> buffer);

 private:
  std::optional<RequestParser> parser_;
  std::string target_;  // of the request, where it is not as it came
  std::string kept_;    // what has been read and not parsed: from at_ on
  size_t at_ = 0;
  bool has_unparsed_ = false;
  size_t dropped_ = 0;
};

}  // namespace mxd::server
