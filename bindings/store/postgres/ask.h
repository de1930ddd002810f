// One statement on its way to the database.
#ifndef MXD_BINDINGS_STORE_POSTGRES_ASK_H
#define MXD_BINDINGS_STORE_POSTGRES_ASK_H

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "bindings/store/postgres/parameters.h"
#include "bindings/store/postgres/rows.h"

namespace mxd::store::postgres {

// SQL text that is a constant: it is known by its address. Write one as
//   constexpr Statement kFindDevice{"SELECT …"};
// at namespace scope.
struct Statement {
  const char* sql;
};

enum class Kind : uint8_t {
  kRead,       // may be asked twice
  kWrite,      // $1 is its account; shares a commit with others
  kLongWrite,  // takes long: in a transaction of its own
  kUnawaited,  // a write that nobody waits for, and that a crash may lose
};

// One of a number, for as long as it is there.
class Counted {
 public:
  Counted() = default;
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() {
    if (count_ != nullptr) count_->fetch_sub(1, std::memory_order_relaxed);
  }

  void in(std::atomic<size_t>& count) noexcept {
    count_ = &count;
    count.fetch_add(1, std::memory_order_relaxed);
  }

 private:
  std::atomic<size_t>* count_ = nullptr;
};

class Ask {
 public:
  using Clock = std::chrono::steady_clock;

  Ask(Kind kind, const Statement& statement, Parameters parameters)
      : kind_(kind), statement_(statement), parameters_(std::move(parameters)) {}
  Ask(const Ask&) = delete;
  Ask& operator=(const Ask&) = delete;
  virtual ~Ask() = default;

  Kind kind() const noexcept { return kind_; }
  bool is_read() const noexcept { return kind_ == Kind::kRead; }
  const Statement& statement() const noexcept { return statement_; }
  const Parameters& parameters() const noexcept { return parameters_; }

  // One of these is called, once; else, when it is destroyed, it has failed for want of memory.
  void answer(Rows rows) {
    answered(std::move(rows));
    is_over_ = true;
  }
  void fail(int32_t status) noexcept {
    is_over_ = true;
    failed(status);
  }

  // The I/O thread's own.
  Clock::time_point since{};  // when it was taken
  bool is_alone = false;      // not with others in a transaction: one of them failed there
  bool was_repeated = false;
  Counted open;
  Counted open_write;

 protected:
  bool is_over() const noexcept { return is_over_; }

 private:
  virtual void answered(Rows rows) = 0;  // where it throws, failed() follows
  virtual void failed(int32_t status) noexcept = 0;

  const Kind kind_;
  const Statement& statement_;
  const Parameters parameters_;
  bool is_over_ = false;
};

template <class Answered, class Failed>
class AskOf final : public Ask {
 public:
  AskOf(Kind kind, const Statement& statement, Parameters parameters, Answered answered,
        Failed failed)
      : Ask(kind, statement, std::move(parameters)),
        answered_(std::move(answered)),
        failed_(std::move(failed)) {}

  ~AskOf() override {
    if (!is_over()) failed_(MXD_NO_MEMORY);
  }

 private:
  void answered(Rows rows) override { answered_(std::as_const(rows)); }
  void failed(int32_t status) noexcept override { failed_(status); }

  Answered answered_;
  Failed failed_;
};

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_ASK_H
