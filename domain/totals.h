// Questions about totals, and the rows that answer them.
//
//   services/wire --(TotalFilter, GroupBy)--> services/ledger/answer
//   services/ledger/answer --(TotalList, RowChange)--> services/wire
#ifndef FISCAL_DOMAIN_TOTALS_H_
#define FISCAL_DOMAIN_TOTALS_H_

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "domain/cells.h"
#include "domain/types.h"

namespace fiscal::domain {

// Numbers of fiscal.aggregation.v1.Dimension; services/wire asserts that.
enum class Dimension : uint8_t {
  kNone,
  kFunctional,
  kRevenue,
  kDeptEconomic,
  kGovEconomic,
  kDepartment,
  kAgency,
  kDivision,
  kFund,
  kCategory,
  kFundingYear,
  kProject
};
enum class RowOrder : uint8_t { kNone, kCode, kAmountDescending };

// The money that a question is about; an unset field selects everything.
struct TotalFilter {
  Code division = 0;
  bool own_level = false;
  std::string department;
  std::string agency;
  uint16_t year = 0;
  Stage stage = Stage::kNone;
  Direction direction = Direction::kNone;
  Code functional = 0;
  Code revenue = 0;
  Code dept_economic = 0;
  Code gov_economic = 0;
  Fund fund = Fund::kNone;
  Category category = Category::kNone;
  FundingYear funding_year = FundingYear::kNone;
  std::string project;
  Analysis analysis = Analysis::kNone;
  // The year whose functional classification codes are shown in, by crosswalk; 0 is `year` itself.
  uint16_t classification_year = 0;

  auto tie() const {
    return std::tie(division, own_level, department, agency, year, stage, direction, functional,
                    revenue, dept_economic, gov_economic, fund, category, funding_year, project,
                    analysis, classification_year);
  }
  friend bool operator<(const TotalFilter& x, const TotalFilter& y) { return x.tie() < y.tie(); }
};

struct GroupBy {
  Dimension dimension = Dimension::kNone;
  // 0: every level.
  int depth = 0;
};

// A row's place in one dimension.
struct GroupValue {
  Dimension dimension = Dimension::kNone;
  std::string code;
  std::string name;
  int level = 1;
  // The code or the enumerator as its number; 0 of organisations and projects.
  uint32_t number = 0;
  Code division = 0;
  bool own_level = false;
  // True for money whose code no crosswalk maps.
  bool unmapped = false;
};

struct TotalRow {
  std::vector<GroupValue> group;
  CellValue value;
};

struct TotalList {
  std::vector<TotalRow> rows;
  CellValue grand_total;
};

// A row at two positions, or of two questions.
struct RowChange {
  std::vector<GroupValue> group;
  CellValue before, after;
};

// The stages a stage's totals are made of: three for CURRENT, else itself.
absl::Span<const Stage> StagesOf(Stage stage);

// The smallest org node that contains everything the filter selects. It may contain more.
OrgNode NodeOf(const TotalFilter& filter);

// "row FUNCTIONAL=208 DIVISION=141100", for messages; "the total" where there is no group.
std::string RowName(const std::vector<GroupValue>& group);

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_TOTALS_H_
