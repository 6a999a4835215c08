// The reader against the fixtures: what each prints is read, what is damaged is refused or told by
// a rule, and never is another reading taken in silence.
#include "clients/importer/reader.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/csv.h"
#include "clients/importer/importer.h"
#include "clients/importer/pdf.h"
#include "domain/articulation/check.h"
#include "domain/disclosure/names.h"
#include "gtest/gtest.h"

namespace fiscal::importer {
namespace {

namespace b = fiscal::budget::v1;
using articulation::Outcome;
using articulation::Report;
using articulation::RuleOutcome;
using articulation::Verdict;
using disclosure::Cell;
using disclosure::Disclosure;
using disclosure::Row;
using disclosure::Table;
using domain::Severity;

constexpr const char* kReference = "lvliang_finance_office_2024.txt";
constexpr const char* kManyUnits = "many_units_2024.txt";
constexpr const char* kDepartment = "putuo_commerce_2025_dept.txt";
constexpr const char* kUnit = "putuo_commerce_2025_unit.txt";
constexpr const char* kWanli = "putuo_wanli_2023_dept.txt";
constexpr const char* kWhole[] = {kReference, kManyUnits, kDepartment, kUnit, kWanli};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

const std::string& Fixture(const std::string& name) {
  static auto* const all = new std::map<std::string, std::string>();
  auto [it, fresh] = all->try_emplace(name);
  if (fresh) it->second = ReadFile("tests/data/documents/" + name);
  return it->second;
}

Disclosure MustRead(const std::string& text) {
  auto d = Read(text);
  EXPECT_TRUE(d.ok()) << d.status();
  return d.ok() ? *std::move(d) : Disclosure();
}

std::vector<std::string> Lines(const std::string& text) { return absl::StrSplit(text, '\n'); }
std::string Joined(const std::vector<std::string>& lines) { return absl::StrJoin(lines, "\n"); }

// The lines, counted from 0, from the first table's title to what ends the tables.
std::pair<size_t, size_t> TablesOf(const std::string& text) {
  const Disclosure d = MustRead(text);
  int first = 1 << 30, last = 0;
  for (int n = 1; n <= disclosure::kTables; ++n) {
    if (!d.has(n)) continue;
    first = std::min(first, d.table(n).title_line);
    last = std::max(last, d.table(n).title_line);
    for (const Row& row : d.table(n).rows) last = std::max(last, row.line);
  }
  return {static_cast<size_t>(first - 1), static_cast<size_t>(last)};
}

// Every figure of the tables with its address and its row's names: two readings are equal when
// these are. What order numbers, units and the pairs of one 款 in table 6, is told by name.
std::set<std::string> Reading(const Disclosure& d) {
  std::set<std::string> out;
  for (int n = 1; n <= disclosure::kTables; ++n) {
    const Table& t = d.table(n);
    for (const Row& row : t.rows) {
      const std::string key = n == 6                               ? row.code
                              : absl::StartsWith(row.key, "unit.") ? "unit"
                                                                   : row.key;
      const std::string other =
          row.unit >= 0 ? t.rows[static_cast<size_t>(row.unit)].label : row.other_label;
      const std::string name = absl::StrCat(n, " ", key, " ", disclosure::FoldName(row.label), " ",
                                            disclosure::FoldName(other));
      for (size_t c = 0; c < t.columns.size(); ++c) {
        if (!row.cells[c].blank())
          out.insert(absl::StrCat(name, " ", t.columns[c], " ", row.cells[c].value));
      }
    }
  }
  return out;
}

// The failed rules of severity ERROR, each with how often.
std::map<std::string, int> Failed(const Report& report) {
  std::map<std::string, int> failed;
  for (const RuleOutcome& o : report.outcomes) {
    if (o.outcome == Outcome::kFailed && o.severity == Severity::kError) ++failed[o.rule];
  }
  return failed;
}

// How a damaged document fares against the whole one: "refused", "equal", "told" by a rule, or
// "silent".
std::string Fate(const std::string& damaged, const std::set<std::string>& reading,
                 const std::map<std::string, int>& failed) {
  const auto d = Read(damaged);
  if (!d.ok()) {
    EXPECT_EQ(d.status().code(), absl::StatusCode::kInvalidArgument) << d.status();
    EXPECT_FALSE(d.status().message().empty());
    return "refused";
  }
  if (Reading(*d) == reading) return "equal";
  return Failed(articulation::Check(*d)) == failed ? "silent" : "told";
}

std::string Difference(const std::string& damaged, const std::set<std::string>& reading) {
  const std::set<std::string> now = Reading(MustRead(damaged));
  std::vector<std::string> lost, won;
  std::set_difference(reading.begin(), reading.end(), now.begin(), now.end(),
                      std::back_inserter(lost));
  std::set_difference(now.begin(), now.end(), reading.begin(), reading.end(),
                      std::back_inserter(won));
  return absl::StrCat("lost: ", absl::StrJoin(lost, "; "), "\n won: ", absl::StrJoin(won, "; "));
}

std::map<std::string, std::map<Outcome, int>> Counts(const Report& report) {
  std::map<std::string, std::map<Outcome, int>> counts;
  for (const RuleOutcome& o : report.outcomes) ++counts[o.rule][o.outcome];
  return counts;
}

const RuleOutcome* First(const Report& report, const std::string& rule, Outcome outcome) {
  for (const RuleOutcome& o : report.outcomes) {
    if (o.rule == rule && o.outcome == outcome) return &o;
  }
  return nullptr;
}

// ---- What the fixtures say ----

TEST(ReaderTest, TheReferenceGivesTheExpectedOutcomesRuleByRule) {
  const Report report = articulation::Check(MustRead(Fixture(kReference)));
  EXPECT_EQ(report.verdict, Verdict::kRoundingOnly);
  EXPECT_TRUE(report.conflicts.empty());
  auto counts = Counts(report);
  const auto rows = ParseCsv(ReadFile("tests/data/rules_expected.csv"));
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 102u);
  for (size_t i = 1; i < rows->size(); ++i) {
    const std::vector<std::string>& c = (*rows)[i].cells;
    ASSERT_EQ(c.size(), 7u);
    std::map<Outcome, int>& got = counts[c[0]];
    EXPECT_EQ(absl::StrCat(got[Outcome::kPassed], " ", got[Outcome::kRoundingOnly], " ",
                           got[Outcome::kFailed]),
              absl::StrCat(c[4], " ", c[5], " ", c[6]))
        << c[0];
    EXPECT_EQ(got[Outcome::kNotApplicable] + got[Outcome::kInsufficientData], 0) << c[0];
  }
}

TEST(ReaderTest, TheReferencesMistakesAreNamed) {
  const Report report = articulation::Check(MustRead(Fixture(kReference)));
  const RuleOutcome* percent = First(report, "N-15", Outcome::kFailed);
  ASSERT_NE(percent, nullptr);
  EXPECT_EQ(percent->printed, "14.81");
  EXPECT_EQ(percent->expected, "12.90");
  ASSERT_FALSE(percent->diagnoses.empty());
  EXPECT_EQ(percent->diagnoses[0].kind, "wrong_denominator");
  EXPECT_EQ(percent->diagnoses[0].suggested, "12.90");
  for (const char* rule : {"N-19", "N-24"}) {
    const RuleOutcome* count = First(report, rule, Outcome::kFailed);
    ASSERT_NE(count, nullptr) << rule;
    ASSERT_FALSE(count->diagnoses.empty()) << rule;
    const articulation::Diagnosis& best = count->diagnoses[0];
    EXPECT_EQ(absl::StrCat(best.cell.row, " ", best.cell.column, " ", best.cell.printed, " ",
                           best.suggested, " ", best.restored, " ", best.broken),
              "managed specific 8 1 2 0")
        << rule;
  }
  for (const char* rule : {"F-01", "F-08"}) {
    const RuleOutcome* form = First(report, rule, Outcome::kFailed);
    ASSERT_NE(form, nullptr) << rule;
    EXPECT_TRUE(absl::StrContains(form->message_zh, "企业上市挂牌市级奖励经费 420.00"))
        << form->message_zh;
    EXPECT_TRUE(std::any_of(form->cells.begin(), form->cells.end(),
                            [](const articulation::CellRef& c) {
                              return c.row == "project.企业上市挂牌市级奖励经费" &&
                                     c.printed == "420.00";
                            }))
        << rule;
  }
}

// Rows and printed figures of each table, by the 13-table form's numbers.
TEST(ReaderTest, EveryTableOfTheFixturesIsReadWhole) {
  const std::map<std::string, std::string> expected = {
      {kReference, "41/15 17/34 17/37 42/15 17/37 27/55 1/0 1/0 2/0 6/6 2/4 11/22 0/0"},
      {kManyUnits, "41/27 30/77 30/66 42/29 25/56 38/77 6/6 4/8 9/13 6/13 3/6 14/40 6/14"},
      {kDepartment, "16/11 31/62 31/65 12/18 31/65 31/63 0/0 1/0 1/0 6/2 1/1 0/0 0/0"},
      {kUnit, "16/24 31/62 31/65 12/18 31/65 31/63 0/0 1/0 1/0 6/2 1/1 0/0 0/0"},
      {kWanli, "17/12 67/134 67/201 13/20 67/201 31/63 0/0 1/0 1/0 6/6 1/1 0/0 0/0"},
  };
  for (const auto& [name, sizes] : expected) {
    const Disclosure d = MustRead(Fixture(name));
    std::vector<std::string> got;
    for (int n = 1; n <= disclosure::kTables; ++n) {
      int figures = 0;
      for (const Row& row : d.table(n).rows) {
        ASSERT_EQ(row.cells.size(), d.table(n).columns.size());
        for (const Cell& c : row.cells) figures += !c.blank();
      }
      got.push_back(absl::StrCat(d.table(n).rows.size(), "/", figures));
    }
    EXPECT_EQ(absl::StrJoin(got, " "), sizes) << name;
  }
}

TEST(ReaderTest, FiguresStandInTheirCells) {
  const struct {
    const char* file;
    int table;
    const char *row, *column, *printed;
  } cells[] = {
      {kReference, 5, "2170101", "basic", "234.51"},
      {kReference, 5, "2170101", "project", ""},
      {kReference, 6, "30107", "personnel", "34.55"},
      {kReference, 12, "project.企业上市挂牌市级奖励经费", "G", "420.00"},
      {kManyUnits, 7, "103014801", "amount", "440.00"},
      {kManyUnits, 9, "revenue.1030602", "amount", "14.00"},
      {kManyUnits, 9, "2239999", "project", "52.00"},
      {kManyUnits, 10, "operation", "F", "1.60"},
      {kManyUnits, 12, "project.职工技能培训", "U", "5.50"},
      {kManyUnits, 13, "unit.2", "G", "12.30"},
      {kDepartment, 1, "income.G", "amount", "371,514,655.00"},
      {kDepartment, 1, "class.215", "total", "293,810,000.00"},
      {kDepartment, 2, "2080506", "fiscal", "705,443.00"},
      {kDepartment, 3, "2011302", "basic", ""},
      {kDepartment, 3, "2011302", "project", "4,545,000.00"},
      {kDepartment, 4, "expenditure.total", "G", "371,514,655.00"},
      {kDepartment, 6, "31002", "public", "78,000.00"},
      {kDepartment, 10, "reception", "total", "1.00"},
      {kDepartment, 10, "operation", "total", ""},
      {kDepartment, 11, "total", "total", "171.01"},
      {kUnit, 3, "total", "project", "351,684,000.00"},
      {kWanli, 3, "201", "basic", "0"},
      {kWanli, 4, "class.207", "total", "200,000"},
      {kWanli, 5, "2012902", "project", "454,100"},
      {kWanli, 10, "operation", "total", "21.56"},
      {kWanli, 11, "total", "total", "786.09"},
  };
  for (const auto& c : cells) {
    const Disclosure d = MustRead(Fixture(c.file));
    const Cell* cell = d.table(c.table).At(c.row, c.column);
    ASSERT_NE(cell, nullptr) << c.file << " " << c.table << " " << c.row << " " << c.column;
    EXPECT_EQ(cell->printed, c.printed)
        << c.file << " " << c.table << " " << c.row << " " << c.column;
  }
  // A name broken around its row.
  const Disclosure d = MustRead(Fixture(kWanli));
  ASSERT_NE(d.table(2).Find("2080505"), nullptr);
  EXPECT_EQ(d.table(2).Find("2080505")->label, "机关事业单位基本养老保险缴费支出");
  ASSERT_NE(d.table(4).Find("class.207"), nullptr);
  EXPECT_EQ(d.table(4).Find("class.207")->label, "四、文化旅游体育与传媒支出");
}

TEST(ReaderTest, ADepartmentAndItsOnlyUnitPrintTheSame) {
  const Disclosure department = MustRead(Fixture(kDepartment)), unit = MustRead(Fixture(kUnit));
  EXPECT_TRUE(department.department);
  EXPECT_FALSE(unit.department);
  EXPECT_EQ(department.department_name, unit.department_name);
  for (int n = 2; n <= disclosure::kTables; ++n) {
    const Table &x = department.table(n), &y = unit.table(n);
    ASSERT_EQ(x.rows.size(), y.rows.size()) << n;
    EXPECT_EQ(x.columns, y.columns) << n;
    for (size_t r = 0; r < x.rows.size(); ++r) {
      EXPECT_EQ(x.rows[r].key, y.rows[r].key) << n;
      EXPECT_EQ(x.rows[r].label, y.rows[r].label) << n;
      for (size_t c = 0; c < x.columns.size(); ++c)
        EXPECT_EQ(x.rows[r].cells[c].printed, y.rows[r].cells[c].printed)
            << n << " " << x.rows[r].key << " " << x.columns[c];
    }
  }
  // The unit's table 1 splits what the department's does not.
  EXPECT_EQ(unit.table(1).columns,
            (std::vector<std::string>{"amount", "total", "personnel", "public", "project"}));
  for (const Row& row : unit.table(1).rows) {
    EXPECT_EQ(department.table(1).Value(row.key, "total"), unit.table(1).Value(row.key, "total"))
        << row.key;
  }
}

TEST(ReaderTest, WhatTheOtherFixturesGetWrong) {
  EXPECT_EQ(articulation::Check(MustRead(Fixture(kDepartment))).verdict, Verdict::kExact);
  EXPECT_EQ(articulation::Check(MustRead(Fixture(kUnit))).verdict, Verdict::kExact);
  for (const char* name : {kDepartment, kUnit, kManyUnits}) {
    const Report report = articulation::Check(MustRead(Fixture(name)));
    EXPECT_EQ(report.verdict, Verdict::kExact) << name;
    for (const RuleOutcome& o : report.outcomes) {
      EXPECT_NE(o.outcome, Outcome::kFailed) << name << " " << o.rule << ": " << o.message;
      EXPECT_NE(o.outcome, Outcome::kRoundingOnly) << name << " " << o.rule;
    }
  }
  std::multiset<std::string> failed;
  for (const RuleOutcome& o : articulation::Check(MustRead(Fixture(kWanli))).outcomes) {
    if (o.outcome != Outcome::kFailed) continue;
    ASSERT_FALSE(o.cells.empty()) << o.rule;
    failed.insert(absl::StrCat(o.rule, " ", o.cells[0].row, " ", o.expected));
  }
  EXPECT_EQ(failed, (std::multiset<std::string>{
                        "F-02 project.公共服务设施运行经费 11,419,043.00",
                        "N-03 item.2012902 289.12",
                        "N-03 item.2080506 232.79",
                        "N-07 item.2080506 220.63",
                    }));
}

TEST(ReaderTest, ATermOfSeveralYearsMayHaveMoreMoneyThanTheYear) {
  const std::string row = "项目属性\t\t阶段性项目\t\t项目期\t\t3年";
  ASSERT_TRUE(absl::StrContains(Fixture(kManyUnits), row));
  for (const char* term : {"1年", "99年", "长期"}) {
    const Report report = articulation::Check(MustRead(absl::StrReplaceAll(
        Fixture(kManyUnits), {{row, absl::StrCat("项目属性\t\t阶段性项目\t\t项目期\t\t", term)}})));
    const RuleOutcome* o = First(report, "F-04", Outcome::kFailed);
    ASSERT_NE(o, nullptr) << term;
    EXPECT_EQ(o->cells[0].row, "project.城区道路改造");
  }
}

// ---- What is damaged ----

TEST(ReaderTest, ABlankTemplateIsRefused) {
  const auto d = Read(Fixture("blank_final_accounts_template.txt"));
  EXPECT_EQ(d.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(d.status().message(), "an empty template")) << d.status();
}

TEST(ReaderTest, ADocumentCutOffInItsTablesIsRefused) {
  for (const char* name : kWhole) {
    const std::vector<std::string> lines = Lines(Fixture(name));
    const auto [first, last] = TablesOf(Fixture(name));
    const Disclosure d = MustRead(Fixture(name));
    std::set<size_t> cuts;
    for (int n = 1; n <= disclosure::kTables; ++n) {
      if (d.has(n)) cuts.insert(static_cast<size_t>(d.table(n).title_line - 1));
    }
    std::mt19937 random(20240131);
    for (int i = 0; i < 40; ++i) cuts.insert(first + random() % (last - first + 1));
    for (size_t cut : cuts) {
      const auto r =
          Read(Joined({lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(cut)}));
      ASSERT_FALSE(r.ok()) << name << " cut before line " << cut + 1;
      EXPECT_EQ(r.status().code(), absl::StatusCode::kInvalidArgument);
      const std::string message(r.status().message());
      EXPECT_TRUE(absl::StrContains(message, "missing") ||
                  absl::StrContains(message, "ends inside") ||
                  absl::StrContains(message, "empty template") ||
                  absl::StrContains(message, "none of their tables"))
          << message;
    }
  }
}

TEST(ReaderTest, ShuffledLinesAreRefusedOrReadTheSame) {
  for (const char* name : kWhole) {
    const std::string& text = Fixture(name);
    const std::vector<std::string> lines = Lines(text);
    const auto [first, last] = TablesOf(text);
    const Disclosure whole = MustRead(text);
    const std::set<std::string> reading = Reading(whole);
    const auto failed = Failed(articulation::Check(whole));
    for (unsigned seed = 0; seed < 40; ++seed) {
      std::mt19937 random(seed);
      std::vector<std::string> shuffled = lines;
      // Of the document; of the tables; of a few lines below each other, as a bad extraction does.
      if (seed % 4 == 0) {
        std::shuffle(shuffled.begin(), shuffled.end(), random);
      } else if (seed % 4 == 1) {
        std::shuffle(shuffled.begin() + static_cast<std::ptrdiff_t>(first),
                     shuffled.begin() + static_cast<std::ptrdiff_t>(last), random);
      } else {
        const size_t at = first + random() % (last - first - 4);
        std::shuffle(shuffled.begin() + static_cast<std::ptrdiff_t>(at),
                     shuffled.begin() + static_cast<std::ptrdiff_t>(at + 4), random);
      }
      const std::string fate = Fate(Joined(shuffled), reading, failed);
      EXPECT_NE(fate, "silent") << name << " seed " << seed << "\n"
                                << Difference(Joined(shuffled), reading);
    }
  }
}

// One line of the tables at a time: left out, twice, in the place of the next, cut in two.
TEST(ReaderTest, NoLineOfATableGoesOrMovesInSilence) {
  for (const char* name : kWhole) {
    const std::string& text = Fixture(name);
    const std::vector<std::string> lines = Lines(text);
    const auto [first, last] = TablesOf(text);
    const Disclosure whole = MustRead(text);
    const std::set<std::string> reading = Reading(whole);
    const auto failed = Failed(articulation::Check(whole));
    std::map<std::string, int> fates;
    for (size_t i = first; i < last; ++i) {
      if (disclosure::FoldName(lines[i]).empty()) continue;
      // The longest fixture is sampled: its tables repeat themselves.
      if (name == kWanli && i % 3 != 0) continue;
      for (const char* edit : {"drop", "twice", "swap"}) {
        std::vector<std::string> edited = lines;
        const auto at = edited.begin() + static_cast<std::ptrdiff_t>(i);
        if (edit == std::string("drop")) {
          edited.erase(at);
        } else if (edit == std::string("twice")) {
          const std::string line = *at;
          edited.insert(at, line);
        } else {
          std::swap(edited[i], edited[i + 1]);
        }
        const std::string fate = Fate(Joined(edited), reading, failed);
        ++fates[fate];
        EXPECT_NE(fate, "silent") << name << " line " << i + 1 << " " << edit << ": " << lines[i]
                                  << "\n"
                                  << Difference(Joined(edited), reading);
      }
    }
    EXPECT_GT(fates["refused"], 20) << name;
  }
}

// A stamp or a note over a table falls between its lines: never into a name.
TEST(ReaderTest, TextBetweenRowsIsNoPartOfThem) {
  for (const char* name : {kDepartment, kUnit, kWanli, kReference}) {
    const std::string& text = Fixture(name);
    const std::vector<std::string> lines = Lines(text);
    const Disclosure whole = MustRead(text);
    const std::set<std::string> reading = Reading(whole);
    const auto failed = Failed(articulation::Check(whole));
    for (int n = 1; n <= disclosure::kTables; ++n) {
      const Table& t = whole.table(n);
      for (size_t r = 0; r + 1 < t.rows.size(); ++r) {
        if (name == kWanli && r % 3 != 0) continue;
        std::vector<std::string> edited = lines;
        edited.insert(edited.begin() + t.rows[r].line, "                审核意见");
        EXPECT_NE(Fate(Joined(edited), reading, failed), "silent")
            << name << " behind line " << t.rows[r].line << "\n"
            << Difference(Joined(edited), reading);
      }
    }
  }
  // An amount of a line that lost its tabs is not taken for a heading.
  const Disclosure d = MustRead(Fixture(kReference));
  std::vector<std::string> lines = Lines(Fixture(kReference));
  const size_t total = static_cast<size_t>(d.table(3).Find("total")->line - 1);
  lines[total] = absl::StrReplaceAll(lines[total], {{"\t", " "}});
  const auto refused = Read(Joined(lines));
  EXPECT_TRUE(absl::StrContains(refused.status().message(),
                                absl::StrCat("table 3, line ", total + 1, ": text between")))
      << refused.status();
}

// A text tool that loses blanks moves figures: seen, or read the same.
TEST(ReaderTest, LostBlanksAreNoticed) {
  for (const char* name : {kDepartment, kUnit, kWanli}) {
    const std::string& text = Fixture(name);
    const std::vector<std::string> lines = Lines(text);
    const auto [first, last] = TablesOf(text);
    const Disclosure whole = MustRead(text);
    const std::set<std::string> reading = Reading(whole);
    const auto failed = Failed(articulation::Check(whole));
    int tried = 0;
    for (size_t i = first; i < last; ++i) {
      if (lines[i].find_first_of("0123456789") == std::string::npos) continue;
      if (name == kWanli && i % 3 != 0) continue;
      std::vector<std::string> edited = lines;
      std::vector<std::string> words = absl::StrSplit(lines[i], ' ', absl::SkipEmpty());
      edited[i] = absl::StrJoin(words, " ");
      std::vector<std::string> texts = {Joined(edited)};
      // Some blanks before the last figure.
      const size_t blank = lines[i].find_last_of(' ');
      if (blank != std::string::npos && blank > 14 &&
          lines[i].substr(blank - 12, 13) == std::string(13, ' ')) {
        edited[i] = lines[i].substr(0, blank - 12) + lines[i].substr(blank);
        texts.push_back(Joined(edited));
      }
      for (const std::string& damaged : texts) {
        ++tried;
        EXPECT_NE(Fate(damaged, reading, failed), "silent")
            << name << " line " << i + 1 << ": " << lines[i] << "\n"
            << Difference(damaged, reading);
      }
    }
    EXPECT_GT(tried, 60) << name;
  }
}

// `text` with the first line that has `part`, from line `from` on, changed.
std::string Changed(const std::string& text, const std::string& part, const std::string& becomes,
                    size_t from = 0) {
  std::vector<std::string> lines = Lines(text);
  for (size_t i = from; i < lines.size(); ++i) {
    if (!absl::StrContains(lines[i], part)) continue;
    lines[i] = absl::StrReplaceAll(lines[i], {{part, becomes}});
    return Joined(lines);
  }
  ADD_FAILURE() << "no line has " << part;
  return text;
}

void ExpectRefused(const std::string& text, const std::vector<std::string>& parts) {
  const auto d = Read(text);
  ASSERT_FALSE(d.ok()) << absl::StrJoin(parts, ", ");
  EXPECT_EQ(d.status().code(), absl::StatusCode::kInvalidArgument);
  for (const std::string& part : parts)
    EXPECT_TRUE(absl::StrContains(d.status().message(), part)) << d.status() << " has no " << part;
}

TEST(ReaderTest, RefusalsNameTableLineAndReason) {
  const std::string& tabbed = Fixture(kReference);
  const std::string& laid_out = Fixture(kDepartment);
  const size_t t = TablesOf(tabbed).first, l = TablesOf(laid_out).first;
  const Disclosure tabs = MustRead(tabbed), blanks = MustRead(laid_out);
  auto line = [](const Disclosure& d, int table, const char* row) {
    return absl::StrCat("line ", d.table(table).Find(row)->line);
  };
  // Codes out of order.
  ExpectRefused(Changed(tabbed, "2101102\t", "2101105\t", t),
                {"table 2", line(tabs, 2, "2101103"), "stands after"});
  ExpectRefused(Changed(laid_out, "201   13   02", "201   13   52", l),
                {"table 2", line(blanks, 2, "2011350"), "stands after"});
  // Two figures in one place.
  ExpectRefused(Changed(tabbed, "234.51\t234.51", "234.51 234.51\t234.51", t),
                {"table 2", line(tabs, 2, "2170101"), "is no amount"});
  ExpectRefused(
      Changed(laid_out, "12,291,733.00    9,310,000.00", "12,291,733.00 8.00 9,310,000.00", l),
      {"table 3", line(blanks, 3, "201"), "columns"});
  // A figure that is none.
  ExpectRefused(Changed(tabbed, "234.51\t", "23.4.51\t", t),
                {"table 2", "23.4.51", "is no amount"});
  ExpectRefused(
      Changed(laid_out, "631,941.00        631,941.00", "63,1941.00        631,941.00", l),
      {"table 2", "63,1941.00"});
  // Text between rows.
  ExpectRefused(Changed(tabbed, "2170101\t", "这里多了一句话。\n2170101\t", t),
                {"table 2", "text between its rows"});
  ExpectRefused(
      Changed(laid_out, "201   13   02",
              "这里多了一句很长的话，它比任何一个科目名称都要长得多得多得多。\n201   13   02", l),
      {"table 2", "text between its rows"});
  // Another department's table.
  const std::string name = "部门名称：吕梁市人民政府金融工作办公室";
  ExpectRefused(Changed(tabbed, name, "部门名称：吕梁市财政局",
                        static_cast<size_t>(tabs.table(5).title_line)),
                {"table 5", "吕梁市财政局", "吕梁市人民政府金融工作办公室"});
  ExpectRefused(
      Changed(laid_out, "编制部门：上海市普陀区商务委员会", "编制部门：上海市普陀区财政局",
              static_cast<size_t>(blanks.table(6).title_line)),
      {"table 8", "上海市普陀区财政局"});
  // Another year's.
  ExpectRefused(Changed(tabbed, "2024年预算支出总表", "2023年预算支出总表",
                        static_cast<size_t>(tabs.table(3).title_line - 1)),
                {"table 3", "2023", "2024"});
  // Units that are none, or two.
  ExpectRefused(
      Changed(laid_out, "单位：元", "单位：千元", static_cast<size_t>(blanks.table(3).title_line)),
      {"table 3"});
  // A table twice, or in another's place.
  std::vector<std::string> lines = Lines(tabbed);
  const auto from = lines.begin() + tabs.table(3).title_line - 1;
  const auto to = lines.begin() + tabs.table(4).title_line - 1;
  const std::vector<std::string> third(from, to);
  std::vector<std::string> twice = lines;
  twice.insert(twice.begin() + tabs.table(4).title_line - 1, third.begin(), third.end());
  ExpectRefused(Joined(twice),
                {"table 3", absl::StrCat("line ", tabs.table(4).title_line), "stands twice"});
  std::vector<std::string> later = lines;
  later.insert(later.begin() + tabs.table(5).title_line - 1, third.begin(), third.end());
  ExpectRefused(Joined(later), {"table 3", "stands twice"});
  std::vector<std::string> moved = lines;
  moved.erase(moved.begin() + tabs.table(3).title_line - 1,
              moved.begin() + tabs.table(4).title_line - 1);
  ExpectRefused(Joined(moved), {"missing: table 3"});
  moved.insert(moved.begin() + (tabs.table(5).title_line - 1) - static_cast<int>(third.size()),
               third.begin(), third.end());
  ExpectRefused(Joined(moved), {"table 3", "stands after table 4"});
}

// What rules and diagnoses do grows faster than a table: one that no department has is refused at
// once.
TEST(ReaderTest, TablesBeyondAllBoundsAreRefused) {
  const Disclosure d = MustRead(Fixture(kReference));
  auto with = [&](int behind, int count, const std::function<std::string(int)>& line) {
    std::vector<std::string> lines = Lines(Fixture(kReference)), more;
    for (int i = 0; i < count; ++i) more.push_back(line(i));
    lines.insert(lines.begin() + behind, more.begin(), more.end());
    return Joined(lines);
  };
  ExpectRefused(with(d.table(5).Find("2210201")->line, 4000,
                     [](int i) { return absl::StrCat(2230000 + i, "\t项\t1.00\t1.00\t"); }),
                {"table 5", "more than 3000 lines"});
  ExpectRefused(with(d.table(12).rows.back().line, 4000,
                     [](int i) { return absl::StrCat("项目", i, "\t1.00\t1.00"); }),
                {"table 12", "more than 3000 lines"});
  ExpectRefused(with(static_cast<int>(Lines(Fixture(kReference)).size()), 4000,
                     [](int i) { return absl::StrCat("项目名称\t项目", i); }),
                {"more than 3000 performance forms"});
}

// ---- Tables laid out by blanks ----

// The department's document with other lines for its table 3 (合计, 基本支出, 项目支出), or another one.
Disclosure WithTable(const std::string& body, absl::Status* refused = nullptr, int table = 3) {
  const Disclosure whole = MustRead(Fixture(kDepartment));
  std::vector<std::string> lines = Lines(Fixture(kDepartment));
  int next = 1 << 30;
  for (int n = 1; n <= disclosure::kTables; ++n) {
    if (whole.has(n) && whole.table(n).title_line > whole.table(table).title_line)
      next = std::min(next, whole.table(n).title_line);
  }
  lines.erase(lines.begin() + whole.table(table).title_line, lines.begin() + next - 1);
  lines.insert(lines.begin() + whole.table(table).title_line, body);
  auto d = Read(Joined(lines));
  if (refused != nullptr) {
    *refused = d.status();
  } else {
    EXPECT_TRUE(d.ok()) << d.status();
  }
  return d.ok() ? *std::move(d) : Disclosure();
}

// "key label: total basic project" of table 3.
std::vector<std::string> Third(const Disclosure& d) {
  std::vector<std::string> out;
  for (const Row& row : d.table(3).rows) {
    std::vector<std::string> cells;
    for (const Cell& c : row.cells) cells.push_back(c.blank() ? "_" : c.printed);
    out.push_back(absl::StrCat(row.key, " ", row.label, ": ", absl::StrJoin(cells, " ")));
  }
  return out;
}

constexpr const char* kHead = R"(编制部门：上海市普陀区商务委员会                          单位：元
                  项目                          支出预算
功能分类科目编码
                    功能分类科目名称         合计         基本支出       项目支出
类     款    项
)";

TEST(LayoutTest, BlankColumnsAreTheColumnsOfTheirHeadings) {
  EXPECT_EQ(
      Third(WithTable(std::string(kHead) +
                      R"(201             一般公共服务支出            300.00     100.00     200.00
201   13        商贸事务                300.00     100.00     200.00
201   13   01   行政运行                100.00     100.00
201   13   02   一般行政管理事务            200.00                200.00
                      合计             300.00     100.00     200.00
)")),
      (std::vector<std::string>{
          "201 一般公共服务支出: 300.00 100.00 200.00", "20113 商贸事务: 300.00 100.00 200.00",
          "2011301 行政运行: 100.00 100.00 _", "2011302 一般行政管理事务: 200.00 _ 200.00",
          "total 合计: 300.00 100.00 200.00"}));
  // A column without any figure: the headings tell which.
  EXPECT_EQ(
      Third(WithTable(std::string(kHead) +
                      R"(201             一般公共服务支出            200.00                200.00
201   13        商贸事务                200.00                200.00
201   13   02   一般行政管理事务            200.00                200.00
                      合计             200.00                200.00
)")),
      (std::vector<std::string>{
          "201 一般公共服务支出: 200.00 _ 200.00", "20113 商贸事务: 200.00 _ 200.00",
          "2011302 一般行政管理事务: 200.00 _ 200.00", "total 合计: 200.00 _ 200.00"}));
}

TEST(LayoutTest, PagesHavePositionsOfTheirOwn) {
  EXPECT_EQ(Third(WithTable(std::string(kHead) +
                            R"(201             一般公共服务支出            100.00     100.00
201   13        商贸事务                100.00     100.00
201   13   01   行政运行                100.00     100.00

<<<PAGE BREAK>>>
206             科学技术支出      200.00               200.00
206   05        科技条件与服务     200.00               200.00
206   05   03   科技条件专项      200.00               200.00
                合计        300.00    100.00     200.00
)")),
            (std::vector<std::string>{
                "201 一般公共服务支出: 100.00 100.00 _", "20113 商贸事务: 100.00 100.00 _",
                "2011301 行政运行: 100.00 100.00 _", "206 科学技术支出: 200.00 _ 200.00",
                "20605 科技条件与服务: 200.00 _ 200.00", "2060503 科技条件专项: 200.00 _ 200.00",
                "total 合计: 300.00 100.00 200.00"}));
}

TEST(LayoutTest, NamesBrokenOverLinesAreOneName) {
  EXPECT_EQ(Third(WithTable(std::string(kHead) +
                            R"(201             一般公共服务支出            300.00     300.00
201   13        商贸事务                300.00     300.00
                机关事业单位基本养老
201   13   01                       100.00     100.00
                保险缴费支出
201   13   02   一般行政管理事务            200.00     200.00
                      合计             300.00     300.00
)"))[2],
            "2011301 机关事业单位基本养老保险缴费支出: 100.00 100.00 _");
  EXPECT_EQ(Third(WithTable(std::string(kHead) +
                            R"(201             一般公共服务支出            300.00     300.00
201   13        商贸事务                300.00     300.00
201   13   01   机关事业单位基本养老          100.00     100.00
                保险缴费支出
201   13   02   一般行政管理事务            200.00     200.00
                      合计             300.00     300.00
)"))[2],
            "2011301 机关事业单位基本养老保险缴费支出: 100.00 100.00 _");
}

TEST(LayoutTest, UnitsAndWhatStandsForNoMoney) {
  const std::string rows =
      R"(201             一般公共服务支出            300.00     300.00      0.00
201   13        商贸事务                300.00     300.00      0.00
201   13   01   行政运行                300.00     300.00        -
                      合计             300.00     300.00      0.00
)";
  const Disclosure yuan = WithTable(kHead + rows);
  EXPECT_EQ(yuan.table(3).Value("total", "total"), 30000);
  EXPECT_EQ(Third(yuan)[0], "201 一般公共服务支出: 300.00 300.00 0.00");
  EXPECT_EQ(Third(yuan)[2], "2011301 行政运行: 300.00 300.00 _");
  const Disclosure wanyuan =
      WithTable(absl::StrReplaceAll(kHead, {{"单位：元", "单位：万元"}}) + rows);
  EXPECT_EQ(wanyuan.table(3).Value("total", "total"), 300000000);
  EXPECT_EQ(wanyuan.table(3).unit, disclosure::MoneyUnit::kWanyuan);
}

TEST(LayoutTest, WhatCantBeToldIsRefused) {
  absl::Status status;
  // Two figures over each other.
  WithTable(
      std::string(kHead) +
          R"(201             一般公共服务支出            300.00     100.00     200.00     400.00
                      合计             300.00     100.00     200.00
)",
      &status);
  EXPECT_TRUE(absl::StrContains(status.message(), "columns")) << status;
  // Figures without a code.
  WithTable(std::string(kHead) +
                R"(201             一般公共服务支出            300.00     100.00     200.00
                商贸事务                300.00     100.00     200.00
                      合计             300.00     100.00     200.00
)",
            &status);
  EXPECT_TRUE(absl::StrContains(status.message(), "figures without a code")) << status;
  // A code without a name.
  WithTable(std::string(kHead) +
                R"(201                                 300.00     100.00     200.00
                      合计             300.00     100.00     200.00
)",
            &status);
  EXPECT_TRUE(absl::StrContains(status.message(), "has no name")) << status;
  // A table whose 合计 is lost.
  WithTable(std::string(kHead) +
                R"(201             一般公共服务支出            300.00     100.00     200.00
)",
            &status);
  EXPECT_TRUE(absl::StrContains(status.message(), "合计")) << status;
}

// ---- PDF ----

TEST(PdfTest, ThePdfOfADocumentReadsAsItsText) {
  const std::string bytes = Fixture("putuo_commerce_2025_dept.pdf");
  EXPECT_TRUE(IsPdf(bytes));
  EXPECT_FALSE(IsPdf(Fixture(kDepartment)));
  const auto text = PdfToText(bytes);
  ASSERT_TRUE(text.ok()) << text.status();
  const Disclosure pdf = MustRead(*text), plain = MustRead(Fixture(kDepartment));
  EXPECT_EQ(Reading(pdf), Reading(plain));
  EXPECT_EQ(pdf.department_name, plain.department_name);
  EXPECT_EQ(pdf.fiscal_year, plain.fiscal_year);
  // The figures of the sentences too.
  const Table &x = pdf.table(disclosure::kNarrative), &y = plain.table(disclosure::kNarrative);
  ASSERT_EQ(x.rows.size(), y.rows.size());
  for (size_t r = 0; r < x.rows.size(); ++r) {
    EXPECT_EQ(x.rows[r].key, y.rows[r].key);
    for (size_t c = 0; c < x.columns.size(); ++c)
      EXPECT_EQ(x.rows[r].cells[c].printed, y.rows[r].cells[c].printed) << x.rows[r].key;
  }
  EXPECT_EQ(articulation::Check(pdf).verdict, Verdict::kExact);
}

TEST(PdfTest, WhatHasNoReadableTextIsRefused) {
  auto message = [](absl::string_view bytes) {
    const auto text = PdfToText(bytes);
    EXPECT_EQ(text.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(text.status().message());
  };
  const std::string& whole = Fixture("putuo_commerce_2025_dept.pdf");
  EXPECT_TRUE(absl::StrContains(message("%PDF-1.5\nnothing behind it"), "damaged"));
  EXPECT_TRUE(absl::StrContains(message(Fixture("encrypted.pdf")), "encrypted"));
  const std::string scan =
      "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
      "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
      "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\n"
      "trailer<</Root 1 0 R>>\n%%EOF\n";
  EXPECT_TRUE(absl::StrContains(message(scan), "a scan"));
  // Cut off, it is refused as a PDF or, where pages could be saved, as a document.
  for (size_t part = 1; part < 8; ++part) {
    const auto text = PdfToText(absl::string_view(whole).substr(0, whole.size() * part / 8));
    if (text.ok()) {
      EXPECT_FALSE(Read(*text).ok()) << part;
    }
  }
}

// ---- Line items ----

absl::StatusOr<Result> Imported(const std::string& name) {
  Options options;
  options.division_code = "310107";
  options.department_code = "210";
  options.agency_code = "210001";
  return Import(Fixture(name), MustRead(Fixture(name)), CatalogView(), options, nullptr);
}

TEST(ImportTest, LineItemsAddUpToTheTables) {
  for (const char* name : {kDepartment, kUnit, kWanli}) {
    const Disclosure d = MustRead(Fixture(name));
    const auto r = Imported(name);
    ASSERT_TRUE(r.ok()) << r.status();
    std::map<std::string, int64_t> by_code, income_by_code;
    std::map<b::Category, int64_t> by_category;
    std::map<b::Fund, int64_t> by_fund;
    int64_t expenditure = 0, income = 0;
    for (const b::LineItem& l : r->request.line_items()) {
      if (l.analysis() != b::ANALYSIS_UNSPECIFIED) continue;
      if (l.direction() == b::DIRECTION_INCOME) {
        income += l.amount_fen();
        income_by_code[l.functional_code()] += l.amount_fen();
        continue;
      }
      expenditure += l.amount_fen();
      by_code[l.functional_code()] += l.amount_fen();
      by_category[l.category()] += l.amount_fen();
      by_fund[l.fund()] += l.amount_fen();
    }
    EXPECT_EQ(income, d.table(1).Value("income.total", "amount")) << name;
    EXPECT_EQ(expenditure, d.table(1).Value("expenditure.total", "total")) << name;
    EXPECT_EQ(by_category[b::CATEGORY_BASIC], d.table(3).Value("total", "basic")) << name;
    EXPECT_EQ(by_category[b::CATEGORY_PROJECT], d.table(3).Value("total", "project")) << name;
    EXPECT_EQ(by_fund[b::FUND_GENERAL], d.table(4).Value("expenditure.total", "G")) << name;
    EXPECT_EQ(by_fund.size(), 1u) << name;
    for (int table : {2, 3}) {
      for (const Row& row : d.table(table).rows) {
        if (row.level == 3) {
          EXPECT_EQ((table == 2 ? income_by_code : by_code)[row.code],
                    d.table(table).Value(row.key, "total"))
              << name << " " << row.code;
        }
      }
    }
  }
}

TEST(ImportTest, MemoLinesCarryTheirTablesAndTheirPrecision) {
  for (const char* name : {kDepartment, kUnit, kWanli}) {
    const Disclosure d = MustRead(Fixture(name));
    const auto r = Imported(name);
    ASSERT_TRUE(r.ok()) << r.status();
    std::map<b::Analysis, int64_t> sums;
    std::map<std::string, int64_t> split;
    for (const b::LineItem& l : r->request.line_items()) {
      sums[l.analysis()] += l.amount_fen();
      if (l.analysis() == b::ANALYSIS_CLASS_SPLIT)
        split[absl::StrCat(l.functional_code(),
                           l.category() == b::CATEGORY_PERSONNEL ? " personnel" : " public")] +=
            l.amount_fen();
      // Table 9 of the form is in 万元 with two digits; the others are in 元.
      const bool wanyuan =
          l.analysis() == b::ANALYSIS_THREE_PUBLIC || l.analysis() == b::ANALYSIS_OPERATING;
      EXPECT_EQ(l.precision_fen(), wanyuan ? 10000 : name == kWanli ? 100 : 1) << l.line_id();
    }
    EXPECT_EQ(sums[b::ANALYSIS_THREE_PUBLIC], d.table(10).Value("total", "total")) << name;
    EXPECT_EQ(sums[b::ANALYSIS_OPERATING], d.table(11).Value("total", "total")) << name;
    EXPECT_EQ(sums[b::ANALYSIS_BASIC_ECONOMIC], d.table(6).Value("total", "total")) << name;
    // Only the unit's table 1 has the columns.
    EXPECT_EQ(split.empty(), name != kUnit) << name;
    for (const auto& [key, fen] : split) {
      const std::vector<std::string> parts = absl::StrSplit(key, ' ');
      EXPECT_EQ(fen, d.table(1).Value("class." + parts[0], parts[1])) << key;
    }
    if (name == kUnit) {
      EXPECT_EQ(sums[b::ANALYSIS_CLASS_SPLIT], d.table(1).Value("expenditure.total", "personnel") +
                                                   d.table(1).Value("expenditure.total", "public"));
    }
  }
}

}  // namespace
}  // namespace fiscal::importer
