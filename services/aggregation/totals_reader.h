// Answers questions about totals at a position.
//
//   AggregationService --> TotalsReader --> TotalsView: the cells at that position
//
// A question names an org node, filters and at most two dimensions. It is answered from the chunks
// that keep just the classification it needs, or, when it needs two classifications or projects, by
// a pivot over the leaf cells below the node. Thread-safe.
#ifndef FISCAL_SERVICES_AGGREGATION_TOTALS_READER_H_
#define FISCAL_SERVICES_AGGREGATION_TOTALS_READER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "domain/cells.h"
#include "services/aggregation/projector.h"

namespace fiscal::services {

// Numbers of fiscal.aggregation.v1.Dimension.
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
enum class Order : uint8_t { kNone, kCode, kAmountDescending };

struct TotalFilter {
  domain::Code division = 0;
  bool own_level = false;
  std::string department;
  std::string agency;
  uint16_t year = 0;
  domain::Stage stage = domain::Stage::kNone;
  domain::Direction direction = domain::Direction::kNone;
  domain::Code functional = 0;
  domain::Code revenue = 0;
  domain::Code dept_economic = 0;
  domain::Code gov_economic = 0;
  domain::Fund fund = domain::Fund::kNone;
  domain::Category category = domain::Category::kNone;
  domain::FundingYear funding_year = domain::FundingYear::kNone;
  std::string project;
  domain::Analysis analysis = domain::Analysis::kNone;
};

struct GroupBy {
  Dimension dimension = Dimension::kNone;
  // 0: every level.
  int depth = 0;
};

struct GroupValue {
  Dimension dimension = Dimension::kNone;
  std::string code;
  std::string name;
  int level = 1;
  domain::Code division = 0;
  bool own_level = false;
};

struct TotalRow {
  std::vector<GroupValue> group;
  domain::CellValue value;
};

struct TotalList {
  std::vector<TotalRow> rows;
  domain::CellValue grand_total;
};

class ChunkCache;  // totals_view.h

class TotalsReader {
 public:
  explicit TotalsReader(const Projector& projector);
  ~TotalsReader();

  // `position` must have been folded. NOT_FOUND with DIVISION_UNKNOWN, DEPARTMENT_UNKNOWN or
  // AGENCY_UNKNOWN.
  absl::StatusOr<domain::CellValue> Get(const TotalFilter& filter, domain::Position position) const;
  absl::StatusOr<TotalList> List(const TotalFilter& filter, const std::vector<GroupBy>& group_by,
                                 Order order, domain::Position position) const;

 private:
  const Projector& projector_;
  const std::unique_ptr<ChunkCache> cache_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_AGGREGATION_TOTALS_READER_H_
