// What is found on a caller's thread, before the writer sees a request; what is the same request.
#include "services/ledger/decide/prepare.h"

#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

class PrepareTest : public ::testing::Test {
 protected:
  PrepareTest() {
    EXPECT_SCRIPT(script_, R"(
      divisions 141100                      => revised @1, 1 added
      agencies  141100 101001/101           => revised @2, 1 added
      codes     141100 205 20502            => revised @3, 2 added
    )");
  }
  LedgerScript script_{services::CheckRules};
};

TEST_F(PrepareTest, OneAnswerNamesEverything) {
  EXPECT_SCRIPT(script_, R"(
    prepare s r1 141100/101001 l1=20502:1             => ready, l1, body 1
    prepare s r1 141100/101001 l1=209:1 l1=2050:2     => CODE_MALFORMED line_items[1].functional_code; DUPLICATE_LINE_ID line_items[1].line_id; CODE_UNKNOWN line_items[0].functional_code
    prepare s r1 141100/101001 l1=20502:-1            => AMOUNT_INVALID line_items[0].amount_fen
    prepare s r1 141100/109001 l1=20502:1             => AGENCY_UNKNOWN budget.agency_code
    prepare s r1 141100/101001 l1=20502:1@P1          => PROJECT_UNKNOWN line_items[0].project_code
    prepare s r1 141100/101001 l1=20502:1 -l2         => FIELD_NOT_ALLOWED removed_line_ids
    prepare s r1 149900/101001 l1=20502:1             => DIVISION_UNKNOWN budget.division_code; CATALOG_NOT_LOADED line_items[0].functional_code
  )");
}

TEST_F(PrepareTest, LinesArePutInOrder) {
  EXPECT_SCRIPT(script_, R"(
    prepare s r1 141100/101001 l3=20502:3 l1=20502:1 l2=20502:2   => ready, l1 l2 l3, body 1
    prepare s r1 141100/101001 l1=20502:1 l2=20502:2 l3=20502:3   => ready, l1 l2 l3, body 1
  )");
}

// A body is what is stated, whoever states it and under which request_id.
TEST_F(PrepareTest, ABodyIsItsContent) {
  EXPECT_SCRIPT(script_, R"(
    prepare s r1 141100/101001 l1=20502:1                => ready, l1, body 1
    prepare s r2 141100/101001 l1=20502:1                => ready, l1, body 1
    prepare s r1 141100/101001 l1=20502:2                => ready, l1, body 2
    prepare s r1 141100/101001 l1=205:1                  => ready, l1, body 3
    prepare s r1 141100/101001 patch l1=20502:1          => ready, l1, body 4
    prepare s r1 141100/101001 certify l1=20502:1        => ready, l1, body 5
    prepare s r1 141100/101001 control l1=20502:1        => ready, l1, body 6
    prepare s r1 141100/101001 expect=0 l1=20502:1       => ready, l1, body 7
    prepare s r1 141100/101001 year=2024 l1=20502:1      => ready, l1, body 1
    prepare s r1 141100/101001 stage=final l1=20502:1    => ready, l1, body 8
    prepare s r1 141100/101001 l1=20502:1 project=P1     => ready, l1, body 9
    prepare s r1 141100/101001 patch l1=20502:1 -l2      => ready, l1, body 10
  )");
}

// A certified statement whose tables contradict each other is not taken. Lines of one direction
// have nothing to compare, and a PATCH is checked when it is decided.
TEST_F(PrepareTest, RulesAreRunOverAReplace) {
  EXPECT_SCRIPT(script_, R"(
    prepare s r1 141100/101001 certify l1=20502:5                   => ready, l1, body 1
    prepare s r1 141100/101001 l1=20502:5 l2=in/20502:7             => ready, l1 l2, body 2, T1-06, T2-02
    prepare s r1 141100/101001 certify l1=20502:5 l2=in/20502:7     => RULES_FAILED certify; RULES_FAILED certify
    prepare s r1 141100/101001 patch certify l1=20502:5             => ready, l1, body 3
  )");
}

TEST_F(PrepareTest, PartsOfAReallocationAreCheckedTogether) {
  EXPECT_SCRIPT(script_, R"(
    reallocate a 141100/101001 l1=20502:1 | 141100/101001 l1=20502:-1   => DUPLICATE_CODE budgets[1].budget
    reallocate b 141100/101001 stage=approved l1=20502:1                => FIELD_NOT_ALLOWED budgets[0].budget.stage
    reallocate c 141100/101001 l1=2050:1                                => CODE_MALFORMED budgets[0].line_items[0].functional_code
  )");
}

}  // namespace
}  // namespace fiscal::testing
