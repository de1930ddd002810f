// A connection to PostgreSQL in pipeline mode, as plain as libpq has it: it blocks, queues nothing
// and repeats nothing.
#ifndef MXD_TESTS_BENCH_POSTGRES_CONNECTION_H
#define MXD_TESTS_BENCH_POSTGRES_CONNECTION_H

#include <libpq-fe.h>

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace mxd::bench {

using PgResult = std::unique_ptr<PGresult, decltype(&PQclear)>;

// A parameter in binary format. Refers to texts.
class Parameter {
 public:
  Parameter(int64_t number);
  Parameter(std::string_view text) : text_(text) {}
  Parameter(const std::string& text) : text_(text) {}

  const char* data() const { return text_.data() == nullptr ? number_.data() : text_.data(); }
  int size() const { return static_cast<int>(text_.data() == nullptr ? 8 : text_.size()); }

 private:
  std::string_view text_;
  std::array<char, 8> number_{};
};

class Connection {
 public:
  // Throws std::runtime_error, as all functions do.
  explicit Connection(const std::string& connection_string);

  // One by one, each waited for.
  PgResult run(const std::string& sql);
  // So many rows as text, by COPY … FROM STDIN; `line` appends one, with its end of line.
  void copy(const std::string& sql, uint64_t rows, const std::function<void(std::string&)>& line);

  // From here on statements go out together.
  void prepare(const char* name, const char* sql);
  void begin_pipeline();
  void send(const char* name, std::initializer_list<Parameter> parameters);
  void end_batch();         // one transaction, and a round trip
  PgResult next();          // of the next statement
  void wait_for_the_end();  // of the batch, when each statement has had its next()

 private:
  [[noreturn]] void fail(const char* what) const;
  void require(bool succeeded, const char* what) const {
    if (!succeeded) fail(what);
  }

  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

int64_t integer_of(const PGresult* result, int row, int column);

// Reads every column of every row, as whoever wants to show them would.
uint64_t look_at(const PGresult* result);

}  // namespace mxd::bench

#endif  // MXD_TESTS_BENCH_POSTGRES_CONNECTION_H
