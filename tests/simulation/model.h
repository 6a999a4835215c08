// What Fiscal should do, in std::map and brute force: the simulation's other side.
#ifndef FISCAL_TESTS_SIMULATION_MODEL_H_
#define FISCAL_TESTS_SIMULATION_MODEL_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "domain/requests.h"
#include "services/ledger/answer/totals_reader.h"

namespace fiscal::simulation {

// A line that owns its texts.
struct ModelLine {
  std::string id;
  std::string project;
  domain::Line line;  // texts unused
  friend bool operator==(const ModelLine& a, const ModelLine& b) {
    domain::Line x = a.line, y = b.line;
    x.line_id = y.line_id = x.project_code = y.project_code = x.note = y.note = {};
    return a.id == b.id && a.project == b.project && x == y;
  }
};

struct ModelStatement {
  uint64_t revision = 0;
  domain::Position position;
  bool withdrawn = false;
  bool certified = false;
  std::string note;
  std::map<std::string, ModelLine> lines;
  // Names by code.
  std::map<std::string, std::string> projects;
};

struct ModelReceipt {
  domain::Result result = domain::Result::kNone;
  uint64_t revision = 0;
  domain::Position position;
  uint64_t line_count = 0;
  uint64_t memo_line_count = 0;
  uint64_t project_count = 0;
  friend bool operator==(const ModelReceipt& a, const ModelReceipt& b) {
    return a.result == b.result && a.revision == b.revision && a.position == b.position &&
           a.line_count == b.line_count && a.memo_line_count == b.memo_line_count &&
           a.project_count == b.project_count;
  }
};

struct Expected {
  absl::StatusCode code = absl::StatusCode::kOk;
  ModelReceipt receipt;
};

class Model {
 public:
  // What the submission must be answered with; applied unless it is refused.
  Expected Apply(const domain::Submission& s);
  // The same for an import that changes a list.
  Expected Apply(const domain::CatalogImport& import);
  // The same for the parts of a reallocation: all or none.
  Expected ApplyAll(const std::vector<domain::Submission>& parts);
  // The first and last position of what was committed with `position`.
  domain::Position GroupStart(domain::Position position) const;
  domain::Position GroupEnd(domain::Position position) const;
  // An event of a catalog or of a grant takes a position and changes no budget.
  void SkipPosition() { ++head; }

  // Sums of `filter` at `position`, by the codes of the rows; the empty group is the grand total.
  std::map<std::string, domain::CellValue> Totals(const domain::TotalFilter& filter,
                                                  const std::vector<domain::GroupBy>& group_by,
                                                  domain::Position position) const;

  domain::Position head;
  // Every state of each budget, by position of the event.
  std::map<domain::BudgetKey, std::vector<ModelStatement>> budgets;

 private:
  struct Request {
    Digest body;
    ModelReceipt receipt;
  };
  // By who sent it, and the id.
  std::map<std::pair<std::string, std::string>, Request> requests_;
  std::map<domain::Position, std::pair<domain::Position, domain::Position>> groups_;
};

// The model's name of a row: its codes.
std::string ModelKeyOf(const std::vector<domain::GroupValue>& group);

// The fixed organisation the simulation plays in: two counties below a city, agencies in
// departments.
domain::Code ParentDivision(domain::Code division);
std::string DepartmentOfAgency(const std::string& agency);

}  // namespace fiscal::simulation

#endif  // FISCAL_TESTS_SIMULATION_MODEL_H_
