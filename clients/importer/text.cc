#include "clients/importer/text.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "domain/disclosure/names.h"
#include "domain/shapes.h"

namespace fiscal::importer {
namespace {

using disclosure::FoldName;
using disclosure::Form;
using disclosure::FormTable;

// Lines that may stand between a table's title and the line with its unit.
constexpr int kTitleToUnitLinesMax = 8;
// The longest tables that were seen have some 200 rows. What rules and diagnoses do grows faster
// than the rows.
constexpr size_t kTableLinesMax = 3000;

absl::Status At(int line, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("line ", line, ": ", what));
}

int YearIn(absl::string_view text) {
  for (size_t i = 0; i + 7 <= text.size(); ++i) {
    if (text.substr(i + 4, 3) != "年") continue;
    int year = 0;
    bool digits = true;
    for (size_t k = i; k < i + 4; ++k) {
      digits = digits && absl::ascii_isdigit(static_cast<unsigned char>(text[k]));
      year = year * 10 + (text[k] - '0');
    }
    if (digits && domain::IsFiscalYear(year)) return year;
  }
  return 0;
}

std::string TrimCell(absl::string_view cell) {
  // NBSP and ideographic spaces are blanks too.
  constexpr absl::string_view kBlanks[] = {"\xc2\xa0", "\xe3\x80\x80", "\xef\xbb\xbf"};
  while (true) {
    cell = absl::StripAsciiWhitespace(cell);
    bool again = false;
    for (absl::string_view blank : kBlanks)
      again = absl::ConsumePrefix(&cell, blank) || absl::ConsumeSuffix(&cell, blank) || again;
    if (!again) return std::string(cell);
  }
}

bool IsFigure(absl::string_view folded) {
  // "1." counts a row.
  return (disclosure::LooksLikeFigure(folded) && folded.back() != '.') ||
         (disclosure::IsBlank(folded) && !folded.empty());
}

TextLine CutLine(absl::string_view raw, int number) {
  TextLine line;
  line.number = number;
  line.folded = FoldName(raw);
  line.tabbed = absl::StrContains(raw, '\t');
  if (line.tabbed) {
    for (absl::string_view cell : absl::StrSplit(raw, '\t')) line.cells.push_back(TrimCell(cell));
    return line;
  }
  int x = 0;
  Piece piece;
  auto finish = [&] {
    if (piece.text.empty()) return;
    piece.x1 = x;
    piece.folded = FoldName(piece.text);
    piece.figure = IsFigure(piece.folded);
    if (!piece.folded.empty()) line.pieces.push_back(piece);
    piece = Piece();
  };
  for (size_t i = 0; i < raw.size();) {
    const unsigned char c = static_cast<unsigned char>(raw[i]);
    const size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    const absl::string_view s = raw.substr(i, n);
    i += n;
    if (c <= ' ' || s == "\xc2\xa0" || s == "\xe3\x80\x80") {
      finish();
    } else {
      if (piece.text.empty()) piece.x0 = x;
      piece.text.append(s.data(), s.size());
    }
    ++x;
  }
  finish();
  return line;
}

std::vector<TextLine> CutLines(absl::string_view text) {
  std::vector<TextLine> lines;
  int number = 0;
  bool page = false;
  for (absl::string_view raw : absl::StrSplit(text, '\n')) {
    ++number;
    absl::ConsumeSuffix(&raw, "\r");
    while (absl::ConsumePrefix(&raw, "\f")) page = true;
    if (absl::StripAsciiWhitespace(raw) == "<<<PAGE BREAK>>>") {
      page = true;
      continue;
    }
    TextLine line = CutLine(raw, number);
    if (line.folded.empty()) continue;
    line.page_start = page;
    page = false;
    lines.push_back(std::move(line));
  }
  return lines;
}

bool Has(const std::string& folded, const FormTable& t) {
  for (const std::string& word : t.title_words) {
    if (!absl::StrContains(folded, word)) return false;
  }
  for (const std::string& word : t.title_without) {
    if (absl::StrContains(folded, word)) return false;
  }
  return true;
}

// Whether a line has the look of a table's title: it ends in 表, perhaps with brackets after it;
// contents, notes and sentences do not.
bool LooksLikeTitle(const TextLine& line) {
  if (line.tabbed || line.folded.size() > 180) return false;
  absl::string_view folded = line.folded;
  absl::ConsumeSuffix(&folded, "续");
  const size_t last = folded.rfind("表");
  if (last == absl::string_view::npos) return false;
  const absl::string_view tail = folded.substr(last + 3);
  if (!tail.empty() && !(tail.front() == '(' && tail.back() == ')')) return false;
  if (absl::StrContains(folded, "。") || absl::StrContains(folded, "...") ||
      absl::StrContains(folded, "绩效") || absl::StrContains(folded, ":"))
    return false;
  size_t digits = 0;
  while (digits < folded.size() && absl::ascii_isdigit(static_cast<unsigned char>(folded[digits])))
    ++digits;
  // "1. 2025年部门收支总表" stands in contents.
  return digits == 0 || digits > 2 || digits == folded.size() ||
         (folded[digits] != '.' && !absl::StartsWith(folded.substr(digits), "、"));
}

// The unit a line states, if it is such a line; `*broken` when its end is on the next line.
std::optional<MoneyUnit> UnitIn(absl::string_view folded, bool* broken) {
  *broken = false;
  const size_t at = folded.rfind("单位:");
  if (at == absl::string_view::npos) return std::nullopt;
  const absl::string_view unit = folded.substr(at + absl::string_view("单位:").size());
  if (unit == "万元" || unit == "人民币万元") return MoneyUnit::kWanyuan;
  if (unit == "元" || unit == "人民币元") return MoneyUnit::kYuan;
  if (unit == "万" || unit.empty()) {
    *broken = true;
    return MoneyUnit::kUnknown;
  }
  return std::nullopt;
}

// "预算公开表1", "部门公开表9", "表3", "附件2", "- 12 -", "第3页".
bool IsFurniture(absl::string_view folded, bool* label) {
  std::string rest;
  bool digit = false;
  for (char c : folded) {
    if (absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      digit = true;
    } else {
      rest += c;
    }
  }
  *label = digit && (rest == "预算公开表" || rest == "部门公开表" || rest == "单位公开表" ||
                     rest == "公开表");
  if (rest.empty() || rest == "--" || rest == "-") return digit && folded.size() <= 6;
  return *label || rest == "预算公开表" || rest == "公开表" || rest == "表" || rest == "附件" ||
         rest == "附表" || rest == "第页" || rest == "第页共页" || rest == "—" || rest == "——";
}

// The text behind a label of the department on a line: "部门名称：吕梁市…", maybe with the unit at its end.
bool DepartmentIn(const TextLine& line, const Form& form, std::string* name) {
  for (const std::string& label : form.department_labels) {
    const std::string head = label + ":";
    if (line.tabbed) {
      for (const std::string& cell : line.cells) {
        const std::string folded = FoldName(cell);
        if (!absl::StartsWith(folded, head)) continue;
        *name = folded.substr(head.size());
        return true;
      }
    } else if (absl::StartsWith(line.folded, head)) {
      absl::string_view rest = absl::string_view(line.folded).substr(head.size());
      bool broken;
      if (UnitIn(rest, &broken).has_value()) {
        rest = rest.substr(0, rest.rfind("单位:"));
        absl::ConsumeSuffix(&rest, "金额");
      }
      *name = std::string(rest);
      return true;
    }
  }
  return false;
}

struct Title {
  size_t at = 0;  // index of the line
  const FormTable* form = nullptr;
  size_t unit_at = 0;  // index of the line with the unit; 0 where there is none
  MoneyUnit unit = MoneyUnit::kUnknown;
};

// The titles of a form's tables in the text, each with the unit that follows it.
std::vector<Title> FindTitles(const std::vector<TextLine>& lines, const Form& form) {
  std::vector<Title> titles;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!LooksLikeTitle(lines[i])) continue;
    for (const FormTable& t : form.tables) {
      if (!Has(lines[i].folded, t)) continue;
      Title title{i, &t, 0, MoneyUnit::kUnknown};
      for (size_t k = i + 1; k < lines.size() && k <= i + kTitleToUnitLinesMax; ++k) {
        bool label = false;
        if (LooksLikeTitle(lines[k]) && !IsFurniture(lines[k].folded, &label)) break;
        bool broken;
        std::optional<MoneyUnit> unit = UnitIn(lines[k].folded, &broken);
        if (!unit) continue;
        title.unit_at = k;
        if (broken && k + 1 < lines.size()) {
          unit = UnitIn(absl::StrCat(lines[k].folded, lines[k + 1].folded), &broken);
          if (unit && !broken) title.unit_at = k + 1;
        }
        title.unit = unit.value_or(MoneyUnit::kUnknown);
        break;
      }
      titles.push_back(title);
      break;
    }
  }
  return titles;
}

// How many of a form's tables are there, and which are not.
size_t CountFound(const std::vector<Title>& titles, const Form& form,
                  std::vector<std::string>* missing) {
  std::vector<int> seen;
  size_t found = 0;
  for (const FormTable& t : form.tables) {
    if (std::find(seen.begin(), seen.end(), t.number) != seen.end()) continue;
    seen.push_back(t.number);
    const bool has = std::any_of(titles.begin(), titles.end(), [&](const Title& title) {
      return title.form->number == t.number && title.unit_at != 0;
    });
    if (has) {
      ++found;
    } else {
      missing->push_back(absl::StrCat("table ", t.number, " ", t.title));
    }
  }
  return found;
}

bool EndsTables(const std::string& folded, const Form& form) {
  if (folded.size() > 120) return false;
  return std::any_of(form.ends.begin(), form.ends.end(), [&](const std::string& end) {
    return absl::StartsWith(folded, end) ||
           (folded.size() > end.size() && disclosure::WithoutOrdinal(folded) == end);
  });
}

// Whether a line has an amount with a point, as money is printed.
bool HasMoney(const std::vector<TextLine>& lines) {
  return std::any_of(lines.begin(), lines.end(), [](const TextLine& line) {
    auto amount = [](absl::string_view folded) {
      return disclosure::LooksLikeFigure(folded) && absl::StrContains(folded, '.') &&
             folded.back() != '.';
    };
    return std::any_of(line.pieces.begin(), line.pieces.end(),
                       [&](const Piece& p) { return amount(p.folded); }) ||
           std::any_of(line.cells.begin(), line.cells.end(),
                       [&](const std::string& cell) { return amount(FoldName(cell)); });
  });
}

// The form most of whose tables are in the document, and where they begin.
struct Recognized {
  const Form* form = nullptr;
  std::vector<Title> titles;
};

absl::StatusOr<Recognized> Recognize(const std::vector<TextLine>& lines,
                                     const std::vector<Form>& forms) {
  Recognized best;
  size_t most = 0;
  std::vector<std::string> missing;
  std::vector<std::string> names;
  for (const Form& form : forms) {
    names.push_back(form.id);
    std::vector<Title> found = FindTitles(lines, form);
    std::vector<std::string> absent;
    const size_t count = CountFound(found, form, &absent);
    if (count <= most) continue;
    most = count;
    missing = std::move(absent);
    best = {&form, std::move(found)};
  }
  if (best.form == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("this is no disclosure of a form that is known (", absl::StrJoin(names, ", "),
                     "): none of their tables was found"));
  }
  if (!missing.empty()) {
    if (!HasMoney(lines))
      return absl::InvalidArgumentError(
          absl::StrCat("an empty template, or of no form that is known (",
                       absl::StrJoin(names, ", "), "): no table has a figure"));
    return absl::InvalidArgumentError(
        absl::StrCat("the document is not whole, or not of the form ", best.form->id,
                     " that it is most like; missing: ", absl::StrJoin(missing, ", ")));
  }
  // Titles without a unit stand in contents and sentences.
  best.titles.erase(std::remove_if(best.titles.begin(), best.titles.end(),
                                   [](const Title& t) { return t.unit_at == 0; }),
                    best.titles.end());
  return best;
}

// Deals the lines of a document out to its tables.
class TableCutter {
 public:
  TableCutter(std::vector<TextLine>& lines, Text& out) : lines_(lines), out_(out) {}

  absl::Status Run(const std::vector<Title>& titles) {
    size_t next = 0;
    for (size_t i = 0; i < lines_.size(); ++i) {
      TextLine& line = lines_[i];
      bool label = false;
      const bool furniture = IsFurniture(line.folded, &label);
      if (label) out_.labels.push_back(line.folded);
      if (next < titles.size() && titles[next].at == i) {
        const Title& title = titles[next++];
        FISCAL_RETURN_IF_ERROR(TakeTitle(title));
        i = title.unit_at;
        continue;
      }
      FISCAL_RETURN_IF_ERROR(TakeLine(line, furniture));
    }
    if (ended_) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        "the document ends inside its tables: ", absl::StrJoin(out_.form->ends, " or "),
        " does not follow them"));
  }

 private:
  // The title of a table, or of its next page, down to its unit.
  absl::Status TakeTitle(const Title& title) {
    const TextLine& line = lines_[title.at];
    const int number = title.form->number;
    if (ended_)
      return At(line.number, absl::StrCat("table ", number, " (", line.folded,
                                          ") stands after the part of the tables"));
    if (title.unit == MoneyUnit::kUnknown)
      return At(lines_[title.unit_at].number,
                absl::StrCat("table ", number, ": the unit \"", lines_[title.unit_at].folded,
                             "\" is neither 万元 nor 元"));
    const bool again = table_ != nullptr && table_->form->number == number;
    if (!again) {
      FISCAL_RETURN_IF_ERROR(BeginTable(title));
    } else if (!line.page_start && !absl::StrContains(line.folded, "续")) {
      return StandsTwice(line, *table_);
    } else if (table_->unit != title.unit) {
      return At(line.number, absl::StrCat("table ", number, " has two units, one on each page"));
    }
    for (size_t k = title.at + 1; k <= title.unit_at; ++k) {
      FISCAL_RETURN_IF_ERROR(TakeBelowTitle(lines_[k], k == title.unit_at || again));
    }
    return absl::OkStatus();
  }

  static absl::Status StandsTwice(const TextLine& line, const TextTable& first) {
    return At(line.number, absl::StrCat("table ", first.form->number, " (", line.folded,
                                        ") stands twice; the first is at line ", first.title_line));
  }

  absl::Status BeginTable(const Title& title) {
    const TextLine& line = lines_[title.at];
    for (const TextTable& earlier : out_.tables) {
      if (earlier.form->number == title.form->number) return StandsTwice(line, earlier);
    }
    if (!out_.tables.empty() && out_.tables.back().form->number > title.form->number)
      return At(line.number, absl::StrCat("table ", title.form->number, " stands after table ",
                                          out_.tables.back().form->number));
    table_ = &out_.tables.emplace_back();
    table_->form = title.form;
    table_->title = line.folded;
    table_->title_line = line.number;
    table_->unit = title.unit;
    return absl::OkStatus();
  }

  // The line between title and unit names the department. `lenient`: it may be other text.
  absl::Status TakeBelowTitle(const TextLine& line, bool lenient) {
    std::string name;
    if (DepartmentIn(line, *out_.form, &name) && !name.empty()) {
      if (!table_->department_name.empty() && table_->department_name != name)
        return At(line.number, absl::StrCat("table ", table_->form->number, " is of ", name,
                                            " and of ", table_->department_name));
      table_->department_name = name;
    } else if (bool other = false; IsFurniture(line.folded, &other) && other) {
      out_.labels.push_back(line.folded);
    } else if (bool broken; !UnitIn(line.folded, &broken).has_value() && !lenient) {
      return At(line.number, absl::StrCat("table ", table_->form->number, ": \"", line.folded,
                                          "\" between its title and its unit"));
    }
    return absl::OkStatus();
  }

  // A line that is no title.
  absl::Status TakeLine(TextLine& line, bool furniture) {
    ended_ = ended_ || (table_ != nullptr && EndsTables(line.folded, *out_.form));
    if (table_ == nullptr || ended_) {
      out_.rest.push_back(std::move(line));
      return absl::OkStatus();
    }
    if (absl::StrContains(line.folded, "本表无数据") ||
        absl::StrContains(line.folded, "本表为空表")) {
      table_->says_empty = true;
      return absl::OkStatus();
    }
    std::string name;
    if (DepartmentIn(line, *out_.form, &name)) {
      // A repeated heading on another page, or 部门名称 below the unit.
      if (table_->department_name.empty()) table_->department_name = name;
      return absl::OkStatus();
    }
    const int number = table_->form->number;
    bool broken;
    if (const auto unit = UnitIn(line.folded, &broken); unit.has_value() && !broken) {
      if (*unit == table_->unit) return absl::OkStatus();
      return At(line.number, absl::StrCat("table ", number, " has two units"));
    }
    if (absl::StartsWith(line.folded, "注:") || absl::StartsWith(line.folded, "备注:") ||
        absl::StartsWith(line.folded, "说明:"))
      return absl::OkStatus();
    if (furniture && !line.tabbed) return absl::OkStatus();
    if (table_->lines.size() == kTableLinesMax)
      return At(line.number,
                absl::StrCat("table ", number, " has more than ", kTableLinesMax, " lines"));
    table_->lines.push_back(std::move(line));
    return absl::OkStatus();
  }

  std::vector<TextLine>& lines_;
  Text& out_;
  // The one that lines go to; null before the first.
  TextTable* table_ = nullptr;
  // True behind the part of the tables.
  bool ended_ = false;
};

// Whose document it is and of which year, by its first table; the others agree.
absl::Status FindSubject(Text* out) {
  const TextTable& first = out->tables[0];
  out->department_name = first.department_name;
  out->department = !absl::StrContains(first.title, "单位");
  out->fiscal_year = YearIn(first.title);
  for (const TextLine& line : out->rest) {
    if (out->fiscal_year != 0) break;
    out->fiscal_year = YearIn(line.folded);
  }
  if (out->department_name.empty())
    return At(first.title_line, "table 1: the name of the department is missing");
  for (const TextTable& t : out->tables) {
    if (!t.department_name.empty() && t.department_name != out->department_name) {
      return At(t.title_line, absl::StrCat("table ", t.form->number, " is of ", t.department_name,
                                           ", table 1 of ", out->department_name));
    }
    if (const int year = YearIn(t.title);
        year != 0 && out->fiscal_year != 0 && year != out->fiscal_year)
      return At(t.title_line, absl::StrCat("table ", t.form->number, " is of ", year,
                                           ", table 1 of ", out->fiscal_year));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Text> CutText(absl::string_view text, const std::vector<Form>& forms) {
  if (CheckText(text, true) == TextFault::kInvalidUtf8)
    return absl::InvalidArgumentError("the document is not UTF-8 text");
  absl::ConsumePrefix(&text, "\xef\xbb\xbf");
  std::vector<TextLine> lines = CutLines(text);
  FISCAL_ASSIGN_OR_RETURN(const Recognized recognized, Recognize(lines, forms));
  Text out;
  out.form = recognized.form;
  FISCAL_RETURN_IF_ERROR(TableCutter(lines, out).Run(recognized.titles));
  FISCAL_RETURN_IF_ERROR(FindSubject(&out));
  return out;
}

}  // namespace fiscal::importer
