#include "bindings/store/postgres/pipeline.h"

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <utility>

#include "bindings/store/postgres/sqlstate.h"

namespace mxd::store::postgres {
namespace {

constexpr int kBinary = 1;

constexpr std::chrono::milliseconds kRepeatsReads{700};
constexpr std::chrono::seconds kLongestTrying{10};  // then what was undone is not tried again

constexpr std::array<int, Parameters::kMost> kAllBinary = [] {
  std::array<int, Parameters::kMost> formats;
  formats.fill(kBinary);
  return formats;
}();

std::string_view state_of(const PGresult* result) {
  const char* const state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return state != nullptr ? std::string_view(state) : std::string_view();
}

// What the server said, without the details, in which values stand.
const char* message_of(const PGresult* result) {
  const char* const message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  return message != nullptr ? message : "the connection was lost";
}

bool is_good(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

}  // namespace

Pipeline::Pipeline(PgConnection connection, bool prepares, const Log& log)
    : connection_(std::move(connection)), prepares_(prepares), log_(log) {
  is_lost_ =
      PQsetnonblocking(connection_.get(), 1) != 0 || PQenterPipelineMode(connection_.get()) != 1;
}

bool Pipeline::send(Batch batch) {
  if (in_flight_ == 0) waiting_since_ = Clock::now();
  for (std::unique_ptr<Ask>& ask : batch) {
    // What could not be sent is on its way all the same, for lose() to deal with.
    is_lost_ = is_lost_ || !send(*ask);
    ++in_flight_;
    expected_.push_back({Expected::What::kAnswer, nullptr, std::move(ask), nullptr});
  }
  expected_.push_back({Expected::What::kEnd, nullptr, nullptr, nullptr});
  is_lost_ = is_lost_ || PQpipelineSync(connection_.get()) != 1;
  return !is_lost_ && flush();
}

bool Pipeline::send(const Ask& ask) {
  const Parameters::View parameters = ask.parameters().view();
  const int count = static_cast<int>(ask.parameters().size());
  if (!prepares_) {
    return PQsendQueryParams(connection_.get(), ask.statement().sql, count, nullptr,
                             parameters.values.data(), parameters.lengths.data(), kAllBinary.data(),
                             kBinary) == 1;
  }
  if (!prepare(ask.statement())) return false;
  return PQsendQueryPrepared(connection_.get(), prepared_[&ask.statement()].c_str(), count,
                             parameters.values.data(), parameters.lengths.data(), kAllBinary.data(),
                             kBinary) == 1;
}

bool Pipeline::prepare(const Statement& statement) {
  std::string& name = prepared_[&statement];
  if (!name.empty()) return true;
  name = "m" + std::to_string(++names_);
  expected_.push_back({Expected::What::kPrepared, &statement, nullptr, nullptr});
  return PQsendPrepare(connection_.get(), name.c_str(), statement.sql, 0, nullptr) == 1;
}

bool Pipeline::flush() {
  const int left = PQflush(connection_.get());
  wants_to_write_ = left == 1;
  is_lost_ = is_lost_ || left < 0;
  return !is_lost_;
}

bool Pipeline::receive(Again& again) {
  if (PQconsumeInput(connection_.get()) != 1) is_lost_ = true;
  waiting_since_ = Clock::now();
  while (!expected_.empty() && PQisBusy(connection_.get()) == 0) {
    Result result(PQgetResult(connection_.get()));
    if (result != nullptr) {
      take(std::move(result), again);
    } else if (is_lost_ || PQstatus(connection_.get()) == CONNECTION_BAD) {
      break;  // else one that ends the results of a statement
    }
  }
  if (PQstatus(connection_.get()) == CONNECTION_BAD) is_lost_ = true;
  return !is_lost_;
}

void Pipeline::take(Result result, Again& again) {
  if (PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) return end_batch(again);
  Expected& expected = expected_[next_];
  if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) note_failure(expected, result.get());
  if (expected.what == Expected::What::kEnd) return;  // the commit failed: its end comes yet
  ++next_;
  if (expected.what == Expected::What::kPrepared) {
    if (!is_good(result.get())) prepared_.erase(expected.statement);
  } else if (is_good(result.get()) && expected.ask->is_read()) {
    --in_flight_;
    answer(std::move(expected.ask), std::move(result));
  } else {
    expected.result = std::move(result);
  }
}

void Pipeline::note_failure(const Expected& expected, const PGresult* result) {
  const Fault fault = fault_of(state_of(result));
  has_failed_ = true;
  is_lost_ = is_lost_ || fault.ends_connection;
  is_standby_ = is_standby_ || (fault.ends_connection && fault.may_be_repeated);
  if (fault.forgets_prepared) prepared_.clear();
  if (expected.what != Expected::What::kAnswer) log_.failure("PostgreSQL", message_of(result));
}

void Pipeline::end_batch(Again& again) {
  const bool has_failed = std::exchange(has_failed_, false);
  // Out of the way first: who is answered may ask.
  Expecteds batch;
  batch.reserve(next_);
  for (size_t i = 0; i < next_; ++i) {
    if (expected_.front().ask != nullptr) batch.push_back(std::move(expected_.front()));
    expected_.pop_front();
  }
  expected_.pop_front();  // its end
  next_ = 0;
  in_flight_ -= batch.size();
  if (has_failed) return sort_out(std::move(batch), again);
  for (Expected& one : batch)
    answer(std::move(one.ask), std::move(one.result));
}

// All that is left of a batch was undone: what failed in it fails, the others are asked again. Of
// writes, what failed is tried by itself first: it may have failed because of the others.
void Pipeline::sort_out(Expecteds batch, Again& again) noexcept {
  const auto failed = [](const Expected& one) {
    return PQresultStatus(one.result.get()) == PGRES_FATAL_ERROR;
  };
  const bool is_known = std::any_of(batch.begin(), batch.end(), failed);
  for (Expected& one : batch) {
    const bool may_fail = batch.size() == 1 || one.ask->is_read() || one.ask->is_alone;
    const bool is_late = Clock::now() - one.ask->since >= kLongestTrying;
    if ((may_fail || is_late) && (failed(one) || !is_known)) {
      refuse(std::move(one.ask), one.result.get(), again);
    } else if (is_late) {
      one.ask->fail(MXD_UNAVAILABLE);
    } else {
      one.ask->is_alone = one.ask->is_alone || failed(one) || !is_known;
      again.ask_again(std::move(one.ask));
    }
  }
}

void Pipeline::refuse(std::unique_ptr<Ask> ask, const PGresult* result, Again& again) noexcept {
  const ExecStatusType how = PQresultStatus(result);
  const bool is_of_it = how == PGRES_FATAL_ERROR;
  // Else it could not be prepared, or the commit failed.
  constexpr std::string_view kBug = "XX000", kCommit = "08000";
  const Fault fault = fault_of(is_of_it                        ? state_of(result)
                               : how == PGRES_PIPELINE_ABORTED ? kBug
                                                               : kCommit);
  if (fault.may_be_repeated && !ask->was_repeated) {
    ask->was_repeated = true;
    return again.ask_again(std::move(ask));
  }
  if (is_of_it) log_.failure("PostgreSQL", message_of(result));
  ask->fail(fault.status);
}

void Pipeline::answer(std::unique_ptr<Ask> ask, Result result) noexcept {
  try {
    ask->answer(Rows(std::move(result)));
    return;
  } catch (const std::bad_alloc&) {
    log_.failure("an answer of PostgreSQL", "no memory");
    ask->fail(MXD_NO_MEMORY);
  } catch (const std::exception& error) {
    log_.failure("an answer of PostgreSQL", error.what());
    ask->fail(MXD_INTERNAL);
  }
}

void Pipeline::lose(Again& again) noexcept {
  is_lost_ = true;
  for (Expected& expected : expected_) {
    if (expected.ask == nullptr) continue;
    std::unique_ptr<Ask> ask = std::move(expected.ask);
    // A server that goes takes all connections along, of which the next may be one.
    const bool may_be_repeated = ask->is_read() && Clock::now() - ask->since < kRepeatsReads;
    if (may_be_repeated || ((ask->is_read() || is_standby_) && !ask->was_repeated)) {
      ask->was_repeated = true;
      again.ask_again(std::move(ask));
    } else {
      ask->fail(MXD_UNAVAILABLE);
    }
  }
  expected_.clear();
  next_ = 0;
  in_flight_ = 0;
}

}  // namespace mxd::store::postgres
