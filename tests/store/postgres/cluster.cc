#include "tests/store/postgres/cluster.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace mxd::test {
namespace {

// The folder of its socket; empty if there is none.
std::string folder() {
  const char* const file = std::getenv("MXD_POSTGRES_CLUSTER");
  std::string line;
  if (file != nullptr) std::getline(std::ifstream(file), line);
  return line;
}

}  // namespace

std::string why_no_cluster() {
  if (!folder().empty()) return "";
  return "no PostgreSQL was started: run this by ctest, and see what postgres.starts says there";
}

std::string cluster_url(std::string_view database, std::string_view user) {
  // The store's own 2 seconds are too few where many tests begin at once on a busy machine.
  return "postgresql://" + std::string(user) + "@/" + std::string(database) +
         "?connect_timeout=30&host=" + folder();
}

Session::Session(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
  if (PQstatus(connection_.get()) != CONNECTION_OK) fail(url);
  run("SET client_min_messages = warning");
}

void Session::execute(const std::string& sql) {
  run(sql);
}

int64_t Session::number(const std::string& sql) {
  const std::vector<std::string> found = texts(sql);
  if (found.size() != 1) throw std::runtime_error("not one row: " + sql);
  if (found[0] == "t" || found[0] == "f") return found[0] == "t" ? 1 : 0;
  return std::stoll(found[0]);
}

std::vector<std::string> Session::texts(const std::string& sql) {
  const Result result = run(sql);
  std::vector<std::string> found;
  for (int row = 0; row < PQntuples(result.get()); ++row)
    found.emplace_back(PQgetvalue(result.get(), row, 0));
  return found;
}

std::string Session::copy(const std::string& table) {
  run("COPY " + table + " TO STDOUT (FORMAT binary)");
  std::string bytes;
  char* piece = nullptr;
  int size = 0;
  while ((size = PQgetCopyData(connection_.get(), &piece, 0)) > 0) {
    bytes.append(piece, static_cast<size_t>(size));
    PQfreemem(piece);
  }
  const Result end(PQgetResult(connection_.get()));
  if (PQresultStatus(end.get()) != PGRES_COMMAND_OK) fail(table);
  while (Result(PQgetResult(connection_.get())) != nullptr) {
  }
  return bytes;
}

Session::Result Session::run(const std::string& sql) {
  Result result(PQexec(connection_.get(), sql.c_str()));
  switch (PQresultStatus(result.get())) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_COPY_OUT:
      return result;
    default:
      fail(sql);
  }
}

void Session::fail(const std::string& what) const {
  throw std::runtime_error(what + ": " + PQerrorMessage(connection_.get()));
}

}  // namespace mxd::test
