// The PostgreSQL that CTest has started (tests/postgres/), and a plain connection to it.
#ifndef MXD_TESTS_STORE_POSTGRES_CLUSTER_H
#define MXD_TESTS_STORE_POSTGRES_CLUSTER_H

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mxd::test {

// Why there is none; empty if there is.
std::string why_no_cluster();

// The URL of one of its databases, with a query to which more can be added. There is a cluster.
std::string cluster_url(std::string_view database, std::string_view user = "postgres");

// A connection. What fails throws std::runtime_error with PostgreSQL's text.
class Session {
 public:
  explicit Session(const std::string& url);

  void execute(const std::string& sql);
  // The one number, or truth value, that a SELECT gives.
  int64_t number(const std::string& sql);
  // The one column of its rows.
  std::vector<std::string> texts(const std::string& sql);
  // All rows of a table, in binary.
  std::string copy(const std::string& table);

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using Result = std::unique_ptr<PGresult, Clear>;

  Result run(const std::string& sql);
  [[noreturn]] void fail(const std::string& what) const;

  std::unique_ptr<PGconn, Finish> connection_;
};

}  // namespace mxd::test

#endif  // MXD_TESTS_STORE_POSTGRES_CLUSTER_H
