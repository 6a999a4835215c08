#include "services/wire/explain_wire.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/wire/submission_wire.h"
#include "services/wire/text_wire.h"
#include "services/wire/totals_wire.h"

namespace fiscal::services::wire {
namespace {

using domain::ContributionKind;

namespace pb = fiscal::aggregation::v1;

static_assert(static_cast<int>(ContributionKind::kLineItem) == pb::CONTRIBUTION_KIND_LINE_ITEM &&
              pb::ContributionKind_MAX == 5);
static_assert(static_cast<int>(domain::ChangeReason::kReclassified) ==
                  pb::CHANGE_REASON_RECLASSIFIED &&
              pb::ChangeReason_MAX == 6);
static_assert(static_cast<int>(domain::CoverageState::kCertified) == pb::COVERAGE_STATE_CERTIFIED &&
              pb::CoverageState_MAX == 3);

// part / whole in hundredths of a percent, halves away from zero; nothing where either is beyond
// what is told.
std::optional<int64_t> Hundredths(domain::Fen part, domain::Fen whole) {
  if (whole == 0 || !domain::FitsInt64(part) || !domain::FitsInt64(whole)) return std::nullopt;
  const __int128 scaled = part * 10000;
  const bool negative = (scaled < 0) != (whole < 0);
  const __int128 size = scaled < 0 ? -scaled : scaled;
  const __int128 of = whole < 0 ? -whole : whole;
  const __int128 rounded = (size * 2 + of) / (of * 2);
  if (rounded > INT64_MAX) return std::nullopt;
  return static_cast<int64_t>(negative ? -rounded : rounded);
}

template <typename Message>
absl::Status FillAmounts(domain::Fen left, domain::Fen right, absl::string_view field,
                         Message* out) {
  FISCAL_ASSIGN_OR_RETURN(const int64_t left_fen, domain::ToInt64(left, field));
  FISCAL_ASSIGN_OR_RETURN(const int64_t right_fen, domain::ToInt64(right, field));
  FISCAL_ASSIGN_OR_RETURN(const int64_t change_fen,
                          domain::ToInt64(right - left, absl::StrCat("change of ", field)));
  out->set_left_fen(left_fen);
  out->set_right_fen(right_fen);
  out->set_change_fen(change_fen);
  return absl::OkStatus();
}

void ToKeyProto(const domain::BudgetKey& key, budget::v1::BudgetKey* out) {
  out->set_division_code(domain::FormatCode(key.division));
  out->set_agency_code(key.agency);
  out->set_fiscal_year(key.year);
  out->set_stage(static_cast<budget::v1::Stage>(key.stage));
}

}  // namespace

void ToProto(const domain::TotalFilter& f, pb::TotalFilter* out) {
  out->set_division_code(domain::FormatCode(f.division));
  out->set_own_level(f.own_level);
  out->set_department_code(f.department);
  out->set_agency_code(f.agency);
  out->set_fiscal_year(f.year);
  out->set_stage(static_cast<budget::v1::Stage>(f.stage));
  out->set_direction(static_cast<budget::v1::Direction>(f.direction));
  out->set_functional_code(domain::FormatCode(f.functional));
  out->set_revenue_code(domain::FormatCode(f.revenue));
  out->set_dept_economic_code(domain::FormatCode(f.dept_economic));
  out->set_gov_economic_code(domain::FormatCode(f.gov_economic));
  out->set_fund(static_cast<budget::v1::Fund>(f.fund));
  out->set_category(static_cast<budget::v1::Category>(f.category));
  out->set_funding_year(static_cast<budget::v1::FundingYear>(f.funding_year));
  out->set_project_code(f.project);
  out->set_analysis(static_cast<budget::v1::Analysis>(f.analysis));
  out->set_classification_year(f.classification_year);
}

absl::Status ToProto(const domain::Contribution& c, pb::Contribution* out) {
  FISCAL_ASSIGN_OR_RETURN(const int64_t fen,
                          domain::ToInt64(c.amount_fen, absl::StrCat("contribution ", c.name)));
  out->set_kind(static_cast<pb::ContributionKind>(c.kind));
  out->set_name(c.name);
  out->set_amount_fen(fen);
  out->set_line_count(c.line_count);
  if (c.kind != ContributionKind::kLineItem) ToProto(c.filter, out->mutable_filter());
  if (c.kind != ContributionKind::kLineItem && c.kind != ContributionKind::kStatement)
    return absl::OkStatus();
  ToKeyProto(c.budget, out->mutable_budget());
  out->set_revision(static_cast<int64_t>(c.status.revision));
  out->set_position(EventNumber(c.status.position));
  out->set_upstream(c.status.upstream);
  out->set_upstream_position(EventNumber(c.status.upstream_position));
  if (c.kind == ContributionKind::kLineItem) ToProto(c.line, out->mutable_line_item());
  return absl::OkStatus();
}

absl::Status ToProto(const domain::ChangeExplanation& change, pb::ExplainChangeResponse* out) {
  FISCAL_RETURN_IF_ERROR(FillAmounts(change.left_fen, change.right_fen, "the total", out));
  for (const domain::ChangePart& p : change.parts) {
    pb::ChangePart* part = out->add_parts();
    FISCAL_RETURN_IF_ERROR(
        FillAmounts(p.left_fen, p.right_fen, absl::StrCat("part ", p.agency), part));
    part->set_reason(static_cast<pb::ChangeReason>(p.reason));
    part->set_division_code(domain::FormatCode(p.division));
    part->set_agency_code(p.agency);
    part->set_name(p.name);
    part->set_left_department_code(p.left_department);
    part->set_right_department_code(p.right_department);
    part->set_left_revision(static_cast<int64_t>(p.left_status.revision));
    part->set_right_revision(static_cast<int64_t>(p.right_status.revision));
    part->set_left_position(EventNumber(p.left_status.position));
    part->set_right_position(EventNumber(p.right_status.position));
  }
  return absl::OkStatus();
}

void ToProto(const domain::Coverage& coverage, pb::Coverage* out) {
  out->set_expected_count(coverage.expected);
  out->set_received_count(coverage.received);
  out->set_certified_count(coverage.certified);
  out->set_oldest_position(EventNumber(coverage.oldest));
}

void ToProto(const domain::AgencyCoverage& a, pb::AgencyCoverage* out) {
  out->set_division_code(domain::FormatCode(a.division));
  out->set_department_code(a.department);
  out->set_agency_code(a.agency);
  out->set_name(a.name);
  out->set_must_report(a.must_report);
  out->set_state(static_cast<pb::CoverageState>(a.state));
  out->set_by_department(a.by_department);
  out->set_revision(static_cast<int64_t>(a.status.revision));
  out->set_position(EventNumber(a.status.position));
  out->set_upstream(a.status.upstream);
}

absl::Status ToProto(const domain::Consolidated& c, pb::GetConsolidatedTotalResponse* out) {
  FISCAL_RETURN_IF_ERROR(ToProto(c.combined, "combined", out->mutable_combined()));
  FISCAL_ASSIGN_OR_RETURN(const int64_t all, domain::ToInt64(c.eliminated_fen, "eliminated_fen"));
  out->set_eliminated_fen(all);
  FISCAL_ASSIGN_OR_RETURN(
      const int64_t consolidated,
      domain::ToInt64(c.combined.amount_fen - c.eliminated_fen, "consolidated_fen"));
  out->set_consolidated_fen(consolidated);
  for (const domain::Transfer& t : c.transfers) {
    const std::string field = absl::StrCat("transfers to ", t.receiver);
    FISCAL_ASSIGN_OR_RETURN(const int64_t paid, domain::ToInt64(t.paid_fen, field));
    FISCAL_ASSIGN_OR_RETURN(const int64_t received, domain::ToInt64(t.received_fen, field));
    FISCAL_ASSIGN_OR_RETURN(const int64_t eliminated, domain::ToInt64(t.eliminated_fen(), field));
    pb::Transfer* transfer = out->add_transfers();
    transfer->set_receiving_division_code(domain::FormatCode(t.receiver));
    transfer->set_name(t.name);
    transfer->set_up(t.up);
    transfer->set_fund(static_cast<budget::v1::Fund>(t.fund));
    transfer->set_paid_fen(paid);
    transfer->set_received_fen(received);
    transfer->set_eliminated_fen(eliminated);
    if (paid == received) continue;
    budget::v1::Finding* finding = out->add_findings();
    finding->set_rule("TRANSFER_UNMATCHED");
    finding->set_severity(budget::v1::SEVERITY_WARNING);
    finding->set_place(domain::FormatCode(t.receiver));
    finding->set_message(absl::StrCat("transfers to ", t.receiver, ": ", paid,
                                      " fen are stated as paid and ", received,
                                      " fen as received"));
    finding->set_message_zh(absl::StrCat("对 ", t.receiver, " ", t.name,
                                         " 的转移性收支不一致：支出方列 ", paid, " 分，收入方列 ",
                                         received, " 分"));
  }
  return absl::OkStatus();
}

absl::Status FillComparison(domain::Fen left, domain::Fen right, domain::Fen left_total,
                            domain::Fen right_total, absl::string_view field,
                            pb::TotalComparison* out) {
  FISCAL_RETURN_IF_ERROR(FillAmounts(left, right, field, out));
  if (const auto v = Hundredths(right - left, left)) out->set_change_percent_hundredths(*v);
  if (const auto v = Hundredths(left, left_total)) out->set_left_share_hundredths(*v);
  if (const auto v = Hundredths(right, right_total)) out->set_right_share_hundredths(*v);
  return absl::OkStatus();
}

}  // namespace fiscal::services::wire
