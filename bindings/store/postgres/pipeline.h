// One connection to the server, in libpq's pipeline mode.
#ifndef MXD_BINDINGS_STORE_POSTGRES_PIPELINE_H
#define MXD_BINDINGS_STORE_POSTGRES_PIPELINE_H

#include <libpq-fe.h>
#include <boost/unordered/unordered_flat_map.hpp>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "bindings/store/common/log.h"
#include "bindings/store/postgres/ask.h"
#include "bindings/store/postgres/rows.h"

namespace mxd::store::postgres {

struct CloseConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using PgConnection = std::unique_ptr<PGconn, CloseConnection>;

// Statements go out in batches; a batch is a transaction. A read is answered as it comes in; writes
// are when the batch has been committed. For one thread.
class Pipeline {
 public:
  using Batch = std::vector<std::unique_ptr<Ask>>;
  using Clock = Ask::Clock;

  // Where asks go that are to be asked once more.
  class Again {
   public:
    virtual void ask_again(std::unique_ptr<Ask> ask) noexcept = 0;

   protected:
    ~Again() = default;
  };

  // `connection` is open.
  Pipeline(PgConnection connection, bool prepares, const Log& log);

  int socket() const { return PQsocket(connection_.get()); }

  // Each is false once the connection is lost; then call lose().

  // Sends a batch, or as much of it as the socket takes.
  [[nodiscard]] bool send(Batch batch);
  // Sends what is left over. `wants_to_write` says whether there is more.
  [[nodiscard]] bool flush();
  // Reads what came, and answers it.
  [[nodiscard]] bool receive(Again& again);

  bool wants_to_write() const { return wants_to_write_; }

  // How many asks are on the way.
  size_t in_flight() const { return in_flight_; }

  // When the oldest was sent, or when the server last said something, if that was later.
  Clock::time_point waiting_since() const { return waiting_since_; }

  // Whether a write was refused because the server takes none: it is a standby.
  bool is_standby() const { return is_standby_; }

  Clock::time_point made_at() const { return made_at_; }

  // What is on the way is asked again or fails: reads go elsewhere once, of writes nobody knows.
  void lose(Again& again) noexcept;

 private:
  // What a result will be of, in the order sent.
  struct Expected {
    enum class What : uint8_t { kPrepared, kAnswer, kEnd };
    What what;
    const Statement* statement;  // of kPrepared
    std::unique_ptr<Ask> ask;    // of kAnswer
    Result result;               // of a write, until its batch ends
  };
  using Expecteds = std::vector<Expected>;

  bool send(const Ask& ask);
  bool prepare(const Statement& statement);
  void take(Result result, Again& again);
  void note_failure(const Expected& expected, const PGresult* result);
  void end_batch(Again& again);
  void sort_out(Expecteds batch, Again& again) noexcept;
  void refuse(std::unique_ptr<Ask> ask, const PGresult* result, Again& again) noexcept;
  void answer(std::unique_ptr<Ask> ask, Result result) noexcept;

  PgConnection connection_;
  const bool prepares_;
  const Log& log_;
  boost::unordered_flat_map<const Statement*, std::string> prepared_;  // their names
  uint64_t names_ = 0;
  std::deque<Expected> expected_;
  size_t next_ = 0;  // in expected_: what the next result is of; those before wait for their batch
  bool has_failed_ = false;  // the batch that is coming in
  bool is_lost_ = false;
  bool is_standby_ = false;  // it can't write: nothing that is on the way was done
  bool wants_to_write_ = false;
  size_t in_flight_ = 0;
  Clock::time_point waiting_since_{};
  const Clock::time_point made_at_ = Clock::now();
};

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_PIPELINE_H
