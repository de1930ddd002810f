// A file that is there when it is whole, and not before.
#ifndef MXD_BINDINGS_STORE_SQLITE_NEW_FILE_H
#define MXD_BINDINGS_STORE_SQLITE_NEW_FILE_H

#include <string>

namespace mxd::store::sqlite {

// A file beside the target, for its owner only, that takes the target's name once it is whole, and
// is removed where it never is.
class NewFile {
 public:
  // Where it can't be made, error() says why.
  explicit NewFile(const std::string& target);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();

  const std::string& name() const { return name_; }
  int error() const { return error_; }

  // Durably, or not at all; 0, or why not: EEXIST, where it may replace nothing.
  int put_in_place(bool replaces);

 private:
  bool rename(bool replaces);
  int sync_directory() const;

  const std::string target_;
  std::string name_;
  int file_;
  int error_ = 0;
  bool is_in_place_ = false;
};

// What errno says.
std::string file_error(int error);

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_NEW_FILE_H
