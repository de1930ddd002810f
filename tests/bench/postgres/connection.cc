#include "tests/bench/postgres/connection.h"

#include <stdexcept>

namespace mxd::bench {

Parameter::Parameter(int64_t number) {
  auto rest = static_cast<uint64_t>(number);
  for (size_t i = number_.size(); i-- > 0; rest >>= 8)
    number_[i] = static_cast<char>(rest & 0xff);
}

Connection::Connection(const std::string& connection_string)
    : connection_(PQconnectdb(connection_string.c_str()), PQfinish) {
  require(PQstatus(connection_.get()) == CONNECTION_OK, "connecting");
}

void Connection::fail(const char* what) const {
  throw std::runtime_error(std::string(what) + ": " + PQerrorMessage(connection_.get()));
}

PgResult Connection::run(const std::string& sql) {
  PgResult result(PQexec(connection_.get(), sql.c_str()), PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  require(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN,
          sql.c_str());
  return result;
}

void Connection::copy(const std::string& sql, uint64_t rows,
                      const std::function<void(std::string&)>& line) {
  constexpr size_t kAtOnce = 64 * 1024;
  run(sql);
  std::string text;
  const auto put = [&] {
    require(PQputCopyData(connection_.get(), text.data(), static_cast<int>(text.size())) == 1,
            sql.c_str());
    text.clear();
  };
  for (uint64_t row = 0; row < rows; ++row) {
    line(text);
    if (text.size() > kAtOnce) put();
  }
  put();
  require(PQputCopyEnd(connection_.get(), nullptr) == 1, sql.c_str());
  while (const PgResult result{PQgetResult(connection_.get()), PQclear})
    require(PQresultStatus(result.get()) == PGRES_COMMAND_OK, sql.c_str());
}

void Connection::prepare(const char* name, const char* sql) {
  const PgResult result(PQprepare(connection_.get(), name, sql, 0, nullptr), PQclear);
  require(PQresultStatus(result.get()) == PGRES_COMMAND_OK, sql);
}

void Connection::begin_pipeline() {
  require(PQenterPipelineMode(connection_.get()) == 1, "pipeline mode");
}

void Connection::send(const char* name, std::initializer_list<Parameter> parameters) {
  constexpr size_t kMost = 8;
  std::array<const char*, kMost> values;
  std::array<int, kMost> lengths;
  std::array<int, kMost> formats;
  size_t count = 0;
  for (const Parameter& parameter : parameters) {
    values[count] = parameter.data();
    lengths[count] = parameter.size();
    formats[count++] = 1;
  }
  require(PQsendQueryPrepared(connection_.get(), name, static_cast<int>(count), values.data(),
                              lengths.data(), formats.data(), 1) == 1,
          name);
}

void Connection::end_batch() {
  require(PQpipelineSync(connection_.get()) == 1, "the end of a batch");
}

PgResult Connection::next() {
  PgResult result(PQgetResult(connection_.get()), PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  require(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK, "a statement");
  require(PQgetResult(connection_.get()) == nullptr, "the end of a statement");
  return result;
}

void Connection::wait_for_the_end() {
  const PgResult result(PQgetResult(connection_.get()), PQclear);
  require(PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC, "the end of a batch");
}

int64_t integer_of(const PGresult* result, int row, int column) {
  const char* const bytes = PQgetvalue(result, row, column);
  uint64_t number = 0;
  for (int i = 0; i < PQgetlength(result, row, column); ++i)
    number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return static_cast<int64_t>(number);
}

uint64_t look_at(const PGresult* result) {
  uint64_t seen = 0;
  for (int row = 0; row < PQntuples(result); ++row) {
    for (int column = 0; column < PQnfields(result); ++column) {
      if (PQgetisnull(result, row, column) != 0) continue;
      seen += static_cast<unsigned char>(*PQgetvalue(result, row, column));
      seen += static_cast<uint64_t>(PQgetlength(result, row, column));
    }
  }
  return seen;
}

}  // namespace mxd::bench
