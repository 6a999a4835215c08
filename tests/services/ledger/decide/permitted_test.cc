// Which right a request needs, where its words do not say it. Whose requests are permitted is in
// authority_test.cc.
#include "services/ledger/decide/permitted.h"

#include <string>

#include "domain/authority/principal.h"
#include "domain/reason.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

class PermittedTest : public ::testing::Test {
 protected:
  PermittedTest() {
    script_.Run(R"(
      grant cn:c@ca catalog-owner 140000 by=cn:one@ca
      approve 1 by=cn:two@ca
      divisions 140000 141100<140000 by=cn:c@ca
      agencies  141100 035001/035 by=cn:c@ca
      codes     140000 205 20502 by=cn:c@ca
      grant cn:o@ca operator 0 by=cn:one@ca
    )");
  }
  // The right that is missing; "" when none is.
  template <typename Request>
  std::string Missing(const Request& request) {
    const auto group = script_.NextGroup();
    const absl::Status status =
        services::Permitted(script_.authority(), request, group->standing());
    const domain::Refusal refusal = domain::Explain(status).refusal;
    return status.ok() ? "" : refusal.metadata.at(1).second;
  }

  LedgerScript script_{services::CheckRules, {}, {"cn:one@ca", "cn:two@ca"}};
};

TEST_F(PermittedTest, WhatOnlyValidatesNeedsNoRightToWrite) {
  domain::Submission s = script_.PreparedStatement("submit r1 141100/035001 l1=20502:1 by=cn:x@ca");
  EXPECT_EQ(Missing(s), "WRITE");
  s.validate_only = true;
  EXPECT_EQ(Missing(s), "VALIDATE");
}

TEST_F(PermittedTest, WhatHasNoKeyIsRefusedForThat) {
  domain::Submission s = script_.PreparedStatement("submit r1 141100/035001 l1=20502:1 by=cn:x@ca");
  s.key.division = 0;
  EXPECT_EQ(Missing(s), "WRITE") << "nothing else would refuse it";
  s.violations.push_back({domain::Reason::kCodeMalformed, "budget.division_code", "", ""});
  EXPECT_EQ(Missing(s), "");
}

TEST_F(PermittedTest, OrdersNeedTheRightOfTheirKind) {
  EXPECT_EQ(Missing(domain::GrantOrder{"cn:o@ca", {}}), "GRANT");
  EXPECT_EQ(Missing(domain::ApprovalOrder{"cn:o@ca", {}}), "GRANT");
  EXPECT_EQ(Missing(domain::RevocationOrder{"cn:o@ca", {}}), "GRANT");
  EXPECT_EQ(Missing(domain::GrantOrder{"cn:one@ca", {}}), "");
  EXPECT_EQ(Missing(domain::KeyOrder{"cn:one@ca", {}}), "OPERATE");
  EXPECT_EQ(Missing(domain::KeyOrder{"cn:o@ca", {}}), "");
  domain::QuarantineOrder quarantine;
  quarantine.principal = "cn:one@ca";
  EXPECT_EQ(Missing(quarantine), "OPERATE");
}

TEST_F(PermittedTest, TheProcessItselfNeedsNone) {
  EXPECT_EQ(Missing(domain::KeyOrder{authority::kProcess, {}}), "");
  EXPECT_EQ(Missing(domain::UpstreamRecords{}), "");
}

}  // namespace
}  // namespace fiscal::testing
