// A published disclosure as one SubmitBudgetRequest.
//
//   text --> reader.h --> disclosure --(rules)--> lines, memo lines, projects --> fiscal import
//
// Pure and thread-safe. What can't be read whole is refused; what contradicts itself between tables
// is refused unless `as_printed`; what the document does not tell is left unspecified and said.
// Nothing is guessed.
#ifndef FISCAL_CLIENTS_IMPORTER_IMPORTER_H_
#define FISCAL_CLIENTS_IMPORTER_IMPORTER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "domain/disclosure/disclosure.h"
#include "fiscal/submission/v1/submission_service.pb.h"

namespace fiscal::importer {

// Names and codes the document is read against; the caller fetches them from CatalogService.
struct CatalogView {
  struct Code {
    std::string code, name, parent;
    std::vector<std::string> aliases;
  };
  struct Agency {
    std::string division_code, code, name, department_code;
    std::vector<std::string> aliases;
  };
  std::vector<Code> functional, dept_economic, gov_economic, divisions;
  // An entry whose code is its department_code names the department.
  std::vector<Agency> agencies;
};

struct Options {
  // Empty: from the catalog by printed name.
  std::string division_code, department_code, agency_code;
  // 0: from the document.
  int fiscal_year = 0;
  budget::v1::Stage stage = budget::v1::STAGE_APPROVED;
  // Keep a document whose tables contradict each other; the findings say so.
  bool as_printed = false;
};

struct TableReport {
  int number = 0;
  std::string title;
  int figures_read = 0;
  int figures_checked = 0;
  int differences = 0;
  int to_lines = 0;
  int to_memo = 0;
  int to_checks = 0;
  // The rules its figures stand in.
  std::string checked_against;
};

struct Result {
  submission::v1::SubmitBudgetRequest request;
  std::vector<TableReport> tables;
  std::vector<budget::v1::Finding> findings;
  std::string document_name;
  std::string unit;
};

// INVALID_ARGUMENT: it can't be read whole, or codes are missing; the message says table, line,
// reason, and what to pass. `d` is what Read made of `text`. FAILED_PRECONDITION: ERROR rules
// between or within tables fail; the message names each rule with place and both sides.
// `findings_out`, if not null, then holds them.
absl::StatusOr<Result> Import(absl::string_view text, const disclosure::Disclosure& d,
                              const CatalogView& catalog, const Options& options,
                              std::vector<budget::v1::Finding>* findings_out);

}  // namespace fiscal::importer

#endif  // FISCAL_CLIENTS_IMPORTER_IMPORTER_H_
