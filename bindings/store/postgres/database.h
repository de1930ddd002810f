// A PostgreSQL database, as the engine asks it.
#ifndef MXD_BINDINGS_STORE_POSTGRES_DATABASE_H
#define MXD_BINDINGS_STORE_POSTGRES_DATABASE_H

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bindings/store/common/log.h"
#include "bindings/store/common/outcome.h"
#include "bindings/store/postgres/ask.h"
#include "bindings/store/postgres/connector.h"
#include "bindings/store/postgres/parameters.h"
#include "bindings/store/postgres/rows.h"

namespace mxd::store::postgres {

class IoThread;

// How a database is reached.
struct Target {
  std::string connection_string;  // as libpq takes it; it may hold a password
  size_t connections;
  bool prepares;  // a connection is a session of the server, in which statements are prepared
};

// Connections on a few I/O threads, each with its pipeline. Every statement is one round trip, and
// a transaction of its own, or shares one with other writes (see connection.h): either all of it
// has been done, durably, once it is answered, or nothing.
//
// A connection that is lost is made again, after a while that grows. What was not sent by then goes
// to another one; a read that was is asked again; of a write nobody knows, and it fails. While
// there is no database everything fails within kPatience.
class Database final : private Connector::Listener {
 public:
  // Starts the threads; waits for nothing (see wait_until_connected()). Throws std::system_error,
  // std::bad_alloc.
  Database(Target target, const Log& log);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Answers what is open, and joins the threads.
  ~Database();

  // Takes a statement, and calls one of these, once, on an I/O thread, or at once where it can't be
  // queued:
  //   answered(const Rows&)                  what it throws is logged, and fails it instead
  //   failed(int32_t status) noexcept        UNAVAILABLE, TIMEOUT, INTERNAL, NO_MEMORY
  // Neither may block; both may ask. [any-thread] Throws std::bad_alloc: nothing will be called.
  template <class Answered, class Failed>
  void ask(Kind kind, const Statement& statement, Parameters parameters, Answered answered,
           Failed failed) {
    submit(std::make_unique<AskOf<Answered, Failed>>(kind, statement, std::move(parameters),
                                                     std::move(answered), std::move(failed)));
  }

  // The same, and waits for it: the rows, or why there are none. Not on an I/O thread.
  struct Reply {
    Outcome outcome;
    Rows rows;
  };
  Reply run(Kind kind, const Statement& statement, Parameters parameters);

  // Waits until something can be asked, for as long as connecting takes on a busy machine; where it
  // takes longer, who asks is told. Not on an I/O thread.
  void wait_until_connected();

  // How many writes wait for their commit.
  size_t queued_writes() const noexcept;

  // Why the database can't be reached just now, for a person; empty if it can.
  std::string trouble() const { return connector_.trouble(); }

 private:
  void submit(std::unique_ptr<Ask> ask);
  void out_of_reach(bool is_silent) noexcept override;
  void moved(Connector::Clock::time_point when) noexcept override;

  std::mutex threads_mutex_;  // they are begun while the connector is at work
  std::vector<std::unique_ptr<IoThread>> threads_;
  std::atomic<uint32_t> next_{0};
  Connector connector_;
};

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_DATABASE_H
