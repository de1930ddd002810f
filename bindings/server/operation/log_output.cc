#include "bindings/server/operation/log_output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <stdexcept>
#include <system_error>

namespace mxd::server {
namespace {

constexpr int kAskEveryMs = 500;
constexpr int kNobodyReads = -1;

// Whether it can be written to without waiting; kNobodyReads where that cannot be told any more.
int wait_for_room(int descriptor) {
  pollfd wanted{descriptor, POLLOUT, 0};
  const int ready = ::poll(&wanted, 1, kAskEveryMs);
  if (ready < 0) return errno == EINTR ? 0 : kNobodyReads;
  return ready;
}

}  // namespace

LogOutput::LogOutput(int descriptor, bool is_owned) : descriptor_(descriptor), is_owned_(is_owned) {
  struct stat kind {};
  blocks_ = ::fstat(descriptor, &kind) != 0 || !S_ISREG(kind.st_mode);
}

LogOutput LogOutput::standard_error() {
  return {STDERR_FILENO, false};
}

LogOutput LogOutput::file(const std::string& path) {
  const int descriptor =
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
  if (descriptor < 0) {
    throw std::runtime_error("log file " + path + ": " + std::generic_category().message(errno));
  }
  return {descriptor, true};
}

LogOutput::LogOutput(LogOutput&& other) noexcept
    : descriptor_(other.descriptor_),
      is_owned_(std::exchange(other.is_owned_, false)),
      blocks_(other.blocks_),
      is_cut_(other.is_cut_) {}

LogOutput& LogOutput::operator=(LogOutput&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(is_owned_, other.is_owned_);
  std::swap(blocks_, other.blocks_);
  std::swap(is_cut_, other.is_cut_);
  return *this;
}

LogOutput::~LogOutput() {
  if (is_owned_) ::close(descriptor_);
}

std::string_view LogOutput::write(std::string_view lines,
                                  absl::FunctionRef<bool()> shall_wait) noexcept {
  if (is_cut_ && !lines.empty()) {
    // What was cut stays a line of its own, and the next one is whole.
    is_cut_ = false;
    if (!write("\n", shall_wait).empty()) {
      is_cut_ = true;
      return lines;
    }
  }
  while (!lines.empty()) {
    std::string_view piece = lines;
    if (blocks_) {
      // Room means room for so much: a write of more would wait, and nothing could end that. The
      // descriptor is others' too, so it is not set to non-blocking.
      piece = lines.substr(0, PIPE_BUF);
      const int room = wait_for_room(descriptor_);
      if (room == 0 && shall_wait()) continue;
      if (room <= 0) break;
    }
    const ssize_t written = ::write(descriptor_, piece.data(), piece.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {
      // There was room, but not for this: somebody else has taken it.
      ::poll(nullptr, 0, kAskEveryMs / 10);
      if (shall_wait()) continue;
      break;
    }
    if (written <= 0) break;
    is_cut_ = piece[static_cast<size_t>(written) - 1] != '\n';
    lines.remove_prefix(static_cast<size_t>(written));
  }
  return lines;
}

}  // namespace mxd::server
