#include "server/json_log.h"

#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>

#include "matrix_devices/module.h"

namespace mxd::server {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxBuffered = 4 * 1024 * 1024;
constexpr std::size_t kMaxPath = 1024;

struct Sink {
  std::mutex mutex;
  std::condition_variable changed;
  std::string buffer;
  std::uint64_t dropped = 0;
  bool threaded = false;
};

Sink& sink() {
  static Sink* const sink = new Sink;  // outlives whatever still logs while the process ends
  return *sink;
}

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nobody reads it, and there is nowhere else to say so
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string timestamp() {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
}

std::string_view level_name(std::int32_t level) {
  switch (level) {
    case MXD_LOG_DEBUG:
      return "debug";
    case MXD_LOG_INFO:
      return "info";
    case MXD_LOG_WARNING:
      return "warning";
    case MXD_LOG_HOST_MISBEHAVING:
      return "host_misbehaving";
    default:
      return "error";
  }
}

std::string text_line(std::int32_t level, std::string_view message) {
  const json::object line{{"ts", timestamp()}, {"level", level_name(level)}, {"message", message}};
  return json::serialize(line) + "\n";
}

// What a client sent may be no UTF-8, and a line of log must be.
std::string printable_path(std::string_view target) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string path;
  for (const char c : target.substr(0, target.find_first_of("?#")).substr(0, kMaxPath)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      path += c;
    } else {
      path += '%';
      path += kHex[byte >> 4];
      path += kHex[byte & 15];
    }
  }
  return path;
}

// @throws std::bad_alloc
void append(std::string_view line) {
  Sink& to = sink();
  bool wake = false;
  {
    const std::lock_guard lock(to.mutex);
    if (to.threaded) {
      if (to.buffer.size() + line.size() > kMaxBuffered) {
        ++to.dropped;
        return;
      }
      wake = to.buffer.empty();
      to.buffer += line;
    } else {
      write_all(line);
    }
  }
  if (wake) to.changed.notify_one();
}

// Appends what `make` makes, or counts it as dropped.
template <class Make>
void append_made(Make&& make) noexcept {
  try {
    append(make());
  } catch (const std::exception&) {
    const std::lock_guard lock(sink().mutex);
    ++sink().dropped;
  }
}

// Says how many lines were dropped, or later, if there is no memory for it.
void add_dropped(std::string& batch, std::uint64_t& dropped) noexcept {
  try {
    batch += text_line(MXD_LOG_WARNING, std::to_string(dropped) +
                                            " lines of log were dropped: standard error is slow");
    dropped = 0;
  } catch (const std::exception&) {
  }
}

void write_until_stopped() {
  Sink& from = sink();
  std::string batch;
  std::unique_lock lock(from.mutex);
  while (true) {
    from.changed.wait(lock, [&] { return !from.buffer.empty() || !from.threaded; });
    if (from.buffer.empty()) return;
    batch.clear();
    batch.swap(from.buffer);
    if (from.dropped > 0) add_dropped(batch, from.dropped);
    lock.unlock();
    write_all(batch);
    lock.lock();
  }
}

}  // namespace

LogWriter::LogWriter() {
  {
    const std::lock_guard lock(sink().mutex);
    sink().threaded = true;
  }
  thread_ = std::thread(write_until_stopped);
}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(sink().mutex);
    sink().threaded = false;
  }
  sink().changed.notify_one();
  thread_.join();
}

void log_request(const RequestLine& request) noexcept {
  append_made([&] {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(request.duration).count();
    json::object line{
        {"ts", timestamp()},
        {"method", request.method},
        {"path", printable_path(request.target)},
        {"status", request.status},
        {"bytes", request.bytes},
        {"duration_us", us},
        {"remote_addr", request.remote_addr},
    };
    if (request.cut) line["cut"] = true;
    return json::serialize(line) + "\n";
  });
}

void log_message(std::int32_t level, std::string_view message) noexcept {
  append_made([&] { return text_line(level, message); });
}

}  // namespace mxd::server
