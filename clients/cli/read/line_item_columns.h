// The columns of sheets that state budgets: line items, projects and performance indicators.
//
//   LineItemFile reads by them, clients/cli/print/line_item_sheets.h writes them
//
// One home for what a column is called and which field of a SubmitBudgetRequest it is. Pure.
#ifndef FISCAL_CLIENTS_CLI_READ_LINE_ITEM_COLUMNS_H_
#define FISCAL_CLIENTS_CLI_READ_LINE_ITEM_COLUMNS_H_

#include <array>
#include <cstdint>
#include <set>
#include <vector>

#include "absl/strings/string_view.h"

namespace fiscal::cli {

// What the rows of a sheet are, in the order sheets are read: an indicator is of a project, a
// project of a budget that has lines.
enum class SheetKind : uint8_t { kLines, kProjects, kIndicators };

// Kinds of columns, in the order of Elements(), which is that of columns as they are written.
enum Element : int {
  kDivision,
  kAgency,
  kYear,
  kStage,
  kLineId,
  kDirection,
  kFunctional,
  kRevenue,
  kDeptEconomic,
  kGovEconomic,
  kFund,
  kCategory,
  kFundingYear,
  kProjectCode,
  kProjectName,
  kAmount,
  kPrecision,
  kReceiving,
  kProcurement,
  kAnalysis,
  kNote,
  // Of the statement: they may stand in any of its lines.
  kScope,
  kControl,
  kCarryForward,
  kStatementNote,
  // Of projects.
  kDerived,
  kOwningAgency,
  kImplementingAgency,
  kAttribute,
  kTerm,
  kTermTotal,
  kTermCentral,
  kTermProvincial,
  kTermLocal,
  kTermSelfRaised,
  kTermOther,
  kYearTotal,
  kYearCentral,
  kYearProvincial,
  kYearLocal,
  kYearSelfRaised,
  kYearOther,
  kOverview,
  kBasis,
  kNecessity,
  kSafeguards,
  kPlan,
  kTermGoal,
  kYearGoal,
  // Of indicators.
  kPeriod,
  kLevel1,
  kLevel2,
  kLevel3,
  kTarget,
  kElementCount,
};

struct ElementColumn {
  // The field of a line, a project, an indicator or a budget's key that it becomes; those of a
  // statement begin with "statement.".
  const char* field;
  // Bits of the SheetKinds it stands in.
  unsigned kinds;
  // Its heading tells a unit: see NameOf.
  bool amount;
  // Texts that the heading may have, without its unit; the first two, English and Chinese, are
  // named in messages, and the Chinese one is written.
  std::vector<const char*> headings;

  bool IsIn(SheetKind kind) const { return (kinds >> static_cast<unsigned>(kind) & 1) != 0; }
};

const std::array<ElementColumn, kElementCount>& Elements();
inline const ElementColumn& ColumnOf(Element e) { return Elements()[static_cast<size_t>(e)]; }

enum class AmountUnit : uint8_t { kNone, kFen, kYuan, kWanyuan };

// Decimal places down to a fen.
int PlacesOf(AmountUnit unit);
absl::string_view NameOf(AmountUnit unit);
constexpr char kWriteUnit[] =
    "write 金额（元）, 金额（万元） or 金额（分）, or amount_yuan, amount_wanyuan or amount_fen";

struct Heading {
  Element element = kElementCount;
  AmountUnit unit = AmountUnit::kNone;
};

// kElementCount where no column is called so. Case, blanks and the width of brackets don't matter.
Heading ParseHeading(absl::string_view text);
// The unit a title above the headings names: 单位：万元.
AmountUnit UnitOfTitle(absl::string_view title);
// What the rows under these headings are. Lines where that is not clear.
SheetKind KindOf(const std::set<Element>& headings);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_READ_LINE_ITEM_COLUMNS_H_
