#include "bindings/store/postgres/blocking_connection.h"

#include <array>
#include <string_view>

#include "bindings/store/postgres/connection_string.h"
#include "bindings/store/postgres/sqlstate.h"

namespace mxd::store::postgres {

BlockingConnection::BlockingConnection(const std::string& connection_string, const char* doing)
    : doing_(doing), connection_(connect_to(connection_string)) {
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    throw Failed({MXD_UNAVAILABLE, "it can't be reached: " + trouble_of(connection_.get())});
  }
}

void BlockingConnection::run(const char* sql) {
  check(Result(PQexec(connection_.get(), sql)));
}

Rows BlockingConnection::ask(const char* sql, const Parameters& parameters) {
  const Parameters::View view = parameters.view();
  std::array<int, Parameters::kMost> formats;
  formats.fill(1);
  return Rows(check(
      Result(PQexecParams(connection_.get(), sql, static_cast<int>(parameters.size()), nullptr,
                          view.values.data(), view.lengths.data(), formats.data(), 1))));
}

std::string BlockingConnection::user() const {
  return PQuser(connection_.get());
}

Result BlockingConnection::check(Result result) const {
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return result;
  const char* const state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
  const std::string_view code = state != nullptr ? state : "";
  const char* const message = PQresultErrorField(result.get(), PG_DIAG_MESSAGE_PRIMARY);
  const std::string said = message != nullptr ? message : trouble_of(connection_.get());
  if (code == "42501") {
    throw Failed({MXD_INVALID_ARGUMENT, "the role " + user() + " may not do this (" + said +
                                            "): give it the rights that docs/postgresql.md lists"});
  }
  throw Failed({fault_of(code).status, std::string(doing_) + ": " + said});
}

}  // namespace mxd::store::postgres
