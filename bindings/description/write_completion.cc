// write_completion bash|zsh|fish: to standard output what the shell completes after the program
// whose command line standard input describes, in JSON with the names of program.h.
#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>
#include <exception>
#include <iostream>
#include <iterator>
#include <map>
#include <string_view>

#include "bindings/description/program.h"

namespace mxd::description {
namespace {

using boost::json::value;
using boost::json::value_to;

Option read_option(const value& described) {
  Option option;
  option.names = value_to<std::vector<std::string>>(described.at("names"));
  option.value = value_to<std::string>(described.at("value"));
  option.choices = value_to<std::vector<std::string>>(described.at("choices"));
  option.text = value_to<std::string>(described.at("text"));
  option.is_repeatable = described.at("is_repeatable").as_bool();
  return option;
}

Command read_command(const value& described) {
  Command command;
  command.words = value_to<std::string>(described.at("words"));
  command.text = value_to<std::string>(described.at("text"));
  for (const value& option : described.at("options").as_array())
    command.options.push_back(read_option(option));
  for (const value& argument : described.at("arguments").as_array())
    command.arguments.push_back(read_option(argument));
  return command;
}

Program read_program(const value& described) {
  Program program;
  program.name = value_to<std::string>(described.at("name"));
  for (const value& command : described.at("commands").as_array())
    program.commands.push_back(read_command(command));
  return program;
}

int write(std::string_view shell) {
  static const std::map<std::string_view, std::string (*)(const Program&)> shells{
      {"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}};
  const auto completion = shells.find(shell);
  if (completion == shells.end()) {
    std::cerr << "usage: write_completion bash|zsh|fish <COMMAND_LINE.json\n";
    return 2;
  }
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  std::cout << completion->second(read_program(boost::json::parse(text))) << std::flush;
  return std::cout ? 0 : 1;
}

}  // namespace
}  // namespace mxd::description

int main(int argc, char** argv) {
  try {
    return mxd::description::write(argc == 2 ? argv[1] : "");
  } catch (const std::exception& error) {
    std::cerr << "write_completion: " << error.what() << "\n";
    return 1;
  }
}
