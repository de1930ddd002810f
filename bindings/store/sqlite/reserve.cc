#include "bindings/store/sqlite/reserve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

namespace mxd::store::sqlite {
namespace {

constexpr const char* kSuffix = "-reserve";

// How much of the disk of this file is free; without end where that can't be told.
off_t free_bytes(int file) noexcept {
  struct statvfs disk;
  if (::fstatvfs(file, &disk) != 0) return std::numeric_limits<off_t>::max();
  return static_cast<off_t>(disk.f_bavail) * static_cast<off_t>(disk.f_frsize);
}

}  // namespace

Reserve::Reserve(const std::string& database, const Log& log)
    : log_(log),
      file_(::open((database + kSuffix).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
  if (file_ < 0) return;
  give_to_owner_of(database);
  wanted_ = size();
  grow();
}

Reserve::~Reserve() {
  if (file_ >= 0) ::close(file_);
}

void Reserve::give_to_owner_of(const std::string& database) const noexcept {
  struct stat owner;
  if (::geteuid() != 0 || ::stat(database.c_str(), &owner) != 0) return;
  [[maybe_unused]] const int given = ::fchown(file_, owner.st_uid, owner.st_gid);
}

bool Reserve::release() noexcept {
  if (file_ < 0 || size() == 0 || ::ftruncate(file_, 0) != 0) return false;
  const auto now = std::chrono::steady_clock::now();
  if (now >= tell_at_) {
    tell_at_ = now + kTellAgain;
    is_told_ = true;
    log_.line(MXD_LOG_WARNING,
              "the disk is full: only deletions are written, with what was kept in reserve for "
              "them; make room");
  }
  return true;
}

bool Reserve::is_spent() noexcept {
  if (size() >= wanted_) {
    grow();
    return false;
  }
  // Not the last byte: who writes next would only give it up again.
  if (free_bytes(file_) < 2 * wanted_ || !take(wanted_)) return true;
  if (is_told_) log_.line(MXD_LOG_INFO, "there is room on the disk again: all is written");
  is_told_ = false;
  return false;
}

void Reserve::grow() noexcept {
  const auto now = std::chrono::steady_clock::now();
  if (wanted_ == kBytes || now < grow_at_) return;
  grow_at_ = now + kGrowAgain;
  const off_t target = std::min(free_bytes(file_) / 4, kBytes);
  if (target > wanted_ && take(target)) wanted_ = target;
}

bool Reserve::take(off_t bytes) noexcept {
  const off_t before = size();
  if (before >= bytes) return true;
  if (::posix_fallocate(file_, 0, bytes) == 0) return true;
  // Where there was less than thought, nothing is kept of the attempt.
  [[maybe_unused]] const int cut = ::ftruncate(file_, before);
  return false;
}

off_t Reserve::size() const noexcept {
  struct stat found;
  return file_ >= 0 && ::fstat(file_, &found) == 0 ? found.st_size : 0;
}

bool release_reserve(const std::string& database) {
  const std::string file = database + kSuffix;
  struct stat found;
  return ::stat(file.c_str(), &found) == 0 && found.st_size != 0 &&
         ::truncate(file.c_str(), 0) == 0;
}

}  // namespace mxd::store::sqlite
