// What the connections of a process share, whatever loop they are on. All functions are
// [any-thread].
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "bindings/server/settings.h"

namespace mxd::server {

// How many there may be: `max_connections`, and no more than there may be open files. O6
class ConnectionLimit {
 public:
  ConnectionLimit(const CurrentSettings& settings, size_t max_files)
      : settings_(settings), max_files_(max_files) {}

  size_t most() const { return std::min(settings_->max_connections, max_files_); }
  size_t open() const { return open_.load(std::memory_order_relaxed); }

  // False: it is one more than there may be, so another is to be closed for it. Counted and looked
  // at in one step, since other threads open and close theirs.
  [[nodiscard]] bool opened() { return open_.fetch_add(1, std::memory_order_relaxed) < most(); }
  void closed() {
    const size_t left = open_.fetch_sub(1, std::memory_order_relaxed) - 1;
    if (left < most() / 2) told_.store(false, std::memory_order_relaxed);
  }

  // One was closed to make room for another.
  void made_room() { made_room_.fetch_add(1, std::memory_order_relaxed); }
  uint64_t times_made_room() const { return made_room_.load(std::memory_order_relaxed); }

  // Whether it is to be told that the limit is reached: once, until there is room to spare again.
  bool to_be_told() { return !told_.exchange(true, std::memory_order_relaxed); }

 private:
  const CurrentSettings& settings_;
  const size_t max_files_;
  std::atomic<size_t> open_ = 0;
  std::atomic<uint64_t> made_room_ = 0;
  std::atomic<bool> told_ = false;
};

// The bytes of bodies that are still coming in: `max_incoming_body_bytes`. L6
class IncomingBodies {
 public:
  explicit IncomingBodies(const CurrentSettings& settings) : settings_(settings) {}

  // Of one connection, which gives it back at the latest when it is destroyed.
  class Share {
   public:
    explicit Share(IncomingBodies& all) : all_(all) {}
    ~Share() { give_back(); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // False, and as before, if that is more than there is.
    bool grow(size_t bytes) {
      const size_t more = bytes - std::min(bytes, bytes_);
      if (all_.bytes_.fetch_add(more, std::memory_order_relaxed) + more >
          all_.settings_->max_incoming_body_bytes) {
        all_.bytes_.fetch_sub(more, std::memory_order_relaxed);
        all_.refused_.fetch_add(1, std::memory_order_relaxed);
        return false;
      }
      bytes_ += more;
      return true;
    }
    void give_back() {
      if (bytes_ > 0) all_.bytes_.fetch_sub(bytes_, std::memory_order_relaxed);
      bytes_ = 0;
    }

   private:
    IncomingBodies& all_;
    size_t bytes_ = 0;
  };

  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  uint64_t times_refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  const CurrentSettings& settings_;
  std::atomic<size_t> bytes_ = 0;
  std::atomic<uint64_t> refused_ = 0;
};

}  // namespace mxd::server
