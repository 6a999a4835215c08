// The parts of a total, and of the difference of two totals.
//
//   services/ledger/answer/explain --(Explanation, ChangeExplanation)--> services/wire
#ifndef FISCAL_DOMAIN_EXPLANATION_H_
#define FISCAL_DOMAIN_EXPLANATION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "domain/cells.h"
#include "domain/fold.h"
#include "domain/totals.h"
#include "domain/types.h"

namespace fiscal::domain {

// Numbers of fiscal.aggregation.v1.ContributionKind; services/wire asserts that.
enum class ContributionKind : uint8_t {
  kNone,
  kDivision,
  kOwnLevel,
  kDepartment,
  kStatement,
  kLineItem
};

struct Contribution {
  ContributionKind kind = ContributionKind::kNone;
  // The filter whose parts this one is made of; of a line item, the statement's.
  TotalFilter filter;
  std::string name;
  Fen amount_fen = 0;
  int64_t line_count = 0;
  // Of a statement and a line item.
  BudgetKey budget;
  StatementStatus status;
  // Of a line item; its views live as long as the explanation.
  Line line;
};

struct Explanation {
  CellValue total;
  std::vector<Contribution> contributions;
  // True when contributions follow after the last of these.
  bool more = false;
  std::vector<std::shared_ptr<const void>> owners;
};

// Numbers of fiscal.aggregation.v1.ChangeReason; services/wire asserts that.
enum class ChangeReason : uint8_t {
  kNone,
  kNew,
  kAmended,
  kWithdrawn,
  kMovedIn,
  kMovedOut,
  kReclassified
};

struct ChangePart {
  ChangeReason reason = ChangeReason::kNone;
  Code division = 0;
  std::string agency;
  std::string name;
  std::string left_department, right_department;
  Fen left_fen = 0;
  Fen right_fen = 0;
  Fen change_fen = 0;
  StatementStatus left_status, right_status;
};

struct ChangeExplanation {
  Fen left_fen = 0;
  Fen right_fen = 0;
  // Largest first.
  std::vector<ChangePart> parts;
};

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_EXPLANATION_H_
