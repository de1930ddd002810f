#include "bindings/server/commands/password_source.h"

#include <sodium.h>
#include <unistd.h>

#include <fstream>
#include <string_view>

#include "bindings/server/commands/failure.h"
#include "bindings/server/commands/output.h"
#include "bindings/server/commands/terminal.h"
#include "bindings/server/utf8.h"

namespace mxd::server {
namespace {

std::string ask_twice() {
  std::string password = ask_hidden("New password: ");
  if (password != ask_hidden("The same again: ")) {
    throw Failure(kRefused, "the two are not the same: nothing was changed");
  }
  return password;
}

std::string first_line_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || (!std::getline(file, line) && !file.eof())) {
    throw Failure(kFailed, "password file " + path + ": cannot be read");
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

// 20 letters of 32: 100 random bits, none of which is taken for another.
std::string make_password() {
  constexpr std::string_view kLetters = "abcdefghijkmnpqrstuvwxyz23456789";
  static_assert(kLetters.size() == 32);
  if (sodium_init() < 0) throw Failure(kFailed, "the system gives no randomness");
  std::string password;
  while (password.size() < 20)
    password += kLetters[randombytes_uniform(kLetters.size())];
  return password;
}

}  // namespace

void describe_password(CLI::App& app, OperatorOptions& options) {
  CLI::Option* const file = app.add_option("--password-file", options.password_file,
                                           "Take the password from the first line of this file")
                                ->type_name("FILE");
  app.add_flag("--generate-password", options.generates_password,
               "Make a password, and print it on the line after the user ID")
      ->excludes(file);
}

std::string new_password(const OperatorOptions& options) {
  if (options.generates_password) return make_password();
  const bool is_asked = options.password_file.empty() && is_terminal(STDIN_FILENO);
  std::string password = is_asked                        ? ask_twice()
                         : options.password_file.empty() ? read_line()
                                                         : first_line_of(options.password_file);
  if (password.empty()) {
    throw Failure(kMistake,
                  "no password: write it on the first line of standard input or of the file");
  }
  if (!is_utf8(password)) {
    throw Failure(kMistake,
                  "the password is no UTF-8, and no client could send it: set the locale to UTF-8");
  }
  return password;
}

}  // namespace mxd::server
