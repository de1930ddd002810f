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
  // `date` as in the Date header. @throws std::bad_alloc
  Answer(Response response, Form form, std::string_view date);

  // O2: 500, ready-made, for where there is no memory for another. The connection is to be closed.
  struct Failure {};
  Answer(Failure failure, bool without_body) noexcept;

  enum class Sent { kSome, kNoRoom, kNever };
  // Does not block. kNever: the client has gone. Not once it is sent.
  Sent send(int socket);

  bool is_sent() const { return sent_ == head().size() + body().size(); }
  uint64_t body_bytes_sent() const { return sent_ - std::min(sent_, head().size()); }
  unsigned status() const { return status_; }

 private:
  std::string_view head() const { return ready_head_.empty() ? head_ : ready_head_; }
  std::string_view body() const { return ready_head_.empty() ? body_ : ready_body_; }

  unsigned status_;
  std::string head_;
  std::string body_;
  std::string_view ready_head_;  // constants, if not empty
  std::string_view ready_body_;
  size_t sent_ = 0;
};

}  // namespace mxd::server
