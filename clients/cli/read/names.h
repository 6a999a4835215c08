// Parses what people type on the command line into the API's values: English names in any case,
// Chinese names, the statutory letters.
#ifndef FISCAL_CLIENTS_CLI_READ_NAMES_H_
#define FISCAL_CLIENTS_CLI_READ_NAMES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "fiscal/aggregation/v1/aggregation_service.pb.h"
#include "fiscal/budget/v1/budget.pb.h"
#include "fiscal/catalog/v1/catalog_service.pb.h"

namespace fiscal::cli {

std::optional<budget::v1::Stage> ParseStage(const std::string& text);
std::optional<budget::v1::Direction> ParseDirection(const std::string& text);
std::optional<budget::v1::Fund> ParseFund(const std::string& text);
std::optional<budget::v1::Category> ParseCategory(const std::string& text);
std::optional<budget::v1::FundingYear> ParseFundingYear(const std::string& text);
std::optional<budget::v1::Analysis> ParseAnalysis(const std::string& text);
std::optional<budget::v1::ProcurementKind> ParseProcurementKind(const std::string& text);
std::optional<budget::v1::Scope> ParseScope(const std::string& text);
std::optional<budget::v1::IndicatorPeriod> ParseIndicatorPeriod(const std::string& text);
std::optional<aggregation::v1::Dimension> ParseDimension(const std::string& text);
std::optional<catalog::v1::CatalogList> ParseList(const std::string& text);
std::optional<catalog::v1::AgencyKind> ParseAgencyKind(const std::string& text);

// The Chinese name that the parser above takes back; empty for what is unspecified, and the number
// of a value that this program does not know.
std::string ChineseName(budget::v1::Stage value);
std::string ChineseName(budget::v1::Direction value);
std::string ChineseName(budget::v1::Fund value);
std::string ChineseName(budget::v1::Category value);
std::string ChineseName(budget::v1::FundingYear value);
std::string ChineseName(budget::v1::Analysis value);
std::string ChineseName(budget::v1::ProcurementKind value);
std::string ChineseName(budget::v1::Scope value);
std::string ChineseName(budget::v1::IndicatorPeriod value);

// An enum value's name without its prefix: "APPROVED".
std::string ShortName(const std::string& full, const std::string& prefix);

std::string FormatTime(int64_t seconds, int32_t nanos);

// "functional", "dept-economic", ... in the order of the enum.
const std::vector<std::string>& DimensionNames();
// Those to offer: the stages that are submitted, all that totals have, dimensions, catalog lists.
std::vector<std::string> StageNames();
std::vector<std::string> TotalStageNames();
std::vector<std::string> OfferedDimensions();
std::vector<std::string> ListNames();

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_READ_NAMES_H_
