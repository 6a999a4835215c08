#include "tests/simulation/model.h"

#include "absl/strings/str_cat.h"

namespace fiscal::simulation {
namespace {

using domain::CellValue;
using domain::Code;
using domain::Dimension;
using domain::GroupBy;
using domain::Line;
using domain::TotalFilter;

std::string Prefix(Code code, int level) {
  return std::to_string(code).substr(0, static_cast<size_t>(1 + 2 * level));
}

// Codes a line has in a dimension, one for each level.
std::vector<std::string> Codes(const GroupBy& g, const domain::BudgetKey& key, const ModelLine& m,
                               const TotalFilter& f) {
  const int depth = g.depth == 0 ? 9 : g.depth;
  std::vector<std::string> out;
  auto levels = [&](Code code) {
    if (code == 0) out.push_back("");
    const int last = code == 0 ? 0 : (static_cast<int>(std::to_string(code).size()) - 1) / 2;
    for (int l = 1; l <= last && l <= depth; ++l) out.push_back(Prefix(code, l));
  };
  auto two = [&](int top, int self) {
    out.push_back(absl::StrCat("#", top));
    if (top != self && depth >= 2) out.push_back(absl::StrCat("#", self));
  };
  const domain::Attributes& a = m.line.attributes;
  switch (g.dimension) {
    case Dimension::kFunctional:
      levels(m.line.functional);
      break;
    case Dimension::kRevenue:
      levels(m.line.revenue);
      break;
    case Dimension::kDeptEconomic:
      levels(m.line.dept_economic);
      break;
    case Dimension::kGovEconomic:
      levels(m.line.gov_economic);
      break;
    case Dimension::kFund:
      two(static_cast<int>(a.fund) >= 6 ? 5 : static_cast<int>(a.fund), static_cast<int>(a.fund));
      break;
    case Dimension::kCategory: {
      const int c = static_cast<int>(a.category);
      two(c == 2 || c == 3 ? 1 : c == 5 || c == 6 ? 4 : c, c);
      break;
    }
    case Dimension::kFundingYear:
      out.push_back(absl::StrCat("#", static_cast<int>(a.funding_year)));
      break;
    case Dimension::kProject:
      out.push_back(m.project);
      break;
    case Dimension::kAgency:
      out.push_back(absl::StrCat(key.division, "/", key.agency));
      break;
    case Dimension::kDepartment:
      out.push_back(absl::StrCat(key.division, "/", DepartmentOfAgency(key.agency)));
      break;
    case Dimension::kDivision: {
      if (f.own_level) {
        out.push_back(absl::StrCat(key.division, "=own"));
        break;
      }
      std::vector<Code> chain;
      for (Code d = key.division; d != 0; d = ParentDivision(d)) {
        chain.push_back(d);
        if (d == f.division) break;
      }
      const int last = static_cast<int>(chain.size());
      for (int l = 1; l <= last && l <= depth; ++l)
        out.push_back(std::to_string(chain[static_cast<size_t>(last - l)]));
      if (key.division == 141100 && last + 1 <= depth)
        out.push_back(absl::StrCat(key.division, "=own"));
      break;
    }
    default:
      break;
  }
  return out;
}

bool Starts(Code code, Code prefix) {
  return prefix == 0 || (code != 0 && std::to_string(code).rfind(std::to_string(prefix), 0) == 0);
}

bool Matches(const TotalFilter& f, const domain::BudgetKey& key, const ModelLine& m) {
  const domain::Attributes& a = m.line.attributes;
  const bool current =
      f.stage == domain::Stage::kCurrent &&
      (key.stage == domain::Stage::kApproved || key.stage == domain::Stage::kAdjustment ||
       key.stage == domain::Stage::kReallocation);
  if (key.year != f.year || !(key.stage == f.stage || current) || a.direction != f.direction ||
      a.analysis != f.analysis)
    return false;
  bool inside = key.division == f.division;
  if (!f.own_level && f.department.empty() && f.agency.empty())
    inside = inside || ParentDivision(key.division) == f.division;
  if (!inside) return false;
  if (!f.department.empty() && DepartmentOfAgency(key.agency) != f.department) return false;
  if (!f.agency.empty() && key.agency != f.agency) return false;
  if (!Starts(m.line.functional, f.functional) || !Starts(m.line.revenue, f.revenue) ||
      !Starts(m.line.dept_economic, f.dept_economic) ||
      !Starts(m.line.gov_economic, f.gov_economic)) {
    return false;
  }
  const int fund = static_cast<int>(a.fund), wanted_fund = static_cast<int>(f.fund);
  if (wanted_fund != 0 && fund != wanted_fund && !(wanted_fund == 5 && fund >= 6)) return false;
  const int c = static_cast<int>(a.category), wanted = static_cast<int>(f.category);
  if (wanted != 0 && c != wanted && !(wanted == 1 && (c == 2 || c == 3)) &&
      !(wanted == 4 && (c == 5 || c == 6)))
    return false;
  if (f.funding_year != domain::FundingYear::kNone && a.funding_year != f.funding_year)
    return false;
  return f.project.empty() || m.project == f.project;
}

// The model's name of a row's code.
std::string CodeOfRow(const domain::GroupValue& v) {
  switch (v.dimension) {
    case Dimension::kAgency:
    case Dimension::kDepartment:
      return absl::StrCat(v.division, "/", v.code);
    case Dimension::kDivision:
      return v.own_level ? v.code + "=own" : v.code;
    case Dimension::kFund: {
      const std::map<std::string, int> numbers = {{"", 0},
                                                  {"GENERAL", 1},
                                                  {"GOVERNMENT_FUND", 2},
                                                  {"STATE_CAPITAL", 3},
                                                  {"FISCAL_ACCOUNT", 4},
                                                  {"UNIT", 5},
                                                  {"UNIT_BUSINESS", 6},
                                                  {"UNIT_OPERATING", 7},
                                                  {"UNIT_SUPERIOR", 8},
                                                  {"UNIT_SUBORDINATE", 9},
                                                  {"UNIT_OTHER", 10}};
      return absl::StrCat("#", numbers.at(v.code));
    }
    case Dimension::kCategory: {
      const std::map<std::string, int> numbers = {
          {"", 0},        {"BASIC", 1},           {"PERSONNEL", 2},      {"PUBLIC", 3},
          {"PROJECT", 4}, {"OTHER_OPERATING", 5}, {"SPECIFIC_TARGET", 6}};
      return absl::StrCat("#", numbers.at(v.code));
    }
    case Dimension::kFundingYear: {
      const std::map<std::string, int> numbers = {{"", 0}, {"THIS_YEAR", 1}, {"CARRYOVER", 2}};
      return absl::StrCat("#", numbers.at(v.code));
    }
    default:
      return v.code;
  }
}

ModelLine Own(const Line& line) {
  ModelLine m;
  m.id = std::string(line.line_id);
  m.project = std::string(line.project_code);
  m.line = line;
  m.line.line_id = m.line.project_code = m.line.note = {};
  return m;
}

}  // namespace

std::string ModelKeyOf(const std::vector<domain::GroupValue>& group) {
  std::string key;
  for (size_t i = 0; i < group.size(); ++i)
    absl::StrAppend(&key, i == 0 ? "" : "|", CodeOfRow(group[i]));
  if (group.size() == 1) key += "|-";
  return key;
}

Code ParentDivision(Code division) { return division == 141100 ? 0 : 141100; }

std::string DepartmentOfAgency(const std::string& agency) { return agency.substr(0, 3); }

Expected Model::Apply(const domain::Submission& s) {
  Expected e;
  if (!s.validate_only) {
    auto request = requests_.find({s.principal, s.request_id});
    if (request != requests_.end()) {
      if (request->second.body != s.body) return {absl::StatusCode::kAlreadyExists, {}};
      e.receipt = request->second.receipt;
      return e;
    }
  }
  if (!s.violations.empty()) {
    e.code = absl::StatusCode::kFailedPrecondition;
    for (const auto& v : s.violations) {
      if (domain::InfoOf(v.reason).code == absl::StatusCode::kInvalidArgument)
        e.code = absl::StatusCode::kInvalidArgument;
    }
    return e;
  }
  std::vector<ModelStatement>& history = budgets[s.key];
  const ModelStatement none;
  const ModelStatement& old = history.empty() ? none : history.back();
  if (s.expected_revision.has_value() &&
      static_cast<uint64_t>(*s.expected_revision) != old.revision) {
    return {absl::StatusCode::kAborted, {}};
  }
  const bool stands = old.revision > 0 && !old.withdrawn;
  const bool patch = s.mode == domain::WriteMode::kPatch && !s.withdraw;
  if ((s.withdraw && old.revision == 0) || (patch && !stands))
    return {absl::StatusCode::kNotFound, {}};
  const bool empties =
      !patch && !s.withdraw && stands && !old.lines.empty() && s.lines.lines.empty();
  if (empties && !s.allow_empty) return {absl::StatusCode::kFailedPrecondition, {}};
  ModelStatement next;
  next.note = patch && s.note.empty() ? old.note : s.note;
  if (patch) {
    next.lines = old.lines;
    next.projects = old.projects;
  }
  bool known = true;
  for (const std::string& id : s.removed_line_ids) known = next.lines.erase(id) > 0 && known;
  for (const std::string& code : s.removed_project_codes)
    known = next.projects.erase(code) > 0 && known;
  for (const Line& line : s.lines.lines) next.lines[std::string(line.line_id)] = Own(line);
  for (const domain::ProjectEntry& project : s.projects) next.projects[project.code] = project.name;
  for (const auto& [id, m] : next.lines) {
    if (!m.project.empty() && next.projects.count(m.project) == 0)
      return {absl::StatusCode::kInvalidArgument, {}};
  }
  if (!known) return {absl::StatusCode::kFailedPrecondition, {}};
  next.withdrawn = s.withdraw;
  next.certified = s.certify;
  const bool same = old.lines == next.lines && old.projects == next.projects;
  const bool unchanged = old.revision > 0 && same && old.withdrawn == next.withdrawn &&
                         old.note == next.note && (old.certified || !next.certified);
  e.receipt.result = unchanged           ? domain::Result::kUnchanged
                     : old.revision == 0 ? domain::Result::kCreated
                                         : domain::Result::kRevised;
  e.receipt.revision = unchanged ? old.revision : old.revision + 1;
  for (const auto& [id, m] : next.lines)
    ++(m.line.counts() ? e.receipt.line_count : e.receipt.memo_line_count);
  e.receipt.project_count = next.projects.size();
  if (s.validate_only) return e;
  if (unchanged) {
    e.receipt.position = old.position;
  } else {
    next.position = e.receipt.position = ++head;
    next.revision = old.revision + 1;
    history.push_back(std::move(next));
  }
  requests_[{s.principal, s.request_id}] = {s.body, e.receipt};
  return e;
}

Expected Model::Apply(const domain::CatalogImport& import) {
  const auto [request, is_new] = requests_.try_emplace({import.principal, import.request_id});
  if (is_new) request->second = {import.body, {domain::Result::kNone, 0, ++head}};
  return {absl::StatusCode::kOk, request->second.receipt};
}

Expected Model::ApplyAll(const std::vector<domain::Submission>& parts) {
  auto request = requests_.find({parts.back().principal, parts.back().request_id});
  if (request != requests_.end()) return {absl::StatusCode::kOk, request->second.receipt};
  Model next = *this;
  Expected last;
  std::map<domain::Fund, int64_t> balance;
  for (const domain::Submission& s : parts) {
    auto sum = [&](int sign) {
      auto it = next.budgets.find(s.key);
      if (it == next.budgets.end() || it->second.empty()) return;
      for (const auto& [id, m] : it->second.back().lines)
        balance[m.line.attributes.fund] += sign * m.line.amount_fen;
    };
    sum(-1);
    last = next.Apply(s);
    if (last.code != absl::StatusCode::kOk) return last;
    if (last.receipt.result == domain::Result::kUnchanged)
      return {absl::StatusCode::kFailedPrecondition, {}};
    sum(1);
  }
  for (const auto& [fund, amount] : balance) {
    if (amount != 0) return {absl::StatusCode::kFailedPrecondition, {}};
  }
  for (domain::Position p = head.Next(); p <= next.head; ++p)
    next.groups_[p] = {head.Next(), next.head};
  *this = std::move(next);
  return last;
}

domain::Position Model::GroupStart(domain::Position position) const {
  auto it = groups_.find(position);
  return it == groups_.end() ? position : it->second.first;
}

domain::Position Model::GroupEnd(domain::Position position) const {
  auto it = groups_.find(position);
  return it == groups_.end() ? position : it->second.second;
}

std::map<std::string, CellValue> Model::Totals(const TotalFilter& f,
                                               const std::vector<GroupBy>& group_by,
                                               domain::Position position) const {
  std::map<std::string, CellValue> out;
  out[""];
  for (const auto& [key, history] : budgets) {
    const ModelStatement* statement = nullptr;
    for (const ModelStatement& s : history) {
      if (s.position <= position) statement = &s;
    }
    if (statement == nullptr) continue;
    for (const auto& [id, m] : statement->lines) {
      if (!Matches(f, key, m)) continue;
      CellValue value;
      value.amount_fen = m.line.amount_fen;
      value.counts[m.line.precision_class] = 1;
      out[""].Add(value);
      if (group_by.empty()) continue;
      const std::vector<std::string> first = Codes(group_by[0], key, m, f);
      const std::vector<std::string> second =
          group_by.size() > 1 ? Codes(group_by[1], key, m, f) : std::vector<std::string>{"-"};
      for (const std::string& a : first) {
        for (const std::string& b : second) out[absl::StrCat(a, "|", b)].Add(value);
      }
    }
  }
  return out;
}

}  // namespace fiscal::simulation
