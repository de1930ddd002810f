// A command line as data, for what is made out of it: the server's manual page, and what shells
// complete after the server's program and the Python package's.
#pragma once

#include <string>
#include <vector>

namespace mxd::description {

// An option, or an argument without a name of its own.
struct Option {
  std::vector<std::string> names;    // "-h", "--help"; of an argument "NAME"
  std::string value;                 // what it takes, such as "FILE"; empty: nothing, it is a flag
  std::vector<std::string> choices;  // all values that there are; empty: others
  std::string text;
  std::string fallback;  // its default; empty: none, or the text says it
  bool is_required = false;
  bool is_repeatable = false;

  bool takes_file() const;
};

struct Command {
  std::string words;  // "user add"; empty: none, which serves
  std::string text;
  std::vector<Option> options;
  std::vector<Option> arguments;
  std::string examples;  // whole command lines, each with its newline
};

// "user", of the commands "user …".
struct Group {
  std::string word;
  std::string text;
};

struct Program {
  std::string name;
  std::string version;
  std::string text;
  std::string exit_statuses;
  std::vector<Group> groups;
  std::vector<Command> commands;  // the one without words comes first
};

// What may come after `words`, each with its text: commands and groups.
std::vector<Group> next_words(const Program& program, const std::string& words);

// What these shells read to complete the command line.
std::string bash_completion(const Program& program);
std::string zsh_completion(const Program& program);
std::string fish_completion(const Program& program);

}  // namespace mxd::description
