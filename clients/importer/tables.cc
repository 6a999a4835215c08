#include "clients/importer/tables.h"

#include <algorithm>
#include <functional>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace fiscal::importer {
namespace {

absl::Status At(const RawTable& t, int line, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("table ", t.number, ", line ", line, ": ", what));
}

bool IsCode(absl::string_view s) {
  if (s.size() != 3 && s.size() != 5 && s.size() != 7 && s.size() != 9) return false;
  return std::all_of(s.begin(), s.end(), [](char c) { return absl::ascii_isdigit(c); }) &&
         s[0] != '0';
}

// Reads the cells of one table.
class Reader {
 public:
  Reader(const RawTable& table, size_t columns, TableReport* report, int* decimals)
      : table_(table), columns_(columns), report_(report), decimals_(decimals) {}

  // The row's cells, exactly as many as the table has columns: blanks at the end may be missing, nothing may be beyond.
  absl::StatusOr<std::vector<std::string>> Cells(const TextRow& row) const {
    std::vector<std::string> cells = row.cells;
    while (cells.size() > columns_ && cells.back().empty()) cells.pop_back();
    if (cells.size() > columns_) {
      return At(table_, row.line,
                absl::StrCat(cells.size(), " cells in a table of ", columns_, " columns"));
    }
    cells.resize(columns_);
    return cells;
  }

  absl::StatusOr<Cell> Money(const TextRow& row, const std::string& text) const {
    Cell cell;
    if (IsBlank(text)) return cell;
    const std::optional<Figure> figure = ParseFigure(text, table_.unit);
    if (!figure) return At(table_, row.line, absl::StrCat("\"", text, "\" is no amount"));
    *decimals_ =
        std::max(*decimals_, figure->decimals + (table_.unit == DocumentUnit::kYuan ? 4 : 0));
    cell.printed = true;
    cell.fen = figure->fen;
    ++report_->figures_read;
    return cell;
  }

  absl::StatusOr<std::vector<Cell>> MoneyFrom(const TextRow& row,
                                              const std::vector<std::string>& cells, size_t first,
                                              size_t last) const {
    std::vector<Cell> out;
    for (size_t i = first; i < last; ++i) {
      FISCAL_ASSIGN_OR_RETURN(Cell cell, Money(row, cells[i]));
      out.push_back(cell);
    }
    return out;
  }

  // True for rows of column headings: no cell that could be money, or the column numbers 1 2 3.
  static bool IsHeading(const TextRow& row) {
    int expected = 1;
    bool numbers = true, figures = false;
    for (const std::string& cell : row.cells) {
      if (cell.empty()) continue;
      if (cell != absl::StrCat(expected++)) numbers = false;
      if (LooksLikeFigure(cell)) figures = true;
    }
    if (numbers && expected > 2) return true;
    if (figures) return false;
    static const std::set<std::string>* const kWords =
        new std::set<std::string>{"项目",
                                  "收入",
                                  "支出",
                                  "科目编码",
                                  "科目名称",
                                  "收入科目编码",
                                  "单位名称",
                                  "项目名称",
                                  "合计",
                                  "小计",
                                  "金额",
                                  "基本支出",
                                  "项目支出",
                                  "编码",
                                  "名称",
                                  "本年收入",
                                  "上年结转",
                                  "一般公共预算",
                                  "一般公共预算资金",
                                  "政府性基金",
                                  "政府性基金预算",
                                  "国有资本经营预算",
                                  "财政专户管理资金",
                                  "单位资金",
                                  "人员经费",
                                  "公用经费",
                                  "部门预算支出经济科目名称",
                                  "政府预算支出经济科目名称",
                                  "当年预算安排",
                                  "上年结转安排",
                                  "政府性基金收入预算",
                                  "国有资本经营收入预算",
                                  "国有资本经营预算收入",
                                  "国有资本经营预算支出",
                                  "财政拨款",
                                  "预算数"};
    bool any = false;
    for (const std::string& cell : row.cells) {
      std::string f = FoldName(cell);
      if (f.empty()) continue;
      // "2024年合计", "2024预算数", "2024年财政拨款".
      if (f.size() > 4 &&
          std::all_of(f.begin(), f.begin() + 4, [](char c) { return absl::ascii_isdigit(c); })) {
        f = f.substr(4);
        if (absl::StartsWith(f, "年度")) {
          f = f.substr(6);
        } else if (absl::StartsWith(f, "年")) {
          f = f.substr(3);
        }
        if (f.empty()) f = "预算数";
      }
      if (kWords->count(f) == 0) return false;
      any = true;
    }
    // "合计" alone is a row of an empty table.
    return any && !(FoldName(row.cells[0]) == "合计");
  }

  TableReport& report() const { return *report_; }

 private:
  const RawTable& table_;
  const size_t columns_;
  TableReport* report_;
  int* decimals_;
};

absl::Status ReadCodeTable(const RawTable& t, const Reader& reader, size_t last, CodeTable* out) {
  for (const TextRow& text : t.rows) {
    if (Reader::IsHeading(text)) continue;
    FISCAL_ASSIGN_OR_RETURN(std::vector<std::string> cells, reader.Cells(text));
    Row row;
    row.line = text.line;
    row.code = cells[0];
    row.name = cells[1];
    FISCAL_ASSIGN_OR_RETURN(row.cells, reader.MoneyFrom(text, cells, 2, last));
    const bool total =
        FoldName(row.code) == "合计" || (row.code.empty() && FoldName(row.name) == "合计");
    if (total) {
      if (out->total.has_value()) return At(t, text.line, "合计 stands twice");
      row.code.clear();
      out->total = std::move(row);
      continue;
    }
    if (row.code.empty() && row.name.empty() && !row.any()) continue;
    if (!IsCode(row.code))
      return At(t, text.line, absl::StrCat("\"", row.code, "\" is no code of 3, 5 or 7 digits"));
    if (row.name.empty() || LooksLikeFigure(row.name))
      return At(t, text.line, absl::StrCat("code ", row.code, " has no name"));
    if (out->Find(row.code) != nullptr)
      return At(t, text.line, absl::StrCat("code ", row.code, " stands twice"));
    out->rows.push_back(std::move(row));
  }
  if (!out->total.has_value() && !out->rows.empty())
    return At(t, t.title_line, "the 合计 row is missing");
  return absl::OkStatus();
}

// "八、社会保障和就业支出" -> "社会保障和就业支出".
std::string WithoutOrdinal(const std::string& label) {
  const size_t mark = label.find("、");
  return mark == std::string::npos ? label : label.substr(mark + 3);
}

absl::Status ReadBalance(const RawTable& t, const Reader& reader, bool books_only,
                         BalanceTable* out) {
  const size_t funds = books_only ? 3 : 5;
  const size_t columns = books_only ? 7 : 6;
  static constexpr absl::string_view kFunds[] = {
      "一般公共预算", "政府性基金预算", "国有资本经营预算", "财政专户管理资金", "单位资金"};
  bool after_total = false;
  std::set<std::string> seen;
  auto once = [&](const std::string& name, int line) -> absl::Status {
    return seen.insert(name).second ? absl::OkStatus()
                                    : At(t, line, absl::StrCat(name, " stands twice"));
  };
  for (const TextRow& text : t.rows) {
    if (Reader::IsHeading(text)) continue;
    FISCAL_ASSIGN_OR_RETURN(std::vector<std::string> cells, reader.Cells(text));
    Row left, right;
    left.line = right.line = text.line;
    left.name = cells[0];
    right.name = cells[2];
    FISCAL_ASSIGN_OR_RETURN(left.cells, reader.MoneyFrom(text, cells, 1, 2));
    FISCAL_ASSIGN_OR_RETURN(right.cells, reader.MoneyFrom(text, cells, 3, columns));
    const std::string l = FoldName(left.name), r = FoldName(right.name);
    if (l.empty() && left.any()) return At(t, text.line, "an income figure has no label");
    if (r.empty() && right.any()) return At(t, text.line, "an expenditure figure has no label");
    if (!l.empty()) {
      if (l == "本年收入合计") {
        FISCAL_RETURN_IF_ERROR(once(l, text.line));
        out->income_total = left;
        after_total = true;
      } else if (l == "上年结转" || l == "上年财政拨款结转") {
        FISCAL_RETURN_IF_ERROR(once("上年结转", text.line));
        out->carry_in = left;
      } else if (l == "收入总计") {
        FISCAL_RETURN_IF_ERROR(once(l, text.line));
        out->income_grand = left;
      } else {
        const std::string name = WithoutOrdinal(l);
        size_t fund = 0;
        while (fund < funds && name != kFunds[fund] && absl::StrCat(name, "预算") != kFunds[fund] &&
               name != absl::StrCat(kFunds[fund], "资金")) {
          ++fund;
        }
        if (fund == funds)
          return At(t, text.line,
                    absl::StrCat("\"", left.name, "\" is no income row of this table"));
        FISCAL_RETURN_IF_ERROR(
            once(absl::StrCat(after_total ? "carry " : "fund ", fund), text.line));
        if (after_total) {
          if (!books_only)
            return At(t, text.line, absl::StrCat("\"", left.name, "\" after 本年收入合计"));
          out->carry_in_books[fund] = left;
        } else {
          out->income[fund] = left;
        }
      }
    }
    if (r.empty()) continue;
    if (r == "本年支出合计") {
      FISCAL_RETURN_IF_ERROR(once(r, text.line));
      out->expenditure_total = right;
    } else if (absl::StartsWith(r, "年终结转") || absl::StartsWith(r, "结转下年")) {
      FISCAL_RETURN_IF_ERROR(once("年终结转", text.line));
      out->carry_out = right;
    } else if (r == "支出总计") {
      FISCAL_RETURN_IF_ERROR(once(r, text.line));
      out->expenditure_grand = right;
    } else {
      right.name = WithoutOrdinal(right.name);
      FISCAL_RETURN_IF_ERROR(once(absl::StrCat("class ", FoldName(right.name)), text.line));
      out->classes.push_back(right);
    }
  }
  for (Row* row : {&out->income_total, &out->income_grand, &out->carry_in}) row->cells.resize(1);
  for (Row& row : out->income) row.cells.resize(1);
  for (Row& row : out->carry_in_books) row.cells.resize(1);
  for (Row* row : {&out->expenditure_total, &out->carry_out, &out->expenditure_grand})
    row->cells.resize(columns - 3);
  for (const char* needed : {"本年收入合计", "收入总计", "本年支出合计", "支出总计"}) {
    if (seen.count(needed) == 0)
      return At(t, t.title_line, absl::StrCat("the row ", needed, " is missing"));
  }
  for (size_t fund = 0; fund < funds; ++fund) {
    if (seen.count(absl::StrCat("fund ", fund)) == 0)
      return At(t, t.title_line,
                absl::StrCat("the income row ", std::string(kFunds[fund]), " is missing"));
  }
  if (out->classes.empty()) return At(t, t.title_line, "no 类 stands at its right");
  return absl::OkStatus();
}

absl::Status ReadEconomic(const RawTable& t, const Reader& reader, Tables* out) {
  for (const TextRow& text : t.rows) {
    if (Reader::IsHeading(text)) continue;
    FISCAL_ASSIGN_OR_RETURN(std::vector<std::string> cells, reader.Cells(text));
    Row row;
    row.line = text.line;
    row.name = cells[0];
    row.other_name = cells[1];
    FISCAL_ASSIGN_OR_RETURN(row.cells, reader.MoneyFrom(text, cells, 2, 5));
    if (row.name.empty()) return At(t, text.line, "a row has no name");
    if (LooksLikeFigure(row.other_name))
      return At(t, text.line, absl::StrCat("\"", row.other_name, "\" stands where a name belongs"));
    if (FoldName(row.name) == "合计") {
      if (out->t6_total.has_value()) return At(t, text.line, "合计 stands twice");
      out->t6_total = std::move(row);
    } else if (row.other_name.empty()) {
      out->t6.push_back({std::move(row), {}});
    } else if (out->t6.empty()) {
      return At(t, text.line, absl::StrCat(row.name, " stands before the first 类"));
    } else {
      out->t6.back().items.push_back(std::move(row));
    }
  }
  if (!out->t6_total.has_value() && !out->t6.empty())
    return At(t, t.title_line, "the 合计 row is missing");
  return absl::OkStatus();
}

absl::Status ReadThreePublic(const RawTable& t, const Reader& reader, Tables* out) {
  static constexpr absl::string_view kLabels[] = {
      "因公出国", "公务接待", "公务用车购置及运行", "公务用车购置费", "公务用车运行", "合计"};
  std::set<size_t> seen;
  for (const TextRow& text : t.rows) {
    if (Reader::IsHeading(text)) continue;
    FISCAL_ASSIGN_OR_RETURN(std::vector<std::string> cells, reader.Cells(text));
    Row row;
    row.line = text.line;
    row.name = cells[0];
    FISCAL_ASSIGN_OR_RETURN(row.cells, reader.MoneyFrom(text, cells, 1, 5));
    const std::string label = FoldName(row.name);
    size_t kind = 0;
    while (kind < 6 && !absl::StrContains(label, kLabels[kind])) ++kind;
    if (kind == 6)
      return At(t, text.line, absl::StrCat("\"", row.name, "\" is no row of this table"));
    if (!seen.insert(kind).second) return At(t, text.line, absl::StrCat(row.name, " stands twice"));
    out->t10[kind] = std::move(row);
  }
  for (Row& row : out->t10) row.cells.resize(4);
  if (seen.size() != 6) return At(t, t.title_line, "one of its six rows is missing");
  return absl::OkStatus();
}

absl::Status ReadOperating(const RawTable& t, const Reader& reader, Tables* out) {
  for (const TextRow& text : t.rows) {
    if (Reader::IsHeading(text)) continue;
    FISCAL_ASSIGN_OR_RETURN(std::vector<std::string> cells, reader.Cells(text));
    Row row;
    row.line = text.line;
    row.name = cells[0];
    FISCAL_ASSIGN_OR_RETURN(row.cells, reader.MoneyFrom(text, cells, 1, 5));
    if (row.name.empty() || LooksLikeFigure(row.name)) return At(t, text.line, "a row has no name");
    const std::string name = FoldName(row.name);
    if (name == "部门合计" || name == "合计") {
      if (out->t11_total.has_value()) return At(t, text.line, "部门合计 stands twice");
      out->t11_total = std::move(row);
    } else {
      out->t11_units.push_back(std::move(row));
    }
  }
  return absl::OkStatus();
}

// Department, units, projects in one column of names. A unit is a row named as one of `units` whose figures are the sum of the
// rows after it; with a single unit its name repeats the department's.
absl::Status ReadProjects(const RawTable& t, const Reader& reader, size_t columns,
                          const std::string& department, const std::set<std::string>& units,
                          ProjectTable* out) {
  for (const TextRow& text : t.rows) {
    if (Reader::IsHeading(text)) continue;
    FISCAL_ASSIGN_OR_RETURN(std::vector<std::string> cells, reader.Cells(text));
    Row row;
    row.line = text.line;
    row.name = cells[0];
    FISCAL_ASSIGN_OR_RETURN(row.cells, reader.MoneyFrom(text, cells, 1, columns));
    const std::string name = FoldName(row.name);
    if (name.empty() || LooksLikeFigure(row.name)) return At(t, text.line, "a row has no name");
    const bool total = name == "合计" || name == "部门合计";
    if (!out->department.has_value()) {
      if (!total && name != department) {
        return At(t, text.line,
                  absl::StrCat("the first row is ", row.name, ", not the department's or 合计"));
      }
      out->department = std::move(row);
    } else if (name == department || units.count(name) > 0) {
      out->units.push_back({std::move(row), {}});
    } else if (out->units.empty()) {
      return At(t, text.line, absl::StrCat(row.name, " stands before the first unit's row"));
    } else {
      out->units.back().projects.push_back(std::move(row));
    }
  }
  return absl::OkStatus();
}

}  // namespace

const Row* CodeTable::Find(const std::string& code) const {
  for (const Row& row : rows) {
    if (row.code == code) return &row;
  }
  return nullptr;
}

bool CodeTable::IsLeaf(const Row& row) const {
  return std::none_of(rows.begin(), rows.end(), [&](const Row& other) {
    return other.code.size() > row.code.size() && absl::StartsWith(other.code, row.code);
  });
}

int64_t Tables::grain() const {
  // In fen: 万元 with 0, 2, 4 decimals or finer.
  if (decimals == 0) return 1000000;
  if (decimals <= 2) return 10000;
  return decimals <= 4 ? 100 : 1;
}

absl::StatusOr<Tables> ReadTables(const Document& document,
                                  const std::set<std::string>& unit_names) {
  Tables out;
  out.document = &document;
  out.unit = document.tables[0].unit;
  out.reports.resize(13);
  for (int n = 1; n <= 13; ++n) {
    out.reports[static_cast<size_t>(n - 1)].number = n;
    out.reports[static_cast<size_t>(n - 1)].title = out.raw(n).title;
  }
  auto reader = [&](int n, size_t columns) {
    return Reader(out.raw(n), columns, &out.reports[static_cast<size_t>(n - 1)], &out.decimals);
  };
  FISCAL_RETURN_IF_ERROR(ReadBalance(out.raw(1), reader(1, 6), false, &out.t1));
  FISCAL_RETURN_IF_ERROR(ReadCodeTable(out.raw(2), reader(2, 9), 9, &out.t2));
  FISCAL_RETURN_IF_ERROR(ReadCodeTable(out.raw(3), reader(3, 5), 5, &out.t3));
  FISCAL_RETURN_IF_ERROR(ReadBalance(out.raw(4), reader(4, 7), true, &out.t4));
  FISCAL_RETURN_IF_ERROR(ReadCodeTable(out.raw(5), reader(5, 5), 5, &out.t5));
  FISCAL_RETURN_IF_ERROR(ReadEconomic(out.raw(6), reader(6, 5), &out));
  FISCAL_RETURN_IF_ERROR(ReadCodeTable(out.raw(7), reader(7, 3), 3, &out.t7));
  FISCAL_RETURN_IF_ERROR(ReadCodeTable(out.raw(8), reader(8, 5), 5, &out.t8));

  // T9 holds two tables side by side: each half is read as a table of its own.
  RawTable left = out.raw(9), right = out.raw(9);
  left.rows.clear();
  right.rows.clear();
  const Reader whole = reader(9, 8);
  for (const TextRow& text : out.raw(9).rows) {
    if (Reader::IsHeading(text)) continue;
    FISCAL_ASSIGN_OR_RETURN(std::vector<std::string> cells, whole.Cells(text));
    left.rows.push_back({text.line, {cells.begin(), cells.begin() + 3}});
    right.rows.push_back({text.line, {cells.begin() + 3, cells.end()}});
    // The printed form has one 合计 at the left for both halves.
    if (FoldName(cells[0]) == "合计" && cells[3].empty() && cells[4].empty())
      right.rows.back().cells[0] = "合计";
  }
  FISCAL_RETURN_IF_ERROR(
      ReadCodeTable(left, Reader(left, 3, &out.reports[8], &out.decimals), 3, &out.t9_income));
  FISCAL_RETURN_IF_ERROR(ReadCodeTable(right, Reader(right, 5, &out.reports[8], &out.decimals), 5,
                                       &out.t9_expenditure));

  FISCAL_RETURN_IF_ERROR(ReadThreePublic(out.raw(10), reader(10, 5), &out));
  FISCAL_RETURN_IF_ERROR(ReadOperating(out.raw(11), reader(11, 5), &out));
  const std::string department = FoldName(document.department_name);
  std::set<std::string> units = unit_names;
  for (const Row& unit : out.t11_units) units.insert(FoldName(unit.name));
  FISCAL_RETURN_IF_ERROR(ReadProjects(out.raw(12), reader(12, 7), 7, department, units, &out.t12));
  FISCAL_RETURN_IF_ERROR(ReadProjects(out.raw(13), reader(13, 5), 5, department, units, &out.t13));

  if (out.reports[0].figures_read == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "table 1, line ", out.raw(1).title_line, ": it has no figures: this is an empty template"));
  }
  return out;
}

}  // namespace fiscal::importer
