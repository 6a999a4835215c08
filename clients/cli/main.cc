// fiscal: the command line of the product. Each command has a file; this one only declares and runs
// them.
#include <cstdlib>
#include <iostream>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "base/version.h"
#include "clients/cli/shell/bounds.h"
#include "clients/cli/shell/context.h"
#include "clients/cli/shell/mistakes.h"

int main(int argc, char** argv) {
  // The command reports each error once; the variable brings gRPC's own log back.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  CLI::App app{"Fiscal: department budgets as an event log, totals of every department and subject",
               "fiscal"};
  fiscal::cli::Context context;
  app.set_version_flag("--version", absl::StrCat("fiscal ", fiscal::Version()),
                       "Print the version and exit");
  app.set_help_all_flag("--help-all", "Print the help of every command and exit");
  app.add_option("--server", context.server, "HOST:PORT of the server")
      ->envname("FISCAL_SERVER")
      ->capture_default_str();
  auto* authorities = app.add_option("--tls-ca", context.tls.ca_file,
                                     "PEM file of the authorities of the server's certificate: TLS")
                          ->type_name("FILE");
  auto* certificate = app.add_option("--tls-certificate", context.tls.certificate_file,
                                     "PEM file of the certificate shown to the server")
                          ->type_name("FILE");
  auto* key = app.add_option("--tls-key", context.tls.key_file, "PEM file of its private key")
                  ->type_name("FILE");
  certificate->needs(authorities)->needs(key);
  key->needs(certificate);
  app.add_option("--traceparent", context.traceparent,
                 "W3C trace context that the server's logs name");
  app.add_option("--timeout", context.timeout_seconds,
                 "Seconds a call may take, its retries included")
      ->capture_default_str()
      ->check(fiscal::cli::Positive());
  app.add_option("-o,--output", context.output,
                 "table, json, yaml or csv; of tables and lines also xlsx")
      ->check(CLI::IsMember({"table", "json", "yaml", "csv", "xlsx"}));
  app.add_option("--unit", context.unit_name, "wanyuan (万元), yuan or fen; else 万元, in CSV 元")
      ->check(CLI::IsMember({"wanyuan", "yuan", "fen"}));
  app.require_subcommand(1);
  app.fallthrough();
  fiscal::cli::AddServe(app, context);
  fiscal::cli::AddImport(app, context);
  fiscal::cli::AddCheck(app, context);
  fiscal::cli::AddSubmit(app, context);
  fiscal::cli::AddStatements(app, context);
  fiscal::cli::AddTables(app, context);
  fiscal::cli::AddTotals(app, context);
  fiscal::cli::AddCompare(app, context);
  fiscal::cli::AddExplain(app, context);
  fiscal::cli::AddCoverage(app, context);
  fiscal::cli::AddCatalog(app, context);
  fiscal::cli::AddFederation(app, context);
  fiscal::cli::AddReconcile(app, context);
  fiscal::cli::AddLog(app, context);
  fiscal::cli::AddWatch(app, context);
  fiscal::cli::AddAuthority(app, context);
  fiscal::cli::AddAdmin(app, context);
  fiscal::cli::AddAudit(app, context);
  fiscal::cli::AddDescribe(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    return fiscal::cli::Usage(fiscal::cli::Mistake(app, e));
  }
  const std::string wrong = fiscal::cli::WrongConnection(context);
  if (!wrong.empty()) return fiscal::cli::Usage(wrong);
  if (context.output == "xlsx" && !context.takes_workbook)
    return fiscal::cli::Usage("-o xlsx: only tables and lines make a workbook");
  const int code = context.run();
  std::cout.flush();
  return code;
}
