// fiscal serve: starts a server; the one command that reaches into services.
#include <unistd.h>

#include <cstdio>
#include <map>
#include <memory>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "clients/cli/shell/context.h"
#include "services/config/config.h"
#include "services/server.h"

namespace fiscal::cli {
namespace {

// The help of the command's flags; services/config knows which setting each is short for.
const std::map<std::string, std::string>& FlagTexts() {
  static const auto* const texts = new std::map<std::string, std::string>{
      {"--role", "all, submission or aggregation"},
      {"--data-dir", "Where the log and the totals are kept"},
      {"--listen", "HOST:PORT of the API, 127.0.0.1:7411; without TLS only loopback"},
      {"--authority", "Whether callers need grants: auto, off, log or enforce"},
      {"--insecure", "Serve any address without TLS, or without asking callers for certificates"},
      {"--admin-listen", "HOST:PORT of /healthz, /readyz, /metrics and /buildinfo; none without"},
      {"--log-format", "json or text"},
      {"--log", "HOST:PORT of the submission process, for --role aggregation"},
      {"--upstream", "NAME=HOST:PORT,...: systems below, whose totals become part of these"}};
  return *texts;
}

struct ServeFlags {
  std::string file;
  CLI::Option* config = nullptr;
  std::vector<std::string> sets;
  struct Short {
    services::ShortFlag flag;
    CLI::Option* option = nullptr;
    bool on = false;
    // One, unless it is a list.
    std::vector<std::string> values;
  };
  std::vector<Short> shorts;
  CLI::Option* set = nullptr;
  bool check = false;
  bool print = false;
};

std::vector<std::pair<std::string, std::string>> Environment() {
  std::vector<std::pair<std::string, std::string>> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::pair<std::string, std::string> variable =
        absl::StrSplit(*entry, absl::MaxSplits('=', 1));
    variables.push_back(variable);
  }
  return variables;
}

// In the order they were typed: the later of two that set the same thing is meant.
std::string FlagsOf(const CLI::App& command, const ServeFlags& given,
                    std::vector<services::ConfigSources::Flag>* flags) {
  size_t sets = 0;
  for (const CLI::Option* option : command.parse_order()) {
    if (option == given.set) {
      const std::string& text = given.sets[sets++];
      const size_t equals = text.find('=');
      if (equals == std::string::npos) return absl::StrCat("--set ", text, ": must be PATH=VALUE");
      flags->push_back({text.substr(0, equals), text.substr(equals + 1), "--set"});
      continue;
    }
    for (const ServeFlags::Short& one : given.shorts) {
      if (option != one.option) continue;
      const bool is_switch = one.flag.form == services::ShortFlag::Form::kSwitch;
      flags->push_back({one.flag.path,
                        is_switch ? (one.on ? "true" : "false") : absl::StrJoin(one.values, ","),
                        one.flag.name});
    }
  }
  return "";
}

int Refused(absl::string_view what) {
  std::fprintf(stderr, "fiscal serve: %s\n", std::string(what).c_str());
  return kUsage;
}

int RunServe(const CLI::App& command, const ServeFlags& given) {
  services::ConfigSources sources;
  // Empty is what a script's unset variable leaves; it meant a file.
  if (given.config->count() > 0 && given.file.empty()) return Refused("--config: names no file");
  sources.file = given.file;
  sources.environment = Environment();
  const std::string wrong = FlagsOf(command, given, &sources.flags);
  if (!wrong.empty()) return Refused(wrong);
  const absl::StatusOr<config::v1::ServeConfig> config = services::Load(sources);
  if (!config.ok()) return Refused(config.status().message());
  if (given.print) {
    std::fputs(services::Print(*config).c_str(), stdout);
    return kOk;
  }
  const absl::Status fine = services::Check(*config);
  if (!fine.ok()) return Refused(fine.message());
  if (given.check) {
    const config::v1::ServerConfig& server = services::ServerOf(*config);
    std::printf("configuration is good: role %s, listening on %s, data in %s\n",
                services::RoleName(*config).c_str(), server.listen().c_str(),
                server.data_dir().c_str());
    return kOk;
  }
  return services::Serve(*config);
}

}  // namespace

void AddServe(CLI::App& app, Context& context) {
  auto given = std::make_shared<ServeFlags>();
  CLI::App* command =
      app.add_subcommand("serve", "Serve budgets and totals until SIGINT or SIGTERM");
  given->config = command->add_option(
      "--config", given->file,
      "YAML file of settings; over it go variables FISCAL_SERVE_..., over them flags");
  given->set = command
                   ->add_option("--set", given->sets,
                                "PATH=VALUE, such as server.drain.seconds=30; may be repeated")
                   ->allow_extra_args(false)
                   ->take_all();
  for (const services::ShortFlag& flag : services::ShortFlags())
    given->shorts.push_back({flag, nullptr, false, {}});
  // Options keep references to what they fill: the list does not grow any more.
  for (ServeFlags::Short& one : given->shorts) {
    const auto text = FlagTexts().find(one.flag.name);
    FISCAL_CHECK(text != FlagTexts().end(), "every flag of serve says what it is for");
    if (one.flag.form == services::ShortFlag::Form::kSwitch) {
      one.option = command->add_flag(one.flag.name, one.on, text->second);
      continue;
    }
    one.option =
        command->add_option(one.flag.name, one.values, text->second)->allow_extra_args(false);
    if (one.flag.form == services::ShortFlag::Form::kValue)
      one.option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  CLI::Option* check = command->add_flag("--check-config", given->check,
                                         "Only say whether the configuration is good");
  command
      ->add_flag("--print-config", given->print,
                 "Only print the configuration with all its defaults, as a file")
      ->excludes(check);
  command->callback([&context, command, given] {
    context.run = [command, given] { return RunServe(*command, *given); };
  });
}

}  // namespace fiscal::cli
