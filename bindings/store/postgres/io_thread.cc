#include "bindings/store/postgres/io_thread.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <iterator>
#include <new>
#include <utility>

namespace mxd::store::postgres {

namespace asio = boost::asio;

IoThread::IoThread(size_t connections, bool prepares, Connector& connector, const Log& log)
    : prepares_(prepares),
      connector_(connector),
      log_(log),
      work_(asio::make_work_guard(context_)),
      clock_(context_) {
  const size_t for_writes = std::max<size_t>(connections / 2, 1);
  for (size_t i = 0; i < connections; ++i)
    slots_.push_back(std::make_unique<Slot>(context_, i < for_writes));
  for (const std::unique_ptr<Slot>& slot : slots_)
    make(*slot);
  thread_ = std::thread([this] { run(); });
}

void IoThread::stop() {
  if (!thread_.joinable()) return;
  asio::post(context_, [this] {
    stopping_ = true;
    take_in();
    end_if_done();
  });
  thread_.join();
}

void IoThread::run() {
  id_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  while (true) {
    try {
      context_.run();
      return;
    } catch (const std::bad_alloc&) {
      log_.failure("PostgreSQL", "no memory");  // what was being dealt with has failed
    }
  }
}

// Without memory to queue it, it fails: that is what its end means.
void IoThread::submit(std::unique_ptr<Ask> ask) noexcept try {
  if (open_.load(std::memory_order_relaxed) >= kMaxOpen) return ask->fail(MXD_UNAVAILABLE);
  ask->since = Clock::now();
  ask->open.in(open_);
  if (!ask->is_read()) ask->open_write.in(writes_open_);
  const std::lock_guard lock(mutex_);
  // First, so that nothing is queued that nobody takes in.
  if (incoming_.empty()) asio::post(context_, [this] { take_in(); });
  incoming_.push_back(std::move(ask));
} catch (const std::bad_alloc&) {
  log_.failure("PostgreSQL", "no memory to ask with");
}

void IoThread::out_of_reach(bool is_silent) {
  asio::post(context_, [this, is_silent] {
    for (const std::unique_ptr<Slot>& slot : slots_) {
      if (is_silent && slot->pipeline != nullptr) lose(*slot);
    }
    fail_waiting(Clock::now());
    end_if_done();
  });
}

// Reads that went on there would be answered with what was.
void IoThread::moved(Clock::time_point when) {
  asio::post(context_, [this, when] {
    for (const std::unique_ptr<Slot>& slot : slots_) {
      if (slot->pipeline != nullptr && slot->pipeline->made_at() < when) lose(*slot);
    }
    end_if_done();
  });
}

void IoThread::make(Slot& slot) {
  connector_.want([this, &slot](PgConnection connection) {
    // Shared: what is posted has to be copied.
    auto made = std::make_shared<PgConnection>(std::move(connection));
    asio::post(context_, [this, &slot, made] { use(slot, std::move(*made)); });
  });
}

void IoThread::use(Slot& slot, PgConnection connection) {
  if (stopping_ && is_idle()) return end_if_done();
  slot.pipeline = std::make_unique<Pipeline>(std::move(connection), prepares_, log_);
  slot.socket.assign(slot.pipeline->socket());
  wait_to_read(slot);
  send();
}

void IoThread::take_in() {
  Queue incoming;
  {
    const std::lock_guard lock(mutex_);
    incoming.swap(incoming_);
  }
  for (std::unique_ptr<Ask>& ask : incoming) {
    Queue& queue = ask->is_read() ? reads_ : ask->kind() == Kind::kUnawaited ? unawaited_ : writes_;
    queue.push_back(std::move(ask));
  }
  send();
  if (!is_ticking_ && !is_idle()) tick();
}

void IoThread::ask_again(std::unique_ptr<Ask> ask) noexcept {
  (ask->is_read() ? reads_ : writes_).push_back(std::move(ask));
}

// ---- Sending ----

void IoThread::send() {
  if (!reads_.empty()) {
    if (Slot* const slot = best(false)) {
      Pipeline::Batch batch(std::make_move_iterator(reads_.begin()),
                            std::make_move_iterator(reads_.end()));
      reads_.clear();
      send_to(*slot, std::move(batch));
    }
  }
  while (!writes_.empty() || !unawaited_.empty()) {
    Slot* const slot = best(true);
    if (slot == nullptr || slot->pipeline->in_flight() != 0) break;
    send_to(*slot, next_writes());
  }
}

// The one with the least to do, of those for this or, where there are none, of all.
IoThread::Slot* IoThread::best(bool for_writes) {
  Slot* found = nullptr;
  for (const std::unique_ptr<Slot>& slot : slots_) {
    if (slot->pipeline == nullptr) continue;
    const auto rank = [&](const Slot& one) {
      return std::pair(one.is_for_writes != for_writes, one.pipeline->in_flight());
    };
    if (found == nullptr || rank(*slot) < rank(*found)) found = slot.get();
  }
  return found;
}

Pipeline::Batch IoThread::next_writes() {
  Pipeline::Batch batch;
  Queue& queue = writes_.empty() ? unawaited_ : writes_;
  const auto shares = [](const Ask& ask) { return ask.kind() == Kind::kWrite && !ask.is_alone; };
  do {
    batch.push_back(std::move(queue.front()));
    queue.pop_front();
  } while (!queue.empty() && batch.size() < kMaxBatch && shares(*batch.front()) &&
           shares(*queue.front()));
  // Rows are locked in the same order by all, so that two batches don't wait for each other.
  std::stable_sort(batch.begin(), batch.end(),
                   [](const std::unique_ptr<Ask>& one, const std::unique_ptr<Ask>& other) {
                     return one->parameters().account() < other->parameters().account();
                   });
  return batch;
}

void IoThread::send_to(Slot& slot, Pipeline::Batch batch) {
  if (!slot.pipeline->send(std::move(batch))) return lose(slot);
  if (slot.pipeline->wants_to_write()) wait_to_write(slot);
}

// ---- The sockets ----

void IoThread::wait_to_read(Slot& slot) {
  slot.socket.async_wait(
      asio::posix::stream_descriptor::wait_read,
      [this, &slot, pipeline = slot.pipeline.get()](const boost::system::error_code& error) {
        if (error || slot.pipeline.get() != pipeline) return;  // it was lost
        if (!pipeline->receive(*this)) {
          if (pipeline->is_standby()) connector_.note_standby();
          lose(slot);
        } else {
          wait_to_read(slot);
        }
        take_in();
        end_if_done();
      });
}

void IoThread::wait_to_write(Slot& slot) {
  if (slot.is_watched_for_writing) return;
  slot.is_watched_for_writing = true;
  slot.socket.async_wait(
      asio::posix::stream_descriptor::wait_write,
      [this, &slot, pipeline = slot.pipeline.get()](const boost::system::error_code& error) {
        if (error || slot.pipeline.get() != pipeline) return;
        slot.is_watched_for_writing = false;
        if (!pipeline->flush()) return lose(slot);
        if (pipeline->wants_to_write()) wait_to_write(slot);
      });
}

void IoThread::lose(Slot& slot) {
  slot.socket.release();  // which ends the waiting
  slot.is_watched_for_writing = false;
  const std::unique_ptr<Pipeline> lost = std::move(slot.pipeline);
  lost->lose(*this);
  make(slot);
  send();
}

// ---- The clock ----

void IoThread::tick() {
  is_ticking_ = true;
  clock_.expires_after(kTick);
  clock_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    const auto now = Clock::now();
    fail_waiting(now - kPatience);
    for (const std::unique_ptr<Slot>& slot : slots_) {
      if (slot->pipeline != nullptr && slot->pipeline->in_flight() != 0) look_at(*slot, now);
    }
    is_ticking_ = false;
    if (!is_idle()) tick();
    end_if_done();
  });
}

void IoThread::look_at(Slot& slot, Clock::time_point now) {
  const auto silent = now - slot.pipeline->waiting_since();
  if (silent >= (slot.is_for_writes ? Clock::duration(kLongestWrite) : kLongestRead)) {
    log_.failure("PostgreSQL", "a connection is given up: it has not answered for too long");
    lose(slot);
  } else if (silent >= kSilence) {
    connector_.doubt();
  }
}

void IoThread::fail_waiting(Clock::time_point taken_before) {
  if (best(true) != nullptr) return;  // else it is for a connection that they wait
  for (Queue* const queue : {&reads_, &writes_, &unawaited_}) {
    const auto waiting = std::stable_partition(
        queue->begin(), queue->end(),
        [&](const std::unique_ptr<Ask>& ask) { return ask->since > taken_before; });
    // Out of the way first: who is told may ask again.
    const std::vector<std::unique_ptr<Ask>> failing(std::make_move_iterator(waiting),
                                                    std::make_move_iterator(queue->end()));
    queue->erase(waiting, queue->end());
    for (const std::unique_ptr<Ask>& ask : failing)
      ask->fail(MXD_UNAVAILABLE);
  }
}

bool IoThread::is_idle() const {
  return reads_.empty() && writes_.empty() && unawaited_.empty() &&
         std::all_of(slots_.begin(), slots_.end(), [](const std::unique_ptr<Slot>& slot) {
           return slot->pipeline == nullptr || slot->pipeline->in_flight() == 0;
         });
}

void IoThread::end_if_done() {
  if (stopping_ && is_idle()) context_.stop();
}

}  // namespace mxd::store::postgres
