// What the intake decides of requests, one after the other, over a log in memory.
#include "services/ledger/decide/intake.h"

#include "base/sha256.h"
#include "domain/requests.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

// A city and its county; two departments, of which the first has two agencies; one 类.
constexpr absl::string_view kCatalog = R"(
  divisions 141100 141121<141100                     => revised @1, 2 added
  agencies  141100 101001/101 101002/101 102001/102  => revised @2, 3 added
  agencies  141121 101001/101                        => revised @3, 1 added
  codes     141100 205 20502                         => revised @4, 2 added
)";

class IntakeTest : public ::testing::Test {
 protected:
  IntakeTest() { EXPECT_SCRIPT(script_, kCatalog); }
  LedgerScript script_{services::CheckRules};
};

TEST_F(IntakeTest, ARequestIsDecidedOnce) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/101001 l1=20502:1000.00   => created r1 @5, 1 line
    submit r1 141100/101001 l1=20502:1000.00   => created r1 @5, 1 line   # the same answer
    submit r1 141100/101001 l1=20502:900.00    => REQUEST_ID_REUSED
    total  141100                              => 1000.00 @5
  )");
}

TEST_F(IntakeTest, ALaterStatementReplacesTheOneBefore) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/101001 l1=20502:1000.00 l2=20502:1.00   => created r1 @5, 2 lines
    submit r2 141100/101001 l1=20502:900.00                  => revised r2 @6, 1 line
    submit r3 141100/101001 l1=20502:900.00                  => unchanged r2 @6, 1 line
    total  141100                                            => 900.00 @6
    total  141100 at=5                                       => 1001.00 @5
  )");
}

TEST_F(IntakeTest, ARevisionThatMovedIsRefused) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/101001 expect=1 l1=20502:1   => REVISION_MISMATCH
    submit r2 141100/101001 expect=0 l1=20502:1   => created r1 @5, 1 line
    submit r3 141100/101001 expect=0 l1=20502:2   => REVISION_MISMATCH
    submit r4 141100/101001 expect=1 l1=20502:2   => revised r2 @6, 1 line
  )");
}

TEST_F(IntakeTest, APatchPutsAndRemovesSingleLines) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/101001 patch l1=20502:1                => BUDGET_NOT_FOUND
    submit r2 141100/101001 l1=20502:1 l2=20502:2           => created r1 @5, 2 lines
    submit r3 141100/101001 patch l3=20502:4 -l1            => revised r2 @6, 2 lines
    submit r4 141100/101001 patch -l1                       => LINE_UNKNOWN removed_line_ids
    submit r5 141100/101001 patch l2=20502:2                => unchanged r2 @6, 2 lines
    submit r6 141100/101001 patch l4=20502:1@P1             => PROJECT_UNKNOWN line_items[0].project_code
    submit r7 141100/101001 patch l4=20502:1@P1 project=P1  => revised r3 @7, 3 lines, 1 project
    submit r8 141100/101001 patch -project=P1               => PROJECT_UNKNOWN removed_project_codes
    submit r9 141100/101001 patch -l4 -project=P1           => revised r4 @8, 2 lines
    total  141100                                           => 6.00 @8
  )");
}

TEST_F(IntakeTest, AWithdrawalTakesTheMoneyOutAndIsARevision) {
  EXPECT_SCRIPT(script_, R"(
    withdraw w1 141100/101001                    => BUDGET_NOT_FOUND
    submit   r1 141100/101001 l1=20502:5         => created r1 @5, 1 line
    withdraw w2 141100/101001 expect=2           => REVISION_MISMATCH
    withdraw w3 141100/101001                    => revised r2 @6, 0 lines
    withdraw w4 141100/101001                    => unchanged r2 @6, 0 lines
    submit   r2 141100/101001 patch l1=20502:5   => BUDGET_NOT_FOUND
    submit   r3 141100/101001 l1=20502:5         => revised r3 @7, 1 line
    total    141100                              => 5.00 @7
  )");
}

TEST_F(IntakeTest, APreviewKeepsNothing) {
  EXPECT_SCRIPT(script_, R"(
    validate v1 141100/101001 l1=20502:5   => created r1, 1 line, expenditure 5.00, income 0.00
    validate v1 141100/101001 l1=20502:7   => created r1, 1 line, expenditure 7.00, income 0.00
    submit   v1 141100/101001 l1=20502:6   => created r1 @5, 1 line
    validate v2 141100/101001 l1=20502:5   => revised r2, 1 line, expenditure -1.00, income 0.00
    total    141100                        => 6.00 @5
  )");
}

TEST_F(IntakeTest, ADepartmentIsCountedOnce) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/101001 l1=20502:5                         => created r1 @5, 1 line
    submit r2 141100/101 department=101 l1=20502:9             => SCOPE_MIXED
    submit r3 141100/101 department=101 control l1=20502:9     => created r1 @6, 1 line
    submit r4 141100/102 department=102 l1=20502:7             => created r1 @7, 1 line
    submit r5 141100/102001 l1=20502:1                         => SCOPE_MIXED
    total  141100                                              => 12.00 @7
    submit r6 141100/101 department=101 l1=20502:9             => SCOPE_MIXED
    withdraw w1 141100/102 department=102                      => revised r2 @8, 0 lines
    submit r7 141100/102001 l1=20502:1                         => created r1 @9, 1 line
    total  141100                                              => 6.00 @9
  )");
}

TEST_F(IntakeTest, AReallocationIsKeptWholeOrNotAtAll) {
  EXPECT_SCRIPT(script_, R"(
    reallocate a 141100/101001 l1=20502:-5 | 141100/102001 l1=20502:4   => REALLOCATION_UNBALANCED
    total 141100 stage=reallocation                                     => 0.00 @4
    reallocate a 141100/101001 l1=20502:-5 | 141100/102001 l1=20502:5   => created r1 @6, 1 line | created r1 @5, 1 line | created r1 @6, 1 line
    reallocate a 141100/101001 l1=20502:-5 | 141100/102001 l1=20502:5   => created r1 @6, 1 line | created r1 @5, 1 line | created r1 @6, 1 line
    reallocate b 141100/101001 l1=20502:-5 | 141100/101002 l1=20502:5   => REALLOCATION_UNCHANGED
    reallocate c 141100/101001 l1=20502:-6 | 141100/999999 l1=20502:6   => AGENCY_UNKNOWN budgets[1].budget.agency_code
    rows  141100 stage=reallocation by=agency                           => 101001 -5.00 | 102001 5.00 | 0.00
  )");
}

// A refused reallocation leaves nothing behind, in its own group neither.
TEST_F(IntakeTest, WhatFollowsARefusedReallocationStandsAlone) {
  EXPECT_SCRIPT(script_, R"(
    reallocate a 141100/101001 l1=20502:-5 | 141100/102001 l1=20502:4   => REALLOCATION_UNBALANCED
    submit r1 141100/101001 stage=reallocation l1=20502:-5              => created r1 @5, 1 line
  )");
}

TEST_F(IntakeTest, AnImportThatWouldMoveCountedMoneyIsRefused) {
  EXPECT_SCRIPT(script_, R"(
    agencies  141100 101001/102   => revised @5, 1 changed
    agencies  141100 101001/101   => revised @6, 1 changed
    submit r1 141121/101001 l1=20502:5            => created r1 @7, 1 line
    agencies  141121 101001/102                   => AGENCY_HAS_STATEMENTS entries[0].department_code
    divisions 140000 141100<140000                => AGENCY_HAS_STATEMENTS entries[1].parent_code
  )");
}

TEST_F(IntakeTest, ARepeatedImportGetsItsAnswer) {
  EXPECT_SCRIPT(script_, R"(
    codes 141100 id=c 206          => revised @5, 1 added
    codes 141100 id=c 206          => revised @5, 1 added
    codes 141100 id=d 206          => unchanged
    codes 141100 id=c 207          => REQUEST_ID_REUSED
  )");
}

// Older versions kept the digest of an import's bytes, not that of its content: their answers are
// found by either.
TEST_F(IntakeTest, AnImportThatAnOlderVersionAnsweredIsRepeated) {
  auto import = [this](const std::string& body, const std::string& sent) {
    domain::CatalogImport i;
    i.request_id = "r1";
    i.body = Sha256({body});
    i.sent = Sha256({sent});
    i.event = {141100, 2024, domain::CatalogList::kFunctional, {}};
    i.event.entries.push_back({"208", "name", "", "", {}, "", "", false, {}});
    services::Intake::Request request(std::move(i));
    services::Intake::Request* group[] = {&request};
    return script_.intake().Commit(group)[0];
  };
  const auto first = import("bytes", "bytes");
  ASSERT_TRUE(first.ok()) << first.status();
  const auto again = import("content", "bytes");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->receipt.position, first->receipt.position);
  EXPECT_FALSE(import("content", "other bytes").ok());
}

// Between the check and the decision the catalog may change: the statement is checked against the
//     one that stands then.
TEST_F(IntakeTest, ACatalogThatChangedMeanwhileIsAskedAgain) {
  EXPECT_SCRIPT(script_, R"(
    prepare early r1 141100/101001 l1=208:5   => CODE_UNKNOWN line_items[0].functional_code
    codes   141100 208                        => revised @5, 1 added
    commit  early                             => created r1 @6, 1 line
    prepare late r2 141100/101002 l1=208:5    => ready, l1, body 1
    codes   141100 209                        => revised @7, 1 added
    commit  late                              => created r1 @8, 1 line
  )");
}

}  // namespace
}  // namespace fiscal::testing
