#include "services/ledger/decide/statement.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/fen.h"
#include "domain/plausibility.h"
#include "domain/reason.h"
#include "domain/validation.h"

namespace fiscal::services {
namespace {

using domain::Line;
using domain::Reason;
using domain::Refuse;
using domain::StatementMeta;
using domain::Submission;

bool IsPatch(const Submission& s) { return s.mode == domain::WriteMode::kPatch && !s.withdraw; }

// Checks against the catalog that stands, where it is not the one checked against before: what that
// one said no longer counts.
void CheckAnew(const Standing& standing, Submission* s) {
  if (s->checked_catalog == standing.catalog.position() || s->withdraw) return;
  s->violations.erase(std::remove_if(s->violations.begin(), s->violations.end(),
                                     [](const domain::Violation& v) {
                                       return domain::InfoOf(v.reason).code !=
                                              absl::StatusCode::kInvalidArgument;
                                     }),
                      s->violations.end());
  s->findings.clear();
  domain::CheckCatalog(standing.catalog, s);
  if (s->violations.empty() && s->mode == domain::WriteMode::kReplace)
    standing.check(standing.catalog, s->lines.lines, s->projects, s);
}

// That statements of the budget are taken here.
absl::Status CheckPlace(const Submission& s, const Standing& standing) {
  if (const absl::string_view owner = standing.OwnerOf(s.key.division); !owner.empty()) {
    return Refuse(
        Reason::kDivisionFromUpstream,
        {absl::StrCat("division ", s.key.division, " is taken over from upstream ", owner,
                      ": submit it there"),
         absl::StrCat("区划", s.key.division, "的数据来自下级系统", owner, "，请在该系统报送")});
  }
  if (standing.log.operators()->LeavesOut(s.key)) {
    return Refuse(Reason::kBudgetQuarantined,
                  {"an event of this budget was quarantined: what is stated of it does not count",
                   "该预算有事件被隔离，其报送不计入汇总，请联系运维人员"});
  }
  return absl::OkStatus();
}

absl::Status CheckRevision(const Submission& s, const std::optional<StatementMeta>& old) {
  const int64_t standing = old.has_value() ? static_cast<int64_t>(old->revision) : 0;
  if (!s.expected_revision.has_value() || *s.expected_revision == standing) return absl::OkStatus();
  domain::Refusal refusal;
  refusal.reason = Reason::kRevisionMismatch;
  refusal.message =
      absl::StrCat("revision ", *s.expected_revision, " was expected, ", standing, " stands");
  refusal.message_zh = absl::StrCat("期望版本为", *s.expected_revision, "，现有版本为", standing,
                                    "，请读取现有版本后重新报送");
  refusal.metadata = {{"current_revision", absl::StrCat(standing)}};
  return domain::ToStatus(refusal);
}

// That it may follow `old`, the statement before it, which stands unless it was withdrawn.
absl::Status CheckFollows(const Submission& s, const std::optional<StatementMeta>& old) {
  FISCAL_RETURN_IF_ERROR(CheckRevision(s, old));
  const bool stands = old.has_value() && !old->withdrawn;
  if (s.withdraw && !old.has_value())
    return Refuse(Reason::kBudgetNotFound, {"there is no such budget to withdraw",
                                            "没有可撤回的预算，请核对区划、单位、年度和阶段"});
  if (IsPatch(s) && !stands)
    return Refuse(Reason::kBudgetNotFound, {"there is no statement to patch: send it whole",
                                            "没有可修改的报送，请改用整体报送"});
  if (!stands || s.withdraw) return absl::OkStatus();
  if (s.scope != old->scope) {
    return Refuse(Reason::kScopeMixed,
                  {"the statement that stands has another scope: withdraw it first",
                   "现有报送的范围不同，请先撤回"});
  }
  if (s.control != old->control && !(IsPatch(s) && !s.control)) {
    return Refuse(Reason::kScopeMixed,
                  {"whether a statement counts can't change while it stands: withdraw it first",
                   "现有报送是否计入汇总不能直接改变，请先撤回"});
  }
  return absl::OkStatus();
}

// That a statement without lines does not take out those that stand unless it says so: a query that
// came back empty wipes no budget.
absl::Status CheckEmptied(const Submission& s, const std::optional<StatementMeta>& old) {
  if (IsPatch(s) || s.withdraw || s.allow_empty || !s.lines.lines.empty() || !old.has_value() ||
      old->withdrawn) {
    return absl::OkStatus();
  }
  const uint64_t lines = old->line_count + old->memo_line_count;
  if (lines == 0) return absl::OkStatus();
  domain::Refusal refusal;
  refusal.reason = Reason::kStatementEmptied;
  refusal.message = absl::StrCat(
      "it has no lines and would take out all ", lines, " that stand, of ", old->expenditure_fen,
      " fen of expenditure and ", old->income_fen,
      " of income; withdraw the budget, or set allow_empty if it shall stand without lines");
  refusal.message_zh = absl::StrCat("本次报送没有明细，会删除现有全部", lines, "行（支出",
                                    old->expenditure_fen, "分，收入", old->income_fen,
                                    "分）；如需撤回请用撤回，确需清空请注明 allow_empty");
  refusal.metadata = {{"line_count", absl::StrCat(lines)},
                      {"expenditure_fen", absl::StrCat(old->expenditure_fen)},
                      {"income_fen", absl::StrCat(old->income_fen)}};
  return domain::ToStatus(std::move(refusal));
}

// Runs the rules over the whole statement that a certified PATCH makes.
absl::Status CheckPatched(const Change& change, const Standing& standing, Submission* s) {
  const storage::Heads& heads = standing.ledger.heads();
  FISCAL_ASSIGN_OR_RETURN(const domain::LineSet before, heads.Lines(s->key));
  FISCAL_ASSIGN_OR_RETURN(const std::vector<domain::ProjectEntry> projects, heads.Projects(s->key));
  standing.check(standing.catalog, LinesAfter(before, change), projects, s);
  return s->violations.empty() ? absl::OkStatus() : Refuse(s->violations);
}

absl::StatusOr<Change> Diff(const std::optional<StatementMeta>& old, const Standing& standing,
                            Submission* s) {
  const storage::Heads& heads = standing.ledger.heads();
  if (!IsPatch(*s)) return DiffReplace(heads, *s, old.has_value() && !old->withdrawn);
  FISCAL_ASSIGN_OR_RETURN(Change change, DiffPatch(heads, *s));
  if (s->certify) FISCAL_RETURN_IF_ERROR(CheckPatched(change, standing, s));
  return change;
}

// The statement's meta after the change, without position and time.
StatementMeta NextMeta(const Submission& s, const std::optional<StatementMeta>& old,
                       const Change& change, const domain::Catalog& catalog) {
  StatementMeta meta;
  if (old.has_value()) meta = *old;
  meta.key = s.key;
  meta.revision = old.has_value() ? old->revision + 1 : 1;
  if (!s.withdraw) meta.department_code = domain::DepartmentOf(catalog, s);
  meta.certified = s.certify;
  meta.withdrawn = s.withdraw;
  meta.principal = s.principal;
  if (!IsPatch(s)) {
    if (!s.withdraw) {
      meta.scope = s.scope;
      meta.control = s.control;
    }
    meta.carry_forward_fen = s.carry_forward_fen;
    meta.note = s.note;
    meta.source = s.source;
  } else {
    if (s.carry_forward_fen.has_value()) meta.carry_forward_fen = s.carry_forward_fen;
    if (!s.note.empty()) meta.note = s.note;
    if (!s.source.empty()) meta.source = s.source;
  }
  domain::LineSums sums;
  if (change.fresh) sums = s.sums;
  for (const Line& line : change.event.removed.lines) sums.Add(line, -1);
  for (const Line& line : change.event.put.lines) sums.Add(line, 1);
  meta.line_count += sums.line_count;
  meta.memo_line_count += sums.memo_line_count;
  meta.expenditure_fen += sums.expenditure_fen;
  meta.income_fen += sums.income_fen;
  meta.gross_fen += sums.gross_fen;
  meta.project_count += change.event.projects_put.size();
  meta.project_count -= change.event.projects_removed.size();
  return meta;
}

// The absolute amounts of a division's own agencies would add up to more than is kept exact above
// it.
absl::Status RefuseGross(const domain::BudgetKey& key, __int128 sum) {
  domain::Refusal refusal;
  refusal.reason = Reason::kLedgerOverflow;
  refusal.message =
      absl::StrCat("the absolute amounts of division ", key.division, ", year ", key.year,
                   " and this stage would add up to ", domain::FormatFen(sum),
                   " fen; the limit is ", domain::kGrossFenMax);
  refusal.message_zh = absl::StrCat("区划", key.division, key.year, "年该阶段的金额绝对值合计将达",
                                    domain::FormatFen(sum), "分，上限为", domain::kGrossFenMax,
                                    "分，请核对金额单位");
  refusal.metadata = {{"division_code", domain::FormatCode(key.division)},
                      {"sum_fen", domain::FormatFen(sum)},
                      {"bound_fen", absl::StrCat(domain::kGrossFenMax)}};
  return domain::ToStatus(refusal);
}

// That the division's amounts stay within what is kept exact. What was stated under an older, wider
// bound may stand and shrink.
absl::Status CheckGross(const StatementMeta& meta, const std::optional<StatementMeta>& old,
                        const Standing& standing) {
  FISCAL_ASSIGN_OR_RETURN(const int64_t gross, standing.ledger.Gross(meta.key));
  const __int128 after =
      static_cast<__int128>(gross) - (old.has_value() ? old->gross_fen : 0) + meta.gross_fen;
  if (after > domain::kGrossFenMax && after > gross) return RefuseGross(meta.key, after);
  return absl::OkStatus();
}

// That a department is counted from its agencies' statements or from one of its own.
absl::Status CheckScope(const StatementMeta& meta, const Standing& standing) {
  if (meta.withdrawn || meta.control) return absl::OkStatus();
  FISCAL_ASSIGN_OR_RETURN(const storage::ScopeCounts scopes,
                          standing.ledger.Scopes(meta.key.division, meta.key.year, meta.key.stage,
                                                 meta.department_code));
  const bool department = meta.scope == domain::Scope::kDepartment;
  if ((department ? scopes.own : scopes.department) == 0) return absl::OkStatus();
  return Refuse(Reason::kScopeMixed,
                {absl::StrCat("department ", meta.department_code, " is already counted from ",
                              department ? "its agencies' own statements"
                                         : "a statement of the whole department",
                              "; submit with `control` to keep this one beside it, uncounted"),
                 absl::StrCat("部门", meta.department_code, "已按",
                              department ? "所属单位各自的报送" : "部门整体的报送",
                              "计入汇总；如需并存而不计入，请注明 control")});
}

// Whether the amounts are of the size of what the same office stated for the stage before and for
// the year before.
absl::Status CompareBefore(const StatementMeta& meta, const storage::Heads& heads,
                           std::vector<domain::Finding>* findings) {
  // Changes of a budget have no size of their own.
  const bool whole =
      meta.key.stage >= domain::Stage::kRequested && meta.key.stage <= domain::Stage::kFinal;
  if (meta.withdrawn || meta.line_count == 0 || !whole) return absl::OkStatus();
  domain::BudgetKey earlier = meta.key;
  const auto compare = [&](absl::string_view before, absl::string_view before_zh) -> absl::Status {
    FISCAL_ASSIGN_OR_RETURN(const std::optional<StatementMeta> old, heads.Meta(earlier));
    if (!old.has_value() || old->withdrawn) return absl::OkStatus();
    const bool income = meta.expenditure_fen == 0;
    std::optional<domain::Finding> found = domain::CompareMagnitude(
        income ? meta.income_fen : meta.expenditure_fen,
        income ? old->income_fen : old->expenditure_fen, before, before_zh);
    if (found.has_value()) findings->push_back(*std::move(found));
    return absl::OkStatus();
  };
  earlier.year = static_cast<uint16_t>(meta.key.year - 1);
  FISCAL_RETURN_IF_ERROR(compare(absl::StrCat(earlier.year), absl::StrCat(earlier.year, "年")));
  if (meta.key.stage == domain::Stage::kRequested) return absl::OkStatus();
  earlier.year = meta.key.year;
  earlier.stage = static_cast<domain::Stage>(static_cast<int>(meta.key.stage) - 1);
  return compare("the stage before", "上一阶段");
}

// True when nothing a reader can see would differ, beside where it comes from.
bool IsUnchanged(const StatementMeta& old, const StatementMeta& next, const Change& change) {
  return change.event.put.lines.empty() && change.event.removed.lines.empty() &&
         change.event.projects_put.empty() && change.event.projects_removed.empty() &&
         old.withdrawn == next.withdrawn && old.note == next.note &&
         old.carry_forward_fen == next.carry_forward_fen && (old.certified || !next.certified);
}

}  // namespace

absl::StatusOr<StatementDecision> Decide(Submission& s, const Standing& standing) {
  StatementDecision d;
  if (!s.validate_only && !s.request_id.empty()) {
    FISCAL_ASSIGN_OR_RETURN(std::optional<domain::Receipt> earlier,
                            FindEarlier(standing.ledger, s.principal, s.request_id, {s.body}));
    if (earlier.has_value()) {
      d.receipt.receipt = *std::move(earlier);
      return d;
    }
  }
  CheckAnew(standing, &s);
  if (!s.violations.empty()) return Refuse(s.violations);
  FISCAL_RETURN_IF_ERROR(CheckPlace(s, standing));
  FISCAL_ASSIGN_OR_RETURN(const std::optional<StatementMeta> old,
                          standing.ledger.heads().Meta(s.key));
  FISCAL_RETURN_IF_ERROR(CheckFollows(s, old));
  FISCAL_RETURN_IF_ERROR(CheckEmptied(s, old));
  FISCAL_ASSIGN_OR_RETURN(d.change, Diff(old, standing, &s));
  StatementMeta& meta = d.change.event.meta;
  meta = NextMeta(s, old, d.change, standing.catalog);
  if (meta.line_count + meta.memo_line_count > domain::kStatementLinesMax) {
    return Refuse(Reason::kStatementLinesExceeded,
                  {absl::StrCat("the statement would have ", meta.line_count + meta.memo_line_count,
                                " lines; the limit is ", domain::kStatementLinesMax),
                   absl::StrCat("报送将有", meta.line_count + meta.memo_line_count, "行，上限为",
                                domain::kStatementLinesMax, "行")});
  }
  FISCAL_RETURN_IF_ERROR(CheckGross(meta, old, standing));
  FISCAL_RETURN_IF_ERROR(CheckScope(meta, standing));

  d.receipt.expenditure_change_fen =
      meta.expenditure_fen - (old.has_value() ? old->expenditure_fen : 0);
  d.receipt.income_change_fen = meta.income_fen - (old.has_value() ? old->income_fen : 0);
  const bool unchanged = old.has_value() && IsUnchanged(*old, meta, d.change);
  if (unchanged) d.stands_at = old->position;
  domain::Receipt& receipt = d.receipt.receipt;
  receipt.result = unchanged          ? domain::Result::kUnchanged
                   : !old.has_value() ? domain::Result::kCreated
                                      : domain::Result::kRevised;
  receipt.revision = unchanged ? old->revision : meta.revision;
  receipt.line_count = meta.line_count;
  receipt.memo_line_count = meta.memo_line_count;
  receipt.project_count = meta.project_count;
  receipt.findings = s.findings;
  FISCAL_RETURN_IF_ERROR(CompareBefore(meta, standing.ledger.heads(), &receipt.findings));
  d.outcome = s.validate_only ? StatementDecision::Outcome::kPreviewed
              : unchanged     ? StatementDecision::Outcome::kUnchanged
                              : StatementDecision::Outcome::kStated;
  return d;
}

}  // namespace fiscal::services
