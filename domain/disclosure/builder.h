// Fills a form from sums: the tables a disclosure would print of what is stated.
//
//   CellSource (the ledger at a position, or the lines of one statement) --> Build --> Disclosure
//
// Row and column keys are those the reader of documents gives, so that both compare cell by cell.
// Pure.
#ifndef FISCAL_DOMAIN_DISCLOSURE_BUILDER_H_
#define FISCAL_DOMAIN_DISCLOSURE_BUILDER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "domain/disclosure/disclosure.h"
#include "domain/disclosure/form.h"
#include "domain/fen.h"

namespace fiscal::disclosure {

// A sum of lines, and how far the true amounts may be from it: half a unit of each line's
// precision.
struct Sum {
  domain::Fen fen = 0;
  domain::Fen slack_fen = 0;
  int64_t lines = 0;

  void Add(const Sum& other) {
    fen += other.fen;
    slack_fen += other.slack_fen;
    lines += other.lines;
  }
};

enum class GroupKind : uint8_t {
  kNone,
  kFunctional,  // every level
  kRevenue,     // every level
  kDept,        // departments' economic, every level
  kPair,        // 款 of both economic lists
  kUnit,        // agencies, or the units that a statement of a department names
  kProject,     // projects with their unit
};

struct Group {
  // The code. Of kUnit: an identifier unique within the source, which also orders the units.
  std::string code;
  // kPair: the governments' code.
  std::string other_code;
  // kUnit and kProject: the name. Two may have the same.
  std::string name;
  // kProject: code and name of its unit. A project's code is unique within its unit.
  std::string unit, unit_name;
  Sum sum;
};

class CellSource {
 public:
  virtual ~CellSource() = default;
  // A query with an analysis is answered by memo lines of a statement that has some of it, else by
  // its counted lines.
  virtual absl::StatusOr<std::vector<Group>> Ask(const Query& query, GroupKind by) = 0;
  // 年终结转 of the statements that stand; nothing where none states it.
  virtual absl::StatusOr<Sum> CarryForward() = 0;
  // The name of a code as it serves the division; empty when unknown.
  virtual std::string NameOf(domain::CatalogList list, const std::string& code) const = 0;
};

struct Subject {
  int fiscal_year = 0;
  std::string name;
  // True for one agency's own disclosure, which some forms print differently.
  bool unit = false;
};

// TOTAL_OUT_OF_RANGE when a figure doesn't fit.
absl::StatusOr<Disclosure> Build(const Form& form, const Subject& subject, CellSource& source);

}  // namespace fiscal::disclosure

#endif  // FISCAL_DOMAIN_DISCLOSURE_BUILDER_H_
