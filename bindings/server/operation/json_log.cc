#include "bindings/server/operation/json_log.h"

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "matrix_devices/module.h"

namespace mxd::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxBuffered = 4 * 1024 * 1024;
// Lines gather for this long before they are written together: waking a thread for each of them
// costs a loop more than writing the line does.
constexpr auto kGather = std::chrono::milliseconds(20);
constexpr auto kTryAgain = std::chrono::seconds(1);  // to tell of lost lines
constexpr auto kLastWords = std::chrono::seconds(1);

struct Log {
  std::mutex mutex;
  std::condition_variable changed;
  std::condition_variable written;
  std::string buffer;
  std::optional<LogOutput> next_output;
  bool has_writer = false;
  bool is_asleep = false;   // the writer waits for `changed`
  bool is_writing = false;  // what was in the buffer is on its way
  Clock::time_point end_by = Clock::time_point::max();
  std::atomic<uint64_t> untold = 0;  // lost lines that no line has told of yet
  std::atomic<uint64_t> lost = 0;
};

Log& the_log() {
  static Log* const log = new Log;  // outlives whatever still logs while the process ends
  return *log;
}

void lose(uint64_t lines) noexcept {
  the_log().untold.fetch_add(lines, std::memory_order_relaxed);
  the_log().lost.fetch_add(lines, std::memory_order_relaxed);
}

// Now, as RFC 3339 has it, in UTC. Good until this thread's next one: most lines are of the second
// of the one before them.
std::string_view timestamp() {
  struct Shown {
    int64_t second = INT64_MIN;
    std::string text;
  };
  thread_local Shown shown;
  const int64_t now_ms = absl::ToUnixMillis(absl::Now());
  const int64_t second = now_ms / 1000;
  if (second != shown.second) {
    shown.text = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixSeconds(second),
                                  absl::UTCTimeZone());
    shown.second = second;
  }
  int64_t rest = now_ms % 1000;
  for (size_t digit = shown.text.size() - 2; digit >= shown.text.size() - 4; --digit) {
    shown.text[digit] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  }
  return shown.text;
}

uint64_t count_lines(std::string_view text) {
  return static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

void append(std::string_view line) {
  Log& log = the_log();
  bool wake = false;
  {
    const std::lock_guard lock(log.mutex);
    if (!log.has_writer) {
      LogOutput::standard_error().write(line, [] { return true; });
      return;
    }
    if (log.buffer.size() + line.size() > kMaxBuffered) return lose(1);
    log.buffer += line;
    wake = std::exchange(log.is_asleep, false);
  }
  if (wake) log.changed.notify_one();
}

// Appends what `make` makes, or counts it as lost.
template <class Make>
void append_made(Make&& make) noexcept {
  try {
    append(make());
  } catch (const std::exception&) {
    lose(1);
  }
}

bool is_time_left() {
  const std::lock_guard lock(the_log().mutex);
  return Clock::now() < the_log().end_by && !the_log().next_output;
}

// Says how many lines were lost, or later, if it cannot.
void tell_of_lost_lines(LogOutput& output) noexcept try {
  std::atomic<uint64_t>& untold = the_log().untold;
  const uint64_t count = untold.load(std::memory_order_relaxed);
  if (count == 0) return;
  const std::string line = log_line(timestamp(), MXD_LOG_WARNING,
                                    std::to_string(count) + " lines of log could not be written");
  if (output.write(line, &is_time_left).empty()) {
    untold.fetch_sub(count, std::memory_order_relaxed);
  }
} catch (const std::exception&) {  // no memory for the line
}

void write_until_ended(LogOutput output) {
  Log& log = the_log();
  std::string batch;
  std::unique_lock lock(log.mutex);
  const auto is_ending = [&log] { return log.end_by != Clock::time_point::max(); };
  while (true) {
    const auto has_work = [&] { return !log.buffer.empty() || log.next_output || is_ending(); };
    log.is_asleep = true;
    // Lines that nobody was told of are work too, but not at once: the output has just refused.
    if (log.untold.load(std::memory_order_relaxed) > 0) {
      log.changed.wait_for(lock, kTryAgain, has_work);
    } else {
      log.changed.wait(lock, has_work);
    }
    log.is_asleep = false;
    if (log.next_output) {
      output = *std::move(log.next_output);
      log.next_output.reset();
    }
    const bool is_last = is_ending() && log.buffer.empty();
    if (batch.empty()) batch.swap(log.buffer);
    log.is_writing = true;
    lock.unlock();

    tell_of_lost_lines(output);
    const std::string_view rest = output.write(batch, &is_time_left);
    lock.lock();
    if (!rest.empty() && log.next_output) {
      batch.erase(0, batch.size() - rest.size());  // its end goes to the next output
      continue;
    }
    lose(count_lines(rest));
    batch.clear();
    log.is_writing = false;
    log.written.notify_all();
    if (is_last) return;
    log.changed.wait_for(lock, kGather, is_ending);
  }
}

}  // namespace

LogWriter::LogWriter(LogOutput output) {
  Log& log = the_log();  // what there may be no memory for comes before the thread
  thread_ = std::thread(&write_until_ended, std::move(output));
  const std::lock_guard lock(log.mutex);
  log.has_writer = true;
}

LogWriter::~LogWriter() {
  finish();
}

void LogWriter::replace(LogOutput output) {
  {
    const std::lock_guard lock(the_log().mutex);
    the_log().next_output.emplace(std::move(output));
    the_log().is_asleep = false;
  }
  the_log().changed.notify_one();
}

uint64_t LogWriter::finish() {
  Log& log = the_log();
  if (!thread_.joinable()) return 0;
  {
    const std::lock_guard lock(log.mutex);
    log.end_by = Clock::now() + kLastWords;
  }
  log.changed.notify_one();
  thread_.join();
  const std::lock_guard lock(log.mutex);
  log.has_writer = false;
  log.end_by = Clock::time_point::max();
  lose(count_lines(std::exchange(log.buffer, {})));
  return log.untold.load(std::memory_order_relaxed);
}

void log_request(const RequestLine& request) noexcept {
  append_made([&] { return log_line(timestamp(), request); });
}

void log_message(int32_t level, std::string_view message) noexcept {
  append_made([&] { return log_line(timestamp(), level, message); });
}

void log_failure(std::string_view what, std::string_view why) noexcept {
  append_made([&] {
    std::string message(what);
    message.append(": ").append(why);
    return log_line(timestamp(), MXD_LOG_ERROR, message);
  });
}

uint64_t lost_log_lines() noexcept {
  return the_log().lost.load(std::memory_order_relaxed);
}

void wait_for_log(std::chrono::milliseconds most) noexcept {
  Log& log = the_log();
  std::unique_lock lock(log.mutex);
  log.written.wait_for(lock, most, [&log] { return log.buffer.empty() && !log.is_writing; });
}

}  // namespace mxd::server
