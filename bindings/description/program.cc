#include "bindings/description/program.h"

namespace mxd::description {

bool Option::takes_file() const {
  return value.find("FILE") != value.npos || value.find("LIBRARY") != value.npos ||
         value.find("PATH") != value.npos;
}

std::vector<Group> next_words(const Program& program, const std::string& words) {
  std::vector<Group> next;
  if (words.empty()) next = program.groups;
  const std::string before = words.empty() ? "" : words + " ";
  for (const Command& command : program.commands) {
    if (command.words.empty() || !command.words.starts_with(before)) continue;
    const std::string rest = command.words.substr(before.size());
    if (rest.find(' ') == rest.npos) next.push_back({rest, command.text});
  }
  return next;
}

}  // namespace mxd::description
