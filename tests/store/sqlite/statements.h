// What a store asks its database, as SQLite tells of it.
#ifndef MXD_TESTS_STORE_SQLITE_STATEMENTS_H
#define MXD_TESTS_STORE_SQLITE_STATEMENTS_H

#include <sqlite3.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mxd::test {

// Of the connections that are opened between its making and end_joining(). One at a time.
class Statements {
 public:
  enum class When { kBegins, kIsOver };

  Statements() {
    current = this;
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(join));
  }
  Statements(const Statements&) = delete;
  Statements& operator=(const Statements&) = delete;
  ~Statements() { end_joining(); }

  void end_joining() { sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(join)); }

  // How many began that begin with this.
  int count(std::string_view sql) {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(
        std::count_if(begun_.begin(), begun_.end(),
                      [&](const std::string& one) { return one.starts_with(sql); }));
  }

  // Does it on the thread of the next one that begins with this, which waits for it.
  void at_next(std::string_view sql, When when, std::function<void()> act) {
    const std::lock_guard lock(mutex_);
    sql_ = sql;
    when_ = when;
    act_ = std::move(act);
  }

 private:
  static int join(sqlite3* database, char**, const sqlite3_api_routines*) {
    return sqlite3_trace_v2(database, SQLITE_TRACE_STMT | SQLITE_TRACE_PROFILE, trace, current);
  }

  static int trace(unsigned event, void* self, void* statement, void*) {
    const char* const sql = sqlite3_sql(static_cast<sqlite3_stmt*>(statement));
    if (sql == nullptr) return 0;
    static_cast<Statements*>(self)->note(
        sql, event == SQLITE_TRACE_STMT ? When::kBegins : When::kIsOver);
    return 0;
  }

  void note(std::string_view sql, When when) {
    std::function<void()> act;
    {
      const std::lock_guard lock(mutex_);
      if (when == When::kBegins) begun_.emplace_back(sql);
      if (act_ && when == when_ && sql.starts_with(sql_)) act = std::exchange(act_, nullptr);
    }
    if (act) act();
  }

  static inline Statements* current = nullptr;

  std::mutex mutex_;
  std::vector<std::string> begun_;
  std::string sql_;
  When when_{};
  std::function<void()> act_;
};

}  // namespace mxd::test

#endif  // MXD_TESTS_STORE_SQLITE_STATEMENTS_H
