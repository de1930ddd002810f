// The thread that makes connections.
#ifndef MXD_BINDINGS_STORE_POSTGRES_CONNECTOR_H
#define MXD_BINDINGS_STORE_POSTGRES_CONNECTOR_H

#include <absl/functional/any_invocable.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "bindings/store/common/log.h"
#include "bindings/store/postgres/pipeline.h"

namespace mxd::store::postgres {

// libpq looks up names and goes through several hosts only where it may block, so that is done
// here. An attempt that fails is followed by a pause that doubles, from kShortest to kLongest, more
// or less by chance, so that many processes don't come back at once. All functions are
// [any-thread].
class Connector {
 public:
  using Clock = std::chrono::steady_clock;

  // What is told on this thread.
  class Listener {
   public:
    // No connection can be made: what waits for one waits in vain. `is_silent`: nor is any answer
    // to be waited for, on those that there are.
    virtual void out_of_reach(bool is_silent) noexcept = 0;

    // What was connected to before this time is not the primary any more, also where it answers.
    virtual void moved(Clock::time_point when) noexcept = 0;

   protected:
    ~Listener() = default;
  };

  // `owns_sessions`: a connection is a session of the server. Throws std::system_error.
  Connector(std::string connection_string, bool owns_sessions, const Log& log, Listener& listener);
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  ~Connector() { stop(); }

  // After the attempt that is under way, which takes some seconds a host at most. Nobody is given,
  // or told, anything after that.
  void stop();

  // Makes a connection, however long it takes, and calls `give` with it on this thread.
  using Give = absl::AnyInvocable<void(PgConnection)>;
  void want(Give give);

  // A connection says nothing any more: looks whether its server still does.
  void doubt();

  // A connection leads to a standby: so may the others.
  void note_standby();

  // Why the last attempt failed, in one line, without a password; empty: it did not.
  std::string trouble() const;

 private:
  static constexpr std::chrono::milliseconds kShortest{50};
  static constexpr std::chrono::milliseconds kLongest{5000};
  static constexpr std::chrono::milliseconds kLook{400};
  static constexpr std::chrono::seconds kLongestSetUp{2};

  void loop();
  bool connect(PgConnection& made);
  void look();
  void note_success();
  void note_failure(const std::string& trouble);
  void give_up(const std::string& trouble, bool is_silent);

  const std::string connection_string_;
  const bool owns_sessions_;
  const Log& log_;
  Listener& listener_;

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::deque<Give> wanted_;
  bool is_in_doubt_ = false;
  std::optional<Clock::time_point> moved_;  // when it was noted
  bool stopping_ = false;
  std::string trouble_;

  std::string last_host_;  // the thread's own: the server that was connected to last
  std::string last_port_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_CONNECTOR_H
