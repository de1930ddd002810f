#include "bindings/server/library_file.h"

#include <filesystem>
#include <stdexcept>

namespace mxd::server {

std::string find_library(const std::string& wanted, const std::string& file,
                         const std::string& option) {
  if (!wanted.empty()) {
    // dlopen() looks for a bare name in the system's directories only.
    return std::filesystem::exists(wanted) ? std::filesystem::absolute(wanted).string() : wanted;
  }
  const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const auto beside = program / file;
  const auto installed = program / MXD_BIN_TO_LIB / file;
  for (const auto& candidate : {beside, installed}) {
    if (std::filesystem::exists(candidate)) return candidate.string();
  }
  throw std::runtime_error("there is neither " + beside.string() + " nor " +
                           installed.lexically_normal().string() + ": name the library with " +
                           option);
}

}  // namespace mxd::server
