// What is exported as sheets and sent again unedited is UNCHANGED, whatever a statement holds.
#include <algorithm>
#include <functional>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/print/line_item_sheets.h"
#include "clients/cli/read/line_items.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"

namespace fiscal::testing {
namespace {

namespace b = fiscal::budget::v1;
namespace s = fiscal::submission::v1;

constexpr uint32_t kSeed = 20240119;
constexpr int kStatements = 200;
constexpr int64_t kGrossFenMax = int64_t{1} << 52;

// Statements of everything that a request may hold. What the wire forbids is left out: empty ids,
// controls in them, income with an economic code.
class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  s::SubmitBudgetRequest Make(int index) {
    s::SubmitBudgetRequest request;
    request.set_request_id(absl::StrCat("s", index));
    b::BudgetKey* key = request.mutable_budget();
    key->set_division_code("141100");
    key->set_fiscal_year(2024);
    key->set_stage(static_cast<b::Stage>(1 + index % 7));
    const bool department = OneOf(5);
    key->set_agency_code(department ? "101" : Pick({"101001", "101002", "102001", "031001"}));
    if (department) {
      request.set_scope(b::SCOPE_DEPARTMENT);
      request.set_department_code("101");
    }
    request.set_control(OneOf(4));
    if (OneOf(2)) request.set_note(Text(0, true));
    if (OneOf(3)) request.set_year_end_carry_forward_fen(OneOf(3) ? 0 : Amount(true, 1));
    std::set<std::string> codes;
    for (int i = Below(5); i > 0; --i) codes.insert(Text(1, false));
    for (const std::string& code : codes) {
      b::Project* project = request.add_projects();
      project->set_project_code(code);
      project->set_name(Text(1, true));
    }
    left_fen_ = kGrossFenMax;
    const bool negative = index % 7 >= 3;
    std::set<std::string> ids;
    const int lines = std::max(request.projects_size(), 1 + Below(40));
    while (static_cast<int>(ids.size()) < lines) ids.insert(Text(1, false));
    for (const std::string& id : ids) Line(id, negative, &request);
    return request;
  }

  // As imported statements have them.
  void AddDetails(b::Project* project) {
    using Field = google::protobuf::FieldDescriptor;
    for (int i = 0; i < project->GetDescriptor()->field_count(); ++i) {
      const Field* field = project->GetDescriptor()->field(i);
      if (field->is_repeated() || field->number() < 5 || OneOf(3)) continue;
      if (field->cpp_type() == Field::CPPTYPE_STRING)
        project->GetReflection()->SetString(project, field, Text(1, true));
    }
    project->set_project_code_derived(OneOf(3));
    project->set_category(Pick({b::CATEGORY_UNSPECIFIED, b::CATEGORY_PROJECT,
                                b::CATEGORY_OTHER_OPERATING, b::CATEGORY_SPECIFIC_TARGET}));
    if (OneOf(2)) project->mutable_term_funding()->set_total_fen(0);
    if (OneOf(2)) project->mutable_term_funding()->set_self_raised_fen(Amount(false, 1));
    if (OneOf(2)) project->mutable_year_funding()->set_central_fen(Amount(false, 1));
    for (int i = Below(4); i > 0; --i) {
      b::PerformanceIndicator* indicator = project->add_indicators();
      indicator->set_period(static_cast<b::IndicatorPeriod>(Below(3)));
      indicator->set_level1(Text(0, true));
      indicator->set_level3(Text(1, true));
      indicator->set_target(Pick({"≥95%", "=100%", "-3", "", "2024-06-30"}));
    }
  }

 private:
  int Below(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n)); }
  bool OneOf(int n) { return Below(n) == 0; }
  template <typename T>
  T Pick(std::initializer_list<T> values) {
    return *(values.begin() + Below(static_cast<int>(values.size())));
  }
  std::string Pick(std::initializer_list<const char*> values) {
    return *(values.begin() + Below(static_cast<int>(values.size())));
  }

  // Of `pieces_min` pieces or more that spreadsheets, CSV and XML are known to change.
  std::string Text(int pieces_min, bool multiline) {
    std::string text;
    for (int n = pieces_min + Below(5); n > 0; --n) {
      text +=
          multiline && OneOf(3)
              ? Pick({"\n", "\r\n", "\r", "\t", "\n=", "\n\n"})
              : Pick({"=",          "+",       "-",       "@",       "'",   "\"",   "＝",  "－",
                      "＋",         "＠",      "=1+1",    "''",      "'=",  ",",    " ",   "　",
                      "\u00a0",     "_x000D_", "_x0041_", "_x005F_", "001", "1e5",  "1.0", "TRUE",
                      "2024-01-01", "#REF!",   "&lt;",    "<b>",     "]]>", "备注", "甲",  "😀",
                      "A",          "-12.50",  "%",       ";",       "\\",  "{=1}"});
    }
    return text;
  }

  // Of a statement whose absolute amounts stay in bounds.
  int64_t Amount(bool negative, int64_t precision) {
    const int64_t magnitude =
        std::min<int64_t>(
            static_cast<int64_t>((uint64_t{random_()} << 32 | random_()) >> (11 + Below(50))),
            left_fen_) /
        precision * precision;
    left_fen_ -= magnitude;
    return negative && OneOf(2) ? -magnitude : magnitude;
  }

  void Line(const std::string& id, bool negative, s::SubmitBudgetRequest* request) {
    const int index = request->line_items_size();
    b::LineItem* line = request->add_line_items();
    line->set_line_id(id);
    line->set_analysis(OneOf(3) ? static_cast<b::Analysis>(Below(7)) : b::ANALYSIS_UNSPECIFIED);
    const bool memo = line->analysis() != b::ANALYSIS_UNSPECIFIED;
    if (OneOf(4)) {
      line->set_direction(b::DIRECTION_INCOME);
      line->set_revenue_code(Pick({"101", "103", "10301", "1030147"}));
    } else {
      line->set_direction(b::DIRECTION_EXPENDITURE);
      line->set_dept_economic_code(Pick({"", "301", "30101"}));
      line->set_gov_economic_code(Pick({"", "501", "50101"}));
      line->set_category(static_cast<b::Category>(Below(7)));
      line->set_procurement_kind(static_cast<b::ProcurementKind>(Below(4)));
    }
    if (!memo || OneOf(2)) line->set_functional_code(Pick({"205", "20502", "2050202", "2170101"}));
    line->set_fund(static_cast<b::Fund>(Below(11)));
    line->set_funding_year(static_cast<b::FundingYear>(Below(3)));
    line->set_precision_fen(Pick<int64_t>({0, 1, 1, 100, 10000, 1000000}));
    line->set_amount_fen(index == 0 && OneOf(3)
                             ? std::exchange(left_fen_, 0) /
                                   std::max<int64_t>(line->precision_fen(), 1) *
                                   std::max<int64_t>(line->precision_fen(), 1)
                             : Amount(negative, std::max<int64_t>(line->precision_fen(), 1)));
    line->set_receiving_division_code(Pick({"", "", "140000", "141121"}));
    // Every project is some line's, so that CSV holds it.
    if (index < request->projects_size()) {
      line->set_project_code(request->projects(index).project_code());
    } else if (request->projects_size() > 0 && OneOf(2)) {
      line->set_project_code(request->projects(Below(request->projects_size())).project_code());
    }
    if (OneOf(2)) line->set_note(Text(1, true));
  }

  std::mt19937 random_;
  int64_t left_fen_ = 0;
};

class ExportedLinesTest : public ::testing::Test {
 protected:
  // As `fiscal lines` reads it.
  cli::Statement Read(const b::BudgetKey& key) {
    cli::Statement statement;
    grpc::ClientContext one, two, three;
    s::GetBudgetRequest budget;
    *budget.mutable_budget() = key;
    s::GetBudgetResponse found;
    EXPECT_TRUE(d_.submission->GetBudget(&one, budget, &found).ok());
    statement.budget = found.budget();
    s::ListLineItemsRequest lines;
    *lines.mutable_budget() = key;
    s::ListLineItemsResponse line_page;
    EXPECT_TRUE(d_.submission->ListLineItems(&two, lines, &line_page).ok());
    statement.lines.assign(line_page.line_items().begin(), line_page.line_items().end());
    s::ListProjectsRequest projects;
    *projects.mutable_budget() = key;
    s::ListProjectsResponse project_page;
    EXPECT_TRUE(d_.submission->ListProjects(&three, projects, &project_page).ok());
    statement.projects.assign(project_page.projects().begin(), project_page.projects().end());
    return statement;
  }

  // The result of submitting the file, or what is wrong with it.
  std::string Submit(const std::string& name, const std::string& bytes) {
    const cli::LineItemFile file = cli::LineItemFile::Read(name, bytes, {});
    if (file.problem_count() > 0)
      return absl::StrCat(file.problems()[0].place, ": ", file.problems()[0].message);
    if (file.budgets().size() != 1) return absl::StrCat(file.budgets().size(), " budgets");
    s::SubmitBudgetRequest request = file.budgets()[0];
    request.set_request_id(absl::StrCat("again", ++sent_));
    s::SubmitBudgetResponse receipt;
    const client::Error error = d_.Submit(request, &receipt);
    if (error.code == grpc::OK) return s::Result_Name(receipt.result());
    return absl::StrCat(error.reason, ": ", error.message,
                        error.violations.empty() ? "" : " " + error.violations[0].field);
  }

  void Withdraw(const b::BudgetKey& key) {
    s::WithdrawBudgetRequest request;
    request.set_request_id(absl::StrCat("gone", ++sent_));
    *request.mutable_budget() = key;
    s::WithdrawBudgetResponse response;
    grpc::ClientContext context;
    ASSERT_TRUE(d_.submission->WithdrawBudget(&context, request, &response).ok());
  }

  static cli::Unit UnitOf(int index) {
    constexpr cli::Unit kUnits[] = {cli::Unit::kYuan, cli::Unit::kWanyuan, cli::Unit::kFen};
    return kUnits[index % 3];
  }

  Deployment d_;
  int sent_ = 0;
};

TEST_F(ExportedLinesTest, TwoHundredStatementsAreUnchangedAsCsvAndAsWorkbooks) {
  RecordProperty("seed", static_cast<int>(kSeed));
  Generator generator(kSeed);
  int unchanged = 0;
  for (int i = 0; i < kStatements; ++i) {
    const s::SubmitBudgetRequest request = generator.Make(i);
    d_.MustSubmit(request);
    const cli::Statement statement = Read(request.budget());
    ASSERT_EQ(static_cast<int>(statement.lines.size()), request.line_items_size());
    const std::string csv = cli::LineItemsCsv(statement, UnitOf(i));
    const auto workbook = cli::LineItemsWorkbook(statement, UnitOf(i + 1));
    ASSERT_TRUE(workbook.ok()) << workbook.status();
    for (const auto& [name, bytes] :
         {std::make_pair("b.csv", csv), std::make_pair("b.xlsx", *workbook)}) {
      const std::string result = Submit(name, bytes);
      EXPECT_EQ(result, "RESULT_UNCHANGED") << i << " " << name;
      EXPECT_EQ(absl::StrJoin(cli::LostIn(statement, name, bytes), ", "), "") << i << " " << name;
      if (result == "RESULT_UNCHANGED") ++unchanged;
    }
    Withdraw(request.budget());
  }
  EXPECT_EQ(unchanged, 2 * kStatements);
  std::cout << "unchanged: " << unchanged << " of " << 2 * kStatements << "\n";
}

TEST_F(ExportedLinesTest, WorkbooksHoldProjectsWhole) {
  Generator generator(kSeed + 1);
  int with_details = 0;
  for (int i = 0; i < 40; ++i) {
    s::SubmitBudgetRequest request = generator.Make(i);
    for (b::Project& project : *request.mutable_projects()) generator.AddDetails(&project);
    b::Project* unused = request.add_projects();
    unused->set_project_code("of no line");
    unused->set_name("=名称");
    unused->add_indicators()->set_target("+1");
    d_.MustSubmit(request);
    const cli::Statement statement = Read(request.budget());
    const auto workbook = cli::LineItemsWorkbook(statement, UnitOf(i));
    ASSERT_TRUE(workbook.ok()) << workbook.status();
    EXPECT_EQ(Submit("b.xlsx", *workbook), "RESULT_UNCHANGED") << i;
    EXPECT_EQ(absl::StrJoin(cli::LostIn(statement, "b.xlsx", *workbook), ", "), "") << i;
    // CSV has what it has, and names the rest.
    const std::string csv = cli::LineItemsCsv(statement, UnitOf(i));
    const std::vector<std::string> lost = cli::LostIn(statement, "b.csv", csv);
    EXPECT_EQ(std::count(lost.begin(), lost.end(), "projects"), 1) << absl::StrJoin(lost, ", ");
    if (std::count(lost.begin(), lost.end(), "projects.overview") > 0) ++with_details;
    EXPECT_EQ(Submit("b.csv", csv), "RESULT_REVISED") << i;
    Withdraw(request.budget());
  }
  EXPECT_GT(with_details, 10);
}

TEST_F(ExportedLinesTest, AnImportedDisclosureIsUnchangedAsAWorkbook) {
  const s::SubmitBudgetRequest request =
      d_.Reference(ReadFile("tests/data/documents/lvliang_finance_office_2024.txt"), "reference");
  ASSERT_GT(request.projects_size(), 0);
  d_.MustSubmit(request);
  const cli::Statement statement = Read(request.budget());
  const auto workbook = cli::LineItemsWorkbook(statement, cli::Unit::kYuan);
  ASSERT_TRUE(workbook.ok()) << workbook.status();
  EXPECT_EQ(absl::StrJoin(cli::LostIn(statement, "b.xlsx", *workbook), ", "), "");
  EXPECT_EQ(Submit("b.xlsx", *workbook), "RESULT_UNCHANGED");
}

TEST_F(ExportedLinesTest, ACertifiedStatementStaysCertified) {
  s::SubmitBudgetRequest request;
  request.set_request_id("certified");
  request.mutable_budget()->set_division_code("141100");
  request.mutable_budget()->set_agency_code("101001");
  request.mutable_budget()->set_fiscal_year(2024);
  request.mutable_budget()->set_stage(b::STAGE_REQUESTED);
  request.set_certify(true);
  b::LineItem* line = request.add_line_items();
  line->set_line_id("a");
  line->set_direction(b::DIRECTION_EXPENDITURE);
  line->set_functional_code("2050202");
  line->set_amount_fen(1);
  d_.MustSubmit(request);
  const std::string csv = cli::LineItemsCsv(Read(request.budget()), cli::Unit::kYuan);
  EXPECT_EQ(Submit("b.csv", csv), "RESULT_UNCHANGED");
  EXPECT_TRUE(Read(request.budget()).budget.certified());
}

TEST_F(ExportedLinesTest, AStatementWithoutLinesIsSaidToBeNone) {
  s::SubmitBudgetRequest request;
  request.set_request_id("empty");
  request.mutable_budget()->set_division_code("141100");
  request.mutable_budget()->set_agency_code("101001");
  request.mutable_budget()->set_fiscal_year(2024);
  request.mutable_budget()->set_stage(b::STAGE_APPROVED);
  request.set_note("nothing yet");
  d_.MustSubmit(request);
  const cli::Statement statement = Read(request.budget());
  const std::string csv = cli::LineItemsCsv(statement, cli::Unit::kYuan);
  EXPECT_EQ(absl::StrJoin(cli::LostIn(statement, "b.csv", csv), ", "),
            "b.csv: there are no line items in it");
}

}  // namespace
}  // namespace fiscal::testing
