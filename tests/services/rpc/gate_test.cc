// What a request needs, by the option of its method, and who has it. How calls go through both
// gates is in tests/integration/authority_test.cc.
#include "services/rpc/gate.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "domain/reason.h"
#include "fiscal/aggregation/v1/aggregation_service.pb.h"
#include "fiscal/catalog/v1/catalog_service.pb.h"
#include "fiscal/federation/v1/federation_service.pb.h"
#include "fiscal/log/v1/event_log_service.pb.h"
#include "fiscal/submission/v1/submission_service.pb.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::services::rpc {
namespace {

using testing::LedgerScript;
namespace agg = aggregation::v1;

const Method& MethodOf(absl::string_view name) {
  for (const Method& method : Methods()) {
    if (absl::StrCat(method.name()).find(std::string("/") + std::string(name)) !=
        std::string::npos) {
      return method;
    }
  }
  ADD_FAILURE() << name;
  return Methods()[0];
}

class GateTest : public ::testing::Test {
 protected:
  GateTest() {
    script_.Run(R"(
      grant cn:c@ca catalog-owner 140000 by=cn:one@ca
      approve 1 by=cn:two@ca
      divisions 140000 141100<140000 142300<140000 by=cn:c@ca
      agencies  141100 035001/035 118001/118 by=cn:c@ca
      codes     140000 205 20502 by=cn:c@ca
      grant cn:r@ca reader 141100 by=cn:one@ca
      grant cn:d@ca detail-reader 141100 department=035 year=2024 by=cn:one@ca
      grant cn:w@ca witness 141100 department=035 by=cn:one@ca
      grant cn:u@ca consumer 141100 by=cn:one@ca
      grant cn:a@ca submitter 141100 by=cn:one@ca
      submit r1 141100/035001 l1=20502:1 by=cn:a@ca
      submit r2 141100/118001 l1=20502:1 by=cn:a@ca
    )");
    gate_.Open({nullptr, &script_.authority(), &script_.log(),
                [this] { return script_.intake().catalog(); }});
  }
  // "", or the right that is missing, or the reason.
  std::string Asked(const std::string& principal, const char* method,
                    const google::protobuf::Message& request) {
    const Caller caller{principal, "ipv4:127.0.0.1:1", absl::OkStatus()};
    std::vector<Need> needs;
    absl::Status status = gate_.MayCall(caller, MethodOf(method));
    if (status.ok()) status = gate_.MayAsk(caller, MethodOf(method), request, &needs);
    if (status.ok()) return "";
    const domain::Refusal refusal = domain::Explain(status).refusal;
    for (const auto& [key, value] : refusal.metadata) {
      if (key == "right") return value;
    }
    return absl::StrCat(domain::InfoOf(refusal.reason).id, " ",
                        refusal.violations.empty() ? "" : refusal.violations[0].field);
  }
  static agg::TotalFilter Of(const char* division, const char* department = "",
                             const char* agency = "") {
    agg::TotalFilter filter;
    filter.set_division_code(division);
    filter.set_department_code(department);
    filter.set_agency_code(agency);
    filter.set_fiscal_year(2024);
    return filter;
  }

  LedgerScript script_{CheckRules, {}, {"cn:one@ca", "cn:two@ca"}};
  Gate gate_;
};

TEST_F(GateTest, EachMethodNeedsTheRightOfItsOption) {
  agg::GetTotalRequest total;
  *total.mutable_filter() = Of("141100");
  EXPECT_EQ(Asked("cn:r@ca", "GetTotal", total), "");
  EXPECT_EQ(Asked("cn:w@ca", "GetTotal", total), "READ_AGGREGATE");
  EXPECT_EQ(Asked("cn:x@ca", "GetTotal", total), "READ_AGGREGATE");
  *total.mutable_filter() = Of("142300");
  EXPECT_EQ(Asked("cn:r@ca", "GetTotal", total), "READ_AGGREGATE");
  *total.mutable_filter() = Of("");
  EXPECT_EQ(Asked("cn:r@ca", "GetTotal", total), "READ_AGGREGATE");
  *total.mutable_filter() = Of("14-11");
  EXPECT_EQ(Asked("cn:r@ca", "GetTotal", total), "CODE_MALFORMED filter.division_code");
}

TEST_F(GateTest, AnAgencysMoneyIsDetailHoweverItIsAskedFor) {
  agg::GetTotalRequest total;
  *total.mutable_filter() = Of("141100", "", "035001");
  EXPECT_EQ(Asked("cn:r@ca", "GetTotal", total), "READ_DETAIL");
  EXPECT_EQ(Asked("cn:d@ca", "GetTotal", total), "");
  *total.mutable_filter() = Of("141100", "", "118001");
  EXPECT_EQ(Asked("cn:d@ca", "GetTotal", total), "READ_DETAIL");
  agg::ListTotalsRequest list;
  *list.mutable_filter() = Of("141100");
  list.add_group_by()->set_dimension(agg::DIMENSION_FUNCTIONAL);
  EXPECT_EQ(Asked("cn:r@ca", "ListTotals", list), "");
  list.add_group_by()->set_dimension(agg::DIMENSION_AGENCY);
  EXPECT_EQ(Asked("cn:r@ca", "ListTotals", list), "READ_DETAIL");
  list.mutable_group_by(1)->set_dimension(agg::DIMENSION_PROJECT);
  EXPECT_EQ(Asked("cn:r@ca", "ListTotals", list), "READ_DETAIL");
}

TEST_F(GateTest, EveryElementOfARepeatedFieldCounts) {
  agg::BatchGetTotalsRequest batch;
  *batch.add_filters() = Of("141100");
  *batch.add_filters() = Of("141100", "035");
  EXPECT_EQ(Asked("cn:r@ca", "BatchGetTotals", batch), "");
  EXPECT_EQ(Asked("cn:d@ca", "BatchGetTotals", batch), "READ_AGGREGATE");
  *batch.add_filters() = Of("142300");
  EXPECT_EQ(Asked("cn:r@ca", "BatchGetTotals", batch), "READ_AGGREGATE");
  *batch.mutable_filters(2) = Of("x");
  EXPECT_EQ(Asked("cn:r@ca", "BatchGetTotals", batch), "CODE_MALFORMED filters[2].division_code");
  agg::CompareTotalsRequest compare;
  *compare.mutable_left()->mutable_filter() = Of("141100");
  *compare.mutable_right()->mutable_filter() = Of("142300");
  EXPECT_EQ(Asked("cn:r@ca", "CompareTotals", compare), "READ_AGGREGATE");
  agg::WatchTotalsRequest watch;
  *watch.add_filters()->mutable_filter() = Of("141100");
  *watch.add_filters()->mutable_filter() = Of("142300");
  EXPECT_EQ(Asked("cn:r@ca", "WatchTotals", watch), "READ_AGGREGATE");
}

TEST_F(GateTest, WhoNamesNoDivisionIsGivenWhatHeMay) {
  federation::v1::GetDigestsRequest digests;
  EXPECT_EQ(Asked("cn:u@ca", "GetDigests", digests), "");
  EXPECT_EQ(Asked("cn:r@ca", "GetDigests", digests), "RECONCILE");
  digests.add_division_codes("141100");
  EXPECT_EQ(Asked("cn:u@ca", "GetDigests", digests), "");
  digests.add_division_codes("142300");
  EXPECT_EQ(Asked("cn:u@ca", "GetDigests", digests), "RECONCILE");
  const Caller caller{"cn:u@ca", "", absl::OkStatus()};
  EXPECT_TRUE(gate_.Sees(caller, authority::Verb::kReconcile, {141100, false, "", ""}));
  EXPECT_FALSE(gate_.Sees(caller, authority::Verb::kReconcile, {142300, false, "", ""}));
}

TEST_F(GateTest, ListsAreReadByAllOfTheirDivision) {
  catalog::v1::ListAgenciesRequest agencies;
  agencies.set_fiscal_year(2024);
  EXPECT_EQ(Asked("cn:d@ca", "ListAgencies", agencies), "");
  EXPECT_EQ(Asked("cn:w@ca", "ListAgencies", agencies), "READ_CATALOG");
  agencies.set_division_code("141100");
  EXPECT_EQ(Asked("cn:d@ca", "ListAgencies", agencies), "");
  agencies.set_division_code("142300");
  EXPECT_EQ(Asked("cn:d@ca", "ListAgencies", agencies), "READ_CATALOG");
}

TEST_F(GateTest, ListingBelowIsMoreThanListing) {
  submission::v1::ListBudgetsRequest list;
  list.set_division_code("141100");
  list.set_department_code("035");
  list.set_fiscal_year(2024);
  EXPECT_EQ(Asked("cn:d@ca", "ListBudgets", list), "");
  list.clear_fiscal_year();
  EXPECT_EQ(Asked("cn:d@ca", "ListBudgets", list), "LIST");
  list.set_fiscal_year(2024);
  list.clear_department_code();
  EXPECT_EQ(Asked("cn:d@ca", "ListBudgets", list), "LIST");
}

TEST_F(GateTest, AnEventIsProvedToWhoMaySeeIt) {
  log::v1::GetInclusionProofRequest proof;
  // The statements of 035001 and of 118001.
  proof.set_position("11");
  EXPECT_EQ(Asked("cn:w@ca", "GetInclusionProof", proof), "");
  proof.set_position("12");
  EXPECT_EQ(Asked("cn:w@ca", "GetInclusionProof", proof), "WITNESS");
  // A grant's event is about everything.
  proof.set_position("6");
  EXPECT_EQ(Asked("cn:w@ca", "GetInclusionProof", proof), "WITNESS");
  log::v1::GetTreeHeadRequest head;
  EXPECT_EQ(Asked("cn:w@ca", "GetTreeHead", head), "");
}

TEST_F(GateTest, WithoutAuthorityOrIdentitiesAllIsAsBefore) {
  const Gate open;
  agg::GetTotalRequest total;
  std::vector<Need> needs;
  const Caller caller{"anonymous", "", absl::OkStatus()};
  EXPECT_TRUE(open.MayCall(caller, MethodOf("GetTotal")).ok());
  EXPECT_TRUE(open.MayAsk(caller, MethodOf("GetTotal"), total, &needs).ok());
  EXPECT_TRUE(needs.empty());
}

}  // namespace
}  // namespace fiscal::services::rpc
