// A connection is driven by run(): it goes on from state to state until there is something to wait
// for. What has been read is parsed until a request is complete; the request goes to the router;
// its answer is written; then the bytes that came after it are parsed. So pipelined requests are
// answered in order, one at a time, and a client that sends faster than it reads is not read from.
#include "bindings/server/http/connection.h"

#include <atomic>
#include <exception>
#include <optional>
#include <utility>

#include "bindings/server/http/answer.h"
#include "bindings/server/http/client_socket.h"
#include "bindings/server/http/request_parser.h"
#include "bindings/server/http/request_reader.h"
#include "bindings/server/operation/json_log.h"
#include "bindings/server/operation/request_counts.h"
#include "matrix_devices/module.hpp"

namespace mxd::server {
namespace {

using boost::system::error_code;

constexpr auto kIdleTime = std::chrono::seconds(60);    // before the first byte of a request
constexpr auto kHeaderTime = std::chrono::seconds(10);  // from there to the end of the header
constexpr auto kBodyTime = std::chrono::seconds(60);    // from there to the end of the body
constexpr auto kWriteTime = std::chrono::seconds(60);   // in which a client reads something
constexpr auto kLingerTime = std::chrono::seconds(3);
constexpr auto kNewTime = std::chrono::seconds(1);  // in which a first request may be on its way
constexpr auto kNever = Clock::time_point::max();

class HttpConnection final : public Connection,
                             public Exchange,
                             public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(Socket socket, ConnectionOwner& owner)
      : owner_(owner), socket_(std::move(socket)), incoming_(owner.incoming_bodies()) {}
  ~HttpConnection() override { owner_.gone(*this); }
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  void start() override {
    peer_ = address_of_peer(fd());
    send_without_delay(fd());
    opened_ = Clock::now();
    next_request();
    readable_ = true;  // mostly
    run();
  }

  void answered() override {
    has_answer_ = true;
    if (state_ == State::kClosed) return in_flight_.reset();  // nobody waits for it any more
    run();
  }

  void tick(Clock::time_point now) override {
    if (state_ == State::kAnswering && answer_->is_being_read(fd())) deadline_ = now + kWriteTime;
    if (now < deadline_) return;
    if (state_ == State::kAnswering) return cut();
    close();
  }

  void begin_stop() override {
    readable_ = true;
    run();
  }

  void close() override {
    if (state_ == State::kClosed) return;
    enter(State::kClosed, kNever);
    incoming_.give_back();
    error_code ignored;
    socket_.close(ignored);
  }

  // ---- Exchange ----

  const Request& request() const override { return request_; }

  void respond(Response response) noexcept override {
    if (responded_.exchange(true)) return;
    response_ = std::move(response);
    if (owner_.is_own_thread() && running_) {
      has_answer_ = true;  // run() goes on with it when the router returns
    } else {
      owner_.answered(*this);
    }
  }

 private:
  enum class State { kIdle, kReceiving, kInFlight, kAnswering, kLingering, kClosed };

  int fd() { return socket_.native_handle(); }

  void enter(State state, Clock::time_point deadline) {
    state_ = state;
    deadline_ = deadline;
    if (state == State::kIdle || state == State::kReceiving) {
      owner_.waits_for_client(*this);
    } else {
      owner_.is_busy(*this);
    }
  }

  static Clock::time_point after(Clock::duration time) { return Clock::now() + time; }

  // What there is no memory for costs this connection, and nothing else (O2).
  void run() noexcept {
    if (running_) return;
    running_ = true;
    const auto self = shared_from_this();
    try {
      while (step()) {
      }
    } catch (const std::exception& error) {
      close();
      log_message(MXD_LOG_ERROR, error.what());
    }
    running_ = false;
  }

  // False: there is something to wait for.
  bool step() {
    switch (state_) {
      case State::kIdle:
      case State::kReceiving:
        return receive();
      case State::kInFlight:
        return has_answer_ && begin_answer();
      case State::kAnswering:
        return write();
      case State::kLingering:
        return linger();
      case State::kClosed:
        return false;
    }
    return false;
  }

  bool wait_for(Socket::wait_type what) {
    bool& waiting = what == Socket::wait_read ? waiting_to_read_ : waiting_to_write_;
    if (std::exchange(waiting, true)) return false;
    socket_.async_wait(what, [self = shared_from_this(), what, &waiting](error_code error) {
      waiting = false;
      if (error) return;  // closed
      if (what == Socket::wait_read) self->readable_ = true;
      self->run();
    });
    return false;
  }

  // ---- Reading ----

  void next_request() {
    enter(State::kIdle, after(kIdleTime));
    has_answer_ = false;
    responded_ = false;
    response_ = {};
    token_ = 0;
    in_body_ = false;
    reader_.begin(owner_.router().max_body_bytes());
    if (owner_.stopping()) readable_ = true;
  }

  bool receive() {
    if (reader_.has_unparsed()) {
      reader_.parse_kept();
      go_on();
    } else if (std::exchange(readable_, false)) {
      read();
    } else if (state_ == State::kIdle && owner_.stopping() && !is_new()) {
      close();
    } else {
      return wait_for(Socket::wait_read);
    }
    return true;
  }

  // Its first request may be on its way.
  bool is_new() const { return answers_ == 0 && Clock::now() < opened_ + kNewTime; }

  void read() {
    const RequestReader::Got got = reader_.read(fd(), owner_.read_buffer());
    if (got == RequestReader::Got::kEnd) return close();
    if (got == RequestReader::Got::kSome) go_on();
  }

  // From what the parser has found.
  void go_on() {
    switch (reader_.parser().state()) {
      case RequestParser::State::kNothing:
        return;
      case RequestParser::State::kHeader:
        return begin_receiving();
      case RequestParser::State::kBody:
        return receive_body();
      case RequestParser::State::kComplete:
      case RequestParser::State::kTooLarge:
        return hand_over();
      case RequestParser::State::kRefused:
        return refuse(reader_.parser().refusal());
    }
  }

  void begin_receiving() {
    if (state_ == State::kReceiving) return;
    enter(State::kReceiving, after(kHeaderTime));
  }

  void receive_body() {
    begin_receiving();
    if (!std::exchange(in_body_, true)) {
      deadline_ = after(kBodyTime);
      if (reader_.waits_to_continue()) send_continue(fd());
    }
    if (!incoming_.grow(reader_.parser().body().size())) refuse(busy_response());
  }

  // ---- In flight ----

  void hand_over() {
    take_request();
    enter(State::kInFlight, kNever);
    in_flight_ = shared_from_this();
    try {
      owner_.router().serve(*this, &token_);
    } catch (const std::exception& error) {  // out of memory; unless it was answered before that
      log_message(MXD_LOG_ERROR, error.what());
      respond(bare_failure());
    }
    if (!has_answer_) watch_client();
  }

  void take_request() {
    incoming_.give_back();
    reader_.fill_in(request_);
    began_ = Clock::now();
    request_.remote_addr =
        owner_.proxies().trusts(peer_)
            ? owner_.proxies().client(peer_, header_lines(request_, "X-Forwarded-For"))
            : peer_;
    is_http_1_0_ = reader_.parser().is_http_1_0();
    // Over the limit: who asks is still to be found out first, so the request goes the usual way;
    // only the connection cannot be used again.
    unread_ = request_.body_too_large;
    close_after_ = unread_ || !reader_.parser().keep_alive();
  }

  // To see that the client has gone while its request is in flight: it has reset the connection.
  // One that has only closed its own half waits for the answer.
  void watch_client() {
    if (std::exchange(watching_, true)) return;
    socket_.async_wait(Socket::wait_error, [self = shared_from_this()](error_code error) {
      if (error || self->state_ != State::kInFlight || self->token_ == 0) return;
      if (is_reset(self->fd())) self->owner_.router().cancel(self->token_);
    });
  }

  // ---- Answering ----

  bool begin_answer() {
    in_flight_.reset();
    enter(State::kAnswering, after(kWriteTime));
    if (owner_.stopping()) {
      close_after_ = close_after_ || owner_.grace_is_over() || !more_has_arrived();
    }
    const Answer::Form form{request_.method == "HEAD", is_http_1_0_, close_after_};
    answer_.emplace(std::move(response_), form, owner_.http_date());
    close_after_ = answer_->closes_connection();
    return true;
  }

  bool more_has_arrived() { return reader_.has_more() || has_unread_bytes(fd()); }

  bool write() {
    while (!answer_->is_sent()) {
      switch (answer_->send(fd())) {
        case Answer::Sent::kSome:
          deadline_ = after(kWriteTime);
          continue;
        case Answer::Sent::kNoRoom:
          return wait_for(Socket::wait_write);
        case Answer::Sent::kNever:
          log_answer(true);
          close();
          return false;
      }
    }
    log_answer(false);
    answer_.reset();
    ++answers_;
    if (!close_after_) {
      next_request();
    } else if (unread_ || reader_.has_more()) {
      begin_linger();
    } else {
      error_code ignored;
      socket_.shutdown(Socket::shutdown_both, ignored);
      close();
    }
    return true;
  }

  // The client does not read. What the system still holds for it is dropped.
  void cut() {
    log_answer(true);
    reset_on_close(fd());
    close();
  }

  void log_answer(bool cut) {
    const RequestLine line{request_.method,
                           request_.target,
                           answer_->status(),
                           answer_->body_bytes_sent(),
                           Clock::now() - began_,
                           request_.remote_addr,
                           cut};
    count_request(line.method, line.target, line.status, line.duration);
    log_request(line);
  }

  // ---- Refusing ----

  void refuse(Response response) {
    incoming_.give_back();
    request_ = {};
    if (in_body_) reader_.fill_in(request_);
    request_.remote_addr = peer_;
    began_ = Clock::now();
    is_http_1_0_ = false;
    close_after_ = true;
    unread_ = true;
    response_ = std::move(response);
    begin_answer();
  }

  // Closing a socket with unread input resets the connection, and the client may lose the answer.
  void begin_linger() {
    enter(State::kLingering, after(kLingerTime));
    reader_.end();
    end_sending(fd());
    readable_ = true;
  }

  bool linger() {
    if (!std::exchange(readable_, false)) return wait_for(Socket::wait_read);
    if (reader_.drop(fd(), owner_.read_buffer()) == RequestReader::Got::kEnd) close();
    return true;
  }

  ConnectionOwner& owner_;
  Socket socket_;
  std::string peer_;
  Clock::time_point opened_;
  size_t answers_ = 0;
  State state_ = State::kIdle;
  Clock::time_point deadline_;
  bool running_ = false;
  bool waiting_to_read_ = false;
  bool waiting_to_write_ = false;

  bool readable_ = false;  // or may be
  RequestReader reader_;
  bool in_body_ = false;
  IncomingBodies::Share incoming_;

  Request request_;
  bool is_http_1_0_ = false;
  Clock::time_point began_;
  mxd_request_token token_ = 0;
  std::shared_ptr<HttpConnection> in_flight_;  // itself, until the request is answered
  bool watching_ = false;

  std::atomic<bool> responded_ = false;
  Response response_;
  bool has_answer_ = false;
  std::optional<Answer> answer_;
  bool close_after_ = false;
  bool unread_ = false;  // the client may still be sending
};

}  // namespace

std::shared_ptr<Connection> make_connection(Socket socket, ConnectionOwner& owner) {
  const ConnectionAllocator<HttpConnection> allocator(owner.connection_memory());
  return std::allocate_shared<HttpConnection>(allocator, std::move(socket), owner);
}

}  // namespace mxd::server
