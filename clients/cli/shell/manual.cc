#include "clients/cli/shell/manual.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace fiscal::cli {
namespace {

// Text of a page: a backslash begins a command of roff, a bare - is a hyphen, and a line that
// begins with . or ' is a request.
std::string Roff(absl::string_view text) {
  const std::string escaped = absl::StrReplaceAll(text, {{"\\", "\\e"}, {"-", "\\-"}});
  return absl::StartsWith(escaped, ".") || absl::StartsWith(escaped, "'")
             ? absl::StrCat("\\&", escaped)
             : escaped;
}

void AddOption(const OptionEntry& option, std::string* page) {
  absl::StrAppend(page, ".TP\n",
                  absl::StrJoin(option.names, ", ", [](std::string* out, const std::string& name) {
                    absl::StrAppend(out, "\\fB", Roff(name), "\\fR");
                  }));
  if (!option.value.empty() && absl::StartsWith(option.names[0], "-"))
    absl::StrAppend(page, " \\fI", Roff(option.value), "\\fR");
  absl::StrAppend(page, "\n", Roff(option.description));
  if (!option.choices.empty())
    absl::StrAppend(page, "\n.br\nOne of: ", Roff(absl::StrJoin(option.choices, ", ")), ".");
  if (!option.standard.empty())
    absl::StrAppend(page, "\n.br\nWithout it: ", Roff(option.standard), ".");
  if (option.required) absl::StrAppend(page, "\n.br\nRequired.");
  absl::StrAppend(page, "\n");
}

// `catalog import [OPTION ...] file`
std::string Usage(const CommandEntry& command) {
  std::string usage = absl::StrCat("\\fB", Roff(command.path), "\\fR [\\fIOPTION\\fR ...]");
  for (const OptionEntry& positional : command.positionals) {
    const std::string name =
        absl::StrCat("\\fI", Roff(positional.names[0]), "\\fR", positional.repeated ? " ..." : "");
    absl::StrAppend(&usage, " ", positional.required ? name : absl::StrCat("[", name, "]"));
  }
  if (!command.commands.empty()) {
    absl::StrAppend(
        &usage, command.subcommand_required ? " \\fICOMMAND\\fR ..." : " [\\fICOMMAND\\fR ...]");
  }
  return usage;
}

void AddCommand(const CommandEntry& command, std::string* page) {
  absl::StrAppend(page, ".SS \"", Roff(command.path), "\"\n", Roff(command.description), "\n.PP\n",
                  Usage(command), "\n");
  for (const OptionEntry& positional : command.positionals) AddOption(positional, page);
  for (const OptionEntry& option : command.options) {
    // The same for every command.
    if (!absl::StartsWith(option.names[0], "--help")) AddOption(option, page);
  }
  for (const CommandEntry& sub : command.commands) AddCommand(sub, page);
}

// The exit codes of clients/cli/shell/context.h, and files.
constexpr char kRest[] = R"(.SH "EXIT STATUS"
.TP
0
Done.
.TP
1
A failure that is none of the others.
.TP
2
The command line or the configuration is wrong.
.TP
3
The server refused what was sent, or a check failed.
.TP
4
Not found.
.TP
5
In conflict with what is there.
.TP
6
The server can't be reached or does not take calls now.
.TP
7
Not allowed.
.SH ENVIRONMENT
.TP
\fBFISCAL_SERVER\fR
What \fB\-\-server\fR is where it is not given.
.SH FILES
.TP
\fI/etc/fiscal/serve.yaml\fR
The configuration of the service fiscal.service.
.TP
\fI/var/lib/fiscal\fR
Its data.
.TP
\fI/usr/share/fiscal\fR
Lists for \fBfiscal catalog import\fR, and examples.
)";

}  // namespace

std::string Manual(const CommandEntry& root, absl::string_view version) {
  std::string page = absl::StrCat(
      ".TH FISCAL 1 \"\" \"Fiscal ", version, "\" \"Fiscal\"\n.SH NAME\nfiscal \\- ",
      Roff(root.description), "\n.SH SYNOPSIS\n", Usage(root),
      "\n.SH DESCRIPTION\nAnswers go to standard output, messages and progress to standard error.\n"
      "With \\fB\\-o json\\fR each answer of the API, or each of its records, is one line of "
      "protobuf JSON, and with\n\\fB\\-o yaml\\fR a document of YAML. 64\\-bit numbers are "
      "strings, "
      "since JSON's numbers can't hold all of them.\n"
      ".SH OPTIONS\nThese may stand anywhere.\n");
  for (const OptionEntry& option : root.options) AddOption(option, &page);
  absl::StrAppend(&page, ".SH COMMANDS\n");
  for (const CommandEntry& command : root.commands) AddCommand(command, &page);
  return absl::StrCat(page, kRest);
}

}  // namespace fiscal::cli
