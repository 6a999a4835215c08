// Which cells answer a question, of how many nodes: what it reads is what it costs.
#include "services/ledger/answer/plan.h"

#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

// A city and its county, as in question_test.cc.
constexpr absl::string_view kCatalog = R"(
  divisions 140000 141100<140000 141121<141100          => revised @1, 3 added
  agencies  141100 101001/101 101002/101 102001/102     => revised @2, 3 added
  agencies  141121 101001/101                           => revised @3, 1 added
)";

class PlanTest : public ::testing::Test {
 protected:
  PlanTest() {
    // small division filter   whether one node keeps just what is asked
    script_.Add("small", [](const Words& words) {
      return std::string(services::IsSmall(FilterOf(words)) ? "yes" : "no");
    });
    EXPECT_SCRIPT(script_, kCatalog);
  }
  LedgerScript script_{services::CheckRules};
};

// One node that keeps just what is asked, or all leaves below.
TEST_F(PlanTest, ReadsAsLittleAsItCan) {
  EXPECT_SCRIPT(script_, R"(
    reads 141100                                  => plain of 1 node
    reads 141100 functional=205                   => functional of 1 node
    reads 141100 economic=301                     => dept_economic of 1 node
    reads 141100 department=101                   => plain of 1 node
    reads 141100 by=functional                    => functional of 1 node
    reads 141100 by=division                      => plain of 2 nodes
    reads 141100 by=department                    => plain of 3 nodes
    reads 141100 own by=department functional=205 => functional of 2 nodes
    reads 141100 functional=205 economic=301      => leaf of 7 nodes
    reads 141100 by=project                       => leaf of 7 nodes
    reads 141100 own by=agency                    => leaf of 5 nodes
    reads 141100 agency=101001                    => leaf of 1 node
    reads 141100 income revenue=101               => revenue of 1 node
    reads 141100 income economic=301              => leaf of 7 nodes
  )");
}

TEST_F(PlanTest, ASumIsSmallWhereOneNodeHasIt) {
  EXPECT_SCRIPT(script_, R"(
    small 141100                            => yes
    small 141100 functional=205             => yes
    small 141100 agency=101001 project=P1   => yes   # one agency's leaves
    small 141100 functional=205 economic=301 => no
    small 141100 project=P1                 => no
    small 141100 income economic=301        => no
  )");
}

TEST_F(PlanTest, LeavesAreAgenciesAndDepartmentsThatMayStateThemselves) {
  const services::Filter filter(script_.intake().catalog(),
                                FilterOf({"leaves", "141100", "department=101"}));
  std::vector<std::string> codes;
  for (const services::Target& target : services::LeavesOf(filter)) {
    EXPECT_EQ(target.department, "101");
    codes.push_back(target.node.code);
  }
  EXPECT_EQ(codes, (std::vector<std::string>{"101", "101001", "101002"}));
}

TEST_F(PlanTest, OrganisationSaysWhoseMoneyItIs) {
  using domain::Dimension;
  for (const Dimension d : {Dimension::kDepartment, Dimension::kAgency, Dimension::kDivision})
    EXPECT_TRUE(services::IsOrganisation(d));
  for (const Dimension d : {Dimension::kFunctional, Dimension::kFund, Dimension::kProject})
    EXPECT_FALSE(services::IsOrganisation(d));
}

}  // namespace
}  // namespace fiscal::testing
