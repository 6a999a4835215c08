// Statutory tables and articulation rules through the program `fiscal`: a document that is imported
// is printed again, equal to the fen; what is in the ledger is checked by the same rules; certified
// statements must pass them.
#include <algorithm>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "fiscal/disclosure/v1/disclosure_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"
#include "tests/support/programs.h"

namespace fiscal::testing {
namespace {

namespace b = fiscal::budget::v1;
namespace d = fiscal::disclosure::v1;

constexpr char kReference[] = "tests/data/documents/lvliang_finance_office_2024.txt";

class TablesTest : public ::testing::Test {
 protected:
  int Fiscal(const std::string& arguments, std::string* out = nullptr) {
    Ran ran = RunFiscal(absl::StrCat("--server ", d_.address(), " ", arguments));
    if (out != nullptr) *out = std::move(ran.out);
    return ran.code;
  }
  std::string Write(const std::string& name, const std::string& content) {
    const std::string path = dir_.path() + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  // A district with the department and the units of the Shanghai fixtures, for a year.
  void District(int year) {
    const std::string divisions =
        Write("divisions.csv", "code,name,parent\n310000,上海市,\n310107,普陀区,310000\n");
    const std::string agencies = Write(
        "agencies.csv",
        "code,name,department_code,kind,valid_from,valid_to,must_report\n"
        "301,上海市普陀区商务委员会,301,行政,,,false\n301001,上海市普陀区商务委员会,301,行政,,,"
        "true\n"
        "401,上海市普陀区人民政府万里街道办事处,401,行政,,,false\n401001,街道本部,401,行政,,,true\n"
        "401002,街道中心,401,事业,,,true\n");
    const std::string y = absl::StrCat(year);
    ASSERT_EQ(
        Fiscal("catalog import --list division --division 310000 --year " + y + " " + divisions),
        0);
    for (const char* list : {"functional", "dept-economic", "gov-economic"}) {
      const std::string file = absl::StrReplaceAll(list, {{"-", "_"}});
      ASSERT_EQ(Fiscal(absl::StrCat("catalog import --list ", list, " --division 310000 --year ", y,
                                    " domain/data/", file, ".csv")),
                0);
    }
    ASSERT_EQ(Fiscal("catalog import --list agency --division 310107 --year " + y + " " + agencies),
              0);
  }

  Deployment d_;
  TempDir dir_;
};

TEST_F(TablesTest, TheReferenceIsPrintedAgainEqualToTheFen) {
  ASSERT_EQ(Fiscal(absl::StrCat("import ", kReference)), 0);
  d_.AwaitTotals();
  std::string out;
  for (const char* whose : {"--agency 031001", "--department 031"}) {
    EXPECT_EQ(Fiscal(absl::StrCat("tables --division 141100 --year 2024 ", whose, " --compare ",
                                  kReference),
                     &out),
              0)
        << out;
    EXPECT_TRUE(absl::StrContains(out, "13 tables, ")) << out;
    EXPECT_TRUE(absl::StrContains(out, "all equal")) << out;
  }
  // A figure that differs is named, and the program says so.
  const std::string changed =
      Write("changed.txt",
            absl::StrReplaceAll(ReadFile(kReference),
                                {{"公务员医疗补助\t3.70\t3.70", "公务员医疗补助\t3.71\t3.70"}}));
  EXPECT_EQ(Fiscal(absl::StrCat("tables --division 141100 --year 2024 --agency 031001 --compare ",
                                changed),
                   &out),
            3);
  EXPECT_TRUE(absl::StrContains(out, "3.71")) << out;
  // The rules over the ledger hold but for the two that hold within rounding.
  EXPECT_EQ(Fiscal("check --division 141100 --year 2024 --agency 031001", &out), 0) << out;
  EXPECT_TRUE(absl::StrContains(out, "ROUNDING_ONLY")) << out;
}

TEST_F(TablesTest, DisclosuresOfTheNineTableForm) {
  District(2025);
  District(2023);
  ASSERT_EQ(Fiscal("import tests/data/documents/putuo_commerce_2025_unit.txt"), 0);
  ASSERT_EQ(Fiscal("import tests/data/documents/putuo_wanli_2023_dept.txt"), 0);
  d_.AwaitTotals();
  std::string out;
  EXPECT_EQ(Fiscal("tables --division 310107 --year 2025 --agency 301001 --compare "
                   "tests/data/documents/putuo_commerce_2025_unit.txt",
                   &out),
            0)
      << out;
  EXPECT_TRUE(absl::StartsWith(out, "9 tables, ")) << out;
  // The department is its only unit: its own document says the same.
  EXPECT_EQ(Fiscal("tables --division 310107 --year 2025 --department 301 --compare "
                   "tests/data/documents/putuo_commerce_2025_dept.txt",
                   &out),
            0)
      << out;
  EXPECT_EQ(Fiscal("tables --division 310107 --year 2023 --department 401 --compare "
                   "tests/data/documents/putuo_wanli_2023_dept.txt",
                   &out),
            0)
      << out;
  EXPECT_EQ(Fiscal("check --division 310107 --year 2023 --department 401 --form shanghai-9", &out),
            0)
      << out;
}

TEST_F(TablesTest, SeveralUnitsCarriedOverMoneyAndAllFunds) {
  const std::string agencies =
      Write("agencies.csv",
            "code,name,department_code,kind,valid_from,valid_to,must_report\n"
            "077,示例市城乡建设局,077,行政,,,false\n077001,示例市城乡建设局本级,077,行政,,,true\n");
  ASSERT_EQ(Fiscal("catalog import --list agency --division 141100 --year 2024 " + agencies), 0);
  std::string out;
  ASSERT_EQ(
      Fiscal("import tests/data/documents/many_units_2024.txt --division 141100 --department 077",
             &out),
      0)
      << out;
  d_.AwaitTotals();
  // Income and expenditure by code; T11 to T13 with the units that the document names.
  for (int table : {3, 5, 6, 8, 10, 11, 12, 13}) {
    std::string json;
    EXPECT_EQ(Fiscal(absl::StrCat("tables --division 141100 --year 2024 --department 077 --table ",
                                  table, " --compare tests/data/documents/many_units_2024.txt"),
                     &out),
              0)
        << "table " << table << ": " << out;
  }
}

// Tables of any node are sums of the lines below it.
TEST_F(TablesTest, ALiveCityPrintsItsTables) {
  const auto receipts = d_.SubmitExamples();
  const auto stub = d::DisclosureService::NewStub(d_.channel);
  d::GetTablesRequest request;
  request.mutable_subject()->set_division_code("141100");
  request.mutable_subject()->set_fiscal_year(2024);
  request.add_table_numbers(3);
  request.set_narrative(true);
  request.mutable_consistency()->set_at_least(receipts.back().position());
  d::GetTablesResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(stub->GetTables(&context, request, &response).ok());
  ASSERT_EQ(response.tables_size(), 1);
  fiscal::aggregation::v1::GetTotalRequest ask;
  ask.mutable_filter()->set_division_code("141100");
  ask.mutable_filter()->set_fiscal_year(2024);
  ask.mutable_filter()->set_stage(b::STAGE_APPROVED);
  ask.mutable_filter()->set_direction(b::DIRECTION_EXPENDITURE);
  auto total = [&](b::Category category, const std::string& code) {
    ask.mutable_filter()->set_category(category);
    ask.mutable_filter()->set_functional_code(code);
    ask.mutable_consistency()->set_exactly(response.position());
    fiscal::aggregation::v1::GetTotalResponse answer;
    grpc::ClientContext call;
    EXPECT_TRUE(d_.aggregation->GetTotal(&call, ask, &answer).ok());
    return answer.total().amount_fen();
  };
  int rows = 0;
  for (const d::StatutoryRow& row : response.tables(0).rows()) {
    const std::string code = row.key() == "total" ? "" : row.code();
    EXPECT_EQ(row.cells(0).amount_fen(), total(b::CATEGORY_UNSPECIFIED, code)) << row.key();
    EXPECT_EQ(row.cells(1).amount_fen(), total(b::CATEGORY_BASIC, code)) << row.key();
    EXPECT_EQ(row.cells(2).amount_fen(), total(b::CATEGORY_PROJECT, code)) << row.key();
    ++rows;
  }
  EXPECT_GT(rows, 10);
  EXPECT_EQ(response.narrative().expenditure_fen(), total(b::CATEGORY_UNSPECIFIED, ""));
  EXPECT_GE(response.narrative().sentences_size(), 4);
  EXPECT_FALSE(response.narrative().has_prior_expenditure_fen());

  request.mutable_subject()->set_form("no-such-form");
  grpc::ClientContext again;
  const grpc::Status unknown = stub->GetTables(&again, request, &response);
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(absl::StrContains(unknown.error_message(), "shanghai-9")) << unknown.error_message();
}

// Income that is not expenditure: kept and said; refused where it is to be final.
TEST_F(TablesTest, CertifiedStatementsMustPassTheRules) {
  auto request = d_.Reference(ReadFile(kReference), "");
  for (b::LineItem& line : *request.mutable_line_items()) {
    if (line.direction() != b::DIRECTION_INCOME) continue;
    line.set_amount_fen(line.amount_fen() + 50000000);
    break;
  }
  request.set_request_id("certified");
  request.set_certify(true);
  const client::Error refused = d_.Submit(request);
  EXPECT_EQ(refused.code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(refused.reason, "RULES_FAILED") << refused.message;
  EXPECT_TRUE(absl::StrContains(refused.message, "T1-06") ||
              std::any_of(refused.violations.begin(), refused.violations.end(),
                          [](const auto& v) { return absl::StrContains(v.description, "T1-06"); }))
      << refused.message;

  request.set_request_id("kept");
  request.set_certify(false);
  const auto receipt = d_.MustSubmit(request);
  bool said = false;
  for (const b::Finding& f : receipt.findings())
    said = said ||
           (f.rule() == "T1-06" && f.severity() == b::SEVERITY_ERROR && !f.message_zh().empty());
  EXPECT_TRUE(said);

  // A PATCH that mends it may be certified; one that does not may not.
  fiscal::submission::v1::SubmitBudgetRequest patch;
  *patch.mutable_budget() = request.budget();
  patch.set_department_code(request.department_code());
  patch.set_mode(fiscal::submission::v1::WRITE_MODE_PATCH);
  patch.set_certify(true);
  patch.set_request_id("patch-wrong");
  for (const b::LineItem& line : request.line_items()) {
    if (line.direction() != b::DIRECTION_INCOME) continue;
    *patch.add_line_items() = line;
    break;
  }
  patch.mutable_line_items(0)->set_note("unchanged amount");
  EXPECT_EQ(d_.Submit(patch).reason, "RULES_FAILED");
  patch.set_request_id("patch-right");
  patch.mutable_line_items(0)->set_amount_fen(patch.line_items(0).amount_fen() - 50000000);
  const auto mended = d_.MustSubmit(patch);
  EXPECT_EQ(mended.revision(), 2);
}

}  // namespace
}  // namespace fiscal::testing
