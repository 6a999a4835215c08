// The first place where two systems part, found by one question a level.
#include "services/ledger/compare/reconcile.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using services::DigestPlace;

class ReconcileTest : public ::testing::Test {
 protected:
  ReconcileTest() {
    for (LedgerScript* script : {&left_, &right_}) {
      EXPECT_SCRIPT(*script, R"(
        divisions 141100                                 => revised @1, 1 added
        agencies  141100 101001/101 102001/102           => revised @2, 2 added
        codes     141100 205 20502 208                   => revised @3, 3 added
        submit r1 141100/101001 l1=20502:1 l2=208:2      => created r1 @4, 2 lines
        submit r2 141100/102001 l1=20502:9               => created r1 @5, 1 line
      )");
    }
  }

  // "" when they are equal; else the place and the two sums there, and how often each was asked.
  std::string Compare() {
    const auto of = [](LedgerScript& script) {
      return [&script](const DigestPlace& place) {
        services::Work work;
        return services::DigestsAt(script.projector(), place, {}, script.Fold({"fold"}), work);
      };
    };
    const auto d = services::FirstDifference(of(left_), of(right_));
    if (!d.ok()) return d.status().ToString();
    EXPECT_EQ(d->place.empty(), d->left_root == d->right_root);
    if (d->place.empty()) return "";
    return absl::StrCat(d->place, ": ", Yuan(d->left_fen), " and ", Yuan(d->right_fen), ", ",
                        d->calls, " calls");
  }

  LedgerScript left_{services::CheckRules}, right_{services::CheckRules};
};

TEST_F(ReconcileTest, EqualOnesAreToldByTheirRoots) { EXPECT_EQ(Compare(), ""); }

TEST_F(ReconcileTest, ACellThatDiffersIsNamed) {
  left_.Run("submit r3 141100/101001 l1=20502:1 l2=208:5");
  right_.Run("submit r3 141100/101001 l1=20502:1 l2=208:7");
  EXPECT_EQ(Compare(),
            "2024 APPROVED / 141100 / 101001 / functional=208 direction=1 fund=1: 5.00 and 7.00, "
            "4 calls");
}

TEST_F(ReconcileTest, WhatOnlyOneSideHasIsNamed) {
  left_.Run("submit r3 141100/102001 stage=final l1=208:5");
  EXPECT_EQ(Compare(),
            "2024 FINAL / 141100 / 102001 / functional=208 direction=1 fund=1: 5.00 and 0.00, "
            "4 calls");
  right_.Run("submit r3 141100/102001 stage=final l1=208:5");
  EXPECT_EQ(Compare(), "");
}

// The cells are the same: what differs is how the statement stands.
TEST_F(ReconcileTest, ACertificationIsADifferenceOfItsAgency) {
  left_.Run("submit r3 141100/102001 certify l1=20502:9");
  EXPECT_EQ(Compare(), "2024 APPROVED / 141100 / 102001: 0.00 and 0.00, 4 calls");
}

TEST_F(ReconcileTest, AnErrorOfOneSideEndsIt) {
  const auto fails = [](const DigestPlace&) -> absl::StatusOr<std::vector<services::DigestEntry>> {
    return absl::UnavailableError("away");
  };
  EXPECT_TRUE(absl::IsUnavailable(services::FirstDifference(fails, fails).status()));
}

}  // namespace
}  // namespace fiscal::testing
