#include "services/ledger/answer/explain.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "services/ledger/answer/filter.h"

namespace fiscal::services {
namespace {

using domain::BudgetKey;
using domain::CellValue;
using domain::ChangeExplanation;
using domain::ChangePart;
using domain::ChangeReason;
using domain::Code;
using domain::Contribution;
using domain::ContributionKind;
using domain::Dimension;
using domain::Explanation;
using domain::GroupValue;
using domain::Position;
using domain::RowOrder;
using domain::Stage;
using domain::StagesOf;
using domain::TotalFilter;
using domain::TotalList;
using domain::TotalRow;

// An agency's part of a total, by stage.
struct StatementPart {
  BudgetKey budget;
  std::string name;
  CellValue value;
  domain::StatementStatus status;
};

// The statements a total is made of, ordered by division, department, agency and stage.
absl::StatusOr<std::vector<StatementPart>> StatementsOf(const Projector& projector,
                                                        const TotalsReader& reader,
                                                        const TotalFilter& filter,
                                                        Position position, Work& work) {
  std::map<std::tuple<Code, std::string, std::string, Stage>, StatementPart> parts;
  for (Stage stage : StagesOf(filter.stage)) {
    TotalFilter of = filter;
    of.stage = stage;
    FISCAL_ASSIGN_OR_RETURN(const TotalList list, reader.List(of, {{Dimension::kAgency, 0}},
                                                              RowOrder::kCode, position, work));
    if (list.rows.empty()) continue;
    std::vector<Code> divisions;
    for (const TotalRow& row : list.rows) {
      if (divisions.empty() || divisions.back() != row.group[0].division)
        divisions.push_back(row.group[0].division);
    }
    FISCAL_ASSIGN_OR_RETURN(const Statuses statuses,
                            StatusesAt(projector, filter.year, stage, divisions, position, work));
    for (const TotalRow& row : list.rows) {
      const GroupValue& agency = row.group[0];
      StatementPart part;
      part.budget = {agency.division, filter.year, stage, agency.code};
      part.name = agency.name;
      part.value = row.value;
      const auto status = statuses.find(part.budget);
      if (status == statuses.end())
        return absl::DataLossError(absl::StrCat("totals without a statement: ", agency.code));
      part.status = status->second;
      parts[{agency.division, part.status.department, agency.code, stage}] = std::move(part);
    }
  }
  std::vector<StatementPart> out;
  for (auto& [key, part] : parts) out.push_back(std::move(part));
  return out;
}

Contribution ToContribution(const StatementPart& part, const TotalFilter& asked) {
  Contribution c;
  c.kind = ContributionKind::kStatement;
  c.filter = asked;
  c.filter.division = part.budget.division;
  c.filter.own_level = false;
  c.filter.department = part.status.department;
  c.filter.agency = part.budget.agency;
  c.filter.stage = part.budget.stage;
  c.name = part.name;
  c.amount_fen = part.value.amount_fen;
  c.line_count = part.value.line_count();
  c.budget = part.budget;
  c.status = part.status;
  return c;
}

// Takes contributions from `skip` on, at most `limit`.
class Page {
 public:
  Page(size_t skip, size_t limit, Explanation* out) : skip_(skip), limit_(limit), out_(out) {}
  // False when the page is full.
  bool Add(Contribution c) {
    if (seen_++ < skip_) return true;
    if (out_->contributions.size() == limit_) {
      out_->more = true;
      return false;
    }
    out_->contributions.push_back(std::move(c));
    return true;
  }
  // Whether `count` of them lie before the page.
  bool SkipAll(size_t count) {
    if (seen_ + count > skip_) return false;
    seen_ += count;
    return true;
  }

 private:
  const size_t skip_;
  const size_t limit_;
  size_t seen_ = 0;
  Explanation* const out_;
};

absl::Status AddLines(const storage::HeadReader& statements, const Filter& selects,
                      const std::vector<StatementPart>& parts, const TotalFilter& filter,
                      Page* page, Explanation* out, Work& work) {
  for (const StatementPart& part : parts) {
    if (!part.status.upstream.empty()) {
      if (!page->Add(ToContribution(part, filter))) return absl::OkStatus();
      continue;
    }
    if (page->SkipAll(static_cast<size_t>(part.value.line_count()))) continue;
    FISCAL_ASSIGN_OR_RETURN(
        const storage::HeadReader::Statement statement,
        statements.Standing(part.budget, part.status.revision,
                            [&work](uint64_t units) { return work.Spend(units); }));
    const domain::LineSet& lines = statement.lines;
    out->owners.insert(out->owners.end(), lines.owners.begin(), lines.owners.end());
    std::vector<const domain::Line*> matching;
    CellValue sum;
    for (const domain::Line& line : lines.lines) {
      if (!selects.Matches(line)) continue;
      matching.push_back(&line);
      CellValue value;
      value.amount_fen = line.amount_fen;
      value.counts[line.precision_class] = 1;
      sum.Add(value);
    }
    if (!(sum == part.value)) {
      return absl::DataLossError(absl::StrCat("the lines of ", part.budget.agency,
                                              " don't add up to what is totalled of it"));
    }
    for (const domain::Line* line : matching) {
      Contribution c = ToContribution(part, filter);
      c.kind = ContributionKind::kLineItem;
      c.amount_fen = line->amount_fen;
      c.line_count = 1;
      c.line = *line;
      if (!page->Add(std::move(c))) return absl::OkStatus();
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Explanation> ExplainTotal(const Projector& projector, const TotalsReader& reader,
                                         const storage::HeadReader& statements,
                                         const TotalFilter& filter, bool lines, size_t skip,
                                         size_t limit, Position position, Work& work) {
  Explanation out;
  FISCAL_ASSIGN_OR_RETURN(out.total, reader.Get(filter, position, work));
  Page page(skip, limit, &out);
  if (lines || !filter.agency.empty()) {
    FISCAL_ASSIGN_OR_RETURN(const std::vector<StatementPart> parts,
                            StatementsOf(projector, reader, filter, position, work));
    const Filter selects(projector.catalog(), filter);
    FISCAL_RETURN_IF_ERROR(AddLines(statements, selects, parts, filter, &page, &out, work));
    return out;
  }
  if (!filter.department.empty()) {
    FISCAL_ASSIGN_OR_RETURN(const std::vector<StatementPart> parts,
                            StatementsOf(projector, reader, filter, position, work));
    for (const StatementPart& part : parts) {
      if (!page.Add(ToContribution(part, filter))) break;
    }
    return out;
  }
  auto add = [&](ContributionKind kind, const TotalFilter& next, const TotalRow& row) {
    Contribution c;
    c.kind = kind;
    c.filter = next;
    c.name = row.group[0].name;
    c.amount_fen = row.value.amount_fen;
    c.line_count = row.value.line_count();
    return page.Add(std::move(c));
  };
  if (!filter.own_level) {
    FISCAL_ASSIGN_OR_RETURN(const TotalList list, reader.List(filter, {{Dimension::kDivision, 2}},
                                                              RowOrder::kCode, position, work));
    bool below = false;
    for (const TotalRow& row : list.rows) {
      const GroupValue& v = row.group[0];
      if (v.level != 2) continue;
      below = true;
      TotalFilter next = filter;
      next.division = v.division;
      next.own_level = v.own_level;
      if (!add(v.own_level ? ContributionKind::kOwnLevel : ContributionKind::kDivision, next, row))
        return out;
    }
    if (below) return out;
  }
  TotalFilter own = filter;
  own.own_level = true;
  FISCAL_ASSIGN_OR_RETURN(const TotalList list, reader.List(own, {{Dimension::kDepartment, 0}},
                                                            RowOrder::kCode, position, work));
  for (const TotalRow& row : list.rows) {
    TotalFilter next = filter;
    next.own_level = false;
    next.department = row.group[0].code;
    if (!add(ContributionKind::kDepartment, next, row)) break;
  }
  return out;
}

absl::StatusOr<ChangeExplanation> ExplainChange(const Projector& projector,
                                                const TotalsReader& reader, const Side& left,
                                                const Side& right, Work& work) {
  if (left.filter.year > right.filter.year) {
    return domain::Refuse({{domain::Reason::kQueryInvalid, "left.filter.fiscal_year", "",
                            "must not be later than the right's"}});
  }
  ChangeExplanation out;
  FISCAL_ASSIGN_OR_RETURN(const CellValue before, reader.Get(left.filter, left.position, work));
  FISCAL_ASSIGN_OR_RETURN(const CellValue after, reader.Get(right.filter, right.position, work));
  out.left_fen = before.amount_fen;
  out.right_fen = after.amount_fen;

  // The left in the right's classification: no agency made the difference between the two.
  TotalFilter shown = left.filter;
  if (left.filter.year != right.filter.year) shown.classification_year = right.filter.year;
  FISCAL_ASSIGN_OR_RETURN(const std::vector<StatementPart> old,
                          StatementsOf(projector, reader, shown, left.position, work));
  FISCAL_ASSIGN_OR_RETURN(const std::vector<StatementPart> now,
                          StatementsOf(projector, reader, right.filter, right.position, work));
  domain::Fen old_sum = 0;
  for (const StatementPart& part : old) old_sum += part.value.amount_fen;
  if (old_sum != before.amount_fen) {
    ChangePart part;
    part.reason = ChangeReason::kReclassified;
    part.left_fen = before.amount_fen;
    part.right_fen = old_sum;
    part.change_fen = old_sum - before.amount_fen;
    out.parts.push_back(std::move(part));
  }

  std::map<std::tuple<Code, std::string, Stage>, ChangePart> parts;
  auto of = [&](const StatementPart& p) -> ChangePart& {
    ChangePart& part = parts[{p.budget.division, p.budget.agency, p.budget.stage}];
    part.division = p.budget.division;
    part.agency = p.budget.agency;
    part.name = p.name;
    return part;
  };
  for (const StatementPart& p : old) {
    ChangePart& part = of(p);
    part.left_fen = p.value.amount_fen;
    part.left_status = p.status;
    part.left_department = p.status.department;
  }
  for (const StatementPart& p : now) {
    ChangePart& part = of(p);
    part.right_fen = p.value.amount_fen;
    part.right_status = p.status;
    part.right_department = p.status.department;
  }
  // A statement that shows no money on one side may stand there all the same: elsewhere, or without
  // this money.
  std::vector<Code> divisions;
  for (const auto& [key, part] : parts) {
    if (divisions.empty() || divisions.back() != part.division) divisions.push_back(part.division);
  }
  std::map<Stage, Statuses> old_statuses, new_statuses;
  if (!divisions.empty()) {
    for (Stage stage : StagesOf(left.filter.stage)) {
      FISCAL_ASSIGN_OR_RETURN(old_statuses[stage], StatusesAt(projector, left.filter.year, stage,
                                                              divisions, left.position, work));
    }
    for (Stage stage : StagesOf(right.filter.stage)) {
      FISCAL_ASSIGN_OR_RETURN(new_statuses[stage], StatusesAt(projector, right.filter.year, stage,
                                                              divisions, right.position, work));
    }
  }
  auto find = [](const std::map<Stage, Statuses>& all, const BudgetKey& key) {
    const auto of_stage = all.find(key.stage);
    if (of_stage == all.end()) return static_cast<const domain::StatementStatus*>(nullptr);
    const auto it = of_stage->second.find(key);
    return it == of_stage->second.end() || !it->second.counts() ? nullptr : &it->second;
  };
  for (auto& [key, part] : parts) {
    const auto& [division, agency, stage] = key;
    part.change_fen = part.right_fen - part.left_fen;
    if (part.change_fen == 0) continue;
    if (part.left_status.revision == 0) {
      if (const auto* s = find(old_statuses, {division, left.filter.year, stage, agency}))
        part.left_status = *s;
    }
    if (part.right_status.revision == 0) {
      if (const auto* s = find(new_statuses, {division, right.filter.year, stage, agency}))
        part.right_status = *s;
    }
    const bool was = part.left_status.revision != 0, is = part.right_status.revision != 0;
    const bool moved = was && is && part.left_status.department != part.right_status.department;
    if (moved && part.left_department.empty()) {
      part.reason = ChangeReason::kMovedIn;
    } else if (moved && part.right_department.empty()) {
      part.reason = ChangeReason::kMovedOut;
    } else if (!was) {
      part.reason = ChangeReason::kNew;
    } else if (!is) {
      part.reason = ChangeReason::kWithdrawn;
    } else {
      part.reason = ChangeReason::kAmended;
    }
    if (was) part.left_department = part.left_status.department;
    if (is) part.right_department = part.right_status.department;
    out.parts.push_back(part);
  }
  std::stable_sort(out.parts.begin(), out.parts.end(),
                   [](const ChangePart& a, const ChangePart& b) {
                     auto size = [](domain::Fen v) { return v < 0 ? -v : v; };
                     return size(a.change_fen) > size(b.change_fen);
                   });
  return out;
}

}  // namespace fiscal::services
