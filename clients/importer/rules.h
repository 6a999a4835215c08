// Articulation rules (勾稽关系) within and between the tables, by the ids of the product's rule list.
//
// Exact integers. A sum of rounded figures may differ from the rounded sum by half a unit in the last place for each: one unit
// for every two terms is "within rounding" and said; figures that are printed twice must be equal.
#ifndef FISCAL_CLIENTS_IMPORTER_RULES_H_
#define FISCAL_CLIENTS_IMPORTER_RULES_H_

#include <string>
#include <vector>

#include "clients/importer/tables.h"

namespace fiscal::importer {

struct RuleOutcome {
  std::string rule;
  budget::v1::Severity severity = budget::v1::SEVERITY_ERROR;
  // kRounding is no failure.
  enum Kind { kFailed, kRounding } kind = kFailed;
  int table = 0;
  // "table 3, row 217, column 基本支出".
  std::string place;
  std::string message;
  std::string message_zh;
};

// The codes of T1's and T4's 类 rows, by name or, in the full list of 30, by place. Empty for rows without money that can't be
// told; `problem` names a row with money that can't.
std::vector<std::string> ClassCodes(const Tables& tables, const BalanceTable& table,
                                    const CatalogView& catalog, std::string* problem);

// Checks everything; counts checked figures in tables.reports. Returns what did not hold exactly.
std::vector<RuleOutcome> CheckTables(Tables& tables, const CatalogView& catalog);

}  // namespace fiscal::importer

#endif  // FISCAL_CLIENTS_IMPORTER_RULES_H_
