#include "bindings/server/http/answer.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <cerrno>
#include <new>
#include <optional>
#include <utility>

#include "bindings/server/http/client_socket.h"
#include "bindings/server/operation/json_log.h"
#include "matrix_devices/module.h"

namespace mxd::server {
namespace {

// Room for what a head has besides the response's own headers.
constexpr size_t kOwnHeadBytes = 160;

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

Answer::Answer(Response response, Form form, std::string_view date)
    : status_(response.status), closes_(form.closes) {
  try {
    if (!is_bare_failure(response)) {
      write(std::move(response), form, date);
      return;
    }
  } catch (const std::bad_alloc& error) {
    log_message(MXD_LOG_ERROR, error.what());
  }
  status_ = 500;
  closes_ = true;
  ready_head_ = kFailureHead;
  if (!form.without_body) ready_body_ = kFailureBody;
}

void Answer::write(Response&& response, Form form, std::string_view date) {
  namespace http = boost::beast::http;
  const auto reason = http::obsolete_reason(http::int_to_status(status_));
  head_.reserve(response.headers.size() + kOwnHeadBytes);
  head_.append(form.is_http_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ").append(std::to_string(status_));
  head_.append(" ").append(reason.data(), reason.size()).append("\r\n");
  add_header(head_, "Date", date);
  head_.append(response.headers);
  if (status_ != 204 && status_ != 304) {
    add_header(head_, "Content-Length", std::to_string(response.body.size()));
  }
  if (form.closes) {
    add_header(head_, "Connection", "close");
  } else if (form.is_http_1_0) {
    add_header(head_, "Connection", "keep-alive");
  }
  head_.append("\r\n");
  if (!form.without_body) body_ = std::move(response.body);
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

bool Answer::is_being_read(int socket) {
  const std::optional<int> unacknowledged = unacknowledged_bytes(socket);
  return unacknowledged && std::exchange(unacknowledged_, *unacknowledged) != *unacknowledged;
}

}  // namespace mxd::server
