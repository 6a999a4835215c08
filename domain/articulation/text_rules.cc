#include "domain/articulation/text_rules.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "domain/disclosure/code_lists.h"
#include "domain/disclosure/names.h"

namespace fiscal::articulation {
namespace {

using disclosure::Cell;
using disclosure::Disclosure;
using disclosure::FoldName;
using disclosure::PerformanceForm;
using disclosure::Row;
using disclosure::Table;
using Findings = std::vector<TextFinding>;

TextFinding Passed() { return {}; }
TextFinding Failed(std::string message, std::string zh, std::vector<CellRef> cells = {}) {
  return {Outcome::kFailed, std::move(message), std::move(zh), std::move(cells)};
}

CellRef Ref(const Disclosure& d, int table, const Row& row, size_t column = 0) {
  Place place{row.cells.empty() ? nullptr : &row.cells[column], table, &row,
              row.cells.empty() ? -1 : static_cast<int>(column)};
  return RefOf(d, place);
}

CellRef TextRef(int line, std::string printed) {
  CellRef ref;
  ref.line = line;
  ref.printed = std::move(printed);
  ref.label_zh = absl::StrCat("第", line, "行");
  return ref;
}

int TableArgument(const Rule& rule, size_t at) {
  int n = 0;
  FISCAL_CHECK(at < rule.check.function.size() &&
                   absl::SimpleAtoi(absl::string_view(rule.check.function[at]).substr(1), &n),
               "a rule's check names no table");
  return n;
}

// ---- Tables ----

Findings Tree(const Rule& rule, const Disclosure& d) {
  const int n = TableArgument(rule, 1);
  Findings out;
  for (const Row& row : d.table(n).rows) {
    if (row.code.empty() || absl::StartsWith(row.key, "revenue.")) continue;
    const std::string parent = row.level > 1 ? row.code.substr(0, row.code.size() - 2) : "";
    if (parent.empty() || d.table(n).Find(parent) != nullptr) {
      out.push_back(Passed());
    } else {
      out.push_back(Failed(
          absl::StrCat("table ", n, ", line ", row.line, ": code ", row.code, " has no row ",
                       parent, " above it"),
          absl::StrCat("表", n, "科目", row.code, " ", row.label, "缺少上级科目", parent, "的行"),
          {Ref(d, n, row)}));
    }
  }
  return out;
}

Findings Classes(const Rule& rule, const Disclosure& d) {
  const int n = TableArgument(rule, 1);
  const auto& all = disclosure::StatutoryClasses();
  std::vector<const Row*> rows;
  for (const Row& row : d.table(n).rows) {
    if (absl::StartsWith(row.key, "class.")) rows.push_back(&row);
  }
  if (rows.size() != all.size())
    return {Failed(absl::StrCat("table ", n, " lists ", rows.size(), " 类, not ", all.size()),
                   absl::StrCat("表", n, "列示", rows.size(), "类，应为", all.size(), "类"))};
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i]->code != all[i])
      return {Failed(absl::StrCat("table ", n, ", line ", rows[i]->line, ": ", rows[i]->label,
                                  " stands in the place of ", all[i]),
                     absl::StrCat("表", n, "第", i + 1, "类“", rows[i]->label, "”顺序不符"),
                     {Ref(d, n, *rows[i])})};
  }
  return {Passed()};
}

Findings SameCodes(const Rule& rule, const Disclosure& d) {
  const int a = TableArgument(rule, 1), b = TableArgument(rule, 2);
  std::vector<std::string> said, said_zh;
  std::vector<CellRef> cells;
  for (auto [here, there] : {std::pair<int, int>{a, b}, std::pair<int, int>{b, a}}) {
    for (const Row& row : d.table(here).rows) {
      if (row.code.empty()) continue;
      const Row* other = d.table(there).Find(row.code);
      if (other == nullptr) {
        said.push_back(absl::StrCat("table ", there, " has no row ", row.code));
        said_zh.push_back(absl::StrCat("表", there, "缺少科目", row.code, " ", row.label));
        CellRef absent;
        absent.table = there;
        absent.row = row.code;
        absent.label_zh = absl::StrCat("表", there, " ", row.code, "（缺）");
        cells.push_back(absent);
        cells.push_back(Ref(d, here, row));
      } else if (here == a && !disclosure::SameName(disclosure::ShippedLists().functional, row.code,
                                                    FoldName(row.label), FoldName(other->label))) {
        said.push_back(absl::StrCat(row.code, " is ", row.label, " and ", other->label));
        said_zh.push_back(
            absl::StrCat("科目", row.code, "名称不一致：", row.label, "、", other->label));
        cells.push_back(Ref(d, here, row));
      }
    }
  }
  if (said.empty()) return {Passed()};
  return {Failed(absl::StrJoin(said, "; "), absl::StrJoin(said_zh, "；"), std::move(cells))};
}

Findings SameClasses(const Rule& rule, const Disclosure& d) {
  const int a = TableArgument(rule, 1), b = TableArgument(rule, 2);
  std::vector<std::string> said, said_zh;
  std::vector<CellRef> cells;
  auto has_money = [](const Row& row) {
    return std::any_of(row.cells.begin(), row.cells.end(),
                       [](const Cell& c) { return c.value != 0; });
  };
  for (const Row& row : d.table(a).rows) {
    if (!absl::StartsWith(row.key, "class.") || !has_money(row)) continue;
    if (row.code.empty() || d.table(b).Find(row.code) == nullptr) {
      said.push_back(absl::StrCat("table ", b, " has no 类 ", row.label));
      said_zh.push_back(absl::StrCat("表", b, "没有", row.label));
      cells.push_back(Ref(d, a, row, row.cells.size() > 1 ? 1 : 0));
    }
  }
  for (const Row& row : d.table(b).rows) {
    if (row.level != 1 || !has_money(row)) continue;
    const Row* other = d.table(a).Find("class." + row.code);
    if (other == nullptr || !has_money(*other)) {
      said.push_back(absl::StrCat("table ", a, " has no money in ", row.code, " ", row.label));
      said_zh.push_back(absl::StrCat("表", a, "的", row.label, "没有金额"));
      cells.push_back(Ref(d, b, row));
    }
  }
  if (said.empty()) return {Passed()};
  return {Failed(absl::StrJoin(said, "; "), absl::StrJoin(said_zh, "；"), std::move(cells))};
}

Findings Note(const Rule& rule, const Disclosure& d) {
  const int n = TableArgument(rule, 1);
  if (!d.has(n) || !d.document) return {};
  const Table& t = d.table(n);
  bool any = false;
  for (const Row& row : t.rows) {
    for (const Cell& c : row.cells) any = any || (!c.blank() && c.value != 0);
  }
  if (any == t.says_empty) {
    CellRef ref = TextRef(t.title_line, t.title);
    ref.table = n;
    return {Failed(absl::StrCat("table ", n,
                                any ? " has figures and the note that it has none"
                                    : " has no figures and not the note that it has none"),
                   absl::StrCat("表", n, any ? "有数据却注明无数据" : "无数据却未注明"), {ref})};
  }
  return {Passed()};
}

// 特定目标类 and 其他运转类 are told by the 项 they stand on: one project kind of the narrative,
// one functional total.
Findings ProjectSubjects(const Rule&, const Disclosure& d) {
  const Table& n = d.table(disclosure::kNarrative);
  const Cell* other = n.At("managed", "other_money");
  const Cell* specific = n.At("managed", "specific_money");
  if (other == nullptr || specific == nullptr || other->blank() || specific->blank()) return {};
  // Table 3 counts what is carried over, the sentence does not.
  if (d.table(1).Value("income.carry", "amount") != 0) return {};
  // Money on 一般行政管理事务 (02 of a 款) is 其他运转类, the rest 特定目标类. Where there
  // are more than these two 项, kinds share them, and nothing can be told.
  std::map<bool, std::vector<const Row*>> rows;
  for (const Row& row : d.table(3).rows) {
    const Cell* project = d.table(3).At(row.key, "project");
    if (row.level == 3 && project != nullptr && project->value != 0)
      rows[absl::EndsWith(row.code, "02")].push_back(&row);
  }
  if (rows[true].size() != 1 || rows[false].size() != 1) return {};
  // Where neither sum is a kind's, the 项 hold both kinds.
  const int64_t a = d.table(3).Value(rows[true][0]->key, "project"),
                b = d.table(3).Value(rows[false][0]->key, "project");
  if (std::llabs(a - other->value) > 10000 && std::llabs(b - specific->value) > 10000) return {};
  Findings out;
  for (const auto& [cell, administrative] :
       {std::pair<const Cell*, bool>{specific, false}, std::pair<const Cell*, bool>{other, true}}) {
    int64_t sum = 0;
    std::vector<CellRef> cells;
    Row const* const managed = n.Find("managed");
    cells.push_back(RefOf(
        d, {cell, 0, managed, n.ColumnOf(administrative ? "other_money" : "specific_money")}));
    for (const Row* row : rows[administrative]) {
      sum += d.table(3).Value(row->key, "project");
      cells.push_back(Ref(d, 3, *row, static_cast<size_t>(d.table(3).ColumnOf("project"))));
    }
    const int64_t slack = 10000 * static_cast<int64_t>(cells.size());
    if (std::llabs(sum - cell->value) <= slack) {
      out.push_back(Passed());
    } else {
      out.push_back(Failed(
          absl::StrCat(administrative ? "其他运转类 " : "特定目标类 ", cell->printed,
                       " is not what stands on its subjects, ",
                       disclosure::PrintFigure(sum, disclosure::MoneyUnit::kWanyuan)),
          absl::StrCat(administrative ? "其他运转类" : "特定目标类", "金额", cell->printed,
                       "万元与对应科目的项目支出",
                       disclosure::PrintFigure(sum, disclosure::MoneyUnit::kWanyuan), "万元不符"),
          std::move(cells)));
    }
  }
  return out;
}

// ---- Narrative ----

Findings Cause(const Rule&, const Disclosure& d) {
  const Table& n = d.table(disclosure::kNarrative);
  const Cell* cause = n.At("cause", "change");
  const Cell* change = n.At("change.income", "change");
  if (cause == nullptr || change == nullptr || cause->blank() || change->blank()) return {};
  const bool same_way = (cause->value < 0) == (change->value < 0);
  if (same_way && std::llabs(cause->value) <= std::llabs(change->value)) return {Passed()};
  if (!same_way) return {Passed()};
  return {Failed(absl::StrCat("the cause stated, ", cause->printed,
                              ", is more than the net change, ", change->printed),
                 absl::StrCat("所列原因金额", cause->printed, "万元大于净变动", change->printed,
                              "万元，其余变动未说明"),
                 {RefOf(d, {cause, 0, n.Find("cause"), n.ColumnOf("change")}),
                  RefOf(d, {change, 0, n.Find("change.income"), n.ColumnOf("change")})})};
}

Findings Shares(const Rule&, const Disclosure& d) {
  const Table& n = d.table(disclosure::kNarrative);
  const int column = n.ColumnOf("share");
  if (column < 0) return {};
  __int128 low = 0, high = 0, value = 0;
  std::vector<CellRef> cells;
  for (const Row& row : n.rows) {
    if (!absl::StartsWith(row.key, "class.")) continue;
    const Cell& c = row.cells[static_cast<size_t>(column)];
    if (c.blank()) continue;
    value += c.value;
    low += c.low;
    high += c.high;
    cells.push_back(RefOf(d, {&c, 0, &row, column}));
  }
  if (cells.empty()) return {};
  const int64_t hundred = 100000000;
  if (value == hundred) return {Passed()};
  // A share that ends in a half may have been rounded either way.
  const __int128 ties = static_cast<__int128>(cells.size());
  TextFinding finding = low - ties <= hundred && hundred <= high + ties
                            ? TextFinding{Outcome::kRoundingOnly, "", "", {}}
                            : Failed("", "", {});
  const std::string sum =
      disclosure::PrintFigure(static_cast<int64_t>(value), disclosure::MoneyUnit::kWanyuan);
  finding.message = absl::StrCat("the shares add up to ", sum, " %");
  finding.message_zh = absl::StrCat("各类占比之和为", sum, "%");
  finding.cells = std::move(cells);
  return {finding};
}

Findings Names(const Rule&, const Disclosure& d) {
  const Table& n = d.table(disclosure::kNarrative);
  Findings out;
  for (const char* key : {"personnel", "public"}) {
    const Cell* names = n.At(key, "names");
    const int column = d.table(6).ColumnOf(key);
    if (names == nullptr || names->blank() || column < 0) continue;
    std::set<std::string> listed, printed;
    std::string text = names->printed;
    for (absl::string_view tail : {"等。", "等;", "等"}) {
      if (absl::EndsWith(text, tail)) {
        text.resize(text.size() - tail.size());
        break;
      }
    }
    for (absl::string_view name : absl::StrSplit(text, "、", absl::SkipEmpty()))
      listed.emplace(name);
    for (const Row& row : d.table(6).rows) {
      if (row.level == 2 && row.cells[static_cast<size_t>(column)].value != 0)
        printed.insert(FoldName(row.label));
    }
    std::vector<std::string> more, missing;
    std::set_difference(listed.begin(), listed.end(), printed.begin(), printed.end(),
                        std::back_inserter(more));
    std::set_difference(printed.begin(), printed.end(), listed.begin(), listed.end(),
                        std::back_inserter(missing));
    if (more.empty() && missing.empty()) {
      out.push_back(Passed());
      continue;
    }
    out.push_back(
        Failed(absl::StrCat("the names listed differ from table 6: more ",
                            absl::StrJoin(more, ", "), "; missing ", absl::StrJoin(missing, ", ")),
               absl::StrCat("说明所列科目与表6不一致：多", absl::StrJoin(more, "、"), "；缺",
                            absl::StrJoin(missing, "、")),
               {RefOf(d, {names, 0, n.Find(key), n.ColumnOf("names")})}));
  }
  return out;
}

// Every place of a text as a failed instance, or one that passed.
Findings Absent(const Disclosure& d, const std::vector<std::string>& texts, const std::string& what,
                const std::string& what_zh) {
  for (const std::string& text : texts) {
    const size_t at = d.narrative.find(text);
    if (at == std::string::npos) continue;
    return {Failed(absl::StrCat("line ", d.LineAt(at), ": ", what, " \"", text, "\""),
                   absl::StrCat("第", d.LineAt(at), "行", what_zh, "“", text, "”"),
                   {TextRef(d.LineAt(at), text)})};
  }
  return {Passed()};
}

Findings Template(const Rule&, const Disclosure& d) {
  std::vector<std::string> texts;
  for (const char* a : {"下降", "增长", "增加", "减少", "上升"}) {
    for (const char* b : {"下降", "增长", "增加", "减少", "上升"}) {
      if (std::string(a) == b) continue;
      texts.push_back(absl::StrCat(a, "(", b, ")"));
    }
  }
  texts.push_back("XX");
  return Absent(d, texts, "a choice of the template was not made:", "模板选项未删除：");
}

Findings Services(const Rule&, const Disclosure& d) {
  const Table& n = d.table(disclosure::kNarrative);
  const Cell* services = n.At("procurement", "services");
  if (services == nullptr || services->blank()) return {};
  const size_t at = d.narrative.find("无政府购买服务");
  if (services->value == 0 || at == std::string::npos) return {Passed()};
  return {Failed(absl::StrCat("procured services of ", services->printed,
                              " beside \"无政府购买服务\", line ", d.LineAt(at)),
                 absl::StrCat("政府采购服务预算", services->printed,
                              "万元，其他说明却称无政府购买服务，请核对口径"),
                 {RefOf(d, {services, 0, n.Find("procurement"), n.ColumnOf("services")}),
                  TextRef(d.LineAt(at), "无政府购买服务")})};
}

Findings Overall(const Rule&, const Disclosure& d) {
  const Table& n = d.table(disclosure::kNarrative);
  const Cell* amount = n.At("overall", "amount");
  if (amount == nullptr || amount->blank()) return {};
  if (amount->value != 0) return {Passed()};
  return {Failed("the goals of the whole cover no money", "整体绩效目标涉及资金为0，未覆盖预算",
                 {RefOf(d, {amount, 0, n.Find("overall"), n.ColumnOf("amount")})})};
}

Findings Punctuation(const Rule&, const Disclosure& d) {
  return Absent(d, {"。;", ";。", "。。", ";;"}, "doubled punctuation", "标点重复");
}

Findings LevelOfGovernment(const Rule&, const Disclosure& d) {
  // The level the document itself says: 省, 市 or 县 by the name of its department.
  const std::string& name = d.department_name;
  const bool province = absl::StrContains(name, "省");
  if (province) return {Passed()};
  return Absent(d, {"省直部门", "省级部门用", "中央部门用"},
                "terms of another level:", "名词解释与本级不符：");
}

Findings Labels(const Rule&, const Disclosure& d) {
  std::set<std::string> words;
  for (const std::string& label : d.labels) {
    std::string word;
    for (char c : label) {
      if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) word += c;
    }
    words.insert(word);
  }
  const bool all = d.labels.empty() || d.labels.size() >= 13;
  if (all && words.size() <= 1) return {Passed()};
  return {Failed(absl::StrCat("only ", d.labels.size(),
                              " of 13 tables are labelled: ", absl::StrJoin(d.labels, ", ")),
                 absl::StrCat("13张表只有", d.labels.size(), "张有编号，且写法不一：",
                              absl::StrJoin(d.labels, "、")))};
}

// ---- Performance forms ----

Findings Term(const Rule&, const Disclosure& d) {
  Findings out;
  for (const PerformanceForm& form : d.forms) {
    const std::string term = FoldName(form.term);
    int years = 0;
    const bool placeholder = absl::EndsWith(term, "年") &&
                             absl::SimpleAtoi(term.substr(0, term.size() - 3), &years) &&
                             years >= 50;
    out.push_back(
        !placeholder && !term.empty()
            ? Passed()
            : Failed(absl::StrCat("the term of ", form.name, " is \"", form.term, "\""),
                     absl::StrCat("项目“", form.name, "”的项目期为“", form.term, "”，不是实际期限"),
                     {TextRef(form.line, form.term)}));
  }
  return out;
}

Findings Goals(const Rule&, const Disclosure& d) {
  Findings out;
  for (const PerformanceForm& form : d.forms) {
    const std::string term = FoldName(form.term_goal), year = FoldName(form.year_goal);
    const bool cut = !year.empty() && year.size() < term.size() && absl::StartsWith(term, year);
    out.push_back(!cut ? Passed()
                       : Failed(absl::StrCat("the year's goal of ", form.name, " is cut off"),
                                absl::StrCat("项目“", form.name, "”的年度目标是总体目标的截断"),
                                {TextRef(form.line, form.name)}));
  }
  return out;
}

Findings Signatures(const Rule&, const Disclosure& d) {
  Findings out;
  for (const PerformanceForm& form : d.forms) {
    const bool filled =
        !form.responsible.empty() && !form.handler.empty() && !form.telephone.empty();
    out.push_back(filled
                      ? Passed()
                      : Failed(absl::StrCat(form.name, ": 负责人, 经办人 or 联系电话 is blank"),
                               absl::StrCat("项目“", form.name, "”的负责人、经办人或联系电话未填"),
                               {TextRef(form.line, form.name)}));
  }
  return out;
}

// The projects of table 12, and those of them without a form.
size_t WithoutForm(const Disclosure& d, std::vector<std::string>* missing,
                   std::vector<CellRef>* cells) {
  size_t projects = 0;
  for (const Row& row : d.table(12).rows) {
    if (!absl::StartsWith(row.key, "project.")) continue;
    ++projects;
    if (d.table(disclosure::kForms).Find(row.key) != nullptr) continue;
    missing->push_back(absl::StrCat(row.label, " ", row.cells[0].printed));
    cells->push_back(Ref(d, 12, row));
  }
  return projects;
}

Findings FormCount(const Rule&, const Disclosure& d) {
  const Table& n = d.table(disclosure::kNarrative);
  const Cell* published = n.At("published", "count");
  if (published == nullptr || published->blank()) return {};
  if (static_cast<size_t>(published->value) == d.forms.size()) return {Passed()};
  std::vector<std::string> missing;
  std::vector<CellRef> cells = {RefOf(d, {published, 0, n.Find("published"), n.ColumnOf("count")})};
  WithoutForm(d, &missing, &cells);
  return {Failed(
      absl::StrCat(d.forms.size(), " forms are attached, ", published->printed,
                   " are said to be published; without a form: ", absl::StrJoin(missing, ", ")),
      absl::StrCat("附有", d.forms.size(), "张绩效目标表，说明称公开", published->printed, "个",
                   missing.empty() ? "" : "；缺少：", absl::StrJoin(missing, "、")),
      std::move(cells))};
}

Findings EveryForm(const Rule&, const Disclosure& d) {
  std::vector<std::string> missing;
  std::vector<CellRef> cells;
  if (WithoutForm(d, &missing, &cells) == 0) return {};
  if (missing.empty()) return {Passed()};
  return {Failed(absl::StrCat("no form for: ", absl::StrJoin(missing, ", ")),
                 absl::StrCat("缺少绩效目标表：", absl::StrJoin(missing, "、"), "万元"),
                 std::move(cells))};
}

const std::map<std::string, Findings (*)(const Rule&, const Disclosure&)>& Known() {
  static const auto* const known =
      new std::map<std::string, Findings (*)(const Rule&, const Disclosure&)>{
          {"tree", Tree},
          {"classes", Classes},
          {"same_codes", SameCodes},
          {"same_classes", SameClasses},
          {"note", Note},
          {"project_subjects", ProjectSubjects},
          {"cause", Cause},
          {"shares", Shares},
          {"names", Names},
          {"template", Template},
          {"services", Services},
          {"overall", Overall},
          {"punctuation", Punctuation},
          {"level", LevelOfGovernment},
          {"labels", Labels},
          {"term", Term},
          {"goals", Goals},
          {"signatures", Signatures},
          {"form_count", FormCount},
          {"every_form", EveryForm}};
  return *known;
}

}  // namespace

bool KnowsTextRule(const std::string& name) { return Known().count(name) > 0; }

size_t TablesOfTextRule(const std::string& name) {
  if (name == "same_codes" || name == "same_classes") return 2;
  return name == "tree" || name == "classes" || name == "note" ? 1 : 0;
}

std::vector<TextFinding> RunTextRule(const Rule& rule, const Disclosure& d) {
  auto it = Known().find(rule.check.function[0]);
  FISCAL_CHECK(it != Known().end(), "a rule calls a check that does not exist");
  // Rules of words are for documents; tables that are missing have nothing to check.
  for (size_t i = 1; i < rule.check.function.size(); ++i) {
    if (!d.has(TableArgument(rule, i))) return {};
  }
  static const std::set<std::string>* const kAlways =
      new std::set<std::string>{"tree", "same_codes", "same_classes"};
  if (!d.document && kAlways->count(rule.check.function[0]) == 0) return {};
  return it->second(rule, d);
}

}  // namespace fiscal::articulation
