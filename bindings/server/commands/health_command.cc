#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>
#include <chrono>

#include "bindings/server/commands/command.h"
#include "bindings/server/commands/failure.h"
#include "bindings/server/commands/output.h"
#include "bindings/server/http/listen_address.h"
#include "bindings/server/option_checks.h"

namespace mxd::server {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Error = boost::system::error_code;

// Longer than the server takes to say that its store stands still (health.cc).
constexpr auto kPatience = std::chrono::seconds(5);

void describe_health(CLI::App& app, OperatorOptions& options) {
  app.add_option("--listen", options.listen, "Where the server listens, as it was told")
      ->check(listen_address())
      ->capture_default_str();
}

// One that listens on every address is asked on the loopback.
asio::generic::stream_protocol::endpoint endpoint_of(const ListenAddress& listen) {
  if (!listen.path.empty()) return asio::local::stream_protocol::endpoint(listen.path);
  asio::ip::address address = asio::ip::make_address(listen.host);
  if (address.is_unspecified()) {
    address = address.is_v4() ? asio::ip::address(asio::ip::address_v4::loopback())
                              : asio::ip::address(asio::ip::address_v6::loopback());
  }
  return asio::ip::tcp::endpoint(address, listen.port);
}

// GET /health, once. Throws Failure where no answer comes.
class Question {
 public:
  explicit Question(const ListenAddress& listen) : where_(to_string(listen)), socket_(context_) {
    request_.method(http::verb::get);
    request_.target("/health");
    request_.version(11);
    request_.set(http::field::host, "localhost");
    request_.keep_alive(false);
    socket_.async_connect(endpoint_of(listen), [this](const Error& error) { write(error); });
  }

  const http::response<http::string_body>& answer() {
    context_.run_for(kPatience);
    if (error_) {
      throw Failure(kFailed, "no answer from " + where_ + ": " + error_.message() +
                                 "; is the server running, and is this its --listen?");
    }
    if (!is_answered_) throw Failure(kFailed, "no answer from " + where_ + " within 5 s");
    return answer_;
  }

 private:
  void write(const Error& error) {
    if ((error_ = error)) return;
    http::async_write(socket_, request_, [this](const Error& failed, size_t) { read(failed); });
  }

  void read(const Error& error) {
    if ((error_ = error)) return;
    http::async_read(socket_, buffer_, answer_, [this](const Error& failed, size_t) {
      error_ = failed;
      is_answered_ = !failed;
    });
  }

  const std::string where_;
  asio::io_context context_;
  asio::generic::stream_protocol::socket socket_;
  http::request<http::empty_body> request_;
  boost::beast::flat_buffer buffer_;
  http::response<http::string_body> answer_;
  bool is_answered_ = false;
  Error error_;
};

// The server's words: {"status": "failing", "reason": …}
std::string reason_in(const std::string& body) {
  Error error;
  const boost::json::value document = boost::json::parse(body, error);
  const auto* const object = document.if_object();
  const auto* const reason = object == nullptr ? nullptr : object->if_contains("reason");
  if (error || reason == nullptr || !reason->is_string()) return "it does not say why";
  return std::string(reason->get_string());
}

int ask_health(const OperatorOptions& options) {
  Question question(*parse_listen_address(options.listen));
  const auto& answer = question.answer();
  if (answer.result() != http::status::ok) {
    throw Failure(kFailed, "failing: " + reason_in(answer.body()));
  }
  if (options.json) {
    print_json({{"status", "ok"}});
  } else {
    print_line("ok");
  }
  return kDone;
}

constexpr CommandEntry kCommands[] = {
    {"", "health",
     "Ask a server that runs on this machine whether it works: GET /health. For containers and "
     "supervisors. Exit status 1: it does not, or no answer came within 5 s.",
     "health\n"
     "health --listen unix:/run/matrix-devices/http.sock",
     describe_health, nullptr, ask_health, true},
};

}  // namespace

std::span<const CommandEntry> health_commands() {
  return kCommands;
}

}  // namespace mxd::server
