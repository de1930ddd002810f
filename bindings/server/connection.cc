// The only file that knows Beast, which compiles slowly.
//
// The parser is fed by hand: what has been read is parsed until a request is complete; the request
// goes to the router; its answer is written; then the bytes that came behind it are parsed. So
// pipelined requests are answered in order, one at a time, and a client that sends faster than it
// reads is not read from.
#include "server/connection.h"

#include <sys/socket.h>

#include <atomic>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

#include "bindings/common/normal_target.h"
#include "matrix_devices/module.hpp"
#include "server/json_log.h"

namespace mxd::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Clock = std::chrono::steady_clock;
using boost::system::error_code;

constexpr auto kIdleTime = std::chrono::seconds(60);    // before the first byte of a request
constexpr auto kHeaderTime = std::chrono::seconds(10);  // from there to the end of the header
constexpr auto kBodyTime = std::chrono::seconds(60);    // from there to the end of the body
constexpr auto kWriteTime = std::chrono::seconds(60);
constexpr auto kLingerTime = std::chrono::seconds(3);
constexpr std::uint32_t kHeaderBytes = 16 * 1024;
constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr std::size_t kLingerBytes = 16 * 1024 * 1024;

std::string_view std_view(beast::string_view text) {
  return {text.data(), text.size()};
}
beast::string_view beast_view(std::string_view text) {
  return {text.data(), text.size()};
}

// Room for the one handler that takes an answer to its loop, so that none is lost for want of
// memory.
struct HandOverMemory {
  alignas(std::max_align_t) std::byte bytes[128];
};

template <class T>
class HandOverAllocator {
 public:
  using value_type = T;

  explicit HandOverAllocator(HandOverMemory& memory) noexcept : memory_(&memory) {}
  template <class U>
  HandOverAllocator(const HandOverAllocator<U>& other) noexcept : memory_(other.memory_) {}

  T* allocate(std::size_t) noexcept {
    static_assert(sizeof(T) <= sizeof(HandOverMemory));
    static_assert(alignof(T) <= alignof(HandOverMemory));
    return reinterpret_cast<T*>(memory_->bytes);
  }
  void deallocate(T*, std::size_t) noexcept {}

  friend bool operator==(const HandOverAllocator&, const HandOverAllocator&) = default;

 private:
  template <class U>
  friend class HandOverAllocator;

  HandOverMemory* memory_;
};

class HttpConnection final : public Connection,
                             public Exchange,
                             public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(Socket socket, ConnectionOwner& owner)
      : owner_(owner), stream_(std::move(socket)), buffer_(kBufferBytes) {}
  ~HttpConnection() override { owner_.gone(*this); }
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  void start() override {
    guarded([this] {
      error_code error;
      const auto peer = stream_.socket().remote_endpoint(error);
      if (error) return;  // gone already
      peer_ = normal_address(peer.address().to_string()).value_or("");
      stream_.socket().set_option(asio::ip::tcp::no_delay(true), error);
      next_request();
    });
  }

  void close_if_idle() override {
    if (state_ == State::kIdle) stream_.close();
  }

  void close_if_receiving() override {
    if (state_ == State::kIdle || state_ == State::kReading) stream_.close();
  }

  const Request& request() const override { return request_; }

  void respond(Response response) noexcept override {
    if (answered_.exchange(true)) return;
    response_ = std::move(response);
    // On the loop's own thread this begins to write at once, also inside the router.
    asio::dispatch(stream_.get_executor(),
                   asio::bind_allocator(HandOverAllocator<void>(hand_over_memory_),
                                        [this] { guarded([this] { write_response(); }); }));
  }

 private:
  enum class State { kIdle, kReading, kInFlight, kWriting, kClosing };

  // ---- Without memory (O2) ----

  // What there is no memory for costs this connection, and nothing else.
  template <class Work>
  void guarded(Work&& work) noexcept {
    const auto self = shared_from_this();
    try {
      work();
    } catch (const std::exception& error) {
      log_message(MXD_LOG_ERROR, error.what());
      stream_.close();
    }
  }

  // Goes along with an operation of the socket. An operation that is given up half way, because it
  // gets no memory to go on, is destroyed with it: nobody would wait for this connection then.
  class Turn {
   public:
    explicit Turn(std::shared_ptr<HttpConnection> connection)
        : connection_(std::move(connection)) {}
    Turn(Turn&&) = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (connection_ != nullptr) connection_->stream_.close();
    }
    std::shared_ptr<HttpConnection> take() { return std::move(connection_); }

   private:
    std::shared_ptr<HttpConnection> connection_;
  };

  // Makes the handler of an operation: `next(error, size)`, on this connection.
  template <class Next>
  auto then(Next next) {
    return [turn = Turn(shared_from_this()), next](error_code error, std::size_t size = 0) mutable {
      turn.take()->guarded([&] { next(error, size); });
    };
  }

  // ---- Reading ----

  void next_request() {
    state_ = State::kIdle;
    response_ = {};
    answered_ = false;
    token_ = 0;
    parser_.emplace();
    parser_->eager(true);
    parser_->header_limit(kHeaderBytes);
    parser_->body_limit(owner_.router().max_body_bytes());
    in_body_ = false;
    if (buffer_.size() > 0) return parse();
    if (owner_.stopping()) return stream_.close();
    stream_.expires_after(kIdleTime);
    read_more();
  }

  void read_more() {
    stream_.async_read_some(buffer_.prepare(kReadBytes),
                            then([this](error_code error, std::size_t size) {
                              if (error) return;  // closed, timed out: nobody to tell
                              buffer_.commit(size);
                              parse();
                            }));
  }

  void parse() {
    if (state_ == State::kIdle) {
      state_ = State::kReading;
      stream_.expires_after(kHeaderTime);
    }
    while (buffer_.size() > 0) {
      error_code error;
      const std::size_t used = parser_->put(buffer_.data(), error);
      buffer_.consume(used);
      if (error == http::error::body_limit) return serve_without_body();
      if (error == http::error::header_limit) {
        return refuse(error_response(431, "M_TOO_LARGE", "The header is too large."));
      }
      if (error && error != http::error::need_more) return refuse_malformed();
      if (parser_->is_done()) return serve();
      if (error || used == 0) break;
    }
    if (buffer_.size() + kReadBytes > buffer_.max_size()) return refuse_malformed();
    if (parser_->is_header_done() && !in_body_) {
      in_body_ = true;
      stream_.expires_after(kBodyTime);
      if (wants_continue()) return write_continue();
    }
    read_more();
  }

  bool wants_continue() const {
    const auto& header = parser_->get();
    return buffer_.size() == 0 && header.body().empty() && header.version() >= 11 &&
           beast::iequals(header[http::field::expect], "100-continue");
  }

  void write_continue() {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(kContinue), then([this](error_code error, std::size_t) {
                        if (!error) read_more();
                      }));
  }

  // ---- Answering ----

  void take_request() {
    auto& message = parser_->get();
    request_.method = std_view(message.method_string());
    request_.target = common::normal_target(std_view(message.target()), target_);
    request_.body = message.body();
    request_.body_too_large = false;
    request_.headers.clear();
    for (const auto& field : message) {
      request_.headers.push_back(
          {view(std_view(field.name_string())), view(std_view(field.value()))});
    }
    request_.remote_addr =
        owner_.proxies().trusts(peer_)
            ? owner_.proxies().client(peer_, header_lines(request_, "X-Forwarded-For"))
            : peer_;
    close_after_ = !message.keep_alive();
    unread_ = false;
  }

  void serve() {
    const auto& message = parser_->get();
    // Without "chunked" nobody could say where this body ends, and the next request begins.
    if (message.find(http::field::transfer_encoding) != message.end() && !parser_->chunked()) {
      return refuse(error_response(501, "M_UNKNOWN", "Of transfer codings only chunked is known."));
    }
    take_request();
    hand_over();
  }

  // Over the limit. Who asks is still to be found out first, so the request goes the usual way;
  // only the connection cannot be used again.
  void serve_without_body() {
    take_request();
    request_.body = {};
    request_.body_too_large = true;
    close_after_ = true;
    unread_ = true;
    hand_over();
  }

  void hand_over() {
    state_ = State::kInFlight;
    began_ = Clock::now();
    stream_.expires_never();
    in_flight_ = shared_from_this();
    try {
      owner_.router().serve(*this, &token_);
    } catch (const std::exception& error) {  // out of memory; unless it was answered before that
      log_message(MXD_LOG_ERROR, error.what());
      respond(bare_failure());
    }
    if (state_ == State::kInFlight) watch_client();
  }

  // To see that the client has gone while its request is in flight.
  void watch_client() {
    if (watching_) return;
    watching_ = true;
    stream_.socket().async_wait(Socket::wait_read, then([this](error_code error, std::size_t) {
                                  watching_ = false;
                                  if (!error && state_ == State::kInFlight) peek();
                                }));
  }

  void peek() {
    char byte = 0;
    const ssize_t size =
        ::recv(stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    // Bytes are the next request. They also hide what happens behind them: no more watching.
    const bool gone = size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR);
    if (gone && token_ != 0) owner_.router().cancel(token_);
  }

  void write_response() {
    const std::shared_ptr<HttpConnection> self = std::move(in_flight_);
    state_ = State::kWriting;
    close_after_ = close_after_ || owner_.stopping();
    const bool head = request_.method == "HEAD";
    response_bytes_ = head ? 0 : response_.body.size();

    auto& message = message_.emplace();
    message.result(response_.status);
    message.version(parser_->get().version() == 10 ? 10 : 11);
    message.set(http::field::date, beast_view(owner_.http_date()));
    for (const auto& [name, value] : response_.headers)
      message.insert(name, value);
    if (response_.status != 204 && response_.status != 304) {
      message.content_length(response_.body.size());
    }
    if (!head) message.body() = std::move(response_.body);
    message.keep_alive(!close_after_);

    stream_.expires_after(kWriteTime);
    http::async_write(stream_, message,
                      then([this](error_code error, std::size_t) { written(error); }));
  }

  void written(error_code error) {
    log_request({request_.method, request_.target, response_.status, response_bytes_,
                 Clock::now() - began_, request_.remote_addr});
    message_.reset();
    if (error) return stream_.close();
    if (!close_after_) return next_request();
    state_ = State::kClosing;
    if (unread_ || buffer_.size() > 0) return begin_linger();
    error_code ignored;
    stream_.socket().shutdown(Socket::shutdown_both, ignored);
    stream_.close();
  }

  // ---- Refusing ----

  void refuse_malformed() {
    refuse(error_response(400, "M_UNKNOWN", "This is no HTTP/1.1 request."));
  }

  void refuse(Response response) {
    request_ = {};
    request_.remote_addr = peer_;
    began_ = Clock::now();
    close_after_ = true;
    unread_ = true;
    response_ = std::move(response);
    in_flight_ = shared_from_this();
    write_response();
  }

  // Closing a socket with unread input resets the connection, and the client may lose the answer.
  void begin_linger() {
    error_code ignored;
    stream_.socket().shutdown(Socket::shutdown_send, ignored);
    stream_.expires_after(kLingerTime);
    lingered_ = 0;
    linger();
  }

  void linger() {
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(kReadBytes),
                            then([this](error_code error, std::size_t size) {
                              lingered_ += size;
                              if (error || lingered_ > kLingerBytes) return stream_.close();
                              linger();
                            }));
  }

  ConnectionOwner& owner_;
  beast::basic_stream<asio::ip::tcp, asio::io_context::executor_type> stream_;
  beast::flat_buffer buffer_;
  std::string peer_;
  State state_ = State::kIdle;

  std::optional<http::request_parser<http::string_body>> parser_;
  bool in_body_ = false;

  Request request_;
  std::string target_;  // of the request, where it is not as it came
  Clock::time_point began_;
  mxd_request_token token_ = 0;
  std::shared_ptr<HttpConnection> in_flight_;  // itself, until the request is answered
  bool watching_ = false;

  std::atomic<bool> answered_ = false;
  HandOverMemory hand_over_memory_;
  Response response_;
  std::optional<http::response<http::string_body>> message_;
  std::size_t response_bytes_ = 0;
  bool close_after_ = false;
  bool unread_ = false;  // the client may still be sending
  std::size_t lingered_ = 0;
};

}  // namespace

std::shared_ptr<Connection> make_connection(Socket socket, ConnectionOwner& owner) {
  return std::make_shared<HttpConnection>(std::move(socket), owner);
}

}  // namespace mxd::server
