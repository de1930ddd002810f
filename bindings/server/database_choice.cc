#include "bindings/server/database_choice.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "bindings/common/database_url.h"
#include "bindings/server/configuration.h"

namespace mxd::server {
namespace {

const char* of_environment() {
  const char* const named = std::getenv("MXD_DATABASE");
  return named != nullptr ? named : "";
}

[[noreturn]] void refuse(const std::string& text) {
  throw Error(MXD_INVALID_ARGUMENT, text);
}

std::string password_of(const std::string& path) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) {
    refuse("database password file " + path + ": there is none that this user can read");
  }
  if ((file.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    refuse("database password file " + path + ": everybody can read or write it: chmod o= " + path);
  }
  std::ifstream stream(path);
  std::string line;
  if (!stream || (!std::getline(stream, line) && !stream.eof())) {
    refuse("database password file " + path + ": cannot be read: give it to this user");
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.empty() || line.find('\0') != std::string::npos) {
    refuse("database password file " + path + ": write the password on its first line");
  }
  return line;
}

std::string with_password_of(const std::string& path, const std::string& database) {
  if (common::engine_of(database) != "postgres") {
    refuse("database " + common::without_passwords(database) +
           ": a password file is for PostgreSQL: leave it out");
  }
  if (common::holds_password(database)) {
    refuse("database " + common::without_passwords(database) +
           ": there is a password in it and a password file too: leave one of them out");
  }
  return common::with_password(database, password_of(path));
}

}  // namespace

const char* mistake_in_database(const std::string& database) {
  return common::holds_password(database)
             ? "--database holds a password, which everybody can see in the list of processes: "
               "leave it out, and put it into a file for --database-password-file, into "
               "~/.pgpass, or with all of the URL into \"database\" of the settings (--config)"
             : nullptr;
}

bool names_database(const DatabaseOptions& options) {
  return !options.database.empty() || *of_environment() != '\0' || !options.config_file.empty();
}

Store::Options database_of(const DatabaseOptions& options, const Settings::Database& settings) {
  Store::Options chosen;
  for (const std::string& named :
       {options.database, std::string(of_environment()), settings.database}) {
    if (chosen.url.empty()) chosen.url = named;
  }
  if (chosen.url.empty()) {
    refuse("no database is named: give --database, or \"database\" in the settings");
  }
  const std::string& password_file = options.database_password_file.empty()
                                         ? settings.password_file
                                         : options.database_password_file;
  if (!password_file.empty()) chosen.url = with_password_of(password_file, chosen.url);
  chosen.library = options.store_file;
  chosen.connections = settings.connections;
  chosen.prepared_statements = settings.prepared_statements;
  return chosen;
}

Store::Options database_of(const DatabaseOptions& options) {
  return database_of(options, read_configuration(options.config_file, {}).settings.database);
}

}  // namespace mxd::server
