// The main job through gRPC: the reference disclosure and the live examples in, every total at
// every level out, against a sum over the lines that knows nothing of how totals are kept.
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"

namespace fiscal::testing {
namespace {

namespace a = fiscal::aggregation::v1;
namespace b = fiscal::budget::v1;
namespace s = fiscal::submission::v1;

constexpr char kReference[] = "tests/data/documents/lvliang_finance_office_2024.txt";

a::ListTotalsRequest Question(const std::string& division, b::Direction direction,
                              std::vector<a::Dimension> by) {
  a::ListTotalsRequest q;
  q.mutable_filter()->set_division_code(division);
  q.mutable_filter()->set_fiscal_year(2024);
  q.mutable_filter()->set_stage(b::STAGE_APPROVED);
  q.mutable_filter()->set_direction(direction);
  for (a::Dimension d : by) q.add_group_by()->set_dimension(d);
  q.set_page_size(10000);
  return q;
}

// A line with the budget it is in.
struct Flat {
  b::BudgetKey key;
  std::string department;
  b::LineItem line;
};

// All lines that stand, read back through the API.
std::vector<Flat> AllLines(Deployment& d) {
  std::vector<Flat> out;
  s::ListBudgetsRequest list;
  list.set_division_code("141100");
  list.set_include_children(true);
  list.set_page_size(3);  // several pages
  do {
    s::ListBudgetsResponse budgets;
    grpc::ClientContext context;
    EXPECT_TRUE(d.submission->ListBudgets(&context, list, &budgets).ok());
    for (const b::Budget& budget : budgets.budgets()) {
      s::ListLineItemsRequest request;
      *request.mutable_budget() = budget.key();
      request.set_page_size(4);
      do {
        s::ListLineItemsResponse lines;
        grpc::ClientContext inner;
        EXPECT_TRUE(d.submission->ListLineItems(&inner, request, &lines).ok());
        for (const b::LineItem& l : lines.line_items())
          out.push_back({budget.key(), budget.department_code(), l});
        request.set_page_token(lines.next_page_token());
      } while (!request.page_token().empty());
    }
    list.set_page_token(budgets.next_page_token());
  } while (!list.page_token().empty());
  return out;
}

std::vector<std::string> Prefixes(const std::string& code) {
  if (code.empty()) return {""};
  std::vector<std::string> out;
  for (size_t n = 3; n <= code.size(); n += 2) out.push_back(code.substr(0, n));
  return out;
}

std::vector<std::string> CodesOf(const Flat& f, a::Dimension dimension) {
  auto enumerated = [](const std::string& full, const std::string& prefix,
                       const std::map<std::string, std::string>& parents) {
    const std::string name =
        full.substr(prefix.size()) == "UNSPECIFIED" ? "" : full.substr(prefix.size());
    std::vector<std::string> out = {name};
    auto parent = parents.find(name);
    if (parent != parents.end()) out.push_back(parent->second);
    return out;
  };
  switch (dimension) {
    case a::DIMENSION_FUNCTIONAL:
      return Prefixes(f.line.functional_code());
    case a::DIMENSION_REVENUE:
      return Prefixes(f.line.revenue_code());
    case a::DIMENSION_DEPT_ECONOMIC:
      return Prefixes(f.line.dept_economic_code());
    case a::DIMENSION_GOV_ECONOMIC:
      return Prefixes(f.line.gov_economic_code());
    case a::DIMENSION_DEPARTMENT:
      return {f.key.division_code() + "/" + f.department};
    case a::DIMENSION_AGENCY:
      return {f.key.division_code() + "/" + f.key.agency_code()};
    case a::DIMENSION_DIVISION:
      if (f.key.division_code() == "141100") return {"141100", "141100 own"};
      return {"141100", f.key.division_code()};
    case a::DIMENSION_FUND:
      return enumerated(b::Fund_Name(f.line.fund()), "FUND_",
                        {{"UNIT_BUSINESS", "UNIT"},
                         {"UNIT_OPERATING", "UNIT"},
                         {"UNIT_SUPERIOR", "UNIT"},
                         {"UNIT_SUBORDINATE", "UNIT"},
                         {"UNIT_OTHER", "UNIT"}});
    case a::DIMENSION_CATEGORY:
      return enumerated(b::Category_Name(f.line.category()), "CATEGORY_",
                        {{"PERSONNEL", "BASIC"},
                         {"PUBLIC", "BASIC"},
                         {"OTHER_OPERATING", "PROJECT"},
                         {"SPECIFIC_TARGET", "PROJECT"}});
    case a::DIMENSION_FUNDING_YEAR:
      return enumerated(b::FundingYear_Name(f.line.funding_year()), "FUNDING_YEAR_", {});
    case a::DIMENSION_PROJECT:
      return {f.line.project_code()};
    default:
      return {};
  }
}

std::string RowKey(const a::Total& row) {
  std::string key;
  for (int i = 0; i < row.group_size(); ++i) {
    const a::GroupValue& v = row.group(i);
    absl::StrAppend(&key, i == 0 ? "" : " | ");
    if (v.dimension() == a::DIMENSION_DEPARTMENT || v.dimension() == a::DIMENSION_AGENCY)
      absl::StrAppend(&key, v.division_code(), "/");
    absl::StrAppend(&key, v.code(), v.own_level() ? " own" : "");
  }
  return key;
}

std::map<std::string, int64_t> BruteForce(const std::vector<Flat>& lines, b::Direction direction,
                                          const std::vector<a::Dimension>& by) {
  std::map<std::string, int64_t> sums;
  for (const Flat& f : lines) {
    if (f.line.direction() != direction || f.line.analysis() != 0 ||
        f.key.stage() != b::STAGE_APPROVED)
      continue;
    for (const std::string& x : CodesOf(f, by[0])) {
      if (by.size() == 1) {
        sums[x] += f.line.amount_fen();
        continue;
      }
      for (const std::string& y : CodesOf(f, by[1])) sums[x + " | " + y] += f.line.amount_fen();
    }
  }
  return sums;
}

TEST(EndToEndTest, EveryTotalAtEveryLevelEqualsASumOverTheLines) {
  Deployment d;
  d.MustSubmit(d.Reference(ReadFile(kReference), "reference"));
  const auto receipts = d.SubmitExamples();
  const std::vector<Flat> lines = AllLines(d);
  ASSERT_GT(lines.size(), 100u);
  const std::vector<a::Dimension> dimensions = {
      a::DIMENSION_FUNCTIONAL,   a::DIMENSION_REVENUE,    a::DIMENSION_DEPT_ECONOMIC,
      a::DIMENSION_GOV_ECONOMIC, a::DIMENSION_DEPARTMENT, a::DIMENSION_AGENCY,
      a::DIMENSION_DIVISION,     a::DIMENSION_FUND,       a::DIMENSION_CATEGORY,
      a::DIMENSION_FUNDING_YEAR, a::DIMENSION_PROJECT};
  int questions = 0;
  for (b::Direction direction : {b::DIRECTION_EXPENDITURE, b::DIRECTION_INCOME}) {
    for (a::Dimension x : dimensions) {
      for (a::Dimension y : dimensions) {
        std::vector<a::Dimension> by = {x};
        if (y != x) by.push_back(y);
        a::ListTotalsRequest q = Question("141100", direction, by);
        q.mutable_consistency()->set_at_least(receipts.back().position());
        a::ListTotalsResponse answer;
        const grpc::Status status = d.List(q, &answer);
        ASSERT_TRUE(status.ok()) << status.error_message();
        std::map<std::string, int64_t> got;
        int64_t level1 = 0;
        for (const a::Total& row : answer.totals()) {
          got[RowKey(row)] = row.amount_fen();
          bool top = true;
          for (const a::GroupValue& v : row.group()) top = top && v.level() == 1;
          if (top) level1 += row.amount_fen();
        }
        ASSERT_EQ(got, BruteForce(lines, direction, by))
            << a::Dimension_Name(x) << " by " << a::Dimension_Name(y);
        ASSERT_EQ(level1, answer.grand_total().amount_fen())
            << a::Dimension_Name(x) << " by " << a::Dimension_Name(y);
        ++questions;
      }
    }
  }
  EXPECT_EQ(questions, 2 * 121);
  EXPECT_TRUE(d.Verified());
}

// A total taken from the wrong level would show: in the examples no code shows the figure of the
// code above it.
TEST(EndToEndTest, NoTwoLevelsOfTheExamplesShowTheSameFigure) {
  Deployment d;
  const auto receipts = d.SubmitExamples();
  for (a::Dimension dimension :
       {a::DIMENSION_FUNCTIONAL, a::DIMENSION_GOV_ECONOMIC, a::DIMENSION_DEPT_ECONOMIC,
        a::DIMENSION_FUND, a::DIMENSION_CATEGORY, a::DIMENSION_DIVISION}) {
    a::ListTotalsRequest q = Question("141100", b::DIRECTION_EXPENDITURE, {dimension});
    q.mutable_consistency()->set_at_least(receipts.back().position());
    a::ListTotalsResponse answer;
    ASSERT_TRUE(d.List(q, &answer).ok());
    std::map<int64_t, int> level_of;
    for (const a::Total& row : answer.totals()) {
      auto [it, fresh] = level_of.emplace(row.amount_fen(), row.group(0).level());
      EXPECT_TRUE(fresh || it->second == row.group(0).level())
          << a::Dimension_Name(dimension) << " " << row.group(0).code()
          << " shows the figure of another level: " << row.amount_fen();
    }
  }
}

TEST(EndToEndTest, TheReferenceGivesItsOwnTables) {
  Deployment d;
  const auto receipt = d.MustSubmit(d.Reference(ReadFile(kReference), "reference"));
  EXPECT_EQ(receipt.result(), s::RESULT_CREATED);
  EXPECT_EQ(receipt.line_count(), 16);
  EXPECT_EQ(receipt.memo_line_count(), 33);
  EXPECT_EQ(receipt.project_count(), 9);
  auto totals = [&](std::vector<a::Dimension> by, b::Direction direction, b::Analysis analysis) {
    a::ListTotalsRequest q = Question("141100", direction, by);
    q.mutable_filter()->set_department_code("031");
    q.mutable_filter()->set_analysis(analysis);
    q.mutable_consistency()->set_at_least(receipt.position());
    a::ListTotalsResponse answer;
    EXPECT_TRUE(d.List(q, &answer).ok());
    std::map<std::string, int64_t> out = {{"合计", answer.grand_total().amount_fen()}};
    for (const a::Total& row : answer.totals()) out[RowKey(row)] = row.amount_fen();
    return out;
  };
  auto functional =
      totals({a::DIMENSION_FUNCTIONAL}, b::DIRECTION_EXPENDITURE, b::ANALYSIS_UNSPECIFIED);
  EXPECT_EQ(functional["合计"], 880870000);
  EXPECT_EQ(functional["208"], 29880000);
  EXPECT_EQ(functional["210"], 15840000);
  EXPECT_EQ(functional["217"], 804220000);
  EXPECT_EQ(functional["221"], 30930000);
  EXPECT_EQ(functional["2170102"], 149710000);
  auto split = totals({a::DIMENSION_FUNCTIONAL, a::DIMENSION_CATEGORY}, b::DIRECTION_EXPENDITURE,
                      b::ANALYSIS_UNSPECIFIED);
  EXPECT_EQ(split["217 | BASIC"], 234510000);
  EXPECT_EQ(split["217 | PROJECT"], 569710000);
  auto income = totals({a::DIMENSION_FUNCTIONAL, a::DIMENSION_FUND}, b::DIRECTION_INCOME,
                       b::ANALYSIS_UNSPECIFIED);
  EXPECT_EQ(income["2101103 | GENERAL"], 3700000);
  EXPECT_EQ(income["合计"], 880870000);
  auto economic =
      totals({a::DIMENSION_DEPT_ECONOMIC}, b::DIRECTION_EXPENDITURE, b::ANALYSIS_BASIC_ECONOMIC);
  EXPECT_EQ(economic["301"], 286280000);
  EXPECT_EQ(economic["302"], 24350000);
  EXPECT_EQ(economic["30239"], 11650000);
  EXPECT_EQ(economic["合计"], 311170000);  // the sum of its rows; table 6 prints 311.16
  auto projects = totals({a::DIMENSION_PROJECT}, b::DIRECTION_EXPENDITURE, b::ANALYSIS_PROJECT);
  EXPECT_EQ(projects.size(), 10u);
  EXPECT_EQ(projects["合计"], 569710000);
}

TEST(EndToEndTest, AChangedDocumentMovesTotalsAndTheOldPositionStillAnswersTheOldOne) {
  Deployment d;
  const std::string text = ReadFile(kReference);
  const auto first = d.MustSubmit(d.Reference(text, "r1"));
  EXPECT_EQ(d.MustSubmit(d.Reference(text, "r2")).result(), s::RESULT_UNCHANGED);
  // 知识产权保护经费 0.30 -> 1.30 wherever it stands, and every sum it is in.
  const std::string changed =
      absl::StrReplaceAll(text, {{"知识产权保护经费\t0.30\t0.30", "知识产权保护经费\t1.30\t1.30"},
                                 {"569.71", "570.71"},
                                 {"880.87", "881.87"},
                                 {"804.22", "805.22"},
                                 {"149.71", "150.71"}});
  const auto second = d.MustSubmit(d.Reference(changed, "r3"));
  EXPECT_EQ(second.result(), s::RESULT_REVISED);
  EXPECT_EQ(second.revision(), 2);
  auto grand = [&](const std::string& position, bool exactly) {
    a::ListTotalsRequest q =
        Question("140000", b::DIRECTION_EXPENDITURE, {a::DIMENSION_FUNCTIONAL});
    exactly ? q.mutable_consistency()->set_exactly(position)
            : q.mutable_consistency()->set_at_least(position);
    a::ListTotalsResponse answer;
    EXPECT_TRUE(d.List(q, &answer).ok());
    return answer.grand_total().amount_fen();
  };
  EXPECT_EQ(grand(second.position(), false), 881870000);
  EXPECT_EQ(grand(first.position(), true), 880870000);
  const auto third = d.MustSubmit(d.Reference(text, "r4"));
  EXPECT_EQ(third.revision(), 3);
  EXPECT_EQ(grand(third.position(), false), 880870000);
  EXPECT_EQ(grand(second.position(), true), 881870000);
  d.Restart();
  EXPECT_EQ(grand(second.position(), true), 881870000);
  EXPECT_EQ(d.MustSubmit(d.Reference(changed, "r3")).revision(), 2);  // the first receipt, for ever
  EXPECT_TRUE(d.Verified());
}

TEST(EndToEndTest, ConsistencyAndPages) {
  Deployment d;
  const auto receipts = d.SubmitExamples();
  a::ListTotalsRequest q =
      Question("141100", b::DIRECTION_EXPENDITURE, {a::DIMENSION_AGENCY, a::DIMENSION_FUNCTIONAL});
  q.mutable_consistency()->set_at_least(receipts.back().position());
  a::ListTotalsResponse whole;
  ASSERT_TRUE(d.List(q, &whole).ok());
  a::ListTotalsRequest paged = q;
  paged.set_page_size(7);
  std::vector<std::string> rows;
  while (true) {
    a::ListTotalsResponse page;
    ASSERT_TRUE(d.List(paged, &page).ok());
    for (const a::Total& row : page.totals())
      rows.push_back(RowKey(row) + absl::StrCat(" ", row.amount_fen()));
    EXPECT_EQ(page.position(), whole.position());
    if (page.next_page_token().empty()) break;
    paged.set_page_token(page.next_page_token());
    // What is submitted meanwhile does not shift the pages: they stay at their position.
    if (rows.size() < 10) {
      s::SubmitBudgetRequest more;
      more.set_request_id("meanwhile");
      more.mutable_budget()->set_division_code("141100");
      more.mutable_budget()->set_agency_code("101002");
      more.mutable_budget()->set_fiscal_year(2024);
      more.mutable_budget()->set_stage(b::STAGE_APPROVED);
      more.set_allow_empty(true);
      d.MustSubmit(more);
    }
  }
  ASSERT_EQ(rows.size(), static_cast<size_t>(whole.totals_size()));
  for (int i = 0; i < whole.totals_size(); ++i) {
    EXPECT_EQ(rows[static_cast<size_t>(i)],
              RowKey(whole.totals(i)) + absl::StrCat(" ", whole.totals(i).amount_fen()));
  }
  a::ListTotalsRequest other = paged;
  other.mutable_filter()->set_own_level(true);
  a::ListTotalsResponse answer;
  EXPECT_EQ(d.List(other, &answer).error_code(),
            grpc::INVALID_ARGUMENT);  // the token is of another question

  // As of the commit time of a statement: that statement and no later one.
  s::GetBudgetRequest get;
  get.mutable_budget()->set_division_code("141100");
  get.mutable_budget()->set_agency_code("101001");
  get.mutable_budget()->set_fiscal_year(2024);
  get.mutable_budget()->set_stage(b::STAGE_APPROVED);
  get.set_revision(1);
  s::GetBudgetResponse budget;
  grpc::ClientContext context;
  ASSERT_TRUE(d.submission->GetBudget(&context, get, &budget).ok());
  EXPECT_EQ(budget.budget().revision(), 1);
  a::ListTotalsRequest as_of = Question("141100", b::DIRECTION_EXPENDITURE, {a::DIMENSION_AGENCY});
  *as_of.mutable_consistency()->mutable_as_of() = budget.budget().commit_time();
  ASSERT_TRUE(d.List(as_of, &answer).ok());
  ASSERT_GE(answer.totals_size(), 1);
  a::ListTotalsRequest future = Question("141100", b::DIRECTION_EXPENDITURE, {a::DIMENSION_AGENCY});
  future.mutable_consistency()->set_exactly("999999");
  EXPECT_EQ(d.List(future, &answer).error_code(), grpc::OUT_OF_RANGE);

  a::BatchGetTotalsRequest batch;
  *batch.add_filters() = q.filter();
  *batch.add_filters() = q.filter();
  batch.mutable_filters(1)->set_fund(b::FUND_UNIT);
  batch.mutable_consistency()->set_exactly(whole.position());
  a::BatchGetTotalsResponse totals;
  grpc::ClientContext batch_context;
  ASSERT_TRUE(d.aggregation->BatchGetTotals(&batch_context, batch, &totals).ok());
  EXPECT_EQ(totals.totals(0).amount_fen(), whole.grand_total().amount_fen());
  EXPECT_GT(totals.totals(1).amount_fen(), 0);
  EXPECT_LT(totals.totals(1).amount_fen(), totals.totals(0).amount_fen());
}

TEST(EndToEndTest, OldRevisionsReadAsTheyWere) {
  Deployment d;
  d.SubmitExamples();
  s::ListLineItemsRequest request;
  request.mutable_budget()->set_division_code("141100");
  request.mutable_budget()->set_agency_code("101001");
  request.mutable_budget()->set_fiscal_year(2024);
  request.mutable_budget()->set_stage(b::STAGE_APPROVED);
  auto ids = [&](int64_t revision) {
    request.set_revision(revision);
    s::ListLineItemsResponse lines;
    grpc::ClientContext context;
    EXPECT_TRUE(d.submission->ListLineItems(&context, request, &lines).ok());
    std::set<std::string> out;
    for (const auto& l : lines.line_items()) out.insert(l.line_id());
    return out;
  };
  EXPECT_EQ(ids(1).count("A7"), 1u);
  EXPECT_EQ(ids(1).count("A10"), 0u);
  EXPECT_EQ(ids(2).count("A7"), 0u);
  EXPECT_EQ(ids(2).count("A10"), 1u);
}

}  // namespace
}  // namespace fiscal::testing
