// Statutory tables of what was submitted: documents come out as they went in, and every cell is the
// sum of the lines its query asks for.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "clients/cli/read/csv.h"
#include "clients/importer/importer.h"
#include "clients/importer/reader.h"
#include "domain/disclosure/code_lists.h"
#include "domain/disclosure/names.h"
#include "fiscal/disclosure/v1/disclosure_service.grpc.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"

namespace fiscal::testing {
namespace {

namespace b = fiscal::budget::v1;
namespace c = fiscal::catalog::v1;
namespace d = fiscal::disclosure::v1;
namespace s = fiscal::submission::v1;

class StatutoryTablesTest : public ::testing::Test {
 protected:
  StatutoryTablesTest() : disclosure_(d::DisclosureService::NewStub(d_.channel)) {}

  c::CatalogEntry Entry(const std::string& code, const std::string& name,
                        const std::string& parent) {
    c::CatalogEntry e;
    e.set_code(code);
    e.set_name(name);
    e.set_parent_code(parent);
    return e;
  }
  c::CatalogEntry Agency(const std::string& code, const std::string& name,
                         const std::string& department,
                         c::AgencyKind kind = c::AGENCY_KIND_ADMINISTRATIVE) {
    c::CatalogEntry e = Entry(code, name, "");
    e.set_department_code(department);
    e.set_kind(kind);
    return e;
  }
  void ImportEntries(c::CatalogList list, const std::string& division, int year,
                     const std::vector<c::CatalogEntry>& entries) {
    c::ImportCatalogRequest request;
    request.set_request_id(absl::StrCat("catalog-", year, "-", ++requests_));
    request.set_division_code(division);
    request.set_fiscal_year(year);
    request.set_list(list);
    for (const c::CatalogEntry& e : entries) *request.add_entries() = e;
    c::ImportCatalogResponse response;
    grpc::ClientContext context;
    const grpc::Status status = d_.catalog->ImportCatalog(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    if (!response.position().empty()) position_ = response.position();
  }

  grpc::Status Get(const d::GetTablesRequest& request, d::GetTablesResponse* response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    return disclosure_->GetTables(&context, request, response);
  }
  d::GetTablesRequest Of(const std::string& division, const std::string& department,
                         const std::string& agency, int year = 2024) {
    d::GetTablesRequest request;
    request.mutable_subject()->set_division_code(division);
    request.mutable_subject()->set_department_code(department);
    request.mutable_subject()->set_agency_code(agency);
    request.mutable_subject()->set_fiscal_year(year);
    if (!position_.empty()) request.mutable_consistency()->set_at_least(position_);
    return request;
  }
  d::GetTablesResponse MustGet(const d::GetTablesRequest& request) {
    d::GetTablesResponse response;
    const grpc::Status status = Get(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  void Submit(s::SubmitBudgetRequest request) {
    if (request.request_id().empty()) request.set_request_id(absl::StrCat("tables-", ++requests_));
    const s::SubmitBudgetResponse receipt = d_.MustSubmit(request);
    if (!receipt.position().empty()) position_ = receipt.position();
  }

  // Lists of the year that name the codes the document prints, an agency, and the document as a
  // statement of it.
  disclosure::Disclosure Import(const std::string& file, const std::string& division,
                                const std::string& department, const std::string& agency) {
    const std::string text = ReadFile("tests/data/documents/" + file);
    auto read = importer::Read(text);
    EXPECT_TRUE(read.ok()) << read.status();
    if (!read.ok()) return {};
    const disclosure::Disclosure document = *std::move(read);
    const int year = document.fiscal_year;
    ImportEntries(c::CATALOG_LIST_DIVISION, "310000", year,
                  {Entry("310000", "上海市", ""), Entry("310107", "普陀区", "310000"),
                   Entry("141100", "吕梁市", "310000")});
    std::map<std::string, std::string> functional, revenue;
    for (int n : {2, 3, 5, 7, 8, 9}) {
      for (const disclosure::Row& row : document.table(n).rows) {
        if (row.code.empty()) continue;
        const bool income = n == 7 || absl::StartsWith(row.key, "revenue.");
        (income ? revenue : functional)[row.code] = row.label;
      }
    }
    auto list = [&](c::CatalogList kind, const std::map<std::string, std::string>& codes) {
      std::vector<c::CatalogEntry> entries;
      for (const auto& [code, name] : codes)
        entries.push_back(
            Entry(code, name, code.size() > 3 ? code.substr(0, code.size() - 2) : ""));
      if (!entries.empty()) ImportEntries(kind, "310000", year, entries);
    };
    list(c::CATALOG_LIST_FUNCTIONAL, functional);
    list(c::CATALOG_LIST_REVENUE, revenue);
    for (const auto& [kind, path] :
         {std::pair<c::CatalogList, const char*>{c::CATALOG_LIST_DEPT_ECONOMIC,
                                                 "domain/data/dept_economic.csv"},
          {c::CATALOG_LIST_GOV_ECONOMIC, "domain/data/gov_economic.csv"}}) {
      auto entries = cli::ReadEntries(ReadFile(path), kind);
      EXPECT_TRUE(entries.ok());
      ImportEntries(kind, "310000", year, {entries->begin(), entries->end()});
    }
    std::vector<c::CatalogEntry> agencies = {
        Agency(department, document.department_name, department)};
    if (agency != department)
      agencies.push_back(Agency(agency, document.department_name, department));
    ImportEntries(c::CATALOG_LIST_AGENCY, division, year, agencies);
    importer::Options options;
    options.division_code = division;
    options.department_code = department;
    options.agency_code = agency;
    options.as_printed = true;
    auto result = importer::Import(text, document, {}, options, nullptr);
    EXPECT_TRUE(result.ok()) << result.status();
    if (result.ok()) Submit(result->request);
    return document;
  }

  Deployment d_;
  std::unique_ptr<d::DisclosureService::Stub> disclosure_;
  int requests_ = 0;
  std::string position_;
};

// A figure as a table prints it; empty for no money.
std::string Printed(const disclosure::Cell& cell, const disclosure::Table& t) {
  if (cell.blank() || cell.value == 0) return "";
  return disclosure::PrintFigure(cell.value, t.unit, t.decimals);
}

const d::StatutoryTable* TableOf(const d::GetTablesResponse& response, int canonical) {
  for (const d::StatutoryTable& t : response.tables()) {
    if (t.canonical_number() == canonical) return &t;
  }
  return nullptr;
}

// "row key|column key" to the amount of each cell. The strip's figures are as those of tables 10
// and 11.
std::map<std::string, int64_t> Amounts(const d::GetTablesResponse& response, int canonical) {
  std::map<std::string, int64_t> out;
  const bool strip = response.form() == "shanghai-9" && (canonical == 10 || canonical == 11);
  const d::StatutoryTable* t = TableOf(response, strip ? 10 : canonical);
  if (t == nullptr) return out;
  for (const d::StatutoryRow& row : t->rows()) {
    for (int i = 0; i < t->columns_size(); ++i) {
      if (row.cells(i).amount_fen() == 0) continue;
      if (!strip) {
        out[absl::StrCat(row.key(), "|", t->columns(i).key())] = row.cells(i).amount_fen();
        continue;
      }
      const std::vector<std::string> place = absl::StrSplit(t->columns(i).key(), '.');
      if (place[0] == absl::StrCat(canonical)) out[place[1] + "|total"] = row.cells(i).amount_fen();
    }
  }
  return out;
}

// What differs between a document's figures and the answer's, as lines of text.
std::string Differences(const disclosure::Disclosure& document,
                        const d::GetTablesResponse& response) {
  std::string out;
  int figures = 0;
  for (int n = 1; n <= disclosure::kTables; ++n) {
    const disclosure::Table& t = document.table(n);
    if (t.number != n) continue;
    std::map<std::string, int64_t> ours = Amounts(response, n);
    for (const disclosure::Row& row : t.rows) {
      for (size_t i = 0; i < t.columns.size(); ++i) {
        const std::string key = absl::StrCat(row.key, "|", t.columns[i]);
        const std::string theirs = Printed(row.cells[i], t);
        const std::string own =
            ours[key] == 0 ? "" : disclosure::PrintFigure(ours[key], t.unit, t.decimals);
        if (own != theirs)
          absl::StrAppend(&out, n, " ", key, ": \"", own, "\" for \"", theirs, "\"\n");
        figures += theirs.empty() ? 0 : 1;
        ours.erase(key);
      }
    }
    for (const auto& [key, fen] : ours) {
      if (fen != 0) absl::StrAppend(&out, n, " ", key, ": ", fen, " for no row\n");
    }
  }
  EXPECT_GT(figures, 60);
  return out;
}

TEST_F(StatutoryTablesTest, DocumentsComeOutAsTheyWentIn) {
  const struct {
    const char *file, *division, *department, *agency;
    bool by_agency;
  } documents[] = {{"lvliang_finance_office_2024.txt", "141100", "031", "031001", false},
                   {"putuo_commerce_2025_dept.txt", "310107", "150", "150001", false},
                   {"putuo_commerce_2025_unit.txt", "310107", "151", "151001", true},
                   {"putuo_wanli_2023_dept.txt", "310107", "152", "152001", false}};
  for (const auto& doc : documents) {
    const disclosure::Disclosure document =
        Import(doc.file, doc.division, doc.department, doc.agency);
    d::GetTablesRequest request = Of(doc.division, doc.by_agency ? "" : doc.department,
                                     doc.by_agency ? doc.agency : "", document.fiscal_year);
    request.mutable_subject()->set_form(document.form);
    const d::GetTablesResponse response = MustGet(request);
    EXPECT_EQ(response.name(), document.department_name);
    EXPECT_EQ(response.form(), document.form);
    EXPECT_EQ(response.tables_size(), document.form == "shanxi-13" ? 13 : 9);
    EXPECT_EQ(Differences(document, response), "") << doc.file;
  }
}

TEST_F(StatutoryTablesTest, UnitsOfADepartmentsStatement) {
  const disclosure::Disclosure document = Import("many_units_2024.txt", "141100", "033", "033");
  const d::GetTablesResponse response = MustGet(Of("141100", "033", ""));
  // What the document does not say of a line stays out of tables 1 and 4; units and projects are
  // all there.
  std::map<std::string, std::map<std::string, std::string>> theirs, ours;
  for (int n : {11, 12, 13}) {
    const disclosure::Table& t = document.table(n);
    for (const disclosure::Row& row : t.rows) {
      for (size_t i = 0; i < t.columns.size(); ++i)
        theirs[absl::StrCat(n, " ", disclosure::FoldName(row.label))][t.columns[i]] +=
            Printed(row.cells[i], t) + ";";
    }
    const d::StatutoryTable& own = *TableOf(response, n);
    for (const d::StatutoryRow& row : own.rows()) {
      for (int i = 0; i < own.columns_size(); ++i)
        ours[absl::StrCat(n, " ", disclosure::FoldName(row.label()))][own.columns(i).key()] +=
            row.cells(i).printed() + ";";
    }
  }
  EXPECT_EQ(ours, theirs);
}

// ---- lines of our own ----

b::LineItem Line(const std::string& id, b::Direction direction, const std::string& functional,
                 b::Fund fund, b::Category category, int64_t fen) {
  b::LineItem line;
  line.set_line_id(id);
  line.set_direction(direction);
  line.set_functional_code(functional);
  line.set_fund(fund);
  line.set_category(category);
  line.set_funding_year(b::FUNDING_YEAR_THIS_YEAR);
  line.set_amount_fen(fen);
  return line;
}

s::SubmitBudgetRequest Statement(const std::string& division, const std::string& agency,
                                 const std::vector<b::LineItem>& lines,
                                 b::Stage stage = b::STAGE_APPROVED) {
  s::SubmitBudgetRequest request;
  request.mutable_budget()->set_division_code(division);
  request.mutable_budget()->set_agency_code(agency);
  request.mutable_budget()->set_fiscal_year(2024);
  request.mutable_budget()->set_stage(stage);
  for (const b::LineItem& line : lines) *request.add_line_items() = line;
  return request;
}

TEST_F(StatutoryTablesTest, AgenciesOfOneNameInSeveralDivisionsStayApart) {
  for (const char* division : {"141121", "141122"}) {
    ImportEntries(c::CATALOG_LIST_AGENCY, division, 2024,
                  {Agency("301", "教育局", "301"), Agency("301001", "教育局", "301")});
    b::LineItem office = Line("L1", b::DIRECTION_EXPENDITURE, "2050101", b::FUND_GENERAL,
                              b::CATEGORY_PUBLIC, 3000000);
    office.set_dept_economic_code("30201");
    b::LineItem project = Line("L2", b::DIRECTION_EXPENDITURE, "2050101", b::FUND_GENERAL,
                               b::CATEGORY_PROJECT, 5000000);
    project.set_project_code("P1");
    s::SubmitBudgetRequest request = Statement(division, "301001", {office, project});
    b::Project* p = request.add_projects();
    p->set_project_code("P1");
    p->set_name(absl::StrCat("项目", division));
    Submit(request);
  }
  const d::GetTablesResponse response = MustGet(Of("141100", "", ""));
  const std::map<std::string, int64_t> offices = {{"total|total", 6000000},  {"total|G", 6000000},
                                                  {"unit.1|total", 3000000}, {"unit.1|G", 3000000},
                                                  {"unit.2|total", 3000000}, {"unit.2|G", 3000000}};
  EXPECT_EQ(Amounts(response, 11), offices);
  std::map<std::string, int64_t> projects;
  for (const char* column : {"total", "G"}) {
    projects[absl::StrCat("department|", column)] = 10000000;
    for (const char* row : {"unit.1", "unit.2", "project.项目141121", "project.项目141122"})
      projects[absl::StrCat(row, "|", column)] = 5000000;
  }
  EXPECT_EQ(Amounts(response, 12), projects);
}

TEST_F(StatutoryTablesTest, EachStatementDecidesWhatAnswersAnAnalysis) {
  b::LineItem counted = Line("L1", b::DIRECTION_EXPENDITURE, "2050101", b::FUND_GENERAL,
                             b::CATEGORY_PERSONNEL, 9000000);
  counted.set_dept_economic_code("30101");
  counted.set_gov_economic_code("50101");
  b::LineItem memo = counted;
  memo.set_line_id("L2");
  memo.clear_functional_code();
  memo.set_analysis(b::ANALYSIS_BASIC_ECONOMIC);
  memo.set_amount_fen(8000000);
  // The approved budget analyses itself, the adjustment is analysed by its counted lines.
  Submit(Statement("141100", "101001", {counted, memo}));
  b::LineItem more = counted;
  more.set_amount_fen(500000);
  Submit(Statement("141100", "101001", {more}, b::STAGE_ADJUSTMENT));
  // A neighbour without memo lines.
  counted.set_amount_fen(100000);
  Submit(Statement("141100", "102001", {counted}));
  auto salaries = [&](const std::string& department, b::Stage stage) {
    d::GetTablesRequest request = Of("141100", department, "");
    request.mutable_subject()->set_stage(stage);
    return Amounts(MustGet(request), 6)["30101|personnel"];
  };
  EXPECT_EQ(salaries("101", b::STAGE_APPROVED), 8000000);
  EXPECT_EQ(salaries("102", b::STAGE_APPROVED), 100000);
  EXPECT_EQ(salaries("", b::STAGE_APPROVED), 8100000);
  EXPECT_EQ(salaries("101", b::STAGE_CURRENT), 8500000);
  EXPECT_EQ(salaries("", b::STAGE_CURRENT), 8600000);
}

TEST_F(StatutoryTablesTest, RefusesWhatIsNotThere) {
  auto code = [&](const d::GetTablesRequest& request) {
    d::GetTablesResponse response;
    const client::Error error = client::ToError(Get(request, &response));
    return absl::StrCat(error.reason, " ", static_cast<int>(error.code));
  };
  d::GetTablesRequest request = Of("141100", "101", "");
  request.mutable_subject()->set_form("none-7");
  EXPECT_EQ(code(request), absl::StrCat("FORM_UNKNOWN ", int{grpc::INVALID_ARGUMENT}));
  EXPECT_EQ(code(Of("141100", "999", "")),
            absl::StrCat("DEPARTMENT_UNKNOWN ", int{grpc::NOT_FOUND}));
  EXPECT_EQ(code(Of("141100", "", "999001")),
            absl::StrCat("AGENCY_UNKNOWN ", int{grpc::NOT_FOUND}));
  EXPECT_EQ(code(Of("999900", "", "")), absl::StrCat("DIVISION_UNKNOWN ", int{grpc::NOT_FOUND}));
  request = Of("141100", "101", "");
  request.add_table_numbers(14);
  EXPECT_EQ(code(request), absl::StrCat("QUERY_INVALID ", int{grpc::INVALID_ARGUMENT}));
}

// The year before need not be there, not even its catalog.
TEST_F(StatutoryTablesTest, NarrativeSaysWhatTheTablesSay) {
  // Counted lines say what is procured.
  b::LineItem goods =
      Line("L4", b::DIRECTION_EXPENDITURE, "2080505", b::FUND_GENERAL, b::CATEGORY_PROJECT, 300000);
  goods.set_procurement_kind(b::PROCUREMENT_KIND_GOODS);
  b::LineItem services = goods;
  services.set_line_id("L5");
  services.set_procurement_kind(b::PROCUREMENT_KIND_SERVICES);
  services.set_amount_fen(200000);
  Submit(Statement("141100", "101001",
                   {Line("L1", b::DIRECTION_EXPENDITURE, "2050101", b::FUND_GENERAL,
                         b::CATEGORY_BASIC, 10000000),
                    Line("L2", b::DIRECTION_EXPENDITURE, "2080505", b::FUND_GENERAL,
                         b::CATEGORY_PROJECT, 20000000),
                    Line("L3", b::DIRECTION_INCOME, "2050101", b::FUND_GENERAL,
                         b::CATEGORY_UNSPECIFIED, 30000000),
                    goods, services}));
  d::GetTablesRequest request = Of("141100", "101", "");
  request.set_narrative(true);
  const d::GetTablesResponse response = MustGet(request);
  const d::Narrative& n = response.narrative();
  EXPECT_EQ(n.income_fen(), 30000000);
  EXPECT_EQ(n.expenditure_fen(), 30500000);
  EXPECT_FALSE(n.has_prior_expenditure_fen());
  std::map<std::string, int64_t> shares;
  for (const d::NarrativeShare& share : n.shares()) shares[share.name()] = share.share_hundredths();
  EXPECT_EQ(shares["基本支出"], 3279);
  EXPECT_EQ(shares["项目支出"], 6721);
  EXPECT_EQ(shares["教育支出"], 3279);
  EXPECT_THAT(std::vector<std::string>(n.sentences().begin(), n.sentences().end()),
              ::testing::Contains("政府采购预算0.50万元，其中：货物0.30万元、服务0.20万元。"));
  EXPECT_GT(n.sentences_size(), 3);
}

// ---- every cell against the lines ----

struct Stated {
  std::string division, department, agency;
  b::Stage stage;
  b::LineItem line;
};

// What a query's words ask, worked out again: whether a line counts.
class Words {
 public:
  explicit Words(const std::string& text) {
    for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
      const std::pair<absl::string_view, absl::string_view> kv =
          absl::StrSplit(word, absl::MaxSplits('=', 1));
      words_[std::string(kv.first)] = std::string(kv.second);
    }
  }
  std::string at(const std::string& key) const {
    auto it = words_.find(key);
    return it == words_.end() ? "" : it->second;
  }
  bool has(const std::string& key) const { return words_.count(key) > 0; }

  bool Ask(const b::LineItem& line) const {
    const bool in = line.direction() == b::DIRECTION_INCOME;
    if (in != has("income")) return false;
    static const std::map<std::string, std::set<int>> kFunds = {
        {"G", {1}},  {"F", {2}},  {"S", {3}},   {"A", {4}},        {"U", {5, 6, 7, 8, 9, 10}},
        {"UB", {6}}, {"UO", {7}}, {"UX", {10}}, {"GFS", {1, 2, 3}}};
    if (has("fund") && kFunds.at(at("fund")).count(line.fund()) == 0) return false;
    static const std::map<std::string, std::set<int>> kCategories = {
        {"basic", {1, 2, 3}}, {"personnel", {2}}, {"public", {3}}, {"project", {4, 5, 6}}};
    if (has("category") && kCategories.at(at("category")).count(line.category()) == 0) return false;
    if (has("year") && line.funding_year() != (at("year") == "this" ? 1 : 2)) return false;
    return absl::StartsWith(line.functional_code(), at("functional")) &&
           absl::StartsWith(line.revenue_code(), at("revenue")) &&
           absl::StartsWith(line.dept_economic_code(), at("dept"));
  }

 private:
  std::map<std::string, std::string> words_;
};

TEST_F(StatutoryTablesTest, EveryCellIsTheSumOfItsLines) {
  constexpr int kSeeds = 3;
  const char* kFunctional[] = {"2050201", "2050202", "2080505", "2080506",
                               "2101101", "2170102", "20502",   "2230105"};
  const char* kDept[] = {"", "301", "30101", "30102", "30201", "30212", "30217", "30231", "31013"};
  const char* kGov[] = {"", "50101", "50201", "50501"};
  // What stands.
  std::vector<Stated> all;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937 random(static_cast<unsigned>(seed));
    auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    const struct {
      const char *division, *department, *agency;
    } agencies[] = {{"141100", "101", "101001"},
                    {"141100", "101", "101002"},
                    {"141100", "102", "102001"},
                    {"141121", "201", "201001"},
                    {"141121", "201", "201002"}};
    for (const auto& agency : agencies) {
      for (b::Stage stage : {b::STAGE_APPROVED, b::STAGE_ADJUSTMENT}) {
        if (stage == b::STAGE_ADJUSTMENT && pick(2) == 0) continue;
        std::vector<b::LineItem> lines;
        const int analyses = pick(64);
        for (int i = 0; i < 30; ++i) {
          b::LineItem line = Line(absl::StrCat("L", i),
                                  pick(4) == 0 ? b::DIRECTION_INCOME : b::DIRECTION_EXPENDITURE,
                                  kFunctional[pick(8)], static_cast<b::Fund>(1 + pick(10)),
                                  b::CATEGORY_UNSPECIFIED, 10000 * (1 + pick(100000)));
          line.set_funding_year(static_cast<b::FundingYear>(1 + pick(2)));
          if (line.direction() == b::DIRECTION_EXPENDITURE) {
            line.set_category(static_cast<b::Category>(1 + pick(6)));
            line.set_dept_economic_code(kDept[pick(9)]);
            if (line.dept_economic_code().size() == 5) line.set_gov_economic_code(kGov[pick(4)]);
          } else if (pick(2) == 0) {
            line.set_revenue_code(pick(2) == 0 ? "1030148" : "1030601");
          }
          if (stage == b::STAGE_ADJUSTMENT && pick(3) == 0) line.set_amount_fen(-line.amount_fen());
          if (i >= 20) {
            const b::Analysis analysis = static_cast<b::Analysis>(
                std::vector<int>{1, 3, 4, 6}[static_cast<size_t>(pick(4))]);
            if ((analyses >> analysis & 1) == 0) continue;
            line.set_analysis(analysis);
          }
          lines.push_back(line);
        }
        if (lines.empty()) continue;
        Submit(Statement(agency.division, agency.agency, lines, stage));
        all.erase(std::remove_if(all.begin(), all.end(),
                                 [&](const Stated& l) {
                                   return l.division == agency.division &&
                                          l.agency == agency.agency && l.stage == stage;
                                 }),
                  all.end());
        for (const b::LineItem& line : lines)
          all.push_back({agency.division, agency.department, agency.agency, stage, line});
      }
    }
    auto office = [](const Stated& l) { return l.agency != "101002"; };
    // Statements with memo lines of an analysis in a direction.
    std::set<std::tuple<std::string, std::string, int, int, int>> memos;
    for (const Stated& l : all)
      memos.insert({l.division, l.agency, l.stage, l.line.analysis(), l.line.direction()});
    static const std::map<std::string, b::Analysis> kAnalyses = {
        {"basic_economic", b::ANALYSIS_BASIC_ECONOMIC},
        {"project", b::ANALYSIS_PROJECT},
        {"three_public", b::ANALYSIS_THREE_PUBLIC},
        {"operating", b::ANALYSIS_OPERATING},
        {"class_split", b::ANALYSIS_CLASS_SPLIT}};
    const struct {
      const char *division, *department, *agency;
      bool own;
    } scopes[] = {{"141100", "", "", false},       {"141100", "", "", true},
                  {"141121", "", "", false},       {"141100", "101", "", false},
                  {"141100", "", "101001", false}, {"141121", "", "201002", false}};
    int checked = 0;
    for (const auto& scope : scopes) {
      for (b::Stage stage : {b::STAGE_APPROVED, b::STAGE_ADJUSTMENT, b::STAGE_CURRENT}) {
        for (const char* form : {"shanxi-13", "shanghai-9"}) {
          d::GetTablesRequest request = Of(scope.division, scope.department, scope.agency);
          request.mutable_subject()->set_own_level(scope.own);
          request.mutable_subject()->set_stage(stage);
          request.mutable_subject()->set_form(form);
          const d::GetTablesResponse response = MustGet(request);
          for (const d::StatutoryTable& t : response.tables()) {
            for (const d::StatutoryRow& row : t.rows()) {
              for (const d::StatutoryCell& cell : row.cells()) {
                const Words words(cell.query());
                if (cell.query().empty() || words.has("sum") || words.has("carry_forward") ||
                    words.has("none") || words.has("by"))
                  continue;
                const b::Analysis analysis = words.has("analysis")
                                                 ? kAnalyses.at(words.at("analysis"))
                                                 : b::ANALYSIS_UNSPECIFIED;
                int64_t sum = 0;
                for (const Stated& l : all) {
                  const bool below = l.division == scope.division ||
                                     (std::string(scope.division) == "141100" && !scope.own &&
                                      *scope.department == 0 && *scope.agency == 0);
                  if (!below || (*scope.department != 0 && l.department != scope.department) ||
                      (*scope.agency != 0 && l.agency != scope.agency) ||
                      (stage != b::STAGE_CURRENT && l.stage != stage))
                    continue;
                  const bool memo =
                      analysis != 0 && memos.count({l.division, l.agency, l.stage, analysis,
                                                    l.line.direction()}) > 0;
                  if (l.line.analysis() != (memo ? analysis : b::ANALYSIS_UNSPECIFIED)) continue;
                  if (!words.Ask(l.line)) continue;
                  // Operating expenses are those of offices.
                  if (!memo && analysis == b::ANALYSIS_OPERATING && !office(l)) continue;
                  sum += l.line.amount_fen();
                }
                // 款 are split by the governments' code, which the query does not say.
                if (t.canonical_number() == 6 && !row.other_label().empty()) continue;
                if (t.canonical_number() == 6 && row.level() == 2 &&
                    std::string(form) == "shanxi-13")
                  continue;
                ++checked;
                EXPECT_EQ(cell.amount_fen(), sum)
                    << form << " " << scope.division << " " << scope.department << scope.agency
                    << " " << b::Stage_Name(stage) << " table " << t.number() << " " << row.key()
                    << ": " << cell.query();
                if (HasFailure()) return;
              }
            }
          }
        }
      }
    }
    EXPECT_GT(checked, 5000);
  }
}

}  // namespace
}  // namespace fiscal::testing
