#include "bindings/server/http/answer.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <cerrno>
#include <utility>

namespace mxd::server {
namespace {

constexpr size_t kUsualHeadBytes = 512;

void add_field(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

iovec piece(std::string_view of, size_t from) {
  from = std::min(from, of.size());
  return {const_cast<char*>(of.data()) + from, of.size() - from};  // which is only read
}

constexpr std::string_view kFailureHead =
    "HTTP/1.1 500 Internal Server Error\r\n"
    "Access-Control-Allow-Origin: *\r\n"
    "Cache-Control: no-store\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 69\r\n"
    "Connection: close\r\n"
    "\r\n";
constexpr std::string_view kFailureBody =
    R"({"errcode":"M_UNKNOWN","error":"Something went wrong on the server."})";
static_assert(kFailureBody.size() == 69);

}  // namespace

Answer::Answer(Response response, Form form, std::string_view date) : status_(response.status) {
  namespace http = boost::beast::http;
  const auto reason = http::obsolete_reason(http::int_to_status(status_));
  head_.reserve(kUsualHeadBytes);
  head_.append(form.is_http_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ").append(std::to_string(status_));
  head_.append(" ").append(reason.data(), reason.size()).append("\r\n");
  add_field(head_, "Date", date);
  for (const auto& [name, value] : response.headers)
    add_field(head_, name, value);
  if (status_ != 204 && status_ != 304) {
    add_field(head_, "Content-Length", std::to_string(response.body.size()));
  }
  if (form.closes) {
    add_field(head_, "Connection", "close");
  } else if (form.is_http_1_0) {
    add_field(head_, "Connection", "keep-alive");
  }
  head_.append("\r\n");
  if (!form.without_body) body_ = std::move(response.body);
}

Answer::Answer(Failure, bool without_body) noexcept : status_(500), ready_head_(kFailureHead) {
  if (!without_body) ready_body_ = kFailureBody;
}

Answer::Sent Answer::send(int socket) {
  iovec pieces[] = {piece(head(), sent_), piece(body(), sent_ - std::min(sent_, head().size()))};
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = std::size(pieces);
  const ssize_t size = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (size >= 0) {
    sent_ += static_cast<size_t>(size);
    return Sent::kSome;
  }
  if (errno == EINTR) return Sent::kSome;
  return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ? Sent::kNoRoom : Sent::kNever;
}

}  // namespace mxd::server
