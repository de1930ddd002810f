// What matrix-devices-server is measured against: Boost.Beast as plain as it comes, one event loop
// a core, which reads requests and returns the same bytes to all of them. It looks at no token and
// keeps nothing.
//
//   mxd_bare_server PORT THREADS BODY_FILE
//
// Prints "listening" once it does. Ends with SIGTERM.
#include <sys/socket.h>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

// As the server's own limits are.
constexpr uint32_t kHeaderLimit = 16 * 1024;
constexpr uint64_t kBodyLimit = 1024 * 1024;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Socket socket, const std::string& body) : socket_(std::move(socket)), body_(body) {}

  void read() {
    parser_.emplace();
    parser_->header_limit(kHeaderLimit);
    parser_->body_limit(kBodyLimit);
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, size_t) {
                       if (!error) self->answer();
                     });
  }

 private:
  void answer() {
    response_ = {http::status::ok, 11};
    response_.set(http::field::content_type, "application/json");
    response_.set(http::field::access_control_allow_origin, "*");
    response_.set(http::field::access_control_allow_methods, "GET, POST, PUT, DELETE, OPTIONS");
    response_.set(http::field::access_control_allow_headers,
                  "X-Requested-With, Content-Type, Authorization");
    response_.set(http::field::cache_control, "no-store");
    response_.keep_alive(parser_->get().keep_alive());
    response_.body() = body_;
    response_.prepare_payload();
    http::async_write(socket_, response_,
                      [self = shared_from_this()](beast::error_code error, size_t) {
                        if (!error && self->response_.keep_alive()) self->read();
                      });
  }

  Socket socket_;
  const std::string& body_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
};

class Loop {
 public:
  Loop(uint16_t port, const std::string& body)
      : acceptor_(context_), stop_(context_, SIGTERM, SIGINT), body_(body) {
    acceptor_.open(asio::ip::tcp::v4());
    acceptor_.set_option(asio::socket_base::reuse_address(true));
    const int on = 1;
    if (::setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
      std::perror("SO_REUSEPORT");
      std::exit(1);
    }
    acceptor_.bind({asio::ip::address_v4::loopback(), port});
    acceptor_.listen();
    stop_.async_wait([this](beast::error_code, int) { context_.stop(); });
  }

  void run() {
    accept();
    context_.run();
  }

 private:
  void accept() {
    acceptor_.async_accept([this](beast::error_code error, Socket socket) {
      if (error) return;
      socket.set_option(asio::ip::tcp::no_delay(true));
      std::make_shared<Connection>(std::move(socket), body_)->read();
      accept();
    });
  }

  asio::io_context context_{1};
  Acceptor acceptor_;
  asio::basic_signal_set<Executor> stop_;
  const std::string& body_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s PORT THREADS BODY_FILE\n", argv[0]);
    return 2;
  }
  std::ifstream file(argv[3], std::ios::binary);
  if (!file) {
    std::perror(argv[3]);
    return 1;
  }
  const std::string body{std::istreambuf_iterator<char>(file), {}};
  const auto port = static_cast<uint16_t>(std::strtoul(argv[1], nullptr, 10));
  std::vector<std::unique_ptr<Loop>> loops;
  for (unsigned long i = 0; i < std::strtoul(argv[2], nullptr, 10); ++i)
    loops.push_back(std::make_unique<Loop>(port, body));
  std::vector<std::thread> threads;
  for (const std::unique_ptr<Loop>& loop : loops)
    threads.emplace_back([&loop] { loop->run(); });
  std::puts("listening");
  std::fflush(stdout);
  for (std::thread& thread : threads)
    thread.join();
  return 0;
}
