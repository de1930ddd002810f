#include "bindings/store/sqlite/connection.h"

#include <SQLiteCpp/Column.h>
#include <sqlite3.h>

namespace mxd::store::sqlite {
namespace {

// A parameter's memory over this is given back after use: session bodies, lists to delete.
constexpr size_t kKeptParameterBytes = 4096;

}  // namespace

PreparedStatement::PreparedStatement(const SQLite::Database& database, const char* sql)
    : statement(database, sql), parameters(statement.getBindParameterCount()) {}

Connection::Connection(const std::string& path, Mode mode)
    : database_(path, SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX, kBusyTimeoutMs) {
  database_.exec("PRAGMA foreign_keys = ON");
  database_.exec("PRAGMA synchronous = FULL");
  database_.exec("PRAGMA temp_store = MEMORY");
  if (mode == Mode::kRead) database_.exec("PRAGMA query_only = ON");
}

bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(database_.getHandle()) == 0;
}

PreparedStatement& Connection::prepared(const char* sql) {
  std::unique_ptr<PreparedStatement>& slot = prepared_[sql];
  if (slot == nullptr) slot = std::make_unique<PreparedStatement>(database_, sql);
  return *slot;
}

Query::~Query() {
  prepared_.statement.tryReset();
  for (std::string& parameter : prepared_.parameters) {
    if (parameter.capacity() > kKeptParameterBytes) std::string().swap(parameter);
  }
}

int64_t Query::integer(int column) const {
  return prepared_.statement.getColumn(column).getInt64();
}

std::string_view Query::text(int column) const {
  const SQLite::Column value = prepared_.statement.getColumn(column);
  const auto* const bytes = static_cast<const char*>(value.getBlob());
  return bytes == nullptr ? std::string_view()
                          : std::string_view(bytes, static_cast<size_t>(value.getBytes()));
}

std::optional<int64_t> Query::optional_integer(int column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

void Query::bind(int index, std::string_view value) {
  std::string& kept = prepared_.parameters[static_cast<size_t>(index) - 1];
  kept.assign(value);
  prepared_.statement.bindNoCopy(index, kept);
}

void Query::bind(int index, Blob value) {
  std::string& kept = prepared_.parameters[static_cast<size_t>(index) - 1];
  kept.assign(value.bytes);
  prepared_.statement.bindNoCopy(index, static_cast<const void*>(kept.data()),
                                 static_cast<int>(kept.size()));
}

}  // namespace mxd::store::sqlite
