#include "clients/importer/document.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/text.h"
#include "clients/importer/importer.h"

namespace fiscal::importer {
namespace {

// What each table's title says; `without` tells it from a longer one.
struct TitlePattern {
  int number;
  absl::string_view name;
  std::vector<absl::string_view> words;
  std::vector<absl::string_view> without;
};

const std::vector<TitlePattern>& Patterns() {
  static const auto* const patterns = new std::vector<TitlePattern>{
      {1, "收支总表", {"收支总表"}, {"财政拨款"}},
      {2, "收入总表", {"收入总表"}, {"财政拨款"}},
      {3, "支出总表", {"支出总表"}, {"财政拨款"}},
      {4, "财政拨款收支总表", {"财政拨款收支总表"}, {}},
      {5, "一般公共预算支出表", {"一般公共预算支出"}, {"基本支出", "经济"}},
      {6, "一般公共预算基本支出分经济科目表", {"一般公共预算", "基本支出", "经济"}, {}},
      {7, "政府性基金预算收入表", {"政府性基金预算收入"}, {}},
      {8, "政府性基金预算支出表", {"政府性基金预算支出"}, {}},
      {9, "国有资本经营预算收支表", {"国有资本经营预算收支"}, {}},
      {10, "三公经费支出表", {"三公", "经费"}, {}},
      {11, "机关运行经费表", {"机关运行经费"}, {}},
      {12, "项目支出表（本年预算）", {"项目支出", "本年"}, {}},
      {13, "项目支出表（上年结转）", {"项目支出", "上年结转"}, {"本年"}},
  };
  return *patterns;
}

// The table a line without cells is the title of; 0 when it is none.
int TitleOf(absl::string_view line) {
  const std::string folded = FoldName(line);
  // A title ends in 表, perhaps with brackets after it; a table of contents and sentences do not.
  const size_t last = folded.rfind("表");
  if (last == std::string::npos || folded.size() > 150) return 0;
  const absl::string_view tail = absl::string_view(folded).substr(last + 3);
  if (!tail.empty() && !(tail.front() == '(' && tail.back() == ')')) return 0;
  if (absl::StrContains(folded, "。") || absl::StrContains(folded, "...") ||
      absl::StrContains(folded, "绩效"))
    return 0;
  for (const TitlePattern& p : Patterns()) {
    const bool has = std::all_of(p.words.begin(), p.words.end(),
                                 [&](absl::string_view w) { return absl::StrContains(folded, w); });
    const bool clean = std::none_of(p.without.begin(), p.without.end(), [&](absl::string_view w) {
      return absl::StrContains(folded, w);
    });
    if (has && clean) return p.number;
  }
  return 0;
}

int YearIn(absl::string_view text) {
  for (size_t i = 0; i + 7 <= text.size(); ++i) {
    if (text.substr(i + 4, 3) != "年") continue;
    int year = 0;
    bool digits = true;
    for (size_t k = i; k < i + 4; ++k) {
      digits = digits && absl::ascii_isdigit(text[k]);
      year = year * 10 + (text[k] - '0');
    }
    if (digits && year >= 1949 && year <= 2999) return year;
  }
  return 0;
}

// "预算公开表1", "部门公开表9", "表3", "附件2", page numbers.
bool IsFurniture(absl::string_view folded) {
  if (folded.empty()) return true;
  std::string rest;
  bool digit = false;
  for (char c : folded) {
    if (absl::ascii_isdigit(c)) {
      digit = true;
    } else {
      rest += c;
    }
  }
  if (rest.empty() || rest == "--" || rest == "-") return digit && folded.size() <= 6;
  return rest == "预算公开表" || rest == "部门公开表" || rest == "单位公开表" || rest == "公开表" ||
         rest == "表" || rest == "附件" || rest == "附表" || rest == "第页";
}

absl::Status At(int line, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("line ", line, ": ", what));
}

// The start of a text, cut between characters.
std::string Excerpt(absl::string_view text) {
  size_t n = std::min<size_t>(text.size(), 60);
  while (n > 0 && n < text.size() && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) --n;
  return absl::StrCat(text.substr(0, n), n < text.size() ? "…" : "");
}

// Another form is told from its titles, before anything is read into rows it does not have.
absl::Status CheckForm(absl::string_view text) {
  std::array<bool, 14> found{};
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::StrContains(line, '\t')) found[static_cast<size_t>(TitleOf(line))] = true;
  }
  std::vector<std::string> missing;
  for (const TitlePattern& p : Patterns()) {
    if (!found[static_cast<size_t>(p.number)])
      missing.push_back(absl::StrCat(p.number, " ", p.name));
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      missing.size() == 13 ? "this is no disclosure of the 13-table form (shanxi-13): none of its "
                             "tables was found; other forms are not read"
                           : absl::StrCat("the document is not whole, or not of the 13-table form "
                                          "(shanxi-13), the only one that is read; missing: table ",
                                          absl::StrJoin(missing, ", table ")));
}

std::string TrimCell(absl::string_view cell) {
  // NBSP and ideographic spaces are blanks too.
  std::string s(absl::StripAsciiWhitespace(cell));
  for (absl::string_view blank : {absl::string_view("\xc2\xa0"), absl::string_view("\xe3\x80\x80"),
                                  absl::string_view("\xef\xbb\xbf")}) {
    while (absl::StartsWith(s, blank)) s.erase(0, blank.size());
    while (absl::EndsWith(s, blank)) s.erase(s.size() - blank.size());
  }
  return std::string(absl::StripAsciiWhitespace(s));
}

}  // namespace

absl::StatusOr<Document> ReadDocument(absl::string_view text) {
  if (CheckText(text, true) == TextFault::kInvalidUtf8)
    return absl::InvalidArgumentError("the document is not UTF-8 text");
  if (absl::StartsWith(text, "\xef\xbb\xbf")) text.remove_prefix(3);
  absl::Status form = CheckForm(text);
  if (!form.ok()) return form;
  Document doc;
  RawTable* table = nullptr;
  bool tables_ended = false;
  std::string pending_unit;
  int number = 0;
  for (absl::string_view raw : absl::StrSplit(text, '\n')) {
    ++number;
    if (absl::EndsWith(raw, "\r")) raw.remove_suffix(1);
    // Form feeds stand between pages.
    while (absl::StartsWith(raw, "\f")) raw.remove_prefix(1);
    TextRow row;
    row.line = number;
    for (absl::string_view cell : absl::StrSplit(raw, '\t')) row.cells.push_back(TrimCell(cell));
    const bool has_cells = row.cells.size() > 1;
    const std::string folded = FoldName(absl::StrJoin(row.cells, ""));
    if (folded.empty()) {
      continue;
    }
    if (doc.fiscal_year == 0) doc.fiscal_year = YearIn(folded);
    if (!has_cells) {
      if (absl::StartsWith(folded, "第三部分") || absl::StartsWith(folded, "第四部分")) {
        // The contents name the parts before any table.
        tables_ended = std::any_of(doc.tables.begin(), doc.tables.end(),
                                   [](const RawTable& t) { return !t.rows.empty(); });
        table = nullptr;
        continue;
      }
      const int title = tables_ended ? 0 : TitleOf(row.cells[0]);
      if (title != 0) {
        // Contents name the tables before they come: a title without rows was one of theirs.
        const auto earlier = std::find_if(doc.tables.begin(), doc.tables.end(),
                                          [title](const RawTable& t) { return t.number == title; });
        if (earlier != doc.tables.end()) {
          if (!earlier->rows.empty()) {
            return At(number,
                      absl::StrCat("table ", title, " (", row.cells[0],
                                   ") stands twice; the first is at line ", earlier->title_line));
          }
          doc.tables.erase(earlier);
        }
        doc.tables.emplace_back();
        table = &doc.tables.back();
        table->number = title;
        table->title = row.cells[0];
        table->title_line = number;
        pending_unit.clear();
        continue;
      }
      if (table == nullptr) continue;
      if (absl::StartsWith(folded, "部门名称:") || absl::StartsWith(folded, "单位名称:")) {
        table->department_name = TrimCell(absl::string_view(row.cells[0])
                                              .substr(absl::StrContains(row.cells[0], "：")
                                                          ? row.cells[0].find("：") + 3
                                                          : row.cells[0].find(':') + 1));
        continue;
      }
      // The unit may be broken over two lines: 单位：万 / 元.
      if (absl::StartsWith(folded, "单位:") || absl::StartsWith(folded, "金额单位:") ||
          !pending_unit.empty()) {
        const std::string unit = pending_unit + folded;
        pending_unit.clear();
        if (absl::EndsWith(unit, "万元")) {
          table->unit = DocumentUnit::kWanyuan;
          continue;
        }
        if (absl::EndsWith(unit, ":元")) {
          table->unit = DocumentUnit::kYuan;
          continue;
        }
        if (absl::EndsWith(unit, "万") || absl::EndsWith(unit, ":")) {
          pending_unit = unit;
          continue;
        }
        return At(number, absl::StrCat("table ", table->number, ": the unit \"", row.cells[0],
                                       "\" is neither 万元 nor 元"));
      }
      if (absl::StrContains(folded, "本表无数据")) {
        table->says_empty = true;
        continue;
      }
      if (absl::StartsWith(folded, "注:") || absl::StartsWith(folded, "备注:") ||
          absl::StartsWith(folded, "说明:"))
        continue;
      // Between the title and the first row, and in the contents, other text may stand.
      if (IsFurniture(folded) || table->rows.empty()) continue;
      return At(number, absl::StrCat("table ", table->number, ": text between its rows: \"",
                                     Excerpt(row.cells[0]), "\""));
    }
    if (tables_ended) {
      doc.after.push_back(std::move(row));
      continue;
    }
    if (table == nullptr) {
      // Rows before the first title: contents.
      continue;
    }
    // Heading and notes may share their line with blanks or with each other.
    if (absl::StrContains(folded, "本表无数据")) {
      table->says_empty = true;
      continue;
    }
    if (absl::StartsWith(folded, "部门名称:") || absl::StartsWith(folded, "单位:") ||
        absl::StartsWith(folded, "单位名称:")) {
      for (const std::string& cell : row.cells) {
        const std::string f = FoldName(cell);
        if (absl::StartsWith(f, "部门名称:") || absl::StartsWith(f, "单位名称:")) {
          table->department_name = TrimCell(absl::string_view(cell).substr(
              absl::StrContains(cell, "：") ? cell.find("：") + 3 : cell.find(':') + 1));
        } else if (f == "单位:万元" || f == "金额单位:万元") {
          table->unit = DocumentUnit::kWanyuan;
        } else if (f == "单位:元" || f == "金额单位:元") {
          table->unit = DocumentUnit::kYuan;
        } else if (!f.empty()) {
          return At(number,
                    absl::StrCat("table ", table->number, ": \"", cell, "\" in its heading"));
        }
      }
      continue;
    }
    bool blank = true;
    for (const std::string& cell : row.cells) blank = blank && cell.empty();
    if (!blank) table->rows.push_back(std::move(row));
  }

  if (!tables_ended) {
    return absl::InvalidArgumentError(
        "the document ends inside its tables: 第三部分 does not follow them");
  }
  if (doc.tables.size() != 13)
    return absl::InvalidArgumentError("a table's title stands outside the part of the tables");
  std::sort(doc.tables.begin(), doc.tables.end(),
            [](const RawTable& a, const RawTable& b) { return a.number < b.number; });
  for (RawTable& t : doc.tables) {
    if (t.unit == DocumentUnit::kUnknown)
      return At(t.title_line,
                absl::StrCat("table ", t.number, ": its unit (单位：万元) is missing"));
    if (t.rows.empty()) return At(t.title_line, absl::StrCat("table ", t.number, " has no rows"));
  }
  doc.department_name = doc.tables[0].department_name;
  if (const int year = YearIn(FoldName(doc.tables[0].title)); year != 0) doc.fiscal_year = year;
  if (doc.department_name.empty())
    return At(doc.tables[0].title_line, "table 1: 部门名称 is missing");
  for (const RawTable& t : doc.tables) {
    if (!t.department_name.empty() &&
        FoldName(t.department_name) != FoldName(doc.department_name)) {
      return At(t.title_line, absl::StrCat("table ", t.number, " is of ", t.department_name,
                                           ", table 1 of ", doc.department_name));
    }
  }
  return doc;
}

}  // namespace fiscal::importer
