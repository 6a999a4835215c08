#include "services/admin/coverage_watch.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/log.h"
#include "base/time_text.h"
#include "domain/coverage.h"
#include "domain/types.h"
#include "fiscal/budget/v1/budget.pb.h"
#include "services/ledger/answer/statuses.h"
#include "services/ledger/work.h"

namespace fiscal::services {
namespace {

using domain::AgencyCoverage;

// The configuration's names are those of the API, in lower case.
domain::Stage StageOf(absl::string_view name) {
  budget::v1::Stage stage = budget::v1::STAGE_UNSPECIFIED;
  FISCAL_CHECK(budget::v1::Stage_Parse(absl::StrCat("STAGE_", absl::AsciiStrToUpper(name)), &stage),
               "a stage that the configuration lets through is one of the API's");
  return static_cast<domain::Stage>(stage);
}

}  // namespace

CoverageWatch::CoverageWatch(const Projector& projector,
                             const config::v1::AggregationConfig& config)
    : projector_(projector), config_(config) {}

void CoverageWatch::Refresh() {
  std::vector<DeadlineCoverage> found;
  for (const config::v1::CoverageDeadline& deadline : config_.coverage_deadlines()) {
    DeadlineCoverage& coverage = found.emplace_back();
    coverage.division_code = deadline.division_code();
    coverage.fiscal_year = static_cast<int32_t>(deadline.fiscal_year());
    coverage.stage = deadline.stage();
    if (const auto due = ParseTimeOrDate(deadline.due())) coverage.due = *due;
    domain::TotalFilter filter;
    filter.division = domain::ParseDivision(deadline.division_code());
    filter.year = static_cast<uint16_t>(deadline.fiscal_year());
    filter.stage = StageOf(deadline.stage());
    Work work;
    const absl::StatusOr<std::vector<AgencyCoverage>> agencies =
        CoverageAt(projector_, filter, projector_.folded(), work);
    if (agencies.ok()) {
      coverage.agencies = Sum(*agencies).expected;
      for (const AgencyCoverage& agency : *agencies) {
        if (agency.must_report && agency.state == domain::CoverageState::kUnreported)
          ++coverage.missing;
      }
    } else if (!absl::IsNotFound(agencies.status())) {
      logging::Error("coverage can't be computed", {{"division", deadline.division_code()},
                                                    {"status", agencies.status().ToString()}});
    }
  }
  absl::MutexLock lock(&mu_);
  found_ = std::move(found);
}

std::vector<DeadlineCoverage> CoverageWatch::found() const {
  absl::MutexLock lock(&mu_);
  return found_;
}

}  // namespace fiscal::services
