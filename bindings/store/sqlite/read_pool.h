// Connections for reading on the caller's own thread.
#ifndef MXD_BINDINGS_STORE_SQLITE_READ_POOL_H
#define MXD_BINDINGS_STORE_SQLITE_READ_POOL_H

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bindings/store/sqlite/connection.h"

namespace mxd::store::sqlite {

// A fixed number of connections. All functions are [any-thread].
class ReadPool {
 public:
  // A connection that is lent; it goes back at the end of the scope. Not to be held across
  // anything that waits, nor across complete().
  class Lease {
   public:
    explicit Lease(ReadPool& pool) : pool_(pool), connection_(pool.take()) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { pool_.give_back(std::move(connection_)); }

    Connection& operator*() const { return *connection_; }

   private:
    ReadPool& pool_;
    std::unique_ptr<Connection> connection_;
  };

  // Opens them all. Throws SQLite::Exception.
  ReadPool(const std::string& path, size_t connections);

 private:
  // The one that was used last, its cache being warm; waits for one while all are in use.
  std::unique_ptr<Connection> take();
  void give_back(std::unique_ptr<Connection> connection) noexcept;

  std::mutex mutex_;
  std::condition_variable given_back_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_READ_POOL_H
