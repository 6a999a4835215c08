// The part that all commands share: global flags, the connection, how failures end the program.
#ifndef FISCAL_CLIENTS_CLI_SHELL_CONTEXT_H_
#define FISCAL_CLIENTS_CLI_SHELL_CONTEXT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "clients/cli/print/json.h"
#include "clients/cli/print/progress.h"
#include "clients/cli/print/text.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/error.h"
#include "fiscal/catalog/v1/catalog_service.pb.h"

namespace CLI {
class App;
}

namespace fiscal::cli {

// Exit codes, part of the contract.
enum Exit : int {
  kOk = 0,
  kFailure = 1,
  kUsage = 2,
  kRejected = 3,
  kNotFound = 4,
  kConflict = 5,
  kUnavailable = 6,
  kDenied = 7,
};

struct Context {
  std::string server = "127.0.0.1:7411";
  client::Connection::Tls tls;
  std::string traceparent;
  double timeout_seconds = 30;
  std::string output = "table";
  // Empty where --unit is not given.
  std::string unit_name;
  // True when the command can answer with a workbook.
  bool takes_workbook = false;
  // Set by the command that was named.
  std::function<int()> run;

  // True when the answer is for programs: JSON, or the same as YAML.
  bool json() const { return output == "json" || output == "yaml"; }
  bool csv() const { return output == "csv"; }
  // Prints one answer, or one record, of those.
  void Print(const Json& value) const;
  void Print(const google::protobuf::Message& message) const;
  // For people 万元 without --unit; for programs and for what is sent again 元.
  Unit unit() const {
    if (unit_name.empty()) return csv() || output == "xlsx" ? Unit::kYuan : Unit::kWanyuan;
    return unit_name == "yuan" ? Unit::kYuan : unit_name == "fen" ? Unit::kFen : Unit::kWanyuan;
  }
  // In that unit: rounded to two decimals for people, exact in CSV.
  std::string Amount(int64_t fen) const {
    return csv() ? FormatExact(fen, unit()) : FormatAmount(fen, unit());
  }
  // The connection, made at first use.
  client::Connection& connection();

  std::unique_ptr<client::Connection> made;
};

int ExitCodeOf(grpc::StatusCode code);
// Prints the error for a person, and as JSON on stdout with -o json; returns its exit code.
int Report(const Context& context, const client::Error& error);
int Report(const Context& context, const grpc::Status& status);
// The fault of the connection's flags, in one line; empty when there is none.
std::string WrongConnection(const Context& context);
// A usage error: one line, exit code 2.
int Usage(const std::string& message);

// All entries of a catalog list, every page. An empty division lists agencies or divisions of all.
grpc::Status ListCatalog(Context& context, catalog::v1::CatalogList list,
                         const std::string& division, int year, const std::string& department,
                         std::vector<catalog::v1::CatalogEntry>* entries);

void AddServe(CLI::App& app, Context& context);
void AddImport(CLI::App& app, Context& context);
void AddCheck(CLI::App& app, Context& context);
void AddSubmit(CLI::App& app, Context& context);
void AddStatements(CLI::App& app, Context& context);
void AddTables(CLI::App& app, Context& context);
void AddTotals(CLI::App& app, Context& context);
void AddCompare(CLI::App& app, Context& context);
void AddExplain(CLI::App& app, Context& context);
void AddCoverage(CLI::App& app, Context& context);
void AddCatalog(CLI::App& app, Context& context);
void AddFederation(CLI::App& app, Context& context);
void AddReconcile(CLI::App& app, Context& context);
void AddLog(CLI::App& app, Context& context);
void AddWatch(CLI::App& app, Context& context);
void AddAdmin(CLI::App& app, Context& context);
void AddAudit(CLI::App& app, Context& context);
void AddAuthority(CLI::App& app, Context& context);
void AddDescribe(CLI::App& app, Context& context);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_SHELL_CONTEXT_H_
