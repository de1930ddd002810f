#include <absl/strings/str_split.h>

#include "bindings/server/description/description.h"

namespace mxd::description {
namespace {

std::string without(const std::string& text, const std::string& prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

Option option_of(const CLI::Option& option) {
  Option described;
  for (const std::string& name : option.get_snames())
    described.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames())
    described.names.push_back("--" + name);
  const bool is_argument = described.names.empty();
  if (is_argument) described.names.push_back(option.get_name());
  if (option.get_items_expected_max() != 0) {
    // CLI11 puts the type before what a check says of it: "TEXT:DURATION", "TEXT:{a,b}".
    const std::string value = without(option.get_type_name(), "TEXT:");
    if (value.starts_with('{'))
      described.choices = absl::StrSplit(value.substr(1, value.size() - 2), ',');
    described.value = is_argument ? described.names.front() : value;
  }
  described.text = option.get_description();
  described.fallback = option.get_default_str();
  described.is_required = option.get_required();
  described.is_repeatable = option.get_expected_max() > 1;
  return described;
}

}  // namespace

Command command_of(std::string words, const CLI::App& app, std::string examples) {
  Command command{std::move(words), app.get_description(), {}, {}, std::move(examples)};
  for (const CLI::Option* const option : app.get_options()) {
    (option->nonpositional() ? command.options : command.arguments).push_back(option_of(*option));
  }
  return command;
}

}  // namespace mxd::description
