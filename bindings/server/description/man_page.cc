#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>

#include <algorithm>
#include <sstream>

#include "bindings/server/description/description.h"

namespace mxd::description {
namespace {

// As it is meant, and not as a request of the formatter. A hyphen is one that can be copied.
std::string escaped(const std::string& text) {
  const std::string safe = absl::StrReplaceAll(text, {{"\\", "\\e"}, {"-", "\\-"}, {"'", "\\(aq"}});
  return safe.starts_with('.') ? "\\&" + safe : safe;
}

std::string section(const std::string& name) {
  return ".SH " + name + "\n";
}

std::string paragraph(const std::string& text) {
  return ".PP\n" + escaped(text) + "\n";
}

// "--listen ADDRESS:PORT"
std::string named(const Option& option) {
  const auto bold = [](std::string* out, const std::string& name) {
    *out += "\\fB" + escaped(name) + "\\fR";
  };
  std::string line = absl::StrJoin(option.names, ", ", bold);
  if (option.value.empty()) return line;
  const std::string value =
      option.choices.empty() ? option.value : absl::StrJoin(option.choices, "|");
  return line + " \\fI" + escaped(value) + "\\fR";
}

std::string entry(const Option& option) {
  std::string text = escaped(option.text);
  if (!option.fallback.empty()) text += " (default: " + escaped(option.fallback) + ")";
  if (option.is_required) text += " (required)";
  return ".TP\n" + named(option) + "\n" + text + "\n";
}

std::string argument_entry(const Option& argument) {
  std::string text = escaped(argument.text);
  if (!argument.choices.empty()) text += ": " + absl::StrJoin(argument.choices, ", ");
  return ".TP\n\\fI" + escaped(argument.names.front()) + "\\fR\n" + text + "\n";
}

std::string synopsis(const Program& program, const Command& command) {
  std::string line = ".B " + escaped(program.name);
  if (!command.words.empty()) line += " " + escaped(command.words);
  line += "\n[\\fIOPTIONS\\fR]";
  for (const Option& argument : command.arguments) {
    const std::string dots = argument.is_repeatable ? "..." : "";
    const std::string name = "\\fI" + escaped(argument.names.front()) + "\\fR" + dots;
    line += argument.is_required ? " " + name : " [" + name + "]";
  }
  return line + "\n";
}

std::string examples(const Command& command) {
  if (command.examples.empty()) return {};
  std::string lines;
  std::istringstream all(command.examples);
  for (std::string line; std::getline(all, line);)
    lines += escaped(line) + "\n";
  return ".PP\nExamples:\n.PP\n.RS 4\n.nf\n" + lines + ".fi\n.RE\n";
}

std::string described(const Program& program, const Command& command) {
  std::string text = ".SS \"" + escaped(command.words) + "\"\n" + synopsis(program, command) +
                     paragraph(command.text);
  for (const Option& argument : command.arguments)
    text += argument_entry(argument);
  for (const Option& option : command.options)
    text += entry(option);
  return text + examples(command);
}

}  // namespace

std::string man_page(const Program& program) {
  const Command& serving = program.commands.front();
  std::string title = program.name;
  std::transform(title.begin(), title.end(), title.begin(),
                 [](char letter) { return letter >= 'a' && letter <= 'z' ? letter - 32 : letter; });
  std::string page =
      ".TH " + escaped(title) + " 8 \"\" \"" + escaped(program.name) + " " +
      escaped(program.version) + "\" \"\"\n" + section("NAME") + escaped(program.name) + " \\- " +
      escaped(program.text) + "\n" + section("SYNOPSIS") + synopsis(program, serving) + ".br\n.B " +
      escaped(program.name) + "\n\\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n" + section("DESCRIPTION") +
      "Without a command it serves, and ends at SIGTERM and SIGINT when what has "
      "arrived is answered. SIGHUP reads registrations and settings again, and opens "
      "the log again.\n" +
      section("OPTIONS");
  for (const Option& option : serving.options)
    page += entry(option);
  page += section("COMMANDS");
  for (const Command& command : program.commands) {
    if (!command.words.empty()) page += described(program, command);
  }
  return page + section("EXIT STATUS") + escaped(program.exit_statuses) + "\n" +
         section("ENVIRONMENT") +
         ".TP\n\\fBMXD_DATABASE\\fR\nThe database, where no \\fB\\-\\-database\\fR names one.\n" +
         ".TP\n\\fBNOTIFY_SOCKET\\fR, \\fBLISTEN_FDS\\fR\nAs systemd sets them: see sd_notify(3), "
         "sd_listen_fds(3).\n";
}

}  // namespace mxd::description
