// One connection of one's own, for what takes its time: statement by statement, each waited for.
#ifndef MXD_BINDINGS_STORE_POSTGRES_BLOCKING_CONNECTION_H
#define MXD_BINDINGS_STORE_POSTGRES_BLOCKING_CONNECTION_H

#include <exception>
#include <string>
#include <utility>

#include "bindings/store/common/outcome.h"
#include "bindings/store/postgres/parameters.h"
#include "bindings/store/postgres/pipeline.h"
#include "bindings/store/postgres/rows.h"

namespace mxd::store::postgres {

// A failure, told as an outcome.
class Failed : public std::exception {
 public:
  explicit Failed(Outcome outcome) : outcome_(std::move(outcome)) {}

  const Outcome& outcome() const noexcept { return outcome_; }
  const char* what() const noexcept override { return outcome_.text.c_str(); }

 private:
  Outcome outcome_;
};

// What is open in it is undone where it is closed. All functions throw Failed.
class BlockingConnection {
 public:
  // `doing`: begins what is said of a failure, "the schema can't be read or changed". A constant.
  BlockingConnection(const std::string& connection_string, const char* doing);

  // Any number of statements, without parameters.
  void run(const char* sql);

  // One.
  Rows ask(const char* sql, const Parameters& parameters = Parameters());

  std::string user() const;

 private:
  Result check(Result result) const;

  const char* const doing_;
  const PgConnection connection_;
};

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_BLOCKING_CONNECTION_H
