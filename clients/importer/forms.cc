#include "clients/importer/forms.h"

#include <algorithm>
#include <map>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "domain/disclosure/names.h"

namespace fiscal::importer {
namespace {

using disclosure::Cell;
using disclosure::Disclosure;
using disclosure::FoldName;
using disclosure::Indicator;
using disclosure::PerformanceForm;
using disclosure::Row;
using disclosure::Table;

// The filled cells of a line. Laid out lines have cells where two blanks or a figure stand between.
std::vector<std::string> Filled(const TextLine& line) {
  std::vector<std::string> out;
  if (line.tabbed) {
    for (const std::string& cell : line.cells) {
      if (!cell.empty()) out.push_back(cell);
    }
    return out;
  }
  const Piece* last = nullptr;
  for (const Piece& p : line.pieces) {
    if (last != nullptr && p.x0 - last->x1 <= 1 && !p.figure && !last->figure) {
      out.back() += p.text;
    } else {
      out.push_back(p.text);
    }
    last = &p;
  }
  return out;
}

std::string Label(const std::string& cell) {
  std::string label = FoldName(cell);
  if (absl::EndsWith(label, ":")) label.pop_back();
  if (absl::StartsWith(label, "其中:")) label = label.substr(std::string("其中:").size());
  return label;
}

enum class Level { kNone, kOne, kTwo };

Level LevelOf(const std::string& folded) {
  for (absl::string_view one : {"产出指标", "效益指标", "满意度指标"}) {
    if (folded == one) return Level::kOne;
  }
  for (absl::string_view two : {"数量指标", "质量指标", "时效指标", "成本指标", "经济效益",
                                "社会效益", "生态效益", "可持续影响", "服务对象满意度"}) {
    if (absl::StartsWith(folded, two) && folded.size() <= two.size() + 6) return Level::kTwo;
  }
  return Level::kNone;
}

// Labels of money: the period they are of, and whether they are the total.
bool IsTotal(absl::string_view label) {
  return absl::StrContains(label, "总额") || label == "年度资金申请总额";
}
bool IsPart(absl::string_view label) {
  for (absl::string_view part :
       {"中央财政资金", "省级财政资金", "市级财政资金", "县级财政资金", "市县", "单位自筹",
        "其他资金", "财政资金", "当年财政拨款", "上年结转资金"}) {
    if (absl::StartsWith(label, part)) return true;
  }
  return false;
}

class FormReader {
 public:
  FormReader(PerformanceForm* form, std::map<std::string, Cell>* money)
      : form_(form), money_(money) {}

  void Line(const TextLine& line) {
    const std::vector<std::string> cells = Filled(line);
    if (cells.empty()) return;
    const std::string first = Label(cells[0]);
    if (absl::StartsWith(first, "负责人")) {
      in_indicators_ = false;
      Signatures(cells);
      return;
    }
    if (in_indicators_) {
      Indicators(line, cells);
      return;
    }
    if (first == "主管部门及代码" || first == "主管部门") {
      if (cells.size() > 1) form_->owning_agency = cells[1];
      if (cells.size() > 3 && Label(cells[2]) == "实施单位") form_->implementing_agency = cells[3];
    } else if (first == "项目属性") {
      if (cells.size() > 1) form_->attribute = cells[1];
      if (cells.size() > 3 && absl::StartsWith(Label(cells[2]), "项目")) {
        form_->term = cells[3];
        Years(line);
      }
    } else if (first == "项目概况") {
      Text(cells, &form_->overview);
    } else if (first == "立项依据") {
      Text(cells, &form_->basis);
    } else if (first == "项目设立必要性") {
      Text(cells, &form_->necessity);
    } else if (absl::StartsWith(first, "保证项目实施")) {
      Text(cells, &form_->safeguards);
    } else if (first == "项目实施计划") {
      Text(cells, &form_->plan);
    } else if (first == "总体目标") {
      if (cells.size() > 1) form_->term_goal = cells[1];
      if (cells.size() > 2) form_->year_goal = cells[2];
    } else if (first == "绩效指标" || (first == "一级指标" && !line.tabbed)) {
      in_indicators_ = line.tabbed;
    } else {
      if (absl::StartsWith(first, "项目资金") && absl::StrContains(first, "万元"))
        unit_ = MoneyUnit::kWanyuan;
      const bool money = std::any_of(cells.begin(), cells.end(), [](const std::string& c) {
        const std::string label = Label(c);
        return IsTotal(label) || IsPart(label);
      });
      if (money) Funding(line, cells);
    }
  }

 private:
  static void Text(const std::vector<std::string>& cells, std::string* out) {
    if (cells.size() > 1) *out = cells[1];
  }

  // A term of several years as a figure, so that rules can ask for it. 99年 and its like fill the
  // place and say nothing.
  void Years(const TextLine& line) {
    constexpr int kYearsMax = 49;
    const std::string folded = FoldName(form_->term);
    absl::string_view term = folded;
    int years = 0;
    if (!absl::ConsumeSuffix(&term, "年") || !absl::SimpleAtoi(term, &years)) return;
    if (years < 2 || years > kYearsMax) return;
    Cell& cell = (*money_)["term.years"];
    cell.printed = std::string(term);
    cell.value = cell.low = cell.high = years;
    cell.measure = disclosure::Measure::kCount;
    cell.line = line.number;
  }

  // A label, its amount for the term, a label, its amount for the year; an amount may be blank.
  void Funding(const TextLine& line, const std::vector<std::string>& cells) {
    int labels = 0;
    std::string label;
    for (const std::string& cell : cells) {
      const std::string folded = FoldName(cell);
      if (!disclosure::LooksLikeFigure(folded)) {
        const std::string l = Label(cell);
        if (!IsTotal(l) && !IsPart(l)) continue;
        label = l;
        ++labels;
        continue;
      }
      const auto figure = disclosure::ParseFigure(folded, unit_);
      if (!figure || label.empty()) {
        form_->unread.push_back({line.number, cell});
        continue;
      }
      Cell value;
      value.printed = folded;
      value.value = figure->fen;
      value.decimals = static_cast<uint8_t>(figure->decimals);
      value.line = line.number;
      // A line with one label belongs to the year where the label says so.
      const bool year = labels > 1 || absl::StartsWith(label, "年度") ||
                        absl::StartsWith(label, "当年") || absl::StartsWith(label, "上年");
      const std::string period = year ? "year." : "term.";
      // Money of earlier years is the year's own part.
      std::string part = IsTotal(label) ? "total" : "part." + PartName(label);
      SetInterval(disclosure::PlaceFen(unit_, std::max(figure->decimals, 0)), &value);
      // Whole yuan are stated exactly.
      if (unit_ == MoneyUnit::kYuan) value.low = value.high = value.value;
      (*money_)[period + part] = value;
      label.clear();
    }
  }

  static std::string PartName(absl::string_view label) {
    if (absl::StartsWith(label, "中央")) return "central";
    if (absl::StartsWith(label, "省")) return "provincial";
    if (absl::StartsWith(label, "市") || absl::StartsWith(label, "县")) return "local";
    if (absl::StartsWith(label, "单位自筹")) return "self_raised";
    if (absl::StartsWith(label, "其他")) return "other";
    if (absl::StartsWith(label, "上年")) return "carryover";
    return "fiscal";
  }

  void Signatures(const std::vector<std::string>& cells) {
    std::string* next = nullptr;
    for (const std::string& cell : cells) {
      const std::string f = FoldName(cell);
      const size_t colon = f.find(':');
      if (colon == std::string::npos) {
        if (next != nullptr) *next = cell;
        next = nullptr;
        continue;
      }
      const std::string label = f.substr(0, colon), value = f.substr(colon + 1);
      next = label == "负责人"                  ? &form_->responsible
             : label == "经办人"                ? &form_->handler
             : absl::StrContains(label, "电话") ? &form_->telephone
                                                : nullptr;
      if (next != nullptr && !value.empty()) {
        *next = value;
        next = nullptr;
      }
    }
  }

  // [level 1] [level 2] name target [level 2] name target: what stands before the second level 2 is
  // the term's, the rest the year's.
  void Indicators(const TextLine& line, const std::vector<std::string>& cells) {
    std::vector<std::string> term, year;
    int twos = 0;
    std::string level2_term = level2_term_, level2_year = level2_year_;
    for (const std::string& cell : cells) {
      const std::string folded = FoldName(cell);
      switch (LevelOf(folded)) {
        case Level::kOne:
          level1_ = folded;
          break;
        case Level::kTwo:
          (++twos == 1 ? level2_term : level2_year) = folded;
          break;
        case Level::kNone:
          (twos == 2 ? year : term).push_back(cell);
          break;
      }
    }
    if (twos >= 1) level2_term_ = level2_term;
    level2_year_ = twos == 2 ? level2_year : twos == 1 ? level2_term : level2_year_;
    // Without a second level 2 both pairs stand in one run.
    if (twos < 2 && term.size() == 4) {
      year.assign(term.begin() + 2, term.end());
      term.resize(2);
    }
    if (term.size() > 2 || year.size() > 2 || term.size() == 1 || year.size() == 1) {
      form_->unread.push_back({line.number, cells[0]});
      return;
    }
    if (!term.empty())
      form_->indicators.push_back({false, level1_, level2_term_, term[0], term[1]});
    if (!year.empty()) form_->indicators.push_back({true, level1_, level2_year_, year[0], year[1]});
  }

  PerformanceForm* form_;
  std::map<std::string, Cell>* money_;
  MoneyUnit unit_ = MoneyUnit::kYuan;
  bool in_indicators_ = false;
  std::string level1_, level2_term_, level2_year_;
};

}  // namespace

void ReadForms(const std::vector<TextLine>& rest, Disclosure* out) {
  std::vector<std::map<std::string, Cell>> money;
  std::unique_ptr<FormReader> reader;
  size_t tabbed_forms = 0;
  for (const TextLine& line : rest) tabbed_forms += line.tabbed;
  // Forms point into the vector.
  out->forms.reserve(rest.size());
  money.reserve(rest.size());
  for (const TextLine& line : rest) {
    // Of a document with tabs, only lines with tabs; of others, the form's labels lead.
    if (tabbed_forms > 0 && !line.tabbed) continue;
    const std::vector<std::string> cells = Filled(line);
    if (cells.empty()) continue;
    if (Label(cells[0]) == "项目名称" && cells.size() >= 2) {
      out->forms.emplace_back();
      money.emplace_back();
      out->forms.back().line = line.number;
      out->forms.back().name = cells[1];
      for (size_t i = 2; i + 1 < cells.size(); i += 2) {
        if (Label(cells[i]) == "项目性质") out->forms.back().attribute = cells[i + 1];
        if (Label(cells[i]) == "项目类别") out->forms.back().category = cells[i + 1];
      }
      reader = std::make_unique<FormReader>(&out->forms.back(), &money.back());
    } else if (reader != nullptr) {
      reader->Line(line);
    }
  }
  Table& t = out->table(disclosure::kForms);
  t.unit = MoneyUnit::kYuan;
  for (const auto& m : money) {
    for (const auto& [column, cell] : m) {
      if (t.ColumnOf(column) < 0) t.columns.push_back(column);
    }
  }
  std::map<std::string, int> seen;
  for (size_t i = 0; i < out->forms.size(); ++i) {
    Row row;
    const std::string name = FoldName(out->forms[i].name);
    const int nth = seen[name]++;
    row.key = absl::StrCat("project.", name, nth == 0 ? "" : absl::StrCat("#", nth + 1));
    row.label = out->forms[i].name;
    row.line = out->forms[i].line;
    row.level = 2;
    row.cells.resize(t.columns.size());
    for (const auto& [column, cell] : money[i])
      row.cells[static_cast<size_t>(t.ColumnOf(column))] = cell;
    t.rows.push_back(std::move(row));
  }
}

}  // namespace fiscal::importer
