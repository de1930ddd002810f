// An answer on its way into a socket.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bindings/server/http/http_message.h"

namespace mxd::server {

class Answer {
 public:
  struct Form {
    bool without_body = false;  // to HEAD
    bool is_http_1_0 = false;
    bool closes = false;  // the connection
  };
  // `date` as in the Date header. Where there is no memory for it, and of a bare_failure(), it is
  // 500, ready-made, and closes the connection (O2).
  Answer(Response response, Form form, std::string_view date);

  enum class Sent { kSome, kNoRoom, kNever };
  // Does not block. kNever: the client has gone. Not once it is sent.
  Sent send(int socket);
  // Whether the client has read since this was last asked. The system takes more of an answer only
  // when a good part of what it has is read: that a client reads at all is seen from what is on its
  // way.
  bool is_being_read(int socket);

  bool is_sent() const { return sent_ == head().size() + body().size(); }
  uint64_t body_bytes_sent() const { return sent_ - std::min(sent_, head().size()); }
  unsigned status() const { return status_; }
  bool closes_connection() const { return closes_; }

 private:
  void write(Response&& response, Form form, std::string_view date);
  std::string_view head() const { return ready_head_.empty() ? head_ : ready_head_; }
  std::string_view body() const { return ready_head_.empty() ? body_ : ready_body_; }

  unsigned status_;
  std::string head_;
  std::string body_;
  std::string_view ready_head_;  // constants, if not empty
  std::string_view ready_body_;
  size_t sent_ = 0;
  bool closes_;
  int unacknowledged_ = 0;
};

}  // namespace mxd::server
