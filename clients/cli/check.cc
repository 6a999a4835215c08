// fiscal check: reads a published disclosure and says what does not add up, offline.
#include <iostream>
#include <memory>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "clients/cli/context.h"
#include "clients/cli/document_file.h"
#include "clients/cli/findings.h"
#include "clients/importer/check.h"

namespace fiscal::cli {
namespace {

struct Flags {
  std::string file;
};

int Run(Context& context, const Flags& f) {
  const absl::StatusOr<std::string> text = ReadDocumentFile(f.file);
  if (absl::IsNotFound(text.status())) return Usage(std::string(text.status().message()));
  absl::StatusOr<articulation::Report> report =
      text.ok() ? importer::CheckDocument(*text) : absl::StatusOr<articulation::Report>(text.status());
  if (!report.ok()) {
    client::Error error;
    error.code = grpc::StatusCode::INVALID_ARGUMENT;
    error.reason = "DOCUMENT_UNREADABLE";
    error.message = absl::StrCat(f.file, ": ", std::string(report.status().message()));
    error.message_zh = "文件无法完整读取，未检查";
    return fiscal::cli::Report(context, error);
  }
  if (context.json()) {
    PrintReportJson(*report, std::cout);
  } else {
    PrintReport(*report, std::cout);
  }
  return report->failed() ? kRejected : kOk;
}

}  // namespace

void AddCheck(CLI::App& app, Context& context) {
  auto f = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(
      "check", "Check a published disclosure (text or PDF) against the articulation rules, offline");
  command->add_option("file", f->file, "The document")->required();
  command->callback([&context, f] { context.run = [&context, f] { return Run(context, *f); }; });
}

}  // namespace fiscal::cli
