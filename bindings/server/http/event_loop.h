// A thread, its listening socket, and the connections that came through it.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <ctime>
#include <memory>
#include <thread>
#include <vector>

#include "bindings/server/event.h"
#include "bindings/server/http/connection.h"
#include "bindings/server/http/connection_limits.h"
#include "bindings/server/http/connection_memory.h"
#include "bindings/server/http/listening_socket.h"
#include "bindings/server/http/spare_memory.h"

namespace mxd::server {

using Executor = boost::asio::io_context::executor_type;
using Acceptor =
    boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol, Executor>;

// What the loops of a server have in common.
struct SharedByLoops {
  ConnectionLimit limit;
  IncomingBodies incoming_bodies;
  SpareMemory spare_memory;
  std::vector<std::unique_ptr<class EventLoop>> loops;
};

class EventLoop final : public ConnectionOwner {
 public:
  explicit EventLoop(SharedByLoops& shared);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Before start().
  void listen_on(ListeningSocket socket);

  // The first three are the owner's, who calls them in this order.
  void start(RequestHandler& router, const TrustedProxies& proxies);
  void begin_stop();
  // False: some connections were cut at `deadline`.
  bool end_stop(Clock::time_point deadline);

  // Happens when the loop has finished what it is doing now. Between start() and begin_stop().
  std::shared_ptr<const Event> turn();

  // ---- ConnectionOwner ----

  RequestHandler& router() override { return *router_; }
  const TrustedProxies& proxies() override { return *proxies_; }
  IncomingBodies& incoming_bodies() override { return shared_.incoming_bodies; }
  ConnectionMemory& connection_memory() override { return connection_memory_; }
  std::string_view http_date() noexcept override;
  std::span<char> read_buffer() override { return read_buffer_; }
  bool stopping() const override { return stopping_; }
  bool grace_is_over() const override { return stopping_ && Clock::now() >= grace_ends_; }
  bool is_own_thread() const override;
  void answered(Connection& connection) noexcept override;
  void waits_for_client(Connection& connection) override;
  void is_busy(Connection& connection) override;
  void gone(Connection& connection) override;

 private:
  using Connections =
      boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>>;

  void run();
  void wait_for_everything();
  void end_if_done();

  // Each does nothing where it is done already. They throw std::bad_alloc, and are called again
  // then (O2).
  void wait_for_clients();
  void wait_to_be_woken();
  void wait_for_tick();

  // As many as are in the queue, and no more than this; false: there is no more room.
  bool accept_up_to(size_t most);
  // False: there was no room for it, and none could be made.
  bool open(int socket, int family);
  // For one more connection, by closing another; tells of the limit. False if there is none.
  bool make_room();
  void tell_of_limit() noexcept;
  // Closes the connection that has waited longest for its client, whatever loop it is on: an idle
  // one, or one whose request has come in part only. Each loop looks again before it closes one of
  // its own, since what it told the others is old once it is asked for several. False if there is
  // none.
  bool close_longest_waiting();
  void note_longest_waiting();

  // Has woken() called on the loop's thread. [any-thread]
  void wake() noexcept;
  void woken();
  void take_answers();
  void stop_now();
  void tick();

  SharedByLoops& shared_;
  RequestHandler* router_ = nullptr;
  const TrustedProxies* proxies_ = nullptr;
  bool stopping_ = false;
  Clock::time_point grace_ends_;
  std::time_t date_of_ = 0;
  std::array<char, sizeof "Sun, 06 Nov 1994 08:49:37 GMT"> date_{};
  std::array<char, 32 * 1024> read_buffer_;

  Connections waiting_;  // for their clients, longest first
  Connections busy_;
  size_t count_ = 0;
  std::atomic<Clock::rep> longest_waiting_;  // since when
  bool destroyed_ = false;

  ConnectionMemory connection_memory_;
  // After the above: connections that are destroyed with it still call gone().
  boost::asio::io_context context_;
  Acceptor acceptor_;
  bool accepting_ = false;
  bool paused_ = false;  // for want of room
  boost::asio::posix::basic_stream_descriptor<Executor> wake_;
  std::atomic<Connection*> answers_ = nullptr;  // a stack
  std::atomic<size_t> room_wanted_ = 0;         // of this many connections, by other loops
  std::atomic<bool> stop_wanted_ = false;
  boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, Executor> timer_;
  bool waiting_to_be_woken_ = false;
  bool waiting_for_tick_ = false;
  Event ended_;
  std::thread thread_;
};

}  // namespace mxd::server
