// An answer on its way into a socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/http_message.h"

namespace mxd::server {

class Answer {
 public:
  struct Form {
    bool without_body = false;  // to HEAD
    bool is_http_1_0 = false;
    bool closes = false;  // the connection
  };
  // `date` as in the Date header.
  Answer(Response response, Form form, std::string_view date);

  enum class Sent { kSome, kNoRoom, kNever };
  // Does not block. kNever: the client has gone. Not once it is sent.
  Sent send(int socket);

  bool is_sent() const { return sent_ == head_.size() + body_.size(); }
  std::uint64_t body_bytes_sent() const { return sent_ - std::min(sent_, head_.size()); }
  unsigned status() const { return status_; }

 private:
  unsigned status_;
  std::string head_;
  std::string body_;
  std::size_t sent_ = 0;
};

}  // namespace mxd::server
