#include "clients/importer/importer.h"

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "clients/cli/read/csv.h"
#include "clients/importer/reader.h"
#include "domain/disclosure/money.h"
#include "gtest/gtest.h"

namespace fiscal::importer {
namespace {

namespace b = fiscal::budget::v1;
using disclosure::IsBlank;
using disclosure::MoneyUnit;
using disclosure::ParseFigure;
namespace c = fiscal::catalog::v1;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

const std::string& Reference() {
  static const auto* const text =
      new std::string(ReadFile("tests/data/documents/lvliang_finance_office_2024.txt"));
  return *text;
}

const CatalogView& Catalog() {
  static const CatalogView* const view = [] {
    auto* v = new CatalogView();
    auto codes = [](const std::string& file, c::CatalogList list,
                    std::vector<CatalogView::Code>* out) {
      const auto entries = cli::ReadEntries(ReadFile(file), list);
      for (const auto& e : *entries)
        out->push_back(
            {e.code(), e.name(), e.parent_code(), {e.aliases().begin(), e.aliases().end()}});
    };
    codes("domain/data/functional.csv", c::CATALOG_LIST_FUNCTIONAL, &v->functional);
    codes("domain/data/dept_economic.csv", c::CATALOG_LIST_DEPT_ECONOMIC, &v->dept_economic);
    codes("domain/data/gov_economic.csv", c::CATALOG_LIST_GOV_ECONOMIC, &v->gov_economic);
    const auto agencies =
        cli::ReadEntries(ReadFile("domain/data/agencies_reference.csv"), c::CATALOG_LIST_AGENCY);
    for (const auto& e : *agencies)
      v->agencies.push_back({"141100", e.code(), e.name(), e.department_code(), {}});
    return v;
  }();
  return *view;
}

absl::StatusOr<Result> ImportText(const std::string& text, const Options& options,
                                  std::vector<b::Finding>* findings = nullptr) {
  const auto document = importer::Read(text);
  if (!document.ok()) return document.status();
  return Import(text, *document, Catalog(), options, findings);
}

absl::StatusOr<Result> ReadText(const std::string& text) { return ImportText(text, Options()); }

// Amounts by line_id.
std::map<std::string, int64_t> Lines(const Result& r) {
  std::map<std::string, int64_t> lines;
  for (const b::LineItem& l : r.request.line_items())
    EXPECT_TRUE(lines.emplace(l.line_id(), l.amount_fen()).second) << l.line_id();
  return lines;
}

TEST(MoneyTest, ExactOrRefused) {
  auto wan = [](absl::string_view s) {
    const auto f = ParseFigure(s, MoneyUnit::kWanyuan);
    return f ? absl::StrCat(f->fen) : std::string("refused");
  };
  EXPECT_EQ(wan("880.87"), "880870000");
  EXPECT_EQ(wan("0.30"), "300000");
  EXPECT_EQ(wan("1,234.56"), "1234560000");
  EXPECT_EQ(wan("-3.00"), "-3000000");
  EXPECT_EQ(wan("0.1234567"), "refused");
  EXPECT_EQ(wan("12.3.4"), "refused");
  EXPECT_EQ(wan("1,23.00"), "refused");
  EXPECT_EQ(wan("12a"), "refused");
  EXPECT_EQ(wan("."), "refused");
  EXPECT_EQ(wan("99999999999999999999"), "refused");
  EXPECT_EQ(ParseFigure("60,180", MoneyUnit::kYuan)->fen, 6018000);
  EXPECT_TRUE(IsBlank(" - "));
  EXPECT_FALSE(IsBlank("0.00"));
}

TEST(ImporterTest, ReadsTheReferenceWhole) {
  const auto r = ReadText(Reference());
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->request.budget().division_code(), "141100");
  EXPECT_EQ(r->request.budget().agency_code(), "031001");
  EXPECT_EQ(r->request.department_code(), "031");
  EXPECT_EQ(r->request.budget().fiscal_year(), 2024);
  EXPECT_EQ(r->unit, "万元");
  std::map<b::Analysis, int64_t> sums;
  std::map<b::Analysis, int> counts;
  int64_t income = 0;
  for (const b::LineItem& l : r->request.line_items()) {
    EXPECT_EQ(l.precision_fen(), 10000);
    if (l.direction() == b::DIRECTION_INCOME) {
      income += l.amount_fen();
      continue;
    }
    sums[l.analysis()] += l.amount_fen();
    ++counts[l.analysis()];
  }
  EXPECT_EQ(income, 880870000);
  EXPECT_EQ(sums[b::ANALYSIS_UNSPECIFIED], 880870000);
  EXPECT_EQ(sums[b::ANALYSIS_BASIC_ECONOMIC], 311170000);
  EXPECT_EQ(counts[b::ANALYSIS_BASIC_ECONOMIC], 22);
  EXPECT_EQ(sums[b::ANALYSIS_PROJECT], 569710000);
  EXPECT_EQ(counts[b::ANALYSIS_PROJECT], 9);
  EXPECT_EQ(sums[b::ANALYSIS_THREE_PUBLIC], 2000000);
  EXPECT_EQ(sums[b::ANALYSIS_OPERATING], 24850000);
  const auto lines = Lines(*r);
  EXPECT_EQ(lines.at("t5.2170102.project"), 149710000);
  EXPECT_EQ(lines.at("t5.2170101.basic"), 234510000);
  EXPECT_EQ(lines.at("t6.30107.50501.personnel"), 34550000);
  EXPECT_EQ(lines.at("t2.2101102.general"), 4130000);
  // Every printed figure went somewhere and stands in a rule.
  for (const TableReport& t : r->tables) {
    EXPECT_EQ(t.figures_checked, t.figures_read) << "table " << t.number;
    EXPECT_EQ(t.figures_read, t.to_lines + t.to_memo + t.to_checks) << "table " << t.number;
    // F-08: a project of table 12 without a form.
    EXPECT_EQ(t.differences, t.number == 12 ? 1 : 0) << "table " << t.number;
  }
  std::set<std::string> rounding;
  for (const b::Finding& f : r->findings) {
    // What fails is in the narrative and the forms.
    if (f.severity() == b::SEVERITY_ERROR) {
      EXPECT_TRUE(f.rule()[0] == 'N' || f.rule()[0] == 'F') << f.rule();
    }
    if (f.severity() == b::SEVERITY_INFO) rounding.insert(f.rule());
  }
  EXPECT_EQ(rounding, (std::set<std::string>{"T6-03", "T6-04"}));
}

TEST(ImporterTest, ProjectsCarryTheirForms) {
  const auto r = ReadText(Reference());
  ASSERT_TRUE(r.ok());
  ASSERT_EQ(r->request.projects_size(), 9);
  int forms = 0, without_year_goal = 0;
  for (const b::Project& p : r->request.projects()) {
    EXPECT_TRUE(p.project_code_derived());
    if (p.name() == "企业上市挂牌市级奖励经费") {
      EXPECT_FALSE(p.has_term_funding());
      continue;
    }
    ++forms;
    EXPECT_EQ(p.owning_agency(), "031-吕梁市人民政府金融工作办公室") << p.name();
    EXPECT_EQ(p.implementing_agency(), "吕梁市人民政府金融工作办公室") << p.name();
    EXPECT_EQ(p.attribute(), "经常性项目（长期开展）") << p.name();
    EXPECT_EQ(p.term(), "99年") << p.name();
    for (const b::ProjectFunding& f : {p.term_funding(), p.year_funding()}) {
      EXPECT_EQ(f.total_fen(), f.central_fen() + f.provincial_fen() + f.local_fen() +
                                   f.self_raised_fen() + f.other_fen())
          << p.name();
    }
    EXPECT_FALSE(p.overview().empty());
    EXPECT_FALSE(p.plan().empty());
    EXPECT_FALSE(p.term_goal().empty());
    without_year_goal += p.year_goal().empty();
    int term = 0, year = 0;
    for (const b::PerformanceIndicator& i : p.indicators()) {
      ++(i.period() == b::INDICATOR_PERIOD_TERM ? term : year);
      EXPECT_FALSE(i.level1().empty() || i.level2().empty() || i.level3().empty() ||
                   i.target().empty())
          << p.name();
    }
    EXPECT_EQ(term, year) << p.name();
    EXPECT_GE(term, 6) << p.name();
    if (p.name() == "会议费") {
      EXPECT_EQ(p.term_funding().total_fen(), 6018000);
      EXPECT_EQ(p.year_funding().total_fen(), 6000000);
    }
  }
  EXPECT_EQ(forms, 8);
  EXPECT_EQ(without_year_goal, 2);
}

TEST(ImporterTest, AChangeMadeEverywhereMovesJustItsLines) {
  const auto before = ReadText(Reference());
  const auto after = ReadText(absl::StrReplaceAll(
      Reference(), {{"知识产权保护经费\t0.30\t0.30", "知识产权保护经费\t1.30\t1.30"},
                    {"569.71", "570.71"},
                    {"880.87", "881.87"},
                    {"804.22", "805.22"},
                    {"149.71", "150.71"}}));
  ASSERT_TRUE(before.ok());
  ASSERT_TRUE(after.ok()) << after.status();
  const auto x = Lines(*before), y = Lines(*after);
  std::vector<std::string> moved;
  ASSERT_EQ(x.size(), y.size());
  for (const auto& [id, amount] : x) {
    if (y.at(id) != amount) moved.push_back(id.substr(0, id.find('.', 3)));
  }
  EXPECT_EQ(moved.size(), 3u) << absl::StrJoin(moved, " ");  // income, expenditure, the project
  for (int i = 0; i < 9; ++i)
    EXPECT_EQ(before->request.projects(i).project_code(),
              after->request.projects(i).project_code());
}

TEST(ImporterTest, AChangeInOneTableOnlyIsRefusedNamingTheRule) {
  const std::string text = absl::StrReplaceAll(
      Reference(), {{"知识产权保护经费\t0.30\t0.30", "知识产权保护经费\t1.30\t1.30"}});
  std::vector<b::Finding> findings;
  const auto r = ImportText(text, Options(), &findings);
  EXPECT_EQ(r.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StrContains(r.status().message(), "T12-02")) << r.status();
  EXPECT_FALSE(findings.empty());
  Options as_printed;
  as_printed.as_printed = true;
  const auto kept = ImportText(text, as_printed);
  ASSERT_TRUE(kept.ok());
  EXPECT_TRUE(kept->request.source().as_printed());
}

// Each figure of the tables, one at a time, with a digit changed by more than rounding: never
// accepted in silence.
TEST(ImporterTest, NoFigureCanChangeInSilence) {
  std::vector<std::string> lines = absl::StrSplit(Reference(), '\n');
  const auto original = Lines(*ReadText(Reference()));
  size_t first = 0, last = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (absl::StrContains(lines[i], "预算公开表1") && first == 0) first = i;
    if (absl::StartsWith(lines[i], "第三部分")) last = i;
  }
  ASSERT_LT(first, last);
  int figures = 0;
  for (size_t i = first; i < last; ++i) {
    const std::string whole = lines[i];
    std::vector<std::string> cells = absl::StrSplit(whole, '\t');
    for (std::string& cell : cells) {
      if (!absl::StrContains(cell, '.') || !ParseFigure(cell, MoneyUnit::kWanyuan)) continue;
      ++figures;
      const std::string kept = cell;
      cell[0] = cell[0] == '9' ? '8' : static_cast<char>(cell[0] + 1);
      lines[i] = absl::StrJoin(cells, "\t");
      const auto r = ReadText(absl::StrJoin(lines, "\n"));
      EXPECT_FALSE(r.ok()) << "line " << i + 1 << ": " << kept << " became " << cell
                           << " in silence";
      cell = kept;
    }
    lines[i] = whole;
  }
  EXPECT_GT(figures, 200);
}

// A blank cell that is dropped moves the figures after it: refused, or the same reading.
TEST(ImporterTest, ADroppedCellIsNoticed) {
  std::vector<std::string> lines = absl::StrSplit(Reference(), '\n');
  const auto original = Lines(*ReadText(Reference()));
  int tried = 0;
  for (size_t i = 60; i < lines.size(); ++i) {
    if (absl::StartsWith(lines[i], "第三部分")) break;
    const std::string whole = lines[i];
    size_t at = whole.find("\t\t");
    if (at == std::string::npos || whole.find_first_of("0123456789") == std::string::npos) continue;
    lines[i].erase(at, 1);
    const auto r = ReadText(absl::StrJoin(lines, "\n"));
    if (r.ok()) {
      EXPECT_EQ(Lines(*r), original) << "line " << i + 1;
    }
    lines[i] = whole;
    ++tried;
  }
  EXPECT_GT(tried, 20);
}

TEST(ImporterTest, WhatCantBeReadWholeIsRefusedWithPlaceAndReason) {
  auto message = [](const std::string& text) {
    const auto r = ReadText(text);
    EXPECT_EQ(r.status().code(), absl::StatusCode::kInvalidArgument) << r.status();
    return std::string(r.status().message());
  };
  auto has = [&](const std::string& text, const std::string& part) {
    const std::string m = message(text);
    EXPECT_TRUE(absl::StrContains(m, part)) << m;
  };
  has("", "none of their tables");
  has("hello\n", "none of their tables");
  has("\xff\xfe", "UTF-8");
  has(Reference().substr(0,
                         Reference().rfind("2024年政府性基金预算收入表（不含上年结转）\n\n部门")),
      "missing: table 7");
  has(Reference().substr(0, Reference().rfind("第三部分 2024年度部门预算情况说明")),
      "ends inside its tables");
  has(absl::StrReplaceAll(Reference(), {{"基本工资\t工资奖金津补贴\t88.33\t88.33",
                                         "基本工资\t工资奖金津补贴\t88.3.3\t88.33"}}),
      "88.3.3");
  has(absl::StrReplaceAll(Reference(),
                          {{"培训费\t20.00\t20.00\t\t\t\t", "培训费\t20.00\t20.00\t\t\t\t\t5.00"}}),
      "cells in a table of 7 columns");
  has(absl::StrReplaceAll(Reference(),
                          {{"2170101\t行政运行\t234.51\t234.51\t\n",
                            "2170101\t行政运行\t234.51\t234.51\t\n2170101\t行政运行\t\t\t\n"}}),
      "stands twice");
  has(absl::StrReplaceAll(Reference(), {{"邮电费\t办公经费", "不存在的科目\t办公经费"}}),
      "不存在的科目");
  std::string empty = Reference();
  for (const char* figure : {"880.87", "29.88", "15.84", "804.22", "30.93"})
    empty = absl::StrReplaceAll(empty, {{figure, ""}});
  has(empty, "empty template");
  // Codes that can't be known are asked for.
  const std::string stranger =
      absl::StrReplaceAll(Reference(), {{"吕梁市人民政府金融工作办公室", "某市某某局"}});
  has(stranger, "--division, --department, --agency");
  Options options;
  options.division_code = "141100";
  options.department_code = "031";
  options.agency_code = "031001";
  EXPECT_TRUE(ImportText(stranger, options).ok());
}

TEST(ImporterTest, PageBreaksAndByteOrderMarksDontMatter) {
  const auto plain = Lines(*ReadText(Reference()));
  const auto r =
      ReadText("\xef\xbb\xbf" +
               absl::StrReplaceAll(
                   Reference(), {{"\n", "\r\n"}, {"210\t卫生健康支出", "\r\n210\t卫生健康支出"}}));
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(Lines(*r), plain);
}

// Contents without dots and page numbers look like titles; they are not tables.
TEST(ImporterTest, ContentsAreNotTables) {
  const auto plain = Lines(*ReadText(Reference()));
  std::string text = Reference();
  const size_t end = text.find("第一部分 概况\n");
  ASSERT_NE(end, std::string::npos);
  std::string contents =
      "目 录\n第二部分 "
      "2024年部门预算报表\n2024年预算收支总表\n2024年预算收入总表\n2024年预算支出总表\n"
      "2024年财政拨款收支总表\n2024年项目支出预算表（本年预算）\n第三部分 "
      "2024年度部门预算情况说明\n一、变动情况\n";
  const auto r = ReadText(contents + text.substr(end));
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(Lines(*r), plain);
}

// A department that prints its units as one is kept for the department; projects of two units may
// have one name.
TEST(ImporterTest, ADepartmentOfTwoUnits) {
  const std::string name = "吕梁市人民政府金融工作办公室";
  const std::string text = absl::StrReplaceAll(
      Reference(), {{name + "\t24.85\t24.85\t\t",
                     name + "\t20.00\t20.00\t\t\n吕梁市资本市场服务中心\t4.85\t4.85\t\t"},
                    {name + "\t569.71\t569.71\t\t\t\t\n" + name + "\t569.71\t569.71\t\t\t\t\n",
                     name + "\t569.71\t569.71\t\t\t\t\n" + name + "\t440.00\t440.00\t\t\t\t\n"},
                    {"知识产权保护经费\t0.30",
                     "吕梁市资本市场服务中心\t129.71\t129.71\t\t\t\t\n知识产权保护经费\t0.30"},
                    {"会议费\t6.00\t6.00\t\t\t\t", "培训费\t6.00\t6.00\t\t\t\t"}});
  const auto r = ReadText(text);
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->request.scope(), b::SCOPE_DEPARTMENT);
  EXPECT_EQ(r->request.budget().agency_code(), "031");
  EXPECT_EQ(r->request.department_code(), "031");
  ASSERT_EQ(r->request.projects_size(), 9);
  std::set<std::string> codes;
  for (const b::Project& p : r->request.projects()) codes.insert(p.project_code());
  EXPECT_EQ(codes.size(), 9u);
  Options agency;
  agency.division_code = "141100";
  agency.department_code = "031";
  agency.agency_code = "031001";
  EXPECT_EQ(ImportText(text, agency).status().code(), absl::StatusCode::kInvalidArgument);
}

// 单位资金 beside the general budget: what T3 has over T5 is that fund's, known because it is the
// only one.
TEST(ImporterTest, OtherMoneyIsNamedWhereTheDocumentTells) {
  std::string text = absl::StrReplaceAll(
      Reference(), {
                       // T1: 5.00 of 单位资金 on top; all of it basic expenditure of 2170101.
                       {"五、单位资金\t\t五、教育支出", "五、单位资金\t5.00\t五、教育支出"},
                       {"十七、金融支出\t804.22\t804.22\t\n", "十七、金融支出\t809.22\t809.22\t\n"},
                   });
  // Tables 1, 2 and 3 grow by 5.00; 4 and 5 hold the books only.
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  int table = 0;
  for (std::string& line : lines) {
    if (line == "2024年预算收支总表") table = 1;
    if (line == "2024年预算收入总表") table = 2;
    if (line == "2024年预算支出总表") table = 3;
    if (line == "2024年财政拨款收支总表") table = 4;
    if (table == 1 && !absl::StrContains(line, "一般公共预算"))
      line = absl::StrReplaceAll(line, {{"880.87", "885.87"}});
    if (table == 2) {
      line = absl::StrReplaceAll(
          line, {{"合计\t\t880.87\t880.87\t\t\t\t\t", "合计\t\t885.87\t880.87\t\t\t\t5.00\t"},
                 {"804.22\t804.22\t\t\t\t\t", "809.22\t804.22\t\t\t\t5.00\t"},
                 {"234.51\t234.51\t\t\t\t\t", "239.51\t234.51\t\t\t\t5.00\t"}});
    }
    if (table == 3) {
      line = absl::StrReplaceAll(line, {{"合计\t\t880.87\t311.16\t", "合计\t\t885.87\t316.16\t"},
                                        {"804.22\t234.51", "809.22\t239.51"},
                                        {"234.51\t234.51", "239.51\t239.51"}});
    }
  }
  const auto r = ReadText(absl::StrJoin(lines, "\n"));
  ASSERT_TRUE(r.ok()) << r.status();
  const auto amounts = Lines(*r);
  EXPECT_EQ(amounts.at("t3.2170101.basic.other"), 5000000);
  EXPECT_EQ(amounts.at("t2.2170101.unit"), 5000000);
  for (const b::LineItem& l : r->request.line_items()) {
    if (l.line_id() == "t3.2170101.basic.other") {
      EXPECT_EQ(l.fund(), b::FUND_UNIT);
      EXPECT_EQ(l.funding_year(), b::FUNDING_YEAR_THIS_YEAR);
    }
  }
}

}  // namespace
}  // namespace fiscal::importer
