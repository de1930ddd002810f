// What a statement gave.
#ifndef MXD_BINDINGS_STORE_POSTGRES_ROWS_H
#define MXD_BINDINGS_STORE_POSTGRES_ROWS_H

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace mxd::store::postgres {

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ClearResult>;

// The rows of a statement that succeeded, in binary format. Rows and columns count from 0. Texts
// are good as long as the object is.
class Rows {
 public:
  Rows() = default;
  explicit Rows(Result result) : result_(std::move(result)) {}

  int count() const { return PQntuples(result_.get()); }
  bool empty() const { return count() == 0; }
  bool is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }
  // bigint, integer or smallint
  int64_t integer(int row, int column) const;
  bool flag(int row, int column) const { return *PQgetvalue(result_.get(), row, column) != 0; }
  // text, or the bytes of a bytea; empty for NULL
  std::string_view text(int row, int column) const;
  std::optional<int64_t> optional_integer(int row, int column) const;
  std::optional<std::string_view> optional_text(int row, int column) const;

  // How many rows an INSERT, UPDATE or DELETE was about.
  int64_t affected() const;

 private:
  Result result_;
};

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_ROWS_H
