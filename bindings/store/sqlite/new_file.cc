#include "bindings/store/sqlite/new_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace mxd::store::sqlite {

std::string file_error(int error) {
  return std::generic_category().message(error);
}

NewFile::NewFile(const std::string& target) : target_(target), name_(target + ".XXXXXX") {
  file_ = ::mkostemp(name_.data(), O_CLOEXEC);  // of mode 0600
  if (file_ < 0) error_ = errno;
}

NewFile::~NewFile() {
  if (file_ < 0) return;
  if (!is_in_place_) ::unlink(name_.c_str());
  ::close(file_);
}

int NewFile::put_in_place(bool replaces) {
  if (::fsync(file_) != 0 || !rename(replaces)) return errno;
  is_in_place_ = true;
  return sync_directory();
}

bool NewFile::rename(bool replaces) {
  if (replaces) return ::rename(name_.c_str(), target_.c_str()) == 0;
  if (::renameat2(AT_FDCWD, name_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) == 0) {
    return true;
  }
  // Some file systems have no such thing, but links.
  if (errno != EINVAL && errno != ENOSYS) return false;
  return ::link(name_.c_str(), target_.c_str()) == 0 && ::unlink(name_.c_str()) == 0;
}

int NewFile::sync_directory() const {
  const std::string directory = std::filesystem::absolute(target_).parent_path().string();
  const int opened = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return errno;
  const int error = ::fsync(opened) == 0 ? 0 : errno;
  ::close(opened);
  return error;
}

}  // namespace mxd::store::sqlite
