// A connection to the file with its prepared statements, and one use of such a statement.
#ifndef MXD_BINDINGS_STORE_SQLITE_CONNECTION_H
#define MXD_BINDINGS_STORE_SQLITE_CONNECTION_H

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mxd::store::sqlite {

inline constexpr int kBusyTimeoutMs = 5000;

// A prepared statement and the memory of its parameters, which is reused from call to call.
struct PreparedStatement {
  PreparedStatement(const SQLite::Database& database, const char* sql);

  SQLite::Statement statement;
  std::vector<std::string> parameters;
};

// For one thread at a time.
class Connection {
 public:
  enum class Mode { kRead, kWrite };

  // Opens an existing file. `path` is terminated. Throws SQLite::Exception.
  Connection(const std::string& path, Mode mode);

  SQLite::Database& database() { return database_; }

  // False once SQLite has rolled the transaction back of its own accord.
  bool in_transaction() const;

  // Prepared at its first use, kept for good. `sql` is a constant: it is known by its address.
  PreparedStatement& prepared(const char* sql);

 private:
  SQLite::Database database_;
  // Boost's here and elsewhere: Abseil's is left broken where it gets no memory to grow.
  boost::unordered_flat_map<const void*, std::unique_ptr<PreparedStatement>> prepared_;
};

// Bytes rather than text.
struct Blob {
  std::string_view bytes;
};

// One use of a prepared statement: binds ?1, ?2 … in order, and resets it at the end. A statement
// is used once at a time on a connection. All functions throw SQLite::Exception.
class Query {
 public:
  template <class... Parameters>
  Query(Connection& connection, const char* sql, const Parameters&... parameters)
      : prepared_(connection.prepared(sql)) {
    int index = 0;
    (bind(++index, parameters), ...);
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query();

  // The next row, if there is one.
  bool next() { return prepared_.statement.executeStep(); }

  // Runs a statement without rows; how many rows it changed.
  int execute() { return prepared_.statement.exec(); }

  // Columns of the current row, from 0. Text is good until the next row.
  bool is_null(int column) const { return prepared_.statement.isColumnNull(column); }
  int64_t integer(int column) const;
  std::string_view text(int column) const;  // empty for NULL; of blobs, the bytes
  std::optional<int64_t> optional_integer(int column) const;

 private:
  void bind(int index, int64_t value) { prepared_.statement.bind(index, value); }
  void bind(int index, bool value) { prepared_.statement.bind(index, value ? 1 : 0); }
  void bind(int index, std::string_view value);
  void bind(int index, const std::string& value) { bind(index, std::string_view(value)); }
  void bind(int index, Blob value);
  template <class Value>
  void bind(int index, const std::optional<Value>& value) {
    if (value) {
      bind(index, *value);
    } else {
      prepared_.statement.bind(index);
    }
  }

  PreparedStatement& prepared_;
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_CONNECTION_H
