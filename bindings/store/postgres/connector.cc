#include "bindings/store/postgres/connector.h"

#include <poll.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <utility>

#include "bindings/store/postgres/connection_string.h"

namespace mxd::store::postgres {

namespace {

// What is answered has been committed durably, whatever the server does for others. Where sessions
// are not ours (behind PgBouncer) it can only be looked at. Stronger settings stay. And nobody
// waits for long where an operator has a table locked, unless it was set otherwise. Plans are made
// once: those of a table that is empty yet would look through all of it when it has grown.
constexpr const char* kSetUp =
    "SELECT set_config('lock_timeout', '5s', false) WHERE current_setting('lock_timeout') = '0';"
    "SELECT set_config('enable_seqscan', 'off', false);"
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') IN ('off', 'local')";
constexpr const char* kNoAnswer = "it does not answer: look whether the server is well";
constexpr const char* kLookForDurability =
    "SELECT 1 WHERE current_setting('synchronous_commit') = 'off'";

// False: it was not ready before the deadline.
bool wait_for(const PGconn* connection, short events, Connector::Clock::time_point deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - Connector::Clock::now());
  pollfd socket{PQsocket(connection), events, 0};
  return left.count() > 0 && ::poll(&socket, 1, static_cast<int>(left.count())) != 0;
}

// The last result of a query, also where the connection was lost; NULL: the server has said nothing
// before the deadline.
Result ask_until(PGconn* connection, const char* sql, Connector::Clock::time_point deadline) {
  if (PQsendQuery(connection, sql) != 1) {
    return Result(PQmakeEmptyPGresult(connection, PGRES_FATAL_ERROR));
  }
  Result last;
  while (true) {
    bool is_connected = true;
    while (is_connected && PQisBusy(connection) != 0) {
      if (!wait_for(connection, POLLIN, deadline)) return nullptr;
      is_connected = PQconsumeInput(connection) == 1;
    }
    Result next(PQgetResult(connection));
    if (next == nullptr) return last;
    last = std::move(next);
  }
}

}  // namespace

Connector::Connector(std::string connection_string, bool owns_sessions, const Log& log,
                     Listener& listener)
    : connection_string_(std::move(connection_string)),
      owns_sessions_(owns_sessions),
      log_(log),
      listener_(listener) {
  thread_ = std::thread([this] { loop(); });
}

void Connector::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Connector::want(Give give) {
  {
    const std::lock_guard lock(mutex_);
    wanted_.push_back(std::move(give));
  }
  work_.notify_one();
}

void Connector::doubt() {
  {
    const std::lock_guard lock(mutex_);
    is_in_doubt_ = true;
  }
  work_.notify_one();
}

void Connector::note_standby() {
  {
    const std::lock_guard lock(mutex_);
    moved_ = Clock::now();
  }
  work_.notify_one();
}

std::string Connector::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void Connector::note_success() {
  std::string before;
  {
    const std::lock_guard lock(mutex_);
    before.swap(trouble_);
  }
  if (!before.empty()) log_.line(MXD_LOG_WARNING, "PostgreSQL is reached again");
}

void Connector::note_failure(const std::string& trouble) {
  bool is_news;
  {
    const std::lock_guard lock(mutex_);
    is_news = trouble != trouble_;
    trouble_ = trouble;
  }
  if (is_news) log_.failure("PostgreSQL can't be reached", trouble.c_str());
}

void Connector::give_up(const std::string& trouble, bool is_silent) {
  note_failure(trouble);
  listener_.out_of_reach(is_silent);
}

void Connector::loop() {
  std::chrono::milliseconds pause{0};
  auto next_attempt = Clock::now();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const bool is_due = !wanted_.empty() && Clock::now() >= next_attempt;
    if (moved_.has_value()) {
      const auto when = *std::exchange(moved_, std::nullopt);
      lock.unlock();
      log_.line(MXD_LOG_WARNING, "PostgreSQL takes no writes any more: looking for the primary");
      listener_.moved(when);
      lock.lock();
    } else if (is_in_doubt_) {
      is_in_doubt_ = false;
      lock.unlock();
      look();
      lock.lock();
    } else if (is_due) {
      lock.unlock();
      PgConnection made;
      const bool is_made = connect(made);
      lock.lock();
      if (is_made) {
        pause = {};
        Give give = std::move(wanted_.front());
        wanted_.pop_front();
        lock.unlock();
        give(std::move(made));
        lock.lock();
      } else {
        pause = std::clamp(2 * pause, kShortest, kLongest);
        const auto half = static_cast<uint32_t>(pause.count() / 2);
        next_attempt =
            Clock::now() + pause / 2 + std::chrono::milliseconds(randombytes_uniform(half + 1));
      }
    } else if (wanted_.empty()) {
      work_.wait(lock);
    } else {
      work_.wait_until(lock, next_attempt);
    }
  }
}

bool Connector::connect(PgConnection& made) {
  made = connect_to(connection_string_);
  if (PQstatus(made.get()) != CONNECTION_OK) {
    give_up(trouble_of(made.get()), false);
    return false;
  }
  const Result looked = ask_until(made.get(), owns_sessions_ ? kSetUp : kLookForDurability,
                                  Clock::now() + kLongestSetUp);
  if (looked == nullptr) {
    give_up(kNoAnswer, false);
    return false;
  }
  if (PQresultStatus(looked.get()) != PGRES_TUPLES_OK) {
    note_failure(trouble_of(made.get()));  // but there is somebody: what waits may go on waiting
    return false;
  }
  if (!owns_sessions_ && PQntuples(looked.get()) != 0) {
    log_.line(MXD_LOG_WARNING,
              "synchronous_commit is off: what was answered can be lost in a crash; write ALTER "
              "ROLE … SET synchronous_commit = on");
  }
  last_host_ = PQhostaddr(made.get());
  if (last_host_.empty()) last_host_ = PQhost(made.get());
  last_port_ = PQport(made.get());
  note_success();
  return true;
}

// It does not have to let us in, only to say something.
void Connector::look() {
  if (last_host_.empty()) return;
  const std::array<const char*, 4> keywords{"host", "port", "sslmode", nullptr};
  const std::array<const char*, 4> values{last_host_.c_str(), last_port_.c_str(), "disable",
                                          nullptr};
  const PgConnection probe(PQconnectStartParams(keywords.data(), values.data(), 0));
  const auto deadline = Clock::now() + kLook;
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  while (PQstatus(probe.get()) == CONNECTION_STARTED || PQstatus(probe.get()) == CONNECTION_MADE ||
         PQstatus(probe.get()) == CONNECTION_AWAITING_RESPONSE) {
    const short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (!wait_for(probe.get(), events, deadline)) return give_up(kNoAnswer, true);
    const bool is_connected = PQstatus(probe.get()) != CONNECTION_STARTED;
    next = PQconnectPoll(probe.get());
    if (next == PGRES_POLLING_FAILED) {
      if (!is_connected) give_up(trouble_of(probe.get()), true);
      return;
    }
  }
}

}  // namespace mxd::store::postgres
