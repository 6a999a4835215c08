// fiscal: the command line of the product. Each command has a file; this one only declares and runs them.
#include <iostream>

#include "CLI/CLI.hpp"
#include "clients/cli/context.h"

int main(int argc, char** argv) {
  CLI::App app{"Fiscal: department budgets as an event log, totals of every department and subject",
               "fiscal"};
  fiscal::cli::Context context;
  app.add_option("--server", context.server, "HOST:PORT of the server")->capture_default_str();
  app.add_option("--timeout", context.timeout_seconds, "Seconds a call may take")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("-o,--output", context.output, "table, json or csv; of tables also xlsx")
      ->check(CLI::IsMember({"table", "json", "csv", "xlsx"}));
  app.add_option("--unit", context.unit_name, "Unit of tables and CSV: wanyuan (万元), yuan or fen")
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
  fiscal::cli::AddAdmin(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? fiscal::cli::kOk : fiscal::cli::kUsage;
  }
  if (context.output == "xlsx" && !context.takes_workbook)
    return fiscal::cli::Usage("-o xlsx: only tables makes a workbook");
  const int code = context.run();
  std::cout.flush();
  return code;
}
