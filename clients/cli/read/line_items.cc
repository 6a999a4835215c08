#include "clients/cli/read/line_items.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/text.h"
#include "clients/cli/read/line_item_columns.h"
#include "clients/cli/read/names.h"
#include "clients/sheets/csv.h"
#include "clients/sheets/decimal.h"
#include "clients/sheets/kept_text.h"
#include "clients/sheets/xlsx.h"
#include "domain/reason.h"

namespace fiscal::cli {
namespace {

namespace b = fiscal::budget::v1;
namespace s = fiscal::submission::v1;
using domain::Sentence;
using sheets::Cell;
using sheets::CellKind;
using sheets::Decimal;
using sheets::Trim;

// How exactly an amount is known that is stated with so many decimals.
int64_t PrecisionOf(AmountUnit unit, int decimals) {
  const int places = PlacesOf(unit) - decimals;
  return places >= 6 ? 1000000 : places >= 4 ? 10000 : places >= 2 ? 100 : 1;
}

// Text of a cell in a message: whole characters, not too many.
std::string Quoted(absl::string_view text) {
  constexpr size_t kBytesMax = 60;
  std::string shown(text.substr(0, kBytesMax));
  if (text.size() > kBytesMax) {
    while (!shown.empty() && !IsUtf8(shown)) shown.pop_back();
    shown += "...";
  }
  for (char& c : shown) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = ' ';
  }
  return absl::StrCat("\"", shown, "\"");
}

// Digits with a point, and with separators where each of them stands before three digits.
std::optional<Decimal> ParseStatedAmount(absl::string_view text) {
  if (text.find_first_of("eE+") != absl::string_view::npos) return std::nullopt;
  if (!absl::StrContains(text, ",")) return sheets::ParseDecimal(text);
  const size_t start = absl::StartsWith(text, "-") ? 1 : 0;
  const absl::string_view whole = text.substr(start, text.find('.') - start);
  size_t group = 0;
  bool first = true;
  for (size_t i = 0; i <= whole.size(); ++i) {
    if (i < whole.size() && whole[i] != ',') {
      ++group;
      continue;
    }
    if (first ? group < 1 || group > 3 : group != 3) return std::nullopt;
    first = false;
    group = 0;
  }
  std::string digits(text.substr(0, start));
  for (char c : text.substr(start)) {
    if (c != ',') digits += c;
  }
  if (absl::StrContains(text.substr(start + whole.size()), ",")) return std::nullopt;
  return sheets::ParseDecimal(digits);
}

// Decimals as they are written, zeros at the end too.
int WrittenDecimals(absl::string_view text) {
  const size_t point = text.find('.');
  return point == absl::string_view::npos ? 0 : static_cast<int>(text.size() - point - 1);
}

std::string EnumNames(const google::protobuf::EnumDescriptor* values, const std::string& prefix) {
  std::vector<std::string> names;
  for (int i = 1; i < values->value_count(); ++i)
    names.push_back(ShortName(std::string(values->value(i)->name()), prefix));
  return absl::StrJoin(names, ", ");
}

// In messages.
domain::Shape RowsOf(SheetKind kind) {
  return kind == SheetKind::kLines      ? domain::Shape{"line items", "明细"}
         : kind == SheetKind::kProjects ? domain::Shape{"projects", "项目"}
                                        : domain::Shape{"performance indicators", "绩效指标"};
}

bool IsBlank(const Cell& cell) { return cell.kind == CellKind::kText && Trim(cell.text).empty(); }

size_t FilledCells(const sheets::Row& row) {
  return static_cast<size_t>(std::count_if(row.cells.begin(), row.cells.end(),
                                           [](const Cell& cell) { return !IsBlank(cell); }));
}

// What separates the cells of headings that are one cell for want of commas; empty for none.
std::string OtherSeparator(absl::string_view text) {
  for (const auto& [sign, name] :
       {std::pair(';', "semicolons (;)"), std::pair('\t', "tabs"), std::pair('|', "bars (|)")}) {
    if (std::count(text.begin(), text.end(), sign) > 1) return name;
  }
  return "";
}

}  // namespace

class LineItemReader {
 public:
  LineItemReader(LineItemFile* file, const LineItemOptions& options)
      : file_(*file), options_(options) {}

  void Read(absl::string_view bytes) {
    if (file_.csv_) {
      absl::StatusOr<sheets::Sheet> sheet = sheets::ReadCsv(bytes);
      if (!sheet.ok()) return Unreadable(sheet.status());
      ReadSheet(*sheet, SheetKind::kLines);
    } else {
      absl::StatusOr<std::vector<sheets::Sheet>> all = sheets::ReadXlsx(bytes);
      if (!all.ok()) return Unreadable(all.status());
      ReadWorkbook(*all);
    }
    if (file_.budgets_.empty() && file_.problem_count_ == 0)
      Add(file_.name_, {"there are no line items in it", "文件中没有明细"});
    Finish();
  }

 private:
  using RowAt = LineItemFile::RowAt;
  using Layout = LineItemFile::Layout;

  // Notes about a budget beside its request.
  struct Draft {
    absl::flat_hash_map<std::string, size_t> project_by_code;
    // By line; and the finest decimals of each unit, which are what its column is known to.
    std::vector<AmountUnit> units;
    std::array<int, 4> decimals_max = {};
    // What the lines said of the statement, by element.
    std::map<Element, std::string> stated;
  };

  // The sheet that is being read.
  struct Current {
    size_t layout = 0;
    SheetKind kind = SheetKind::kLines;
    // Up to the last one that is filled.
    size_t heading_cells = 0;
    // Of the columns of amounts.
    std::array<AmountUnit, kElementCount> units = {};
    std::map<int, Element> element_of;
    // Columns without a heading that were said.
    std::set<int> bare_columns;
  };

  // One row, by element; null where the cell is absent or blank.
  struct CurrentRow {
    RowAt at;
    std::array<const Cell*, kElementCount> cells = {};
  };

  void Add(std::string place, Sentence message) {
    if (++file_.problem_count_ <= static_cast<int64_t>(LineItemFile::kProblemsMax))
      file_.problems_.push_back({std::move(place), std::move(message.en), std::move(message.zh)});
  }
  void Unreadable(const absl::Status& status) {
    const std::string why(status.message());
    Add(file_.name_, {why, absl::StrCat("文件无法读取：", why)});
  }
  void AddCell(const CurrentRow& row, Element e, Sentence message) {
    const int column = file_.layouts_[row.at.layout].columns[static_cast<size_t>(e)];
    Add(column < 0 ? file_.PlaceOfRow(row.at) : file_.PlaceOfColumn(row.at, column),
        std::move(message));
  }
  bool HasColumn(Element e) const {
    return file_.layouts_[now_.layout].columns[static_cast<size_t>(e)] >= 0;
  }

  void ReadWorkbook(const std::vector<sheets::Sheet>& all) {
    for (const std::string& name : options_.sheets) {
      if (std::none_of(all.begin(), all.end(),
                       [&](const sheets::Sheet& sheet) { return sheet.name == name; }))
        Add(file_.name_, {absl::StrCat("there is no sheet ", Quoted(name)),
                          absl::StrCat("没有工作表", Quoted(name))});
    }
    std::vector<const sheets::Sheet*> read;
    for (const sheets::Sheet& sheet : all) {
      if (!options_.sheets.empty()) {
        if (std::find(options_.sheets.begin(), options_.sheets.end(), sheet.name) ==
            options_.sheets.end())
          continue;
      } else if (sheet.hidden) {
        if (!sheet.rows.empty()) file_.unread_sheets_.push_back(sheet.name);
        continue;
      }
      read.push_back(&sheet);
    }
    for (SheetKind kind : {SheetKind::kLines, SheetKind::kProjects, SheetKind::kIndicators}) {
      for (const sheets::Sheet* sheet : read) {
        if (KindOfSheet(*sheet) == kind) ReadSheet(*sheet, kind);
      }
    }
  }

  // By its headings: titles stand alone in their rows, headings don't.
  static SheetKind KindOfSheet(const sheets::Sheet& sheet) {
    const auto heading = std::find_if(sheet.rows.begin(), sheet.rows.end(),
                                      [](const sheets::Row& row) { return FilledCells(row) > 1; });
    std::set<Element> elements;
    if (heading != sheet.rows.end()) {
      for (const Cell& cell : heading->cells) {
        const Element element = ParseHeading(cell.text).element;
        if (element != kElementCount) elements.insert(element);
      }
    }
    return KindOf(elements);
  }

  void ReadSheet(const sheets::Sheet& sheet, SheetKind kind) {
    file_.layouts_.emplace_back();
    Layout& layout = file_.layouts_.back();
    layout.sheet = sheet.name;
    layout.columns.assign(kElementCount, -1);
    now_ = Current();
    now_.layout = file_.layouts_.size() - 1;
    now_.kind = kind;
    size_t r = 0;
    std::vector<std::pair<RowAt, const Cell*>> titles;
    for (; r < sheet.rows.size(); ++r) {
      const size_t filled = FilledCells(sheet.rows[r]);
      if (filled > 1) break;
      for (const Cell& cell : sheet.rows[r].cells) {
        if (!IsBlank(cell)) titles.push_back({{now_.layout, sheet.rows[r].number}, &cell});
      }
    }
    const std::string separator =
        file_.csv_ && !titles.empty() ? OtherSeparator(titles.front().second->text) : "";
    if (!separator.empty()) {
      return Add(file_.PlaceOfRow(titles.front().first),
                 {absl::StrCat("the cells are separated by ", separator,
                               "; save the file as CSV with commas"),
                  "单元格不是以逗号分隔的，请另存为以逗号分隔的CSV文件"});
    }
    if (r == sheet.rows.size()) {
      if (titles.empty()) return;
      return Add(
          file_.PlaceOfRow(titles.front().first),
          file_.csv_
              ? Sentence{"there is no heading row", "没有标题行"}
              : Sentence{"the sheet has no heading row; name the sheets to read with --sheet",
                         "工作表没有标题行，请用 --sheet 指明要读取的工作表"});
    }
    ReadHeadings(sheet.rows[r]);
    for (const auto& [at, cell] : titles) {
      const AmountUnit unit = UnitOfTitle(cell->text);
      for (AmountUnit heading : now_.units) {
        if (unit == AmountUnit::kNone || heading == AmountUnit::kNone || unit == heading) continue;
        Add(file_.PlaceOfColumn(at, cell->column),
            {absl::StrCat("says ", NameOf(unit), ", and the heading of the amounts says ",
                          NameOf(heading)),
             absl::StrCat("此处单位为", NameOf(unit), "，而金额列标题的单位为", NameOf(heading))});
        break;
      }
    }
    CheckMerged(sheet, r);
    for (++r; r < sheet.rows.size(); ++r) {
      if (FilledCells(sheet.rows[r]) > 0) ReadRow(sheet.rows[r]);
    }
  }

  void ReadHeadings(const sheets::Row& row) {
    Layout& layout = file_.layouts_[now_.layout];
    layout.heading_row = row.number;
    const RowAt at{now_.layout, row.number};
    for (const Cell& cell : row.cells) {
      if (IsBlank(cell)) continue;
      now_.heading_cells = static_cast<size_t>(cell.column) + 1;
      const std::string text(Trim(cell.text));
      layout.headings[cell.column] = text;
      auto refuse = [&](Sentence message) {
        Add(file_.PlaceOfColumn(at, cell.column), std::move(message));
      };
      if (cell.kind != CellKind::kText && cell.kind != CellKind::kNumber) {
        refuse({"a heading is text", "列标题应为文本"});
        continue;
      }
      const Heading heading = ParseHeading(text);
      if (heading.element == kElementCount || !ColumnOf(heading.element).IsIn(now_.kind)) {
        refuse({absl::StrCat(Quoted(text), " is no column of ", RowsOf(now_.kind).en,
                             "; docs/spreadsheets.md has their names"),
                absl::StrCat(Quoted(text), "不是", RowsOf(now_.kind).zh,
                             "的列，列名见 docs/spreadsheets.md")});
        continue;
      }
      int& column = layout.columns[static_cast<size_t>(heading.element)];
      if (column >= 0) {
        refuse({absl::StrCat(Quoted(text), " stands a second time: column ",
                             sheets::ColumnName(column), " is ", Quoted(layout.headings[column])),
                absl::StrCat(Quoted(text), "重复：", sheets::ColumnName(column), "列已是",
                             Quoted(layout.headings[column]))});
        continue;
      }
      column = cell.column;
      now_.element_of[cell.column] = heading.element;
      if (!ColumnOf(heading.element).amount) continue;
      now_.units[static_cast<size_t>(heading.element)] = heading.unit;
      if (heading.unit == AmountUnit::kNone)
        refuse({absl::StrCat(Quoted(text), " does not say the unit: ", HowToSayUnit(heading)),
                absl::StrCat(Quoted(text), "没有写明单位，请写",
                             ColumnOf(heading.element).headings[1], "（元）、（万元）或（分）")});
    }
    RequireColumns(at);
  }

  static std::string HowToSayUnit(const Heading& heading) {
    if (heading.element == kAmount) return kWriteUnit;
    const char* name = ColumnOf(heading.element).headings[1];
    return absl::StrCat("write ", name, "（元）, ", name, "（万元） or ", name, "（分）");
  }

  void RequireColumns(RowAt at) {
    Require(at, kDivision, "--division", !options_.division_code.empty());
    Require(at, kAgency, "--agency", !options_.agency_code.empty());
    Require(at, kYear, "--year", options_.fiscal_year != 0);
    Require(at, kStage, "--stage", options_.stage != b::STAGE_UNSPECIFIED);
    if (now_.kind != SheetKind::kLines) return;
    if (!HasColumn(kLineId))
      Missing(at, kLineId,
              {"every line has an id that it keeps in later revisions",
               "每行须有在以后版本中不变的编号"});
    if (!HasColumn(kDirection)) Missing(at, kDirection, {"支出 or 收入", "支出或收入"});
    if (!HasColumn(kAmount))
      Missing(at, kAmount, {kWriteUnit, "写金额（元）、金额（万元）或金额（分）"});
    if (!HasColumn(kFunctional) && !HasColumn(kRevenue))
      Missing(at, kFunctional,
              {"or revenue_code (收入分类科目), where all lines are income",
               "全部为收入时也可用收入分类科目"});
    if (HasColumn(kProjectCode) && !HasColumn(kProjectName))
      Missing(at, kProjectName, {"projects are stated with their names", "项目须同时写明名称"});
    if (HasColumn(kProjectName) && !HasColumn(kProjectCode))
      Missing(at, kProjectCode, {"projects are stated with their codes", "项目须同时写明代码"});
  }

  void Missing(RowAt at, Element e, const Sentence& why) {
    const std::vector<const char*>& names = ColumnOf(e).headings;
    const bool amount = ColumnOf(e).amount;
    Add(file_.PlaceOfRow(at),
        {absl::StrCat("column ", names[0], amount ? "_yuan (" : " (", names[1],
                      amount ? "（元）) is missing: " : ") is missing: ", why.en),
         absl::StrCat("缺少列", names[1], amount ? "（元）" : "", "：", why.zh)});
  }

  // A part of the budget's key stands in a column or in a flag.
  void Require(RowAt at, Element e, absl::string_view flag, bool given) {
    if (!given && !HasColumn(e)) {
      Missing(at, e,
              {absl::StrCat("add it, or give ", flag), absl::StrCat("请补上该列，或使用 ", flag)});
    } else if (given && HasColumn(e)) {
      const int column = file_.layouts_[at.layout].columns[static_cast<size_t>(e)];
      Add(file_.PlaceOfColumn(at, column),
          {absl::StrCat("the file has this column and ", flag, " is given: only one may tell"),
           absl::StrCat("文件已有该列，又给出了 ", flag, "，只能保留一处")});
    }
  }

  // A merged cell has one value for several places: from the heading row on that may be money in
  // the wrong line.
  void CheckMerged(const sheets::Sheet& sheet, size_t heading) {
    for (const sheets::Area& area : sheet.merged) {
      auto row = std::lower_bound(
          sheet.rows.begin() + static_cast<long>(heading), sheet.rows.end(), area.first_row,
          [](const sheets::Row& candidate, int number) { return candidate.number < number; });
      while (row != sheet.rows.end() && row->number <= area.last_row && FilledCells(*row) == 0)
        ++row;
      if (row == sheet.rows.end() || row->number > area.last_row) continue;
      Add(file_.PlaceOfColumn({now_.layout, area.first_row}, area.first_column),
          {absl::StrCat("merged with the cells up to ", sheets::ColumnName(area.last_column),
                        area.last_row, ": unmerge them and write the value in each"),
           absl::StrCat("与直到", sheets::ColumnName(area.last_column), area.last_row,
                        "的单元格合并：请取消合并并逐格填写")});
    }
  }

  // The text of a cell, empty where it is blank. nullopt when something is wrong, which is said.
  std::optional<std::string> Text(const CurrentRow& row, Element e, bool code) {
    const Cell* cell = row.cells[static_cast<size_t>(e)];
    if (cell == nullptr) return "";
    switch (cell->kind) {
      case CellKind::kText:
        return std::string(sheets::TextOf(cell->text));
      case CellKind::kNumber: {
        const std::optional<Decimal> value = sheets::ParseDecimal(Trim(cell->text));
        if (!value) {
          AddCell(row, e,
                  {absl::StrCat(Quoted(cell->text), " is no number"),
                   absl::StrCat(Quoted(cell->text), "不是数字")});
          return std::nullopt;
        }
        if (code && value->exponent < 0) {
          AddCell(row, e,
                  {absl::StrCat(Quoted(cell->text), " is no code: it is not a whole number"),
                   absl::StrCat(Quoted(cell->text), "不是编码：不是整数")});
          return std::nullopt;
        }
        if (code &&
            static_cast<int>(value->digits.size()) + value->exponent > sheets::kNumberCellDigits) {
          AddCell(row, e,
                  {absl::StrCat("a number cell keeps ", sheets::kNumberCellDigits,
                                " digits, and this has more: format the cell as text and type it "
                                "again"),
                   absl::StrCat("数值单元格只保留", sheets::kNumberCellDigits,
                                "位数字，此处超出：请将单元格设为文本后重新输入")});
          return std::nullopt;
        }
        return sheets::Print(sheets::Rounded(*value, sheets::kNumberCellDigits));
      }
      default:
        break;
    }
    SayUnusable(row, e, *cell);
    return std::nullopt;
  }

  void SayUnusable(const CurrentRow& row, Element e, const Cell& cell) {
    switch (cell.kind) {
      case CellKind::kDate:
        return AddCell(row, e,
                       {"holds a date or a time: format the cell as text and type it again",
                        "是日期或时间：请将单元格设为文本后重新输入"});
      case CellKind::kDisguised:
        return AddCell(row, e,
                       {absl::StrCat("holds ", Quoted(cell.text),
                                     " and its format shows something else: format it plainly, or "
                                     "as text and type it again"),
                        absl::StrCat("实际值为", Quoted(cell.text),
                                     "，但显示格式不同：请改用普通格式，或设为文本后重新输入")});
      case CellKind::kBoolean:
        return AddCell(row, e,
                       {absl::StrCat("holds ", cell.text, ", which is no value here"),
                        absl::StrCat(cell.text, "不是此处的取值")});
      case CellKind::kError:
        return AddCell(row, e,
                       {absl::StrCat("holds the error ", Quoted(cell.text)),
                        absl::StrCat("是错误值", Quoted(cell.text))});
      default:
        return AddCell(row, e,
                       {"holds a formula without a computed value: open and save the file in a "
                        "spreadsheet program, or write the value",
                        "是没有计算结果的公式：请用表格软件打开并保存，或直接填写数值"});
    }
  }

  std::optional<std::string> RequiredText(const CurrentRow& row, Element e) {
    std::optional<std::string> text = Text(row, e, true);
    if (text && text->empty()) {
      AddCell(row, e, Sentence{"is empty", "为空"});
      return std::nullopt;
    }
    return text;
  }

  // A value of an enum, 0 where the cell is blank. nullopt when something is wrong, which is said.
  template <typename Enum>
  std::optional<Enum> Value(const CurrentRow& row, Element e,
                            std::optional<Enum> (*parse)(const std::string&),
                            const google::protobuf::EnumDescriptor* values,
                            const std::string& prefix) {
    const std::optional<std::string> text = Text(row, e, true);
    if (!text) return std::nullopt;
    if (text->empty()) return static_cast<Enum>(0);
    const std::optional<Enum> value = parse(*text);
    if (!value) {
      AddCell(row, e,
              {absl::StrCat(Quoted(*text), " is none of ", EnumNames(values, prefix),
                            " or their Chinese names"),
               absl::StrCat(Quoted(*text), "不是", EnumNames(values, prefix), "或其中文名称")});
    }
    return value;
  }

  void ReadRow(const sheets::Row& cells) {
    CurrentRow row;
    row.at = {now_.layout, cells.number};
    if (file_.csv_ && cells.cells.size() < now_.heading_cells) {
      Add(file_.PlaceOfRow(row.at),
          {absl::StrCat(cells.cells.size(), " cells, the heading has ", now_.heading_cells),
           absl::StrCat("有", cells.cells.size(), "个单元格，标题行有", now_.heading_cells, "个")});
      return;
    }
    for (const Cell& cell : cells.cells) {
      if (IsBlank(cell)) continue;
      const auto element = now_.element_of.find(cell.column);
      if (element != now_.element_of.end()) {
        row.cells[static_cast<size_t>(element->second)] = &cell;
      } else if (file_.layouts_[now_.layout].headings.count(cell.column) == 0 &&
                 now_.bare_columns.insert(cell.column).second) {
        Add(file_.PlaceOfColumn(row.at, cell.column),
            {"stands in a column without a heading", "所在的列没有标题"});
      }
    }
    switch (now_.kind) {
      case SheetKind::kLines:
        return ReadLine(row);
      case SheetKind::kProjects:
        return ReadProjectRow(row);
      case SheetKind::kIndicators:
        return ReadIndicator(row);
    }
  }

  void ReadLine(const CurrentRow& row) {
    const std::optional<size_t> budget = BudgetOf(row);
    b::LineItem line;
    ReadCodes(row, &line);
    ReadNamedValues(row, &line);
    const int decimals = ReadAmount(row, &line);
    ReadPrecision(row, &line);
    ReadProject(row, budget, &line);
    ReadStatement(row, budget);
    if (!budget) return;
    Draft& draft = drafts_[*budget];
    const AmountUnit unit = now_.units[kAmount];
    draft.units.push_back(unit);
    int& decimals_max = draft.decimals_max[static_cast<size_t>(unit)];
    decimals_max = std::max(decimals_max, decimals);
    *file_.budgets_[*budget].add_line_items() = std::move(line);
    file_.origins_[*budget].lines.push_back(row.at);
  }

  // The budget a row belongs to, made with its first line; nullopt when its key is not whole, or a
  // project has no lines beside it: a typing error in its key would empty another budget.
  std::optional<size_t> BudgetOf(const CurrentRow& row) {
    // Each is empty where something is wrong with it.
    std::string division = options_.division_code, agency = options_.agency_code;
    int year = options_.fiscal_year;
    b::Stage stage = options_.stage;
    if (HasColumn(kDivision)) division = RequiredText(row, kDivision).value_or("");
    if (HasColumn(kAgency)) agency = RequiredText(row, kAgency).value_or("");
    if (HasColumn(kYear)) year = Year(row);
    if (HasColumn(kStage)) stage = StageOf(row);
    if (division.empty() || agency.empty() || year == 0 || stage == b::STAGE_UNSPECIFIED)
      return std::nullopt;
    // Both are the same division: two statements of one budget would replace each other.
    if (division.size() == 9 && absl::EndsWith(division, "000")) division.resize(6);
    const auto key = std::make_tuple(division, agency, year, static_cast<int>(stage));
    if (now_.kind != SheetKind::kLines && budget_by_key_.count(key) == 0) {
      Add(file_.PlaceOfRow(row.at),
          {absl::StrCat("the file has no line items of budget ", division, "/", agency, "/", year,
                        "/", ShortName(b::Stage_Name(stage), "STAGE_")),
           absl::StrCat("文件中没有预算", division, "/", agency, "/", year, "/", ChineseName(stage),
                        "的明细")});
      return std::nullopt;
    }
    const auto [it, made] = budget_by_key_.try_emplace(key, drafts_.size());
    if (made) {
      drafts_.emplace_back();
      s::SubmitBudgetRequest& request = file_.budgets_.emplace_back();
      request.set_mode(s::WRITE_MODE_REPLACE);
      request.mutable_budget()->set_division_code(division);
      request.mutable_budget()->set_agency_code(agency);
      request.mutable_budget()->set_fiscal_year(year);
      request.mutable_budget()->set_stage(stage);
      file_.origins_.emplace_back().first = row.at;
    }
    return it->second;
  }

  int Year(const CurrentRow& row) {
    const std::optional<std::string> text = RequiredText(row, kYear);
    if (!text) return 0;
    absl::string_view digits = *text;
    if (!absl::ConsumeSuffix(&digits, "年度")) absl::ConsumeSuffix(&digits, "年");
    int year = 0;
    if (digits.size() != 4 || digits.find_first_not_of("0123456789") != absl::string_view::npos ||
        !absl::SimpleAtoi(digits, &year) || year == 0) {
      AddCell(row, kYear,
              {absl::StrCat(Quoted(*text), " is no year, for example 2024"),
               absl::StrCat(Quoted(*text), "不是年度，例如2024")});
      return 0;
    }
    return year;
  }

  b::Stage StageOf(const CurrentRow& row) {
    const auto stage = Value<b::Stage>(row, kStage, &ParseStage, b::Stage_descriptor(), "STAGE_");
    if (stage == b::STAGE_UNSPECIFIED) AddCell(row, kStage, Sentence{"is empty", "为空"});
    return stage.value_or(b::STAGE_UNSPECIFIED);
  }

  void ReadCodes(const CurrentRow& row, b::LineItem* line) {
    if (HasColumn(kLineId)) line->set_line_id(RequiredText(row, kLineId).value_or(""));
    line->set_functional_code(Text(row, kFunctional, true).value_or(""));
    line->set_revenue_code(Text(row, kRevenue, true).value_or(""));
    line->set_dept_economic_code(Text(row, kDeptEconomic, true).value_or(""));
    line->set_gov_economic_code(Text(row, kGovEconomic, true).value_or(""));
    line->set_receiving_division_code(Text(row, kReceiving, true).value_or(""));
    line->set_note(Text(row, kNote, false).value_or(""));
  }

  void ReadNamedValues(const CurrentRow& row, b::LineItem* line) {
    const auto direction = Value<b::Direction>(row, kDirection, &ParseDirection,
                                               b::Direction_descriptor(), "DIRECTION_");
    if (HasColumn(kDirection) && direction == b::DIRECTION_UNSPECIFIED)
      AddCell(row, kDirection, Sentence{"is empty", "为空"});
    line->set_direction(direction.value_or(b::DIRECTION_UNSPECIFIED));
    line->set_fund(Value<b::Fund>(row, kFund, &ParseFund, b::Fund_descriptor(), "FUND_")
                       .value_or(b::FUND_UNSPECIFIED));
    line->set_category(
        Value<b::Category>(row, kCategory, &ParseCategory, b::Category_descriptor(), "CATEGORY_")
            .value_or(b::CATEGORY_UNSPECIFIED));
    line->set_funding_year(Value<b::FundingYear>(row, kFundingYear, &ParseFundingYear,
                                                 b::FundingYear_descriptor(), "FUNDING_YEAR_")
                               .value_or(b::FUNDING_YEAR_UNSPECIFIED));
    line->set_analysis(
        Value<b::Analysis>(row, kAnalysis, &ParseAnalysis, b::Analysis_descriptor(), "ANALYSIS_")
            .value_or(b::ANALYSIS_UNSPECIFIED));
    line->set_procurement_kind(Value<b::ProcurementKind>(row, kProcurement, &ParseProcurementKind,
                                                         b::ProcurementKind_descriptor(),
                                                         "PROCUREMENT_KIND_")
                                   .value_or(b::PROCUREMENT_KIND_UNSPECIFIED));
  }

  // Sets the amount and returns the decimals it is stated with.
  int ReadAmount(const CurrentRow& row, b::LineItem* line) {
    if (HasColumn(kAmount) && row.cells[kAmount] == nullptr) {
      AddCell(row, kAmount, {"is empty; write 0 where there is no money", "为空，没有金额请填0"});
      return 0;
    }
    const Stated stated = ReadFen(row, kAmount).value_or(Stated());
    line->set_amount_fen(stated.fen);
    return stated.decimals;
  }

  struct Stated {
    int64_t fen = 0;
    int decimals = 0;
  };

  // nullopt where the cell is blank, or something is wrong, which is said.
  std::optional<Stated> ReadFen(const CurrentRow& row, Element e) {
    const Cell* cell = row.cells[static_cast<size_t>(e)];
    const AmountUnit unit = now_.units[static_cast<size_t>(e)];
    if (cell == nullptr || unit == AmountUnit::kNone) return std::nullopt;
    const bool number = cell->kind == CellKind::kNumber;
    if (!number && cell->kind != CellKind::kText) {
      SayUnusable(row, e, *cell);
      return std::nullopt;
    }
    const absl::string_view text = Trim(cell->text);
    std::optional<Decimal> value = number ? sheets::ParseDecimal(text) : ParseStatedAmount(text);
    if (!value) {
      AddCell(row, e,
              {absl::StrCat(Quoted(text), " is no amount"),
               absl::StrCat(Quoted(text), "不是金额，请用半角数字")});
      return std::nullopt;
    }
    const int places = PlacesOf(unit);
    if (number) value = sheets::Rounded(*value, sheets::kNumberCellDigits);
    const std::optional<int64_t> fen = sheets::Scaled(*value, places);
    if (!fen) {
      AddCell(
          row, e,
          value->exponent + places < 0
              ? Sentence{absl::StrCat(Quoted(text), " is finer than a fen, and nothing is rounded"),
                         absl::StrCat(Quoted(text), "小于1分，系统不作四舍五入")}
              : Sentence{absl::StrCat(Quoted(text), " is more than an amount can be"),
                         absl::StrCat(Quoted(text), "超出金额上限")});
      return std::nullopt;
    }
    if (number && static_cast<int>(value->digits.size()) + value->exponent + places >
                      sheets::kNumberCellDigits) {
      AddCell(row, e,
              {absl::StrCat(Quoted(text), " has more than ", sheets::kNumberCellDigits,
                            " digits down to the fen, which a number cell does not keep: format "
                            "the cell as text and type it again"),
               absl::StrCat(Quoted(text), "到分超过", sheets::kNumberCellDigits,
                            "位数字，数值单元格无法保留：请将单元格设为文本后重新输入")});
      return std::nullopt;
    }
    return Stated{*fen,
                  number ? sheets::Decimals(*value) : std::min(WrittenDecimals(text), places)};
  }

  void ReadPrecision(const CurrentRow& row, b::LineItem* line) {
    const std::optional<std::string> text = Text(row, kPrecision, true);
    if (!text || text->empty()) return;
    for (int64_t fen : {1, 100, 10000, 1000000}) {
      if (*text == absl::StrCat(fen)) line->set_precision_fen(fen);
    }
    if (line->precision_fen() == 0)
      AddCell(row, kPrecision,
              {absl::StrCat(Quoted(*text), " is none of 1, 100, 10000, 1000000"),
               absl::StrCat(Quoted(*text), "不是1、100、10000或1000000")});
  }

  // nullopt where the cell is blank, or something is wrong, which is said.
  std::optional<bool> ReadTruth(const CurrentRow& row, Element e) {
    const Cell* cell = row.cells[static_cast<size_t>(e)];
    if (cell == nullptr) return std::nullopt;
    const std::optional<std::string> text =
        cell->kind == CellKind::kBoolean ? cell->text : Text(row, e, true);
    if (!text) return std::nullopt;
    for (const char* yes : {"是", "true", "yes"}) {
      if (absl::EqualsIgnoreCase(*text, yes)) return true;
    }
    for (const char* no : {"否", "false", "no"}) {
      if (absl::EqualsIgnoreCase(*text, no)) return false;
    }
    AddCell(row, e,
            {absl::StrCat(Quoted(*text), " is neither 是 nor 否"),
             absl::StrCat(Quoted(*text), "应为是或否")});
    return std::nullopt;
  }

  // What may stand in any of a statement's lines, and is the same in each where it does. True when
  // this is the first of them.
  bool IsFirst(const CurrentRow& row, size_t budget, Element e, const std::string& value) {
    const auto [it, first] = drafts_[budget].stated.try_emplace(e, value);
    RowAt& at = file_.origins_[budget].stated.try_emplace(ColumnOf(e).field, row.at).first->second;
    if (!first && it->second != value) {
      AddCell(
          row, e,
          {absl::StrCat("is ", Quoted(value), " here and ", Quoted(it->second), " in ",
                        file_.PlaceOfField(at, ColumnOf(e).field),
                        ": it is one for the whole budget"),
           absl::StrCat("此处为", Quoted(value), "，而", file_.PlaceOfField(at, ColumnOf(e).field),
                        "为", Quoted(it->second), "：整份预算应一致")});
    }
    return first;
  }

  void ReadStatement(const CurrentRow& row, std::optional<size_t> budget) {
    const auto scope = Value<b::Scope>(row, kScope, &ParseScope, b::Scope_descriptor(), "SCOPE_");
    const std::optional<bool> control = ReadTruth(row, kControl);
    const std::optional<Stated> carried = ReadFen(row, kCarryForward);
    const std::optional<std::string> note = Text(row, kStatementNote, false);
    if (!budget) return;
    s::SubmitBudgetRequest& request = file_.budgets_[*budget];
    if (scope.value_or(b::SCOPE_UNSPECIFIED) != b::SCOPE_UNSPECIFIED &&
        IsFirst(row, *budget, kScope, ChineseName(*scope))) {
      request.set_scope(*scope);
      // The agency of such a budget is the department.
      if (*scope == b::SCOPE_DEPARTMENT)
        request.set_department_code(request.budget().agency_code());
    }
    if (control && IsFirst(row, *budget, kControl, *control ? "是" : "否"))
      request.set_control(*control);
    if (carried && IsFirst(row, *budget, kCarryForward, absl::StrCat(carried->fen, " fen")))
      request.set_year_end_carry_forward_fen(carried->fen);
    if (note && !note->empty() && IsFirst(row, *budget, kStatementNote, *note))
      request.set_note(*note);
  }

  void ReadProject(const CurrentRow& row, std::optional<size_t> budget, b::LineItem* line) {
    const std::optional<std::string> code = Text(row, kProjectCode, true);
    const std::optional<std::string> name = Text(row, kProjectName, false);
    if (!code || !name) return;
    if (code->empty()) {
      if (!name->empty() && HasColumn(kProjectCode))
        AddCell(row, kProjectCode,
                {absl::StrCat("is empty, and the project's name is ", Quoted(*name)),
                 absl::StrCat("为空，而项目名称为", Quoted(*name))});
      return;
    }
    line->set_project_code(*code);
    if (!budget) return;
    s::SubmitBudgetRequest& request = file_.budgets_[*budget];
    std::vector<RowAt>& origins = file_.origins_[*budget].projects;
    const auto [it, made] = drafts_[*budget].project_by_code.try_emplace(*code, origins.size());
    if (made) {
      b::Project* project = request.add_projects();
      project->set_project_code(*code);
      project->set_name(*name);
      origins.push_back(row.at);
      return;
    }
    b::Project* project = request.mutable_projects(static_cast<int>(it->second));
    if (name->empty() || project->name() == *name) return;
    if (project->name().empty()) {
      project->set_name(*name);
      origins[it->second] = row.at;
      return;
    }
    SayOtherName(row, *project, *name, origins[it->second]);
  }

  // The project that a row of a sheet of projects states, which may be new; null when something is
  // wrong, which is said.
  b::Project* StatedProject(const CurrentRow& row) {
    const std::optional<size_t> budget = BudgetOf(row);
    const std::optional<std::string> code = RequiredText(row, kProjectCode);
    const std::optional<std::string> name = Text(row, kProjectName, false);
    if (!budget || !code || !name) return nullptr;
    s::SubmitBudgetRequest& request = file_.budgets_[*budget];
    std::vector<RowAt>& origins = file_.origins_[*budget].projects;
    const auto [it, made] = drafts_[*budget].project_by_code.try_emplace(*code, origins.size());
    const size_t index = it->second;
    if (made) {
      origins.push_back(row.at);
      request.add_projects()->set_project_code(*code);
    }
    if (!detailed_.insert({*budget, index}).second) {
      AddCell(row, kProjectCode,
              {absl::StrCat("project ", *code, " stands a second time, and first in ",
                            file_.PlaceOfRow(origins[index])),
               absl::StrCat("项目", *code, "重复，首次出现在", file_.PlaceOfRow(origins[index]))});
      return nullptr;
    }
    b::Project* project = request.mutable_projects(static_cast<int>(index));
    if (!name->empty() && !project->name().empty() && *name != project->name())
      SayOtherName(row, *project, *name, origins[index]);
    if (!name->empty()) project->set_name(*name);
    origins[index] = row.at;
    return project;
  }

  void SayOtherName(const CurrentRow& row, const b::Project& project, absl::string_view name,
                    RowAt first) {
    AddCell(row, kProjectName,
            {absl::StrCat("project ", project.project_code(), " is ", Quoted(name), " here and ",
                          Quoted(project.name()), " in ", file_.PlaceOfField(first, "name")),
             absl::StrCat("项目", project.project_code(), "此处名称为", Quoted(name), "，而",
                          file_.PlaceOfField(first, "name"), "为", Quoted(project.name()))});
  }

  void ReadProjectRow(const CurrentRow& row) {
    b::Project* const project = StatedProject(row);
    if (project == nullptr) return;
    project->set_category(
        Value<b::Category>(row, kCategory, &ParseCategory, b::Category_descriptor(), "CATEGORY_")
            .value_or(b::CATEGORY_UNSPECIFIED));
    project->set_project_code_derived(ReadTruth(row, kDerived).value_or(false));
    for (int e = kOwningAgency; e < kPeriod; ++e) ReadDetail(row, static_cast<Element>(e), project);
  }

  // A text of a project, or an amount of one of its fundings.
  void ReadDetail(const CurrentRow& row, Element e, b::Project* project) {
    const std::vector<std::string> path = absl::StrSplit(ColumnOf(e).field, '.');
    const google::protobuf::FieldDescriptor* field =
        project->GetDescriptor()->FindFieldByName(path[0]);
    if (!ColumnOf(e).amount) {
      project->GetReflection()->SetString(project, field, Text(row, e, false).value_or(""));
      return;
    }
    const std::optional<Stated> stated = ReadFen(row, e);
    if (!stated) return;
    google::protobuf::Message* funding = project->GetReflection()->MutableMessage(project, field);
    funding->GetReflection()->SetInt64(funding, funding->GetDescriptor()->FindFieldByName(path[1]),
                                       stated->fen);
  }

  void ReadIndicator(const CurrentRow& row) {
    const std::optional<size_t> budget = BudgetOf(row);
    const std::optional<std::string> code = RequiredText(row, kProjectCode);
    if (!budget || !code) return;
    const auto known = drafts_[*budget].project_by_code.find(*code);
    if (known == drafts_[*budget].project_by_code.end()) {
      AddCell(row, kProjectCode,
              {absl::StrCat("the file has no project ", Quoted(*code), " of this budget"),
               absl::StrCat("文件中没有该预算的项目", Quoted(*code))});
      return;
    }
    b::PerformanceIndicator* indicator =
        file_.budgets_[*budget].mutable_projects(static_cast<int>(known->second))->add_indicators();
    indicator->set_period(Value<b::IndicatorPeriod>(row, kPeriod, &ParseIndicatorPeriod,
                                                    b::IndicatorPeriod_descriptor(),
                                                    "INDICATOR_PERIOD_")
                              .value_or(b::INDICATOR_PERIOD_UNSPECIFIED));
    indicator->set_level1(Text(row, kLevel1, false).value_or(""));
    indicator->set_level2(Text(row, kLevel2, false).value_or(""));
    indicator->set_level3(Text(row, kLevel3, false).value_or(""));
    indicator->set_target(Text(row, kTarget, false).value_or(""));
  }

  // Checks that need the whole file.
  void Finish() {
    for (size_t i = 0; i < drafts_.size(); ++i) {
      s::SubmitBudgetRequest& request = file_.budgets_[i];
      const Draft& draft = drafts_[i];
      for (int k = 0; k < request.line_items_size(); ++k) {
        if (request.line_items(k).precision_fen() != 0) continue;
        const AmountUnit unit = draft.units[static_cast<size_t>(k)];
        request.mutable_line_items(k)->set_precision_fen(
            PrecisionOf(unit, draft.decimals_max[static_cast<size_t>(unit)]));
      }
      for (int k = 0; k < request.projects_size(); ++k) {
        const RowAt at = file_.origins_[i].projects[static_cast<size_t>(k)];
        if (request.projects(k).name().empty() &&
            file_.layouts_[at.layout].columns[kProjectName] >= 0) {
          Add(file_.PlaceOfField(at, "name"),
              {absl::StrCat("project ", request.projects(k).project_code(),
                            " has no name in any line"),
               absl::StrCat("项目", request.projects(k).project_code(), "在各行中都没有名称")});
        }
      }
    }
  }

  LineItemFile& file_;
  const LineItemOptions& options_;
  Current now_;
  std::map<std::tuple<std::string, std::string, int, int>, size_t> budget_by_key_;
  // By budget.
  std::vector<Draft> drafts_;
  // Projects, by budget and index, that a sheet of projects has.
  std::set<std::pair<size_t, size_t>> detailed_;
};

LineItemFile LineItemFile::Read(const std::string& name, absl::string_view bytes,
                                const LineItemOptions& options) {
  LineItemFile file;
  file.name_ = name;
  file.csv_ = absl::EndsWithIgnoreCase(name, ".csv");
  LineItemReader(&file, options).Read(bytes);
  return file;
}

std::string LineItemFile::PlaceOfRow(RowAt at) const {
  if (csv_) return absl::StrCat(name_, ", line ", at.row);
  return absl::StrCat(name_, ", sheet ", layouts_[at.layout].sheet, ", row ", at.row);
}

std::string LineItemFile::PlaceOfColumn(RowAt at, int column) const {
  const Layout& layout = layouts_[at.layout];
  const std::string letters = sheets::ColumnName(column);
  if (!csv_) return absl::StrCat(name_, ", sheet ", layout.sheet, ", cell ", letters, at.row);
  const auto heading = layout.headings.find(column);
  if (heading == layout.headings.end())
    return absl::StrCat(name_, ", line ", at.row, ", column ", letters);
  return absl::StrCat(name_, ", line ", at.row, ", column ", heading->second, " (", letters, ")");
}

std::string LineItemFile::PlaceOfField(RowAt at, absl::string_view field) const {
  for (size_t e = 0; e < kElementCount; ++e) {
    const int column = layouts_[at.layout].columns[e];
    if (field == Elements()[e].field && column >= 0) return PlaceOfColumn(at, column);
  }
  return field == "precision_fen" ? PlaceOfField(at, "amount_fen") : PlaceOfRow(at);
}

std::string LineItemFile::PlaceOf(size_t budget, absl::string_view field) const {
  const Origin& origin = origins_[budget];
  if (absl::ConsumePrefix(&field, "budget.")) {
    const std::string place = PlaceOfField(origin.first, field);
    // A flag told it.
    return place == PlaceOfRow(origin.first) ? "" : place;
  }
  const auto stated = origin.stated.find(absl::StrCat("statement.", field));
  if (stated != origin.stated.end()) return PlaceOfField(stated->second, stated->first);
  const std::vector<RowAt>* rows = absl::ConsumePrefix(&field, "line_items[") ? &origin.lines
                                   : absl::ConsumePrefix(&field, "projects[") ? &origin.projects
                                                                              : nullptr;
  const size_t end = field.find(']');
  size_t index = 0;
  if (rows == nullptr || end == absl::string_view::npos ||
      !absl::SimpleAtoi(field.substr(0, end), &index) || index >= rows->size())
    return "";
  field.remove_prefix(end + 1);
  absl::ConsumePrefix(&field, ".");
  return PlaceOfField((*rows)[index], field);
}

std::string LineItemFile::WithPlaces(size_t budget, absl::string_view text) const {
  auto is_name = [&](size_t i) {
    return i < text.size() &&
           (absl::ascii_isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_');
  };
  std::string out;
  while (true) {
    const size_t at =
        std::min({text.find("line_items["), text.find("projects["), text.find("budget.")});
    if (at == absl::string_view::npos) break;
    size_t end = at;
    while (is_name(end)) ++end;
    if (text[end] == '[') end = std::min(text.find(']', end), text.size() - 1) + 1;
    // A point is followed by the field's name, or ends the sentence.
    if (end < text.size() && text[end] == '.' && is_name(end + 1)) {
      ++end;
      while (is_name(end)) ++end;
    }
    const absl::string_view field = text.substr(at, end - at);
    const std::string place = PlaceOf(budget, field);
    absl::StrAppend(&out, text.substr(0, at));
    absl::StrAppend(&out, place.empty() ? field : absl::string_view(place));
    text.remove_prefix(end);
  }
  return absl::StrCat(out, text);
}

}  // namespace fiscal::cli
