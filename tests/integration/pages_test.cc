// Lists whose items are large, or many, or old: every page within the bytes that any client takes,
// nothing left out or twice, and each page of the revision that the first one was of.
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"

namespace fiscal::testing {
namespace {

namespace a = fiscal::aggregation::v1;
namespace b = fiscal::budget::v1;
namespace c = fiscal::catalog::v1;
namespace s = fiscal::submission::v1;

// What a page may have, where one item alone does not have more.
constexpr size_t kPageBytes = 2 << 20;

// So many characters of three bytes each.
std::string Text(int characters) {
  std::string text;
  for (int i = 0; i < characters; ++i) text += "款";
  return text;
}

std::string Numbered(absl::string_view prefix, int i) { return absl::StrCat(prefix, 100000 + i); }

b::BudgetKey Key() {
  b::BudgetKey key;
  key.set_division_code("141100");
  key.set_agency_code("101001");
  key.set_fiscal_year(2024);
  key.set_stage(b::STAGE_APPROVED);
  return key;
}

b::LineItem Line(const std::string& id, int64_t amount_fen) {
  b::LineItem line;
  line.set_line_id(id);
  line.set_direction(b::DIRECTION_EXPENDITURE);
  line.set_functional_code("2050202");
  line.set_fund(b::FUND_GENERAL);
  line.set_amount_fen(amount_fen);
  return line;
}

// Pages through a list with one of the stub's methods: the number of pages. Each is within its
// bytes, and `take` gets it.
template <typename Response, typename Stub, typename Method, typename Request, typename Take>
int Pages(Stub& stub, Method method, Request request, Take take) {
  int pages = 0;
  do {
    Response response;
    grpc::ClientContext context;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    if (!status.ok()) return pages;
    EXPECT_LE(response.ByteSizeLong(), kPageBytes);
    take(response);
    ++pages;
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return pages;
}

// 8,000 lines, each of a project of its own: notes and names that make every list of them large.
s::SubmitBudgetRequest LargeStatement() {
  s::SubmitBudgetRequest request;
  request.set_request_id("large");
  *request.mutable_budget() = Key();
  for (int i = 0; i < 8000; ++i) {
    b::LineItem& line = *request.add_line_items();
    line = Line(Numbered("L", i), 100);
    line.set_project_code(Numbered("P", i));
    line.set_note(Text(200));
    b::Project& project = *request.add_projects();
    project.set_project_code(line.project_code());
    project.set_name(Text(200));
  }
  return request;
}

TEST(PagesTest, EndByBytes) {
  Deployment d;
  const s::SubmitBudgetRequest statement = LargeStatement();
  const std::string position = d.MustSubmit(statement).position();

  s::ListLineItemsRequest lines;
  *lines.mutable_budget() = Key();
  lines.set_page_size(10000);
  std::vector<std::string> ids, wanted;
  for (const b::LineItem& line : statement.line_items()) wanted.push_back(line.line_id());
  EXPECT_GT(Pages<s::ListLineItemsResponse>(*d.submission,
                                            &s::SubmissionService::Stub::ListLineItems, lines,
                                            [&](const s::ListLineItemsResponse& page) {
                                              for (const auto& line : page.line_items())
                                                ids.push_back(line.line_id());
                                            }),
            1);
  EXPECT_EQ(ids, wanted);

  a::ExplainTotalRequest explain;
  explain.mutable_filter()->set_division_code("141100");
  explain.mutable_filter()->set_agency_code("101001");
  explain.mutable_filter()->set_fiscal_year(2024);
  explain.mutable_filter()->set_stage(b::STAGE_APPROVED);
  explain.mutable_filter()->set_direction(b::DIRECTION_EXPENDITURE);
  explain.mutable_consistency()->set_at_least(position);
  explain.set_page_size(10000);
  ids.clear();
  EXPECT_GT(Pages<a::ExplainTotalResponse>(*d.aggregation,
                                           &a::AggregationService::Stub::ExplainTotal, explain,
                                           [&](const a::ExplainTotalResponse& page) {
                                             EXPECT_EQ(page.total().amount_fen(), 800000);
                                             for (const auto& part : page.contributions())
                                               ids.push_back(part.line_item().line_id());
                                           }),
            1);
  EXPECT_EQ(ids, wanted);

  a::ListTotalsRequest totals;
  *totals.mutable_filter() = explain.filter();
  totals.add_group_by()->set_dimension(a::DIMENSION_PROJECT);
  totals.set_page_size(10000);
  int64_t sum = 0, rows = 0;
  EXPECT_GT(
      Pages<a::ListTotalsResponse>(*d.aggregation, &a::AggregationService::Stub::ListTotals, totals,
                                   [&](const a::ListTotalsResponse& page) {
                                     EXPECT_EQ(page.grand_total().amount_fen(), 800000);
                                     for (const auto& total : page.totals())
                                       sum += total.amount_fen();
                                     rows += page.totals_size();
                                   }),
      1);
  EXPECT_EQ(rows, 8000);
  EXPECT_EQ(sum, 800000);
}

TEST(PagesTest, TheDefaultPageOfLargeProjectsIsTaken) {
  Deployment d;
  s::SubmitBudgetRequest request;
  request.set_request_id("projects");
  *request.mutable_budget() = Key();
  *request.add_line_items() = Line("L1", 100);
  std::vector<std::string> wanted, codes;
  for (int i = 0; i < 100; ++i) {
    b::Project& project = *request.add_projects();
    project.set_project_code(Numbered("P", i));
    project.set_name("项目");
    project.set_overview(Text(4000));
    project.set_basis(Text(4000));
    project.set_necessity(Text(4000));
    project.set_safeguards(Text(4000));
    project.set_plan(Text(4000));
    project.set_term_goal(Text(4000));
    project.set_year_goal(Text(4000));
    wanted.push_back(project.project_code());
  }
  d.MustSubmit(request);
  s::ListProjectsRequest list;
  *list.mutable_budget() = Key();
  EXPECT_GE(
      Pages<s::ListProjectsResponse>(*d.submission, &s::SubmissionService::Stub::ListProjects, list,
                                     [&](const s::ListProjectsResponse& page) {
                                       for (const b::Project& p : page.projects()) {
                                         codes.push_back(p.project_code());
                                         EXPECT_EQ(p.year_goal().size(), 12000u);
                                       }
                                     }),
      5);
  EXPECT_EQ(codes, wanted);
}

TEST(PagesTest, AListOfTheCatalogEndsByBytes) {
  Deployment d;
  c::ImportCatalogRequest import;
  import.set_request_id("agencies");
  import.set_division_code("141100");
  import.set_fiscal_year(2024);
  import.set_list(c::CATALOG_LIST_AGENCY);
  for (int i = 0; i < 8000; ++i) {
    c::CatalogEntry& entry = *import.add_entries();
    entry.set_code(absl::StrCat(500000 + i));
    entry.set_name(Text(190));
    entry.set_department_code("101");
    entry.set_kind(c::AGENCY_KIND_ADMINISTRATIVE);
  }
  c::ImportCatalogResponse imported;
  grpc::ClientContext context;
  const grpc::Status status = d.catalog->ImportCatalog(&context, import, &imported);
  ASSERT_TRUE(status.ok()) << status.error_message();
  c::ListAgenciesRequest list;
  list.set_division_code("141100");
  list.set_fiscal_year(2024);
  list.set_department_code("101");
  list.set_page_size(10000);
  std::string last;
  int agencies = 0;
  EXPECT_GT(Pages<c::ListAgenciesResponse>(*d.catalog, &c::CatalogService::Stub::ListAgencies, list,
                                           [&](const c::ListAgenciesResponse& page) {
                                             for (const c::CatalogEntry& entry : page.entries()) {
                                               EXPECT_LT(last, entry.code());
                                               last = entry.code();
                                               ++agencies;
                                             }
                                           }),
            1);
  EXPECT_GE(agencies, 8000);
}

// A statement of 700 lines that is amended again and again, and what each revision of it had.
class AmendedTest : public ::testing::Test {
 protected:
  using Lines = std::map<std::string, int64_t>;

  AmendedTest() {
    s::SubmitBudgetRequest first;
    first.set_request_id("r1");
    *first.mutable_budget() = Key();
    Lines lines;
    for (int i = 0; i < 700; ++i) {
      *first.add_line_items() = Line(Numbered("L", 2 * i), 100 + i);
      lines[Numbered("L", 2 * i)] = 100 + i;
    }
    d_.MustSubmit(first);
    revisions_.push_back(std::move(lines));
  }

  // One line changed, one that may be new, and every third time one removed.
  void Amend() {
    const int n = static_cast<int>(revisions_.size());
    Lines lines = revisions_.back();
    s::SubmitBudgetRequest request;
    request.set_request_id(absl::StrCat("r", n + 1));
    *request.mutable_budget() = Key();
    request.set_mode(s::WRITE_MODE_PATCH);
    const std::string changed = Numbered("L", 2 * (n * 37 % 700)),
                      added = Numbered("L", n * 53 % 1400 / 2 * 2 + 1);
    for (const std::string& id : {changed, added}) {
      *request.add_line_items() = Line(id, 1000 + n);
      lines[id] = 1000 + n;
    }
    const auto gone = lines.lower_bound(Numbered("L", n * 101 % 1300));
    if (n % 3 == 0 && gone != lines.end() && gone->first != changed && gone->first != added) {
      request.add_removed_line_ids(gone->first);
      lines.erase(gone);
    }
    EXPECT_EQ(d_.MustSubmit(request).revision(), n + 1);
    revisions_.push_back(std::move(lines));
  }

  s::ListLineItemsResponse Page(int64_t revision, int size, const std::string& token) {
    s::ListLineItemsRequest request;
    *request.mutable_budget() = Key();
    request.set_revision(revision);
    request.set_page_size(size);
    request.set_page_token(token);
    s::ListLineItemsResponse response;
    grpc::ClientContext context;
    const grpc::Status status = d_.submission->ListLineItems(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  // All lines of a revision, by pages of that size. `between` is called after each page.
  template <typename Between>
  Lines Read(int64_t revision, int size, Between between) {
    Lines lines;
    std::string token;
    do {
      const s::ListLineItemsResponse page = Page(revision, size, token);
      if (page.line_items().empty()) break;
      for (const b::LineItem& line : page.line_items())
        EXPECT_TRUE(lines.emplace(line.line_id(), line.amount_fen()).second) << line.line_id();
      token = page.next_page_token();
      if (!token.empty()) {
        EXPECT_EQ(page.line_items_size(), size);
      }
      between();
    } while (!token.empty());
    return lines;
  }

  Deployment d_;
  // The first is revision 1.
  std::deque<Lines> revisions_;
};

TEST_F(AmendedTest, EveryRevisionReadsAsItWas) {
  for (int i = 0; i < 299; ++i) Amend();
  for (int64_t revision : {1, 2, 63, 64, 65, 100, 127, 128, 129, 192, 200, 255, 256, 257, 299, 300})
    EXPECT_EQ(Read(revision, 97, [] {}), revisions_[static_cast<size_t>(revision - 1)]) << revision;
  EXPECT_EQ(Read(0, 1, [] {}), revisions_.back());
  d_.Restart();
  EXPECT_EQ(Read(70, 10000, [] {}), revisions_[69]);
}

TEST_F(AmendedTest, PagesGoOnOverTheRevisionOfTheFirst) {
  for (int i = 0; i < 60; ++i) Amend();
  // Marks come and go while it is read: of the last one, and of an old one.
  EXPECT_EQ(Read(0, 50, [this] { Amend(); }), revisions_[60]);
  EXPECT_EQ(Read(3, 20, [this] { Amend(); }), revisions_[2]);
}

}  // namespace
}  // namespace fiscal::testing
