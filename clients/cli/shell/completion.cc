#include "clients/cli/shell/completion.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace fiscal::cli {
namespace {

// The kind of a value as one word of the bash script: choices, @file, @directory, or empty where
// none is known.
std::string BashKind(const OptionEntry& option) {
  if (option.file) return "@file";
  if (option.directory) return "@directory";
  return absl::StrJoin(option.choices, ",");
}

// Walks the words before the one that is completed: which command they name, and whether the last
// is an option that wants a value. bash takes `--output=json` for three words.
constexpr char kBashWalk[] = R"bash(
_fiscal() {
  local IFS=$' \t\n' at=fiscal option= kind= word entry i
  local cur=${COMP_WORDS[COMP_CWORD]}
  local commands flags valued rest
  _fiscal_command "$at"
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [ -n "$option" ]; then
      [ "$word" = = ] || option=
      continue
    fi
    case $word in
      -*) for entry in $valued; do [ "${entry%%:*}" != "$word" ] || option=$word; done ;;
      *) for entry in $commands; do
           if [ "$entry" = "$word" ]; then
             at="$at $word"
             _fiscal_command "$at"
             break
           fi
         done ;;
    esac
  done
  COMPREPLY=()
  if [ -n "$option" ]; then
    [ "$cur" != = ] || cur=
    for entry in $valued; do [ "${entry%%:*}" != "$option" ] || kind=${entry#*:}; done
  else
    case $cur in
      -*)
        for entry in $valued; do flags="$flags ${entry%%:*}"; done
        COMPREPLY=($(compgen -W "$flags" -- "$cur"))
        return ;;
    esac
    kind=$rest
    COMPREPLY=($(compgen -W "$commands" -- "$cur"))
  fi
  case $kind in
    @*)
      # Names may have blanks, and directories are entered.
      compopt -o filenames 2>/dev/null
      IFS=$'\n'
      [ "$kind" = @file ] && COMPREPLY+=($(compgen -f -- "$cur")) ||
        COMPREPLY+=($(compgen -d -- "$cur")) ;;
    ?*) COMPREPLY+=($(compgen -W "${kind//,/ }" -- "$cur")) ;;
  esac
}
complete -F _fiscal fiscal
)bash";

// A text inside single quotes of a POSIX shell.
std::string Quoted(absl::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

// A description in an argument of zsh's _arguments or _describe, where : [ ] and \ have a meaning.
std::string ZshText(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"[", "\\["}, {"]", "\\]"}, {":", "\\:"}});
}

// ":TEXT:(a b)": the message shown for a value, then what it may be.
std::string ZshValue(const OptionEntry& option) {
  std::string action;
  if (option.file) action = "_files";
  if (option.directory) action = "_files -/";
  if (!option.choices.empty()) action = absl::StrCat("(", absl::StrJoin(option.choices, " "), ")");
  // One blank: nothing to offer, and no file names either.
  return absl::StrCat(":", ZshText(option.value), ":", action.empty() ? " " : action);
}

std::string ZshFunction(const CommandEntry& command) {
  return "_" + absl::StrReplaceAll(command.path, {{" ", "_"}, {"-", "_"}});
}

void AddZshArguments(const CommandEntry& command, std::string* out) {
  for (const OptionEntry& option : command.options) {
    // Names of one option shut each other out, unless it may be repeated.
    const std::string guard =
        option.repeated ? "*" : absl::StrCat("(", absl::StrJoin(option.names, " "), ")");
    for (const std::string& name : option.names) {
      const bool is_long = absl::StartsWith(name, "--");
      const std::string form =
          option.value.empty() ? name : absl::StrCat(name, is_long ? "=" : "+");
      absl::StrAppend(out, " \\\n    ",
                      Quoted(absl::StrCat(guard, form, "[", ZshText(option.description), "]",
                                          option.value.empty() ? "" : ZshValue(option))));
    }
  }
}

std::string ZshCommand(const CommandEntry& command) {
  std::string out = absl::StrCat(ZshFunction(command), "() {\n");
  if (command.commands.empty()) {
    absl::StrAppend(&out, "  _arguments -s");
    AddZshArguments(command, &out);
    for (const OptionEntry& positional : command.positionals) {
      absl::StrAppend(&out, " \\\n    ",
                      Quoted(absl::StrCat(positional.repeated ? "*" : "", ZshValue(positional))));
    }
    absl::StrAppend(&out, "\n}\n");
    return out;
  }
  absl::StrAppend(&out, "  local curcontext=$curcontext state state_descr line\n",
                  "  typeset -A opt_args\n  _arguments -s -C");
  AddZshArguments(command, &out);
  absl::StrAppend(&out, " \\\n    '1: :->command' \\\n    '*:: :->rest'\n  case $state in\n",
                  "    command)\n      local -a commands=(");
  for (const CommandEntry& sub : command.commands) {
    absl::StrAppend(&out, "\n        ",
                    Quoted(absl::StrCat(sub.name, ":", ZshText(sub.description))));
  }
  absl::StrAppend(&out, ")\n      _describe -t commands ", Quoted(command.path + " command"),
                  " commands ;;\n    rest)\n      case $words[1] in\n");
  for (const CommandEntry& sub : command.commands)
    absl::StrAppend(&out, "        ", sub.name, ") ", ZshFunction(sub), " ;;\n");
  absl::StrAppend(&out, "      esac ;;\n  esac\n}\n");
  return out;
}

std::string FishText(absl::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
}

// `-l output -s o -x -a 'table json' -d '...'`
std::string FishOption(const OptionEntry& option) {
  std::string out;
  for (const std::string& name : option.names) {
    if (absl::StartsWith(name, "--")) {
      absl::StrAppend(&out, " -l ", name.substr(2));
    } else {
      absl::StrAppend(&out, " -s ", name.substr(1));
    }
  }
  if (option.file) {
    absl::StrAppend(&out, " -r -F");
  } else if (option.directory) {
    absl::StrAppend(&out, " -x -a '(__fish_complete_directories)'");
  } else if (!option.value.empty()) {
    absl::StrAppend(&out, " -x");
    if (!option.choices.empty())
      absl::StrAppend(&out, " -a ", FishText(absl::StrJoin(option.choices, " ")));
  }
  return absl::StrCat(out, " -d ", FishText(option.description));
}

constexpr char kFishWalk[] = R"fish(
# The command the words so far name.
function __fiscal_command
    set -l at fiscal
    set -l value 0
    for word in (commandline -opc)[2..]
        if test $value = 1
            set value 0
        else if string match -q -- '-*' $word
            contains -- $word (__fiscal_valued $at); and set value 1
        else if contains -- $word (__fiscal_commands $at)
            set at "$at $word"
        end
    end
    echo $at
end

function __fiscal_at
    test "$(__fiscal_command)" = "$argv"
end
)fish";

}  // namespace

std::string BashCompletion(const CommandEntry& root) {
  std::string out =
      "# bash completion of fiscal, written by `fiscal completion bash`.\n\n"
      "# What may follow a command: commands, options without a value, options with theirs, what "
      "else.\n"
      "_fiscal_command() {\n  commands= flags= valued= rest=\n  case $1 in\n";
  for (const CommandEntry& command : Flattened(root)) {
    std::vector<std::string> commands, flags, valued;
    for (const CommandEntry& sub : command.commands) commands.push_back(sub.name);
    for (const OptionEntry& option : command.options) {
      for (const std::string& name : option.names) {
        if (option.value.empty()) {
          flags.push_back(name);
        } else {
          valued.push_back(absl::StrCat(name, ":", BashKind(option)));
        }
      }
    }
    absl::StrAppend(&out, "    '", command.path, "')\n");
    if (!commands.empty())
      absl::StrAppend(&out, "      commands='", absl::StrJoin(commands, " "), "'\n");
    absl::StrAppend(&out, "      flags='", absl::StrJoin(flags, " "), "'\n");
    absl::StrAppend(&out, "      valued='", absl::StrJoin(valued, " "), "'");
    if (!command.positionals.empty())
      absl::StrAppend(&out, "\n      rest='", BashKind(command.positionals.front()), "'");
    absl::StrAppend(&out, " ;;\n");
  }
  return absl::StrCat(out, "  esac\n}\n", kBashWalk);
}

std::string ZshCompletion(const CommandEntry& root) {
  std::string out =
      "#compdef fiscal\ncompdef _fiscal fiscal\n"
      "# zsh completion of fiscal, written by `fiscal completion zsh`.\n\n";
  for (const CommandEntry& command : Flattened(root))
    absl::StrAppend(&out, ZshCommand(command), "\n");
  // Found by name, this file is the body of _fiscal at its first call; sourced, it only defines.
  absl::StrAppend(&out, "if [ \"$funcstack[1]\" = _fiscal ]; then _fiscal \"$@\"; fi\n");
  return out;
}

std::string FishCompletion(const CommandEntry& root) {
  std::string out = "# fish completion of fiscal, written by `fiscal completion fish`.\n\n";
  std::string commands = "function __fiscal_commands\n    switch \"$argv\"\n";
  std::string valued =
      "# Options that take the next word.\nfunction __fiscal_valued\n    switch \"$argv\"\n";
  std::string complete = "complete -c fiscal -f\n";
  for (const CommandEntry& command : Flattened(root)) {
    const std::string at = absl::StrCat("complete -c fiscal -n ",
                                        FishText(absl::StrCat("__fiscal_at ", command.path)));
    std::vector<std::string> names, takers;
    for (const CommandEntry& sub : command.commands) {
      names.push_back(sub.name);
      absl::StrAppend(&complete, at, " -a ", sub.name, " -d ", FishText(sub.description), "\n");
    }
    for (const OptionEntry& option : command.options) {
      absl::StrAppend(&complete, at, FishOption(option), "\n");
      if (!option.value.empty())
        takers.insert(takers.end(), option.names.begin(), option.names.end());
    }
    for (const OptionEntry& positional : command.positionals) {
      if (positional.file) absl::StrAppend(&complete, at, " -F\n");
      if (!positional.choices.empty()) {
        absl::StrAppend(&complete, at, " -a ", FishText(absl::StrJoin(positional.choices, " ")),
                        "\n");
      }
    }
    const std::string line =
        absl::StrCat("        case '", command.path, "'\n            string join \\n -- ");
    if (!names.empty()) absl::StrAppend(&commands, line, absl::StrJoin(names, " "), "\n");
    absl::StrAppend(&valued, line, absl::StrJoin(takers, " "), "\n");
  }
  const std::string end = "    end\nend\n";
  return absl::StrCat(out, commands, end, "\n", valued, end, kFishWalk, "\n", complete);
}

}  // namespace fiscal::cli
