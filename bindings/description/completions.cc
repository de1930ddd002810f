// In each of the three a function goes through the words before the cursor, so that it knows which
// command they name; what takes a value is followed by one, which is no command.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>

#include <set>

#include "bindings/description/program.h"

namespace mxd::description {
namespace {

// '…', as all of these shells read it, except that in fish a backslash counts too.
std::string in_quotes(const std::string& text) {
  return "'" + absl::StrReplaceAll(text, {{"'", "'\\''"}}) + "'";
}

std::string in_fish_quotes(const std::string& text) {
  return "'" + absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "\\'"}}) + "'";
}

// Names of all options with a value; only of those whose value is a file.
std::vector<std::string> with_value(const Program& program, bool only_files) {
  std::set<std::string> names;
  for (const Command& command : program.commands) {
    for (const Option& option : command.options) {
      if (option.value.empty() || (only_files && !option.takes_file())) continue;
      names.insert(option.names.begin(), option.names.end());
    }
  }
  return {names.begin(), names.end()};
}

// Commands and groups: what one may stand at.
std::vector<std::string> places(const Program& program) {
  std::vector<std::string> all;
  for (const Command& command : program.commands)
    all.push_back(command.words);
  for (const Group& group : program.groups)
    all.push_back(group.word);
  return all;
}

const Command* find(const Program& program, const std::string& words) {
  for (const Command& command : program.commands) {
    if (command.words == words) return &command;
  }
  return nullptr;
}

// A branch of `case` for each word that leads on: "user/add", and the command there.
template <typename Branch>
std::string steps(const Program& program, const Branch& branch) {
  std::string text;
  for (const std::string& at : places(program)) {
    for (const Group& next : next_words(program, at))
      text += branch(at + "/" + next.word, (at.empty() ? "" : at + " ") + next.word);
  }
  return text;
}

std::string function_name(const Program& program) {
  return "_" + absl::StrReplaceAll(program.name, {{"-", "_"}});
}

}  // namespace

std::string bash_completion(const Program& program) {
  const std::string function = function_name(program);
  std::string text =
      "# What bash completes after " + program.name + "\n" + function + "() {\n" +
      R"(  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command= options= words= files= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      )" +
      absl::StrJoin(with_value(program, false), "|") +
      R"() i=$((i + 1)) ;;
      -*) ;;
      *)
        case $command/${COMP_WORDS[i]} in
)";
  text += steps(program, [](const std::string& step, const std::string& words) {
    return "          " + in_quotes(step) + ") command=" + in_quotes(words) + " ;;\n";
  });
  text += "        esac\n        ;;\n    esac\n  done\n  case $command in\n";
  for (const std::string& at : places(program)) {
    std::vector<std::string> options;
    std::vector<std::string> words;
    bool takes_file = false;
    for (const Group& next : next_words(program, at))
      words.push_back(next.word);
    if (const Command* const command = find(program, at)) {
      for (const Option& option : command->options)
        options.insert(options.end(), option.names.begin(), option.names.end());
      for (const Option& argument : command->arguments) {
        words.insert(words.end(), argument.choices.begin(), argument.choices.end());
        takes_file |= argument.takes_file();
      }
    }
    text += "    " + in_quotes(at) + ") options=" + in_quotes(absl::StrJoin(options, " ")) +
            " words=" + in_quotes(absl::StrJoin(words, " ")) + (takes_file ? " files=yes" : "") +
            " ;;\n";
  }
  text += "  esac\n  case $previous in\n    " + absl::StrJoin(with_value(program, true), "|") +
          ") options= words= files=yes ;;\n    " + absl::StrJoin(with_value(program, false), "|") +
          R"() options= words= files= ;;
  esac
  [[ $word == -* || -z $words$files ]] || options=
  mapfile -t COMPREPLY < <(compgen -W "$options $words" -- "$word")
  if [[ -n $files && $word != -* ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -F )" +
          function + " " + program.name + "\n";
  return text;
}

std::string zsh_completion(const Program& program) {
  const std::string function = function_name(program);
  const auto spec = [](const std::string& name, const Option& option) {
    std::string text = (option.is_repeatable ? "*" : "") + name +
                       (option.value.empty() || !name.starts_with("--") ? "" : "=") + "[" +
                       absl::StrReplaceAll(option.text, {{"[", "\\["}, {"]", "\\]"}}) + "]";
    if (!option.value.empty()) {
      text += ":" + absl::StrReplaceAll(option.value, {{":", "\\:"}}) + ":" +
              (option.takes_file() ? "_files" : "");
    }
    return " \\\n        " + in_quotes(text);
  };
  std::string text = "#compdef " + program.name + "\n# What zsh completes after " + program.name +
                     "\n" + function + "() {\n" +
                     R"(  local command= at=1 i
  local -a commands
  for ((i = 2; i < CURRENT; i++)); do
    case $words[i] in
      ()" + absl::StrJoin(with_value(program, false), "|") +
                     R"() ((i++)) ;;
      (-*) ;;
      (*)
        case $command/$words[i] in
)";
  text += steps(program, [](const std::string& step, const std::string& words) {
    return "          (" + in_quotes(step) + ") command=" + in_quotes(words) + " at=$i ;;\n";
  });
  text +=
      "        esac\n        ;;\n    esac\n  done\n"
      "  words=(\"${(@)words[at,-1]}\")\n  ((CURRENT -= at - 1))\n  case $command in\n";
  for (const std::string& at : places(program)) {
    text += "    (" + in_quotes(at) + ")\n";
    const std::vector<Group> next = next_words(program, at);
    if (!next.empty()) {
      text += "      commands=(\n";
      for (const Group& word : next)
        text += "        " + in_quotes(word.word + ":" + word.text) + "\n";
      text += "      )\n";
    }
    text += "      _arguments";
    if (const Command* const command = find(program, at)) {
      for (const Option& option : command->options) {
        for (const std::string& name : option.names)
          text += spec(name, option);
      }
      for (const Option& argument : command->arguments) {
        const std::string action = argument.choices.empty()
                                       ? (argument.takes_file() ? "_files" : "")
                                       : "(" + absl::StrJoin(argument.choices, " ") + ")";
        text += " \\\n        " + in_quotes(std::string(argument.is_repeatable ? "*" : "") + ":" +
                                            argument.names.front() + ":" + action);
      }
    }
    if (!next.empty()) {
      text += " \\\n        " + in_quotes(":command:{_describe -t commands command commands}");
    }
    text += "\n      ;;\n";
  }
  return text + "  esac\n}\nif [[ $funcstack[1] == _" + program.name + " ]]; then\n  " + function +
         " \"$@\"\nelse\n  compdef " + function + " " + program.name + "\nfi\n";
}

std::string fish_completion(const Program& program) {
  const std::string function = "_" + function_name(program) + "_is_at";
  std::string text = "# What fish completes after " + program.name + "\nfunction " + function +
                     R"(
    set -l command
    set -l is_value no
    for word in (commandline -opc)[2..]
        if test $is_value = yes
            set is_value no
            continue
        end
        switch $word
            case )" + absl::StrJoin(with_value(program, false), " ") +
                     R"(
                set is_value yes
            case '-*'
            case '*'
                switch "$command/$word"
)";
  text += steps(program, [](const std::string& step, const std::string& words) {
    return "                    case " + in_fish_quotes(step) +
           "\n                        set command " + in_fish_quotes(words) + "\n";
  });
  text +=
      "                end\n        end\n    end\n    test \"$command\" = \"$argv\"\nend\n"
      "complete -c " +
      program.name + " -f\n";
  for (const std::string& at : places(program)) {
    const std::string complete = "complete -c " + program.name + " -n " +
                                 in_fish_quotes(absl::StrCat(function, " \"", at, "\""));
    for (const Group& next : next_words(program, at)) {
      text += complete + " -a " + next.word + " -d " + in_fish_quotes(next.text) + "\n";
    }
    const Command* const command = find(program, at);
    if (command == nullptr) continue;
    for (const Option& option : command->options) {
      text += complete;
      for (const std::string& name : option.names) {
        const bool is_long = name.starts_with("--");
        text += (is_long ? " -l " : " -s ") + name.substr(is_long ? 2 : 1);
      }
      if (!option.value.empty()) text += option.takes_file() ? " -r -F" : " -x";
      text += " -d " + in_fish_quotes(option.text) + "\n";
    }
    for (const Option& argument : command->arguments) {
      if (!argument.choices.empty()) {
        text += complete + " -a " + in_fish_quotes(absl::StrJoin(argument.choices, " ")) + "\n";
      }
      if (argument.takes_file()) text += complete + " -F\n";
    }
  }
  return text;
}

}  // namespace mxd::description
