#include "domain/validation.h"

#include <algorithm>
#include <numeric>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "domain/shapes.h"

namespace fiscal::domain {
namespace {

class Collector {
 public:
  explicit Collector(Submission* s) : s_(s) {}
  bool full() const { return s_->violations.size() >= kViolationsMax; }
  void Add(Reason reason, std::string field, Sentence message) {
    AddViolation({reason, std::move(field), "", std::move(message)}, &s_->violations);
  }
  void AddLine(Reason reason, absl::string_view field, const Line& line, Sentence message) {
    if (full()) return;
    AddViolation(
        {reason, absl::StrCat("line_items[", line.index, "]", field.empty() ? "" : ".", field),
         CheckText(line.line_id, false) == TextFault::kNone ? std::string(line.line_id) : "",
         std::move(message)},
        &s_->violations);
  }

 private:
  Submission* s_;
};

void CheckKey(const Submission& s, Collector* c) {
  if (s.request_id.empty()) {
    c->Add(Reason::kRequiredFieldMissing, "request_id",
           {"a request_id is required", "请求编号必填"});
  } else if (!IsRequestId(s.request_id)) {
    c->Add(Reason::kTextInvalid, "request_id", kRequestIdShape.Not(s.request_id));
  }
  if (s.key.division == 0) {
    c->Add(Reason::kCodeMalformed, "budget.division_code", kDivisionShape);
  }
  if (s.key.agency.empty()) {
    c->Add(Reason::kRequiredFieldMissing, "budget.agency_code",
           {"an agency code is required", "单位编码必填"});
  } else if (!IsUnitCode(s.key.agency)) {
    c->Add(Reason::kCodeMalformed, "budget.agency_code", kAgencyCodeShape.Not(s.key.agency));
  }
  if (!IsFiscalYear(s.key.year)) {
    c->Add(Reason::kCodeMalformed, "budget.fiscal_year", kFiscalYearShape);
  }
  if (s.key.stage == Stage::kNone)
    c->Add(Reason::kRequiredFieldMissing, "budget.stage", {"a stage is required", "预算阶段必填"});
  if (s.expected_revision.has_value() && *s.expected_revision < 0) {
    c->Add(Reason::kAmountInvalid, "expected_revision",
           {absl::StrCat(*s.expected_revision, " is no revision: it is not negative"),
            absl::StrCat("版本号不能为负数：", *s.expected_revision)});
  }
  if (s.carry_forward_fen.has_value() &&
      (*s.carry_forward_fen > kGrossFenMax || *s.carry_forward_fen < -kGrossFenMax)) {
    c->Add(Reason::kAmountOverflow, "carry_forward_fen",
           {absl::StrCat(*s.carry_forward_fen, " is beyond ", kGrossFenMax, " fen"),
            absl::StrCat(*s.carry_forward_fen, "分超出上限", kGrossFenMax, "分")});
  }
  if (!IsNote(s.note))
    c->Add(Reason::kTextInvalid, "note", TextFaultOf(s.note, kNoteCharactersMax));
  if (s.scope == Scope::kDepartment) {
    if (s.department_code.empty()) {
      c->Add(Reason::kRequiredFieldMissing, "department_code",
             {"a statement of a whole department names it", "按部门整体报送时须写明部门编码"});
    } else if (s.department_code != s.key.agency) {
      c->Add(Reason::kFieldNotAllowed, "budget.agency_code",
             {absl::StrCat("a statement of the whole department ", s.department_code,
                           " has its code here, not ", s.key.agency),
              absl::StrCat("按部门整体报送时此处应为部门编码", s.department_code, "，而不是",
                           s.key.agency)});
    }
  }
  if (!s.department_code.empty() && !IsUnitCode(s.department_code)) {
    c->Add(Reason::kCodeMalformed, "department_code", kDepartmentCodeShape.Not(s.department_code));
  }
}

// Checks everything of a line but id, amount and note; once good for a combination, it is good for
// all lines of that combination.
void CheckCombination(const Line& line, Code division, Collector* c) {
  const Direction direction = line.attributes.direction;
  if (direction == Direction::kNone) {
    // What else it may have depends on it.
    return c->AddLine(
        Reason::kRequiredFieldMissing, "direction", line,
        {"a direction is required: expenditure or income", "收支方向必填：支出或收入"});
  }
  const bool income = direction == Direction::kIncome;
  if (line.counts() && line.functional == 0 && !(income && line.revenue != 0)) {
    c->AddLine(Reason::kRequiredFieldMissing, "functional_code", line,
               income ? Sentence{"income needs a functional or a revenue code",
                                 "收入须有功能分类科目或收入分类科目"}
                      : Sentence{"a functional code is required", "支出功能分类科目必填"});
  }
  if (line.functional != 0 && (LevelOf(line.functional) < 1 || LevelOf(line.functional) > 3)) {
    c->AddLine(Reason::kCodeMalformed, "functional_code", line,
               {absl::StrCat(line.functional, ": a functional code has 3, 5 or 7 digits"),
                absl::StrCat(line.functional, "：功能分类科目为3、5或7位数字")});
  }
  if (line.revenue != 0) {
    if (!income)
      c->AddLine(Reason::kFieldNotAllowed, "revenue_code", line,
                 {absl::StrCat(line.revenue, ": only income has a revenue code"),
                  absl::StrCat(line.revenue, "：只有收入才有收入分类科目")});
    if (LevelOf(line.revenue) == 0) {
      c->AddLine(Reason::kCodeMalformed, "revenue_code", line,
                 {absl::StrCat(line.revenue, ": a revenue code has 3, 5, 7 or 9 digits"),
                  absl::StrCat(line.revenue, "：收入分类科目为3、5、7或9位数字")});
    }
  }
  auto economic = [&](Code code, absl::string_view field) {
    if (code == 0) return;
    if (income)
      c->AddLine(Reason::kFieldNotAllowed, field, line,
                 {absl::StrCat(code, ": only expenditure has an economic code"),
                  absl::StrCat(code, "：只有支出才有经济分类科目")});
    if (LevelOf(code) < 1 || LevelOf(code) > 2) {
      c->AddLine(Reason::kCodeMalformed, field, line,
                 {absl::StrCat(code, ": an economic code has 3 or 5 digits"),
                  absl::StrCat(code, "：经济分类科目为3或5位数字")});
    }
  };
  economic(line.dept_economic, "dept_economic_code");
  economic(line.gov_economic, "gov_economic_code");
  if (line.receiving_division != 0 && line.receiving_division == division) {
    c->AddLine(Reason::kFieldNotAllowed, "receiving_division_code", line,
               {absl::StrCat("division ", division, " does not transfer to itself"),
                absl::StrCat("区划", division, "不能向自身转移支付")});
  }
  if (income && line.attributes.category != Category::kNone) {
    c->AddLine(Reason::kFieldNotAllowed, "category", line,
               {"only expenditure has a category", "只有支出才有支出类别，收入行请留空"});
  }
  if (income && line.attributes.procurement != Procurement::kNone) {
    c->AddLine(Reason::kFieldNotAllowed, "procurement_kind", line,
               {"only expenditure is procured", "只有支出才有政府采购类型，收入行请留空"});
  }
}

// The combinations of a statement's lines that were found good.
class GoodCombinations {
 public:
  explicit GoodCombinations(const LineSet& set) : good_(set.combinations + 1, false) {}
  bool Has(const Line& line) const {
    return line.combination < good_.size() && good_[line.combination];
  }
  void Add(const Line& line) {
    if (line.combination != 0 && line.combination < good_.size()) good_[line.combination] = true;
  }

 private:
  std::vector<bool> good_;
};

void CheckLine(const Submission& s, const Line& line, GoodCombinations* good, Collector* c) {
  if (line.line_id.empty()) {
    c->AddLine(Reason::kRequiredFieldMissing, "line_id", line,
               {"a line_id is required", "明细编号必填"});
  } else if (!IsItemId(line.line_id)) {
    c->AddLine(Reason::kTextInvalid, "line_id", line, kLineIdShape.Not(line.line_id));
  }
  if (!good->Has(line)) {
    const size_t before = s.violations.size();
    CheckCombination(line, s.key.division, c);
    if (s.violations.size() == before) good->Add(line);
  }
  if (line.amount_fen > kGrossFenMax || line.amount_fen < -kGrossFenMax) {
    c->AddLine(Reason::kAmountOverflow, "amount_fen", line,
               {absl::StrCat(line.amount_fen, " is beyond ", kGrossFenMax, " fen"),
                absl::StrCat(line.amount_fen, "分超出上限", kGrossFenMax, "分")});
  }
  if (line.amount_fen < 0 && !AllowsNegative(s.key.stage)) {
    c->AddLine(Reason::kAmountInvalid, "amount_fen", line,
               {absl::StrCat("a budget of this stage has no negative amounts: ", line.amount_fen),
                absl::StrCat("该阶段的预算不能有负数金额：", line.amount_fen, "分")});
  }
  if (line.precision_class != 0 && line.precision_class < kPrecisionClasses &&
      line.amount_fen % kPrecisionFen[line.precision_class] != 0) {
    c->AddLine(Reason::kAmountInvalid, "amount_fen", line,
               {absl::StrCat(line.amount_fen, " is not a multiple of its precision of ",
                             kPrecisionFen[line.precision_class]),
                absl::StrCat(line.amount_fen, "分不是其精度", kPrecisionFen[line.precision_class],
                             "分的整数倍")});
  }
  if (!IsNote(line.note)) {
    c->AddLine(Reason::kTextInvalid, "note", line, TextFaultOf(line.note, kNoteCharactersMax));
  }
}

void CheckProjectReferences(const Submission& s, Collector* c) {
  if (s.mode != WriteMode::kReplace) return;
  absl::flat_hash_set<absl::string_view> codes;
  for (const ProjectEntry& p : s.projects) codes.insert(p.code);
  absl::string_view last;
  GoodCombinations good(s.lines);
  for (size_t i = 0; i < s.lines.lines.size() && !c->full(); ++i) {
    const Line& line = s.lines.lines[i];
    if (line.project_code.empty() || good.Has(line) || line.project_code == last) continue;
    if (!codes.contains(line.project_code)) {
      c->AddLine(Reason::kProjectUnknown, "project_code", line,
                 {absl::StrCat("project ", line.project_code,
                               " is not among the statement's projects: add it to them"),
                  absl::StrCat("项目", line.project_code, "不在本次报送的项目中，请补充该项目")});
    } else {
      last = line.project_code;
      good.Add(line);
    }
  }
}

void CheckProjects(Submission* s, Collector* c) {
  if (s->projects.size() > kStatementProjectsMax) {
    c->Add(Reason::kTooManyProjects, "projects",
           {absl::StrCat(s->projects.size(), " projects; at most ", kStatementProjectsMax),
            absl::StrCat("共", s->projects.size(), "个项目，最多", kStatementProjectsMax, "个")});
    return;
  }
  std::vector<size_t> order(s->projects.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return s->projects[a].code < s->projects[b].code; });
  for (size_t k = 1; k < order.size(); ++k) {
    if (s->projects[order[k]].code == s->projects[order[k - 1]].code) {
      c->Add(Reason::kDuplicateProjectCode, absl::StrCat("projects[", order[k], "].project_code"),
             {absl::StrCat("project ", s->projects[order[k]].code, " stands at projects[",
                           order[k - 1], "] already"),
              absl::StrCat("项目", s->projects[order[k]].code, "已在projects[", order[k - 1],
                           "]出现")});
    }
  }
  std::vector<ProjectEntry> sorted;
  sorted.reserve(order.size());
  for (size_t k : order) sorted.push_back(std::move(s->projects[k]));
  s->projects = std::move(sorted);
}

// Puts lines in order and finds ids that stand twice.
void SortLines(Submission* s, Collector* c) {
  std::vector<Line>& lines = s->lines.lines;
  bool sorted = true;
  for (size_t i = 1; i < lines.size() && sorted; ++i)
    sorted = lines[i - 1].line_id < lines[i].line_id;
  if (sorted) return;
  std::vector<uint32_t> order(lines.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return lines[a].line_id < lines[b].line_id; });
  for (size_t k = 1; k < order.size(); ++k) {
    if (lines[order[k]].line_id == lines[order[k - 1]].line_id &&
        !lines[order[k]].line_id.empty()) {
      c->AddLine(Reason::kDuplicateLineId, "line_id", lines[order[k]],
                 {absl::StrCat("line_id ", lines[order[k]].line_id, " stands at line_items[",
                               lines[order[k - 1]].index, "] already"),
                  absl::StrCat("明细编号", lines[order[k]].line_id, "已在line_items[",
                               lines[order[k - 1]].index, "]出现")});
    }
  }
  std::vector<Line> result;
  result.reserve(lines.size());
  for (uint32_t k : order) result.push_back(lines[k]);
  lines = std::move(result);
}

// The same for the ids of a PATCH to remove.
void SortRemoved(absl::string_view field, std::vector<std::string>* ids, Reason reason,
                 Collector* c) {
  std::sort(ids->begin(), ids->end());
  for (size_t i = 1; i < ids->size(); ++i) {
    if ((*ids)[i] == (*ids)[i - 1])
      c->Add(reason, std::string(field),
             {absl::StrCat((*ids)[i], " stands twice"), absl::StrCat((*ids)[i], "出现了两次")});
  }
}

// One list of codes a statement uses: each distinct code is looked up once.
class CodeCheck {
 public:
  CodeCheck(const Catalog& catalog, const BudgetKey& key, CatalogList list, bool required,
            absl::string_view field, absl::string_view list_name, absl::string_view list_name_zh,
            Submission* s)
      : lists_(catalog.ListsFor(key.division, key.year, list)),
        required_(required),
        field_(field),
        list_name_(list_name),
        list_name_zh_(list_name_zh),
        s_(s) {}

  void Check(const Line& line, Code code) {
    if (code == 0 || code == last_) return;
    last_ = code;
    if (!seen_.insert(code).second) return;
    Collector collector(s_);
    if (lists_.empty()) {
      if (required_ && seen_.size() == 1) {
        collector.AddLine(Reason::kCatalogNotLoaded, field_, line,
                          {absl::StrCat("the ", list_name_, " list of ", s_->key.year,
                                        " is not loaded for division ", s_->key.division),
                           absl::StrCat("区划", s_->key.division, "尚未导入", s_->key.year, "年",
                                        list_name_zh_, "科目")});
      }
      return;
    }
    if (Catalog::Find(lists_, code) != nullptr) return;
    if (Catalog::Find(lists_, AncestorAt(code, 1)) == nullptr) {
      seen_.erase(code);  // every line with it is named
      last_ = 0;
      collector.AddLine(
          Reason::kCodeUnknown, field_, line,
          {absl::StrCat(code, " is not in the ", list_name_, " list of ", s_->key.year),
           absl::StrCat(code, "不在", s_->key.year, "年", list_name_zh_, "科目中")});
      return;
    }
    if (s_->findings.size() < kViolationsMax) {
      s_->findings.push_back(
          {"CODE_UNKNOWN", Severity::kWarning, absl::StrCat("line_items.", field_),
           std::string(line.line_id),
           absl::StrCat(code, " is not in the ", list_name_, " list of ", s_->key.year,
                        "; its 类 is, so it is kept"),
           absl::StrCat("科目", code, "不在", s_->key.year, "年目录中，所属类存在，已保留")});
    }
  }

 private:
  const std::vector<std::shared_ptr<const Catalog::CodeNames>> lists_;
  const bool required_;
  const absl::string_view field_;
  const absl::string_view list_name_, list_name_zh_;
  Submission* s_;
  absl::flat_hash_set<Code> seen_;
  Code last_ = 0;
};

}  // namespace

void CheckMessage(Submission* s) {
  Collector c(s);
  CheckKey(*s, &c);
  if (s->mode == WriteMode::kReplace) {
    if (!s->removed_line_ids.empty()) {
      c.Add(Reason::kFieldNotAllowed, "removed_line_ids",
            {"only a PATCH removes lines by id", "只有PATCH方式才能按编号删除明细"});
    }
    if (!s->removed_project_codes.empty()) {
      c.Add(Reason::kFieldNotAllowed, "removed_project_codes",
            {"only a PATCH removes projects by code", "只有PATCH方式才能按编码删除项目"});
    }
  }
  if (s->lines.lines.size() + s->removed_line_ids.size() > kStatementLinesMax) {
    c.Add(Reason::kTooManyLines, "line_items",
          {absl::StrCat(s->lines.lines.size() + s->removed_line_ids.size(),
                        " lines; a statement has at most ", kStatementLinesMax),
           absl::StrCat("共", s->lines.lines.size() + s->removed_line_ids.size(),
                        "行，一次报送最多", kStatementLinesMax, "行")});
    return;
  }
  GoodCombinations good(s->lines);
  __int128 gross = 0;
  for (size_t i = 0; i < s->lines.lines.size(); ++i) {
    Line& line = s->lines.lines[i];
    line.index = static_cast<uint32_t>(i);
    if (!c.full()) CheckLine(*s, line, &good, &c);
    gross += line.amount_fen < 0 ? -static_cast<__int128>(line.amount_fen)
                                 : static_cast<__int128>(line.amount_fen);
  }
  if (gross > kGrossFenMax) {
    c.Add(Reason::kAmountOverflow, "line_items",
          {absl::StrCat("the amounts of the statement add up to more than ", kGrossFenMax, " fen"),
           absl::StrCat("报送金额合计超过上限", kGrossFenMax, "分")});
  } else {
    s->sums = {};
    for (const Line& line : s->lines.lines) s->sums.Add(line, 1);
  }
  CheckProjectReferences(*s, &c);
  CheckProjects(s, &c);
  SortLines(s, &c);
  SortRemoved("removed_line_ids", &s->removed_line_ids, Reason::kDuplicateLineId, &c);
  SortRemoved("removed_project_codes", &s->removed_project_codes, Reason::kDuplicateProjectCode,
              &c);
  for (const std::string& id : s->removed_line_ids) {
    auto it = std::lower_bound(
        s->lines.lines.begin(), s->lines.lines.end(), id,
        [](const Line& l, const std::string& v) { return l.line_id < absl::string_view(v); });
    if (it != s->lines.lines.end() && it->line_id == id) {
      c.Add(Reason::kDuplicateLineId, "removed_line_ids",
            {absl::StrCat(id, " is both put and removed"),
             absl::StrCat(id, "同时出现在新增和删除中")});
    }
  }
  for (const std::string& code : s->removed_project_codes) {
    auto it =
        std::lower_bound(s->projects.begin(), s->projects.end(), code,
                         [](const ProjectEntry& p, const std::string& v) { return p.code < v; });
    if (it != s->projects.end() && it->code == code) {
      c.Add(Reason::kDuplicateProjectCode, "removed_project_codes",
            {absl::StrCat(code, " is both put and removed"),
             absl::StrCat(code, "同时出现在新增和删除中")});
    }
  }
}

std::string DepartmentOf(const Catalog& catalog, const Submission& s) {
  if (s.scope == Scope::kDepartment) return s.department_code;
  const CatalogEntry* agency = catalog.FindAgency(s.key.division, s.key.year, s.key.agency);
  return agency == nullptr ? std::string() : agency->department_code;
}

namespace {

// The division, the department and the agency whose statement it is.
void CheckOffice(const Catalog& catalog, const Submission& s, Collector* c) {
  const BudgetKey& key = s.key;
  if (key.division != 0 && catalog.FindDivision(key.division, key.year) == nullptr) {
    c->Add(Reason::kDivisionUnknown, "budget.division_code",
           {absl::StrCat("division ", key.division, " is not in the catalog of ", key.year),
            absl::StrCat("区划", key.division, "不在", key.year, "年目录中")});
  } else if (key.division != 0) {
    if (!s.department_code.empty() &&
        !catalog.HasDepartment(key.division, key.year, s.department_code)) {
      c->Add(Reason::kDepartmentUnknown, "department_code",
             {absl::StrCat("department ", s.department_code, " is not in the catalog of division ",
                           key.division, " for ", key.year),
              absl::StrCat("部门", s.department_code, "不在区划", key.division, key.year,
                           "年目录中")});
    }
    if (s.scope != Scope::kDepartment) {
      const CatalogEntry* agency = catalog.FindAgency(key.division, key.year, key.agency);
      if (agency == nullptr) {
        c->Add(Reason::kAgencyUnknown, "budget.agency_code",
               {absl::StrCat("agency ", key.agency, " is not in the catalog of division ",
                             key.division, " for ", key.year),
                absl::StrCat("单位", key.agency, "不在区划", key.division, key.year, "年目录中")});
      } else {
        if (!s.department_code.empty() && agency->department_code != s.department_code) {
          c->Add(Reason::kDepartmentMismatch, "department_code",
                 {absl::StrCat("agency ", key.agency, " belongs to department ",
                               agency->department_code, ", not ", s.department_code),
                  absl::StrCat("单位", key.agency, "属于部门", agency->department_code, "，而不是",
                               s.department_code)});
        }
        const std::string first = absl::StrCat(key.year, "-01-01"),
                          last = absl::StrCat(key.year, "-12-31");
        if ((!agency->valid_from.empty() && agency->valid_from > last) ||
            (!agency->valid_to.empty() && agency->valid_to < first)) {
          c->Add(Reason::kAgencyNotValid, "budget.agency_code",
                 {absl::StrCat("agency ", key.agency, " is valid from ", agency->valid_from, " to ",
                               agency->valid_to),
                  absl::StrCat("单位", key.agency, "有效期为", agency->valid_from, "至",
                               agency->valid_to)});
        }
      }
    }
  }
}

}  // namespace

void CheckCatalog(const Catalog& catalog, Submission* s) {
  Collector c(s);
  s->checked_catalog = catalog.position();
  const BudgetKey& key = s->key;
  CheckOffice(catalog, *s, &c);
  if (key.division == 0) return;
  CodeCheck functional(catalog, key, CatalogList::kFunctional, true, "functional_code",
                       "functional", "功能分类", s);
  CodeCheck revenue(catalog, key, CatalogList::kRevenue, false, "revenue_code", "revenue",
                    "收入分类", s);
  CodeCheck dept(catalog, key, CatalogList::kDeptEconomic, false, "dept_economic_code",
                 "departments' economic", "部门预算经济分类", s);
  CodeCheck gov(catalog, key, CatalogList::kGovEconomic, false, "gov_economic_code",
                "governments' economic", "政府预算经济分类", s);
  Code last_receiving = 0;
  GoodCombinations good(s->lines);
  for (size_t i = 0; i < s->lines.lines.size() && !c.full(); ++i) {
    const Line& line = s->lines.lines[i];
    if (good.Has(line)) continue;
    const size_t before = s->violations.size();
    if (LevelOf(line.functional) != 0) functional.Check(line, line.functional);
    if (LevelOf(line.revenue) != 0) revenue.Check(line, line.revenue);
    if (LevelOf(line.dept_economic) != 0) dept.Check(line, line.dept_economic);
    if (LevelOf(line.gov_economic) != 0) gov.Check(line, line.gov_economic);
    if (line.receiving_division != 0 && line.receiving_division != last_receiving) {
      if (catalog.FindDivision(line.receiving_division, key.year) == nullptr) {
        c.AddLine(
            Reason::kDivisionUnknown, "receiving_division_code", line,
            {absl::StrCat("division ", line.receiving_division, " is not in the catalog of ",
                          key.year),
             absl::StrCat("接收区划", line.receiving_division, "不在", key.year, "年目录中")});
      } else {
        last_receiving = line.receiving_division;
      }
    }
    if (s->violations.size() == before) good.Add(line);
  }
}

}  // namespace fiscal::domain
