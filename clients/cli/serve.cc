// fiscal serve: starts a server; the one command that reaches into services.
#include <memory>

#include "CLI/CLI.hpp"
#include "clients/cli/context.h"
#include "services/server.h"

namespace fiscal::cli {

void AddServe(CLI::App& app, Context& context) {
  auto options = std::make_shared<services::ServeOptions>();
  options->listen = "127.0.0.1:7411";
  CLI::App* command =
      app.add_subcommand("serve", "Serve budgets and totals until SIGINT or SIGTERM");
  command->add_option("--data-dir", options->data_dir, "Where the log and the totals are kept")
      ->required();
  command->add_option("--listen", options->listen, "HOST:PORT; without TLS only loopback")
      ->capture_default_str();
  command->add_option("--role", options->role, "all, submission or aggregation")
      ->check(CLI::IsMember({"all", "submission", "aggregation"}));
  command->add_option("--log", options->log_address,
                      "HOST:PORT of the submission process, for --role aggregation");
  auto upstreams = std::make_shared<std::vector<std::string>>();
  command
      ->add_option("--upstream", *upstreams,
                   "NAME=HOST:PORT,...: systems below, whose totals become part of these")
      ->delimiter(',');
  command->add_flag("--insecure", options->insecure, "Serve without TLS on any address");
  command->callback([&context, options, upstreams] {
    context.run = [options, upstreams] {
      for (const std::string& upstream : *upstreams) {
        const size_t equals = upstream.find('=');
        options->upstreams.emplace_back(
            upstream.substr(0, equals),
            equals == std::string::npos ? "" : upstream.substr(equals + 1));
      }
      return services::Serve(*options);
    };
  });
}

}  // namespace fiscal::cli
