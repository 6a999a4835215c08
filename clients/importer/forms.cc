#include "clients/importer/forms.h"

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "clients/importer/importer.h"
#include "clients/importer/money.h"

namespace fiscal::importer {
namespace {

namespace b = fiscal::budget::v1;

std::vector<std::string> Filled(const TextRow& row) {
  std::vector<std::string> out;
  for (const std::string& cell : row.cells) {
    if (!cell.empty()) out.push_back(cell);
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

class FormReader {
 public:
  FormReader(Form* form, std::vector<b::Finding>* findings) : form_(form), findings_(findings) {}

  void Row(const TextRow& row) {
    const std::vector<std::string> cells = Filled(row);
    if (cells.empty()) return;
    const std::string first = Label(cells[0]);
    b::Project& p = form_->project;
    if (in_indicators_) {
      if (absl::StartsWith(first, "负责人")) {
        in_indicators_ = false;
        return;
      }
      Indicators(row, cells);
      return;
    }
    if (first == "主管部门及代码") {
      if (cells.size() > 1) p.set_owning_agency(cells[1]);
      if (cells.size() > 3 && Label(cells[2]) == "实施单位") p.set_implementing_agency(cells[3]);
    } else if (first == "项目属性") {
      if (cells.size() > 1) p.set_attribute(cells[1]);
      if (cells.size() > 3 && absl::StartsWith(Label(cells[2]), "项目")) p.set_term(cells[3]);
    } else if (absl::StartsWith(first, "项目资金")) {
      unit_ = absl::StrContains(first, "万元") ? DocumentUnit::kWanyuan : DocumentUnit::kYuan;
      Funding(row, std::vector<std::string>(cells.begin() + 1, cells.end()));
    } else if (first == "中央财政资金" || first == "省级财政资金" ||
               absl::StartsWith(first, "市县") || first == "单位自筹" || first == "其他资金") {
      Funding(row, cells);
    } else if (first == "项目概况") {
      Text(cells, p.mutable_overview());
    } else if (first == "立项依据") {
      Text(cells, p.mutable_basis());
    } else if (first == "项目设立必要性") {
      Text(cells, p.mutable_necessity());
    } else if (absl::StartsWith(first, "保证项目实施")) {
      Text(cells, p.mutable_safeguards());
    } else if (first == "项目实施计划") {
      Text(cells, p.mutable_plan());
    } else if (first == "总体目标") {
      if (cells.size() > 1) p.set_term_goal(cells[1]);
      if (cells.size() > 2) p.set_year_goal(cells[2]);
    } else if (first == "绩效指标") {
      in_indicators_ = true;
    }
  }

 private:
  static void Text(const std::vector<std::string>& cells, std::string* out) {
    if (cells.size() > 1) *out = cells[1];
  }

  void Say(const std::string& rule, int line, std::string message, std::string zh) {
    b::Finding f;
    f.set_rule(rule);
    f.set_severity(b::SEVERITY_WARNING);
    f.set_place(absl::StrCat("form ", form_->project.name(), ", line ", line));
    f.set_message(std::move(message));
    f.set_message_zh(std::move(zh));
    findings_->push_back(std::move(f));
  }

  // A label, its amount for the term, the label again, its amount for the year; an amount may be blank.
  void Funding(const TextRow& row, const std::vector<std::string>& cells) {
    int labels = 0;
    std::string label;
    for (const std::string& cell : cells) {
      if (!LooksLikeFigure(cell)) {
        label = Label(cell);
        ++labels;
        continue;
      }
      const std::optional<Figure> figure = ParseFigure(cell, unit_);
      if (!figure) {
        Say("FORM_UNREAD", row.line, absl::StrCat("\"", cell, "\" is no amount"),
            absl::StrCat("金额无法识别：", cell));
        continue;
      }
      b::ProjectFunding* f = labels <= 1 ? form_->project.mutable_term_funding()
                                         : form_->project.mutable_year_funding();
      if (absl::StrContains(label, "总额")) {
        f->set_total_fen(figure->fen);
      } else if (label == "中央财政资金") {
        f->set_central_fen(figure->fen);
      } else if (label == "省级财政资金") {
        f->set_provincial_fen(figure->fen);
      } else if (absl::StartsWith(label, "市县")) {
        f->set_local_fen(figure->fen);
      } else if (label == "单位自筹") {
        f->set_self_raised_fen(figure->fen);
      } else if (label == "其他资金") {
        f->set_other_fen(figure->fen);
      }
    }
  }

  // [level 1] [level 2] name target [level 2] name target: what stands before the second level 2 is the term's, the rest the year's.
  void Indicators(const TextRow& row, const std::vector<std::string>& cells) {
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
      Say("F-09", row.line, "the row's cells can't be told apart", "指标行无法对齐");
      return;
    }
    auto add = [&](const std::vector<std::string>& pair, b::IndicatorPeriod period,
                   const std::string& level2) {
      if (pair.empty()) return;
      b::PerformanceIndicator* i = form_->project.add_indicators();
      i->set_period(period);
      i->set_level1(level1_);
      i->set_level2(level2);
      i->set_level3(pair[0]);
      i->set_target(pair[1]);
    };
    add(term, b::INDICATOR_PERIOD_TERM, level2_term_);
    add(year, b::INDICATOR_PERIOD_YEAR, level2_year_);
  }

  Form* form_;
  std::vector<b::Finding>* findings_;
  DocumentUnit unit_ = DocumentUnit::kYuan;
  bool in_indicators_ = false;
  std::string level1_, level2_term_, level2_year_;
};

}  // namespace

std::vector<Form> ReadForms(const Document& document, std::vector<b::Finding>* findings) {
  std::vector<Form> forms;
  std::optional<FormReader> reader;
  forms.reserve(document.after.size());
  for (const TextRow& row : document.after) {
    const std::vector<std::string> cells = Filled(row);
    if (cells.empty()) continue;
    if (Label(cells[0]) == "项目名称" && cells.size() >= 2) {
      forms.emplace_back();
      forms.back().line = row.line;
      forms.back().project.set_name(cells[1]);
      reader.emplace(&forms.back(), findings);
    } else if (reader.has_value()) {
      reader->Row(row);
    }
  }
  return forms;
}

}  // namespace fiscal::importer
