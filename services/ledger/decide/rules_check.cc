#include "services/ledger/decide/rules_check.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "domain/articulation/check.h"
#include "domain/disclosure/lines_source.h"
#include "domain/plausibility.h"
#include "domain/validation.h"

namespace fiscal::services {
namespace {

using articulation::Outcome;

constexpr size_t kFindingsMax = 100;
// As many as somebody reads.
constexpr size_t kSubtotalsMax = 20;

bool Comparable(const std::vector<domain::Line>& lines) {
  bool income = false, expenditure = false;
  for (const domain::Line& line : lines) {
    if (!line.counts()) return true;
    (line.attributes.direction == domain::Direction::kIncome ? income : expenditure) = true;
    if (income && expenditure) return true;
  }
  return false;
}

void Fail(absl::string_view rule, const std::string& line_id, const std::string& message,
          domain::Submission* s) {
  if (s->violations.size() >= domain::kViolationsMax) return;
  // Each rule is told, though all are of one field.
  s->violations.push_back(
      {domain::Reason::kRulesFailed, "certify", line_id, absl::StrCat(rule, ": ", message)});
}

void CheckSubtotals(const std::vector<domain::Line>& lines, domain::Submission* s) {
  // A patched statement's lines are numbered by nobody.
  const uint32_t combinations = &lines == &s->lines.lines ? s->lines.combinations : 0;
  for (domain::Finding& found : domain::FindSubtotals(lines, combinations, kSubtotalsMax)) {
    if (s->certify) {
      found.severity = domain::Severity::kError;
      Fail(found.rule, found.line_id, found.message, s);
    }
    if (s->findings.size() < kFindingsMax) s->findings.push_back(std::move(found));
  }
}

std::string PlaceOf(const articulation::RuleOutcome& o) {
  if (o.cells.empty()) return "";
  const articulation::CellRef& c = o.cells[0];
  return absl::StrCat("table ", c.table, ", row ", c.row, ", column ", c.column);
}

}  // namespace

void CheckRules(const domain::Catalog& catalog, const std::vector<domain::Line>& lines,
                const std::vector<domain::ProjectEntry>& projects, domain::Submission* s) {
  CheckSubtotals(lines, s);
  // Budgets requested, reviewed and approved have to balance; changes and payments need not.
  const bool level = s->key.stage == domain::Stage::kRequested ||
                     s->key.stage == domain::Stage::kReviewed ||
                     s->key.stage == domain::Stage::kApproved;
  if (!level || !Comparable(lines)) return;
  const disclosure::Form* form = disclosure::FindForm(s->form);
  if (form == nullptr) form = disclosure::FindForm("shanxi-13");

  disclosure::StatementLines statement;
  statement.lines = &lines;
  statement.carry_forward_fen = s->carry_forward_fen;
  statement.agency_code = s->key.agency;
  const domain::CatalogEntry* agency =
      catalog.FindAgency(s->key.division, s->key.year, s->key.agency);
  statement.agency_name = agency == nullptr ? s->key.agency : agency->name;
  statement.operating = agency == nullptr || agency->kind != domain::AgencyKind::kInstitution;
  statement.department_scope = s->scope == domain::Scope::kDepartment;
  for (const domain::ProjectEntry& p : projects) statement.project_names[p.code] = p.name;
  statement.project_units = s->project_units;
  statement.name_of = [&](domain::CatalogList list, const std::string& code) {
    return std::string(catalog.NameOf(s->key.division, s->key.year, list, domain::ParseCode(code)));
  };
  disclosure::LinesSource source(std::move(statement));
  const disclosure::Subject subject{s->key.year, s->key.agency,
                                    s->scope != domain::Scope::kDepartment};
  const absl::StatusOr<disclosure::Disclosure> d = disclosure::Build(*form, subject, source);
  if (!d.ok()) return;
  for (const articulation::RuleOutcome& o : articulation::Check(*d).outcomes) {
    const bool failed = o.outcome == Outcome::kFailed;
    if (!failed && o.outcome != Outcome::kRoundingOnly) continue;
    if (s->findings.size() < kFindingsMax) {
      s->findings.push_back({o.rule, failed ? o.severity : domain::Severity::kInfo, PlaceOf(o), "",
                             o.message, o.message_zh});
    }
    if (failed && s->certify && o.severity == domain::Severity::kError)
      Fail(o.rule, "", o.message, s);
  }
}

}  // namespace fiscal::services
