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
  command->add_flag("--insecure", options->insecure, "Serve without TLS on any address");
  command->callback(
      [&context, options] { context.run = [options] { return services::Serve(*options); }; });
}

}  // namespace fiscal::cli
