#include "clients/cli/print/line_item_sheets.h"

#include <xlsxwriter.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "clients/cli/print/workbook_file.h"
#include "clients/cli/read/line_item_columns.h"
#include "clients/cli/read/line_items.h"
#include "clients/cli/read/names.h"
#include "clients/sheets/csv.h"
#include "clients/sheets/decimal.h"
#include "clients/sheets/kept_text.h"
#include "google/protobuf/util/message_differencer.h"

namespace fiscal::cli {
namespace {

namespace b = fiscal::budget::v1;
namespace s = fiscal::submission::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

struct SheetCell {
  std::string text;
  bool amount = false;
  int64_t fen = 0;
};
// By element.
using SheetRow = std::array<SheetCell, kElementCount>;

std::string Truth(bool value) { return value ? "是" : "否"; }

// One row after another, each by element, of one statement in one unit.
class RowMaker {
 public:
  RowMaker(const Statement& statement, Unit unit) : statement_(statement), unit_(unit) {}

  SheetRow Line(const b::LineItem& line) const {
    SheetRow row = Keyed();
    Put(kLineId, line.line_id(), &row);
    Put(kDirection, ChineseName(line.direction()), &row);
    Put(kFunctional, line.functional_code(), &row);
    Put(kRevenue, line.revenue_code(), &row);
    Put(kDeptEconomic, line.dept_economic_code(), &row);
    Put(kGovEconomic, line.gov_economic_code(), &row);
    Put(kFund, ChineseName(line.fund()), &row);
    Put(kCategory, ChineseName(line.category()), &row);
    Put(kFundingYear, ChineseName(line.funding_year()), &row);
    Put(kProjectCode, line.project_code(), &row);
    Put(kProjectName, NameOfProject(line.project_code()), &row);
    PutAmount(kAmount, line.amount_fen(), &row);
    Put(kPrecision, absl::StrCat(std::max<int64_t>(line.precision_fen(), 1)), &row);
    Put(kReceiving, line.receiving_division_code(), &row);
    Put(kProcurement, ChineseName(line.procurement_kind()), &row);
    Put(kAnalysis, ChineseName(line.analysis()), &row);
    Put(kNote, line.note(), &row);
    Put(kScope, ChineseName(std::max(statement_.budget.scope(), b::SCOPE_OWN)), &row);
    Put(kControl, Truth(statement_.budget.control()), &row);
    if (statement_.budget.has_year_end_carry_forward_fen())
      PutAmount(kCarryForward, statement_.budget.year_end_carry_forward_fen(), &row);
    Put(kStatementNote, statement_.budget.note(), &row);
    return row;
  }

  SheetRow Project(const b::Project& project) const {
    SheetRow row = Keyed();
    Put(kProjectCode, project.project_code(), &row);
    Put(kProjectName, project.name(), &row);
    Put(kCategory, ChineseName(project.category()), &row);
    if (project.project_code_derived()) Put(kDerived, Truth(true), &row);
    for (int e = kOwningAgency; e < kPeriod; ++e) PutDetail(static_cast<Element>(e), project, &row);
    return row;
  }

  SheetRow Indicator(const b::Project& project, const b::PerformanceIndicator& indicator) const {
    SheetRow row = Keyed();
    Put(kProjectCode, project.project_code(), &row);
    Put(kPeriod, ChineseName(indicator.period()), &row);
    Put(kLevel1, indicator.level1(), &row);
    Put(kLevel2, indicator.level2(), &row);
    Put(kLevel3, indicator.level3(), &row);
    Put(kTarget, indicator.target(), &row);
    return row;
  }

 private:
  SheetRow Keyed() const {
    const b::BudgetKey& key = statement_.budget.key();
    SheetRow row;
    Put(kDivision, key.division_code(), &row);
    Put(kAgency, key.agency_code(), &row);
    Put(kYear, absl::StrCat(key.fiscal_year()), &row);
    Put(kStage, ChineseName(key.stage()), &row);
    return row;
  }

  static void Put(Element e, const std::string& text, SheetRow* row) {
    (*row)[static_cast<size_t>(e)].text = sheets::KeptText(text);
  }

  void PutAmount(Element e, int64_t fen, SheetRow* row) const {
    (*row)[static_cast<size_t>(e)] = {FormatExact(fen, unit_), true, fen};
  }

  void PutDetail(Element e, const b::Project& project, SheetRow* row) const {
    const std::vector<std::string> path = absl::StrSplit(ColumnOf(e).field, '.');
    const FieldDescriptor* field = project.GetDescriptor()->FindFieldByName(path[0]);
    const google::protobuf::Reflection* reflection = project.GetReflection();
    if (!ColumnOf(e).amount) return Put(e, reflection->GetString(project, field), row);
    const Message& funding = reflection->GetMessage(project, field);
    const FieldDescriptor* amount = funding.GetDescriptor()->FindFieldByName(path[1]);
    if (funding.GetReflection()->HasField(funding, amount))
      PutAmount(e, funding.GetReflection()->GetInt64(funding, amount), row);
  }

  // Projects are ordered by code.
  std::string NameOfProject(const std::string& code) const {
    const auto it = std::lower_bound(
        statement_.projects.begin(), statement_.projects.end(), code,
        [](const b::Project& project, const std::string& c) { return project.project_code() < c; });
    return it != statement_.projects.end() && it->project_code() == code ? it->name() : "";
  }

  const Statement& statement_;
  const Unit unit_;
};

std::vector<Element> ElementsOf(SheetKind kind) {
  std::vector<Element> elements;
  for (int e = 0; e < kElementCount; ++e) {
    if (ColumnOf(static_cast<Element>(e)).IsIn(kind)) elements.push_back(static_cast<Element>(e));
  }
  return elements;
}

std::string HeadingOf(Element e, Unit unit) {
  const std::string name = ColumnOf(e).headings[1];
  return ColumnOf(e).amount ? absl::StrCat(name, "（", std::string(UnitName(unit)), "）") : name;
}

double WidthOf(Element e) {
  if (ColumnOf(e).amount) return 18;
  return e == kProjectName || e == kNote || e == kStatementNote || e >= kOverview ? 30 : 14;
}

// A workbook's sheets, one after another.
class SheetFiller {
 public:
  SheetFiller(lxw_workbook* book, Unit unit) : book_(book), unit_(unit) {
    text_ = workbook_add_format(book);
    // A code that is typed in stays as it is typed.
    format_set_num_format(text_, "@");
    amount_ = workbook_add_format(book);
    format_set_num_format(amount_, unit == Unit::kFen    ? "#,##0"
                                   : unit == Unit::kYuan ? "#,##0.00"
                                                         : "#,##0.00####");
    heading_ = workbook_add_format(book);
    format_set_bold(heading_);
  }

  void Start(const char* name, SheetKind kind) {
    sheet_ = workbook_add_worksheet(book_, name);
    elements_ = ElementsOf(kind);
    row_ = 0;
    if (sheet_ == nullptr) return Check(LXW_ERROR_SHEETNAME_ALREADY_USED);
    for (size_t i = 0; i < elements_.size(); ++i) {
      const auto column = static_cast<lxw_col_t>(i);
      const Element e = elements_[i];
      Check(worksheet_set_column(sheet_, column, column, WidthOf(e),
                                 ColumnOf(e).amount ? amount_ : text_));
      Check(worksheet_write_string(sheet_, 0, column, HeadingOf(e, unit_).c_str(), heading_));
    }
    worksheet_freeze_panes(sheet_, 1, 0);
    // Codes are no numbers, and no program need say so of each.
    Check(worksheet_ignore_errors(sheet_, LXW_IGNORE_NUMBER_STORED_AS_TEXT, "A1:XFD1048576"));
  }

  void Add(const SheetRow& cells) {
    if (sheet_ == nullptr) return;
    ++row_;
    for (size_t i = 0; i < elements_.size(); ++i) {
      const SheetCell& cell = cells[static_cast<size_t>(elements_[i])];
      const auto column = static_cast<lxw_col_t>(i);
      if (cell.text.empty()) continue;
      if (cell.amount && IsNumber(cell.fen)) {
        const double scale = unit_ == Unit::kFen ? 1 : unit_ == Unit::kYuan ? 1e2 : 1e6;
        Check(worksheet_write_number(sheet_, row_, column, static_cast<double>(cell.fen) / scale,
                                     amount_));
      } else {
        Check(worksheet_write_string(sheet_, row_, column, WorkbookText(cell.text).c_str(), text_));
      }
    }
  }

  lxw_error error() const { return error_; }

 private:
  void Check(lxw_error error) {
    if (error_ == LXW_NO_ERROR) error_ = error;
  }

  // That spreadsheets keep all its digits down to the fen.
  static bool IsNumber(int64_t fen) {
    int64_t bound = 1;
    for (int i = 0; i < sheets::kNumberCellDigits; ++i) bound *= 10;
    return fen > -bound && fen < bound;
  }

  lxw_workbook* const book_;
  const Unit unit_;
  lxw_format *text_, *amount_, *heading_;
  lxw_worksheet* sheet_ = nullptr;
  std::vector<Element> elements_;
  lxw_row_t row_ = 0;
  lxw_error error_ = LXW_NO_ERROR;
};

// As it would be stated, without projects.
s::SubmitBudgetRequest RequestOf(const Statement& statement) {
  s::SubmitBudgetRequest request;
  const b::Budget& budget = statement.budget;
  *request.mutable_budget() = budget.key();
  request.set_mode(s::WRITE_MODE_REPLACE);
  request.set_scope(std::max(budget.scope(), b::SCOPE_OWN));
  if (budget.scope() == b::SCOPE_DEPARTMENT) request.set_department_code(budget.department_code());
  request.set_control(budget.control());
  if (budget.has_year_end_carry_forward_fen())
    request.set_year_end_carry_forward_fen(budget.year_end_carry_forward_fen());
  request.set_note(budget.note());
  for (const b::LineItem& line : statement.lines) {
    b::LineItem* const stated = request.add_line_items();
    *stated = line;
    stated->set_precision_fen(std::max<int64_t>(line.precision_fen(), 1));
  }
  return request;
}

// The fields that differ, without indices.
class Differences : public google::protobuf::util::MessageDifferencer::Reporter {
 public:
  using Path = std::vector<google::protobuf::util::MessageDifferencer::SpecificField>;

  // Of messages whose fields' names begin with `prefix`.
  void Compare(const Message& a, const Message& b, const std::string& prefix) {
    if (a.SerializeAsString() == b.SerializeAsString()) return;
    prefix_ = prefix;
    google::protobuf::util::MessageDifferencer differencer;
    differencer.ReportDifferencesTo(this);
    differencer.Compare(a, b);
  }
  void Add(const std::string& name) { names_.insert(name); }
  std::vector<std::string> names() const { return {names_.begin(), names_.end()}; }

  void ReportAdded(const Message&, const Message&, const Path& path) override { Add(path); }
  void ReportDeleted(const Message&, const Message&, const Path& path) override { Add(path); }
  void ReportModified(const Message&, const Message&, const Path& path) override { Add(path); }

 private:
  void Add(const Path& path) {
    std::string name = prefix_;
    for (const auto& part : path) {
      if (part.field == nullptr) continue;
      absl::StrAppend(&name, name == prefix_ ? "" : ".", std::string(part.field->name()));
    }
    Add(name);
  }

  std::string prefix_;
  std::set<std::string> names_;
};

}  // namespace

std::string LineItemsCsv(const Statement& statement, Unit unit) {
  const std::vector<Element> elements = ElementsOf(SheetKind::kLines);
  const RowMaker rows(statement, unit);
  std::vector<std::string> cells;
  for (Element e : elements) cells.push_back(HeadingOf(e, unit));
  std::string csv = absl::StrCat(sheets::kByteOrderMark, sheets::CsvLine(cells));
  for (const b::LineItem& line : statement.lines) {
    SheetRow row = rows.Line(line);
    cells.clear();
    for (Element e : elements) cells.push_back(std::move(row[static_cast<size_t>(e)].text));
    csv += sheets::CsvLine(cells);
  }
  return csv;
}

absl::StatusOr<std::string> LineItemsWorkbook(const Statement& statement, Unit unit) {
  const RowMaker rows(statement, unit);
  return MakeWorkbook("", [&](lxw_workbook* book) {
    SheetFiller filler(book, unit);
    filler.Start("明细", SheetKind::kLines);
    for (const b::LineItem& line : statement.lines) filler.Add(rows.Line(line));
    if (!statement.projects.empty()) filler.Start("项目", SheetKind::kProjects);
    for (const b::Project& project : statement.projects) filler.Add(rows.Project(project));
    const auto has_indicators = [](const b::Project& p) { return p.indicators_size() > 0; };
    if (std::any_of(statement.projects.begin(), statement.projects.end(), has_indicators))
      filler.Start("绩效指标", SheetKind::kIndicators);
    for (const b::Project& project : statement.projects) {
      for (const b::PerformanceIndicator& indicator : project.indicators())
        filler.Add(rows.Indicator(project, indicator));
    }
    return filler.error();
  });
}

std::vector<std::string> LostIn(const Statement& statement, const std::string& name,
                                const std::string& bytes) {
  const LineItemFile file = LineItemFile::Read(name, bytes, {});
  if (file.problem_count() > 0)
    return {absl::StrCat(file.problems()[0].place, ": ", file.problems()[0].message)};
  s::SubmitBudgetRequest read = file.budgets()[0];
  // In the order of the lines that name them first, and there may be ten thousand.
  std::map<std::string, b::Project> projects;
  for (b::Project& project : *read.mutable_projects())
    projects[project.project_code()] = std::move(project);
  read.clear_projects();
  Differences differences;
  differences.Compare(RequestOf(statement), read, "");
  if (projects.size() != statement.projects.size()) differences.Add("projects");
  for (const b::Project& project : statement.projects) {
    const auto it = projects.find(project.project_code());
    if (it != projects.end()) differences.Compare(project, it->second, "projects.");
  }
  return differences.names();
}

}  // namespace fiscal::cli
