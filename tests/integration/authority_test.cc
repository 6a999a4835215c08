// Two agencies, a province and an operator on one server: what each may do, over real connections
// with certificates, through both gates.
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/error.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/audit/v1/audit_service.grpc.pb.h"
#include "fiscal/authority/v1/authority_service.grpc.pb.h"
#include "fiscal/catalog/v1/catalog_service.grpc.pb.h"
#include "fiscal/federation/v1/federation_service.grpc.pb.h"
#include "fiscal/log/v1/event_log_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "storage/record_codec.h"
#include "tests/integration/tenants.h"
#include "tests/support/catalog.h"

namespace fiscal::testing {
namespace {

namespace adm = fiscal::admin::v1;
namespace agg = fiscal::aggregation::v1;
namespace auth = fiscal::authority::v1;
namespace aud = fiscal::audit::v1;
namespace fed = fiscal::federation::v1;
namespace log = fiscal::log::v1;
namespace sub = fiscal::submission::v1;
using Channel = std::shared_ptr<grpc::Channel>;

constexpr char kA[] = "agency/141100/101/submit", kB[] = "agency/141100/102/submit";
constexpr int kAgencyA = 0, kAgencyB = 10;

class AuthorityTest : public ::testing::Test {
 protected:
  AuthorityTest() {
    tenants_.Grant("catalogs", "catalog-owner");
    EXPECT_TRUE(ImportTwoCities(tenants_.As("catalogs"), 12));
    grant_a_ = tenants_.Grant(kA, "submitter", Tenants::Scope("141100", "101"));
    tenants_.Grant(kB, "submitter", Tenants::Scope("141100", "102"));
    tenants_.Grant("province", "consumer", Tenants::Scope("140000"));
    tenants_.Grant("city", "consumer", Tenants::Scope("142300"));
    tenants_.Grant("operator", "operator");
  }

  static client::Error Submit(const Channel& channel, const sub::SubmitBudgetRequest& request) {
    grpc::ClientContext context;
    sub::SubmitBudgetResponse response;
    return client::ToError(
        sub::SubmissionService::NewStub(channel)->SubmitBudget(&context, request, &response));
  }
  static client::Error Get(const Channel& channel, const budget::v1::BudgetKey& budget) {
    sub::GetBudgetRequest request;
    *request.mutable_budget() = budget;
    grpc::ClientContext context;
    sub::GetBudgetResponse response;
    return client::ToError(
        sub::SubmissionService::NewStub(channel)->GetBudget(&context, request, &response));
  }
  static client::Error Total(const Channel& channel, const std::string& division,
                             int64_t* fen = nullptr) {
    agg::GetTotalRequest request;
    request.mutable_filter()->set_division_code(division);
    request.mutable_filter()->set_fiscal_year(2024);
    request.mutable_filter()->set_stage(budget::v1::STAGE_APPROVED);
    request.mutable_filter()->set_direction(budget::v1::DIRECTION_EXPENDITURE);
    grpc::ClientContext context;
    agg::GetTotalResponse response;
    const grpc::Status status =
        agg::AggregationService::NewStub(channel)->GetTotal(&context, request, &response);
    if (fen != nullptr) *fen = response.total().amount_fen();
    return client::ToError(status);
  }
  // A stream that should be ended and is not ends by itself, another way.
  static void Limit(grpc::ClientContext* context) {
    context->set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
  }
  static agg::WatchTotalsRequest WatchOf(const std::string& department) {
    agg::WatchTotalsRequest request;
    auto* filter = request.add_filters()->mutable_filter();
    filter->set_division_code("141100");
    filter->set_department_code(department);
    filter->set_fiscal_year(2024);
    filter->set_stage(budget::v1::STAGE_APPROVED);
    filter->set_direction(budget::v1::DIRECTION_EXPENDITURE);
    return request;
  }

  Tenants tenants_;
  int64_t grant_a_ = 0;
};

TEST_F(AuthorityTest, AgenciesStateAndReadTheirOwn) {
  EXPECT_EQ(Submit(tenants_.As(kA), MakeBudget(kAgencyA, 3, 1, "r1")).reason, "");
  EXPECT_EQ(Submit(tenants_.As(kB), MakeBudget(kAgencyB, 3, 2, "r1")).reason, "");
  const client::Error foreign = Submit(tenants_.As(kB), MakeBudget(kAgencyA, 3, 3, "r2"));
  EXPECT_EQ(foreign.code, grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(foreign.reason, "RIGHT_NOT_GRANTED");
  EXPECT_EQ(foreign.metadata.at("right"), "WRITE");
  EXPECT_EQ(foreign.metadata.at("scope"),
            "division 141100, agency 101001, year 2024, stage APPROVED");
  EXPECT_FALSE(foreign.message_zh.empty());
  EXPECT_EQ(Get(tenants_.As(kA), MakeBudget(kAgencyA, 1, 1, "").budget()).reason, "");
  EXPECT_EQ(Get(tenants_.As(kB), MakeBudget(kAgencyA, 1, 1, "").budget()).reason,
            "RIGHT_NOT_GRANTED");
  // Whether it is there or not.
  EXPECT_EQ(Get(tenants_.As(kB), MakeBudget(kAgencyA + 1, 1, 1, "").budget()).reason,
            "RIGHT_NOT_GRANTED");
  EXPECT_EQ(Total(tenants_.As(kA), "141100").reason, "RIGHT_NOT_GRANTED");
  EXPECT_EQ(Total(tenants_.As("province"), "140000").reason, "");
  EXPECT_EQ(Total(tenants_.As("city"), "142300").reason, "");
  EXPECT_EQ(Total(tenants_.As("city"), "141100").reason, "RIGHT_NOT_GRANTED");
  EXPECT_EQ(Total(tenants_.As("operator"), "141100").reason, "RIGHT_NOT_GRANTED");
  EXPECT_EQ(Total(tenants_.As("admin/one"), "141100").reason, "RIGHT_NOT_GRANTED");
}

TEST_F(AuthorityTest, AStreamIsLookedAtBudgetByBudget) {
  grpc::ClientContext context;
  auto stream = sub::SubmissionService::NewStub(tenants_.As(kA))->StreamBudgets(&context);
  for (int agency : {kAgencyA, kAgencyB, kAgencyA + 1}) {
    sub::StreamBudgetsRequest frame;
    *frame.mutable_budget() = MakeBudget(agency, 2, 1, absl::StrCat("s", agency));
    ASSERT_TRUE(stream->Write(frame));
  }
  stream->WritesDone();
  std::map<int64_t, std::string> answers;
  sub::StreamBudgetsResponse answer;
  while (stream->Read(&answer)) {
    answers[answer.index()] =
        answer.has_receipt() ? "receipt" : client::ToError(answer.error()).reason;
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(answers, (std::map<int64_t, std::string>{
                         {0, "receipt"}, {1, "RIGHT_NOT_GRANTED"}, {2, "receipt"}}));
}

TEST_F(AuthorityTest, WhoHasNoNameIsNobody) {
  const auto state = [](const Channel& channel) {
    grpc::ClientContext context;
    auth::WhoAmIResponse response;
    const grpc::Status status =
        auth::AuthorityService::NewStub(channel)->WhoAmI(&context, {}, &response);
    return status.ok() ? response.principal()
                       : absl::StrCat(int{status.error_code()}, client::ToError(status).reason);
  };
  EXPECT_EQ(state(tenants_.As(kA)), Tenants::PrincipalOf(kA));
  EXPECT_EQ(state(tenants_.As("nobody")), Tenants::PrincipalOf("nobody"));
  const std::string unavailable = absl::StrCat(int{grpc::StatusCode::UNAVAILABLE});
  EXPECT_EQ(state(tenants_.Nameless()), unavailable);
  EXPECT_EQ(state(tenants_.Plain()), unavailable);
  EXPECT_EQ(state(tenants_.Connect(kA, 30, /*strange=*/true)), unavailable);
  EXPECT_EQ(state(tenants_.Connect(kA, -1)), unavailable);
}

TEST_F(AuthorityTest, TheLogIsReadByPartsAndProvedWhole) {
  ASSERT_EQ(Submit(tenants_.As(kA), MakeBudget(kAgencyA, 3, 1, "secret-a")).reason, "");
  ASSERT_EQ(Submit(tenants_.As(kB), MakeBudget(kAgencyB, 3, 2, "secret-b")).reason, "");
  tenants_.Grant("copy-of-a", "replica", Tenants::Scope("141100", "101"));
  tenants_.Grant("copy", "replica");
  const auto read = [&](const std::string& who) {
    log::ReadRequest request;
    request.set_until_head(true);
    grpc::ClientContext context;
    auto reader = log::EventLogService::NewStub(tenants_.As(who))->Read(&context, request);
    std::vector<log::LogRecord> records;
    log::ReadResponse response;
    while (reader->Read(&response))
      records.insert(records.end(), response.records().begin(), response.records().end());
    EXPECT_TRUE(reader->Finish().ok());
    return records;
  };
  const std::vector<log::LogRecord> whole = read("copy"), part = read("copy-of-a");
  ASSERT_EQ(whole.size(), part.size());
  Digest chain{};
  int shown = 0;
  for (size_t i = 0; i < part.size(); ++i) {
    ASSERT_FALSE(whole[i].record().empty());
    Digest leaf = *storage::LeafHash(whole[i].record());
    if (part[i].record().empty()) {
      EXPECT_EQ(part[i].leaf_hash(), BytesOf(leaf));
      leaf = DigestOf(part[i].leaf_hash());
    } else {
      ++shown;
      EXPECT_EQ(part[i].record(), whole[i].record());
      EXPECT_FALSE(absl::StrContains(part[i].record(), "secret-b"));
    }
    chain = storage::ChainHash(chain, leaf);
    EXPECT_EQ(part[i].chain_hash(), BytesOf(chain));
  }
  // The lists that serve it, and its own statement.
  EXPECT_GE(shown, 2);
  EXPECT_LT(shown, static_cast<int>(part.size()));
  // Others read nothing.
  log::ReadRequest request;
  grpc::ClientContext context;
  auto reader = log::EventLogService::NewStub(tenants_.As(kA))->Read(&context, request);
  log::ReadResponse response;
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(client::ToError(reader->Finish()).reason, "RIGHT_NOT_GRANTED");
}

TEST_F(AuthorityTest, ASystemAboveGetsItsSubtree) {
  ASSERT_EQ(Submit(tenants_.As(kA), MakeBudget(kAgencyA, 3, 1, "r1")).reason, "");
  const auto postings = [&](const std::string& who) {
    grpc::ClientContext context;
    auto reader = fed::FederationService::NewStub(tenants_.As(who))->ReadPostings(&context, {});
    fed::ReadPostingsResponse response;
    int count = 0;
    EXPECT_TRUE(reader->Read(&response));
    for (const fed::PostedEvent& event : response.events()) {
      count += event.posting().empty() ? 0 : 1;
      EXPECT_EQ(event.leaf_hash().size(), 32u);
    }
    context.TryCancel();
    reader->Finish();
    return count;
  };
  EXPECT_EQ(postings("province"), 1);
  EXPECT_EQ(postings("city"), 0);
}

TEST_F(AuthorityTest, ListsOfEverybodyAreThoseOfHisDivision) {
  const auto divisions = [&](const std::string& who) {
    catalog::v1::ListAgenciesRequest request;
    request.set_fiscal_year(2024);
    catalog::v1::ListAgenciesResponse response;
    grpc::ClientContext context;
    EXPECT_TRUE(catalog::v1::CatalogService::NewStub(tenants_.As(who))
                    ->ListAgencies(&context, request, &response)
                    .ok());
    std::set<std::string> found;
    for (const auto& entry : response.entries()) found.insert(entry.division_code());
    return found;
  };
  EXPECT_EQ(divisions(kA), std::set<std::string>{"141100"});
  EXPECT_EQ(divisions("city"), std::set<std::string>{"142300"});
  EXPECT_EQ(divisions("province"), (std::set<std::string>{"140000", "141100", "141121", "142300"}));
}

TEST_F(AuthorityTest, ARevocationReachesWatchesStreamsAndIdleConnections) {
  ASSERT_EQ(Submit(tenants_.As(kA), MakeBudget(kAgencyA, 3, 1, "r1")).reason, "");
  grpc::ClientContext watching, submitting;
  for (grpc::ClientContext* context : {&watching, &submitting}) Limit(context);
  auto watch =
      agg::AggregationService::NewStub(tenants_.As(kA))->WatchTotals(&watching, WatchOf("101"));
  agg::WatchTotalsResponse message;
  ASSERT_TRUE(watch->Read(&message));
  auto stream = sub::SubmissionService::NewStub(tenants_.As(kA))->StreamBudgets(&submitting);
  sub::StreamBudgetsRequest frame;
  *frame.mutable_budget() = MakeBudget(kAgencyA, 2, 9, "s1");
  ASSERT_TRUE(stream->Write(frame));
  sub::StreamBudgetsResponse answer;
  ASSERT_TRUE(stream->Read(&answer));

  tenants_.Revoke(grant_a_);
  EXPECT_EQ(Get(tenants_.As(kA), MakeBudget(kAgencyA, 1, 1, "").budget()).reason,
            "RIGHT_NOT_GRANTED");
  const absl::Time revoked = absl::Now();
  while (watch->Read(&message)) continue;
  EXPECT_EQ(client::ToError(watch->Finish()).reason, "RIGHT_NOT_GRANTED");
  while (stream->Read(&answer)) continue;
  EXPECT_EQ(client::ToError(stream->Finish()).reason, "RIGHT_NOT_GRANTED");
  RecordProperty("heard_after_ms",
                 static_cast<int>(absl::ToInt64Milliseconds(absl::Now() - revoked)));
  // Granted again, it watches again.
  tenants_.Grant(kA, "submitter", Tenants::Scope("141100", "101"));
  EXPECT_EQ(Get(tenants_.As(kA), MakeBudget(kAgencyA, 1, 1, "").budget()).reason, "");
}

// The right is still there, for something else.
TEST_F(AuthorityTest, ARevocationReachesAWatchOfWhoKeepsAnotherGrant) {
  ASSERT_EQ(Submit(tenants_.As(kA), MakeBudget(kAgencyA, 3, 1, "r1")).reason, "");
  tenants_.Grant(kA, "submitter", Tenants::Scope("141100", "102"));
  grpc::ClientContext watching, going_on;
  for (grpc::ClientContext* context : {&watching, &going_on}) Limit(context);
  const auto stub = agg::AggregationService::NewStub(tenants_.As(kA));
  auto watch = stub->WatchTotals(&watching, WatchOf("101"));
  auto other = stub->WatchTotals(&going_on, WatchOf("102"));
  agg::WatchTotalsResponse message;
  ASSERT_TRUE(watch->Read(&message));
  ASSERT_TRUE(other->Read(&message));
  tenants_.Revoke(grant_a_);
  while (watch->Read(&message)) continue;
  EXPECT_EQ(client::ToError(watch->Finish()).reason, "RIGHT_NOT_GRANTED");
  going_on.TryCancel();
  while (other->Read(&message)) continue;
  EXPECT_EQ(other->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

// The shapes of the API are not for everybody where rights count.
TEST_F(AuthorityTest, ReflectionIsOff) {
  grpc::ClientContext context;
  auto stream = grpc::reflection::v1::ServerReflection::NewStub(tenants_.As("admin/one"))
                    ->ServerReflectionInfo(&context);
  stream->WritesDone();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(AuthorityTest, ARevokedCertificateEndsItsConnectionsCalls) {
  ASSERT_EQ(Submit(tenants_.As(kA), MakeBudget(kAgencyA, 3, 1, "r1")).reason, "");
  tenants_.Grant("copy", "replica");
  grpc::ClientContext watching, reading;
  for (grpc::ClientContext* context : {&watching, &reading}) Limit(context);
  auto watch =
      agg::AggregationService::NewStub(tenants_.As(kA))->WatchTotals(&watching, WatchOf("101"));
  agg::WatchTotalsResponse message;
  ASSERT_TRUE(watch->Read(&message));
  auto reader = log::EventLogService::NewStub(tenants_.As("copy"))->Read(&reading, {});
  log::ReadResponse page;
  ASSERT_TRUE(reader->Read(&page));
  tenants_.RevokeCertificate(kA);
  tenants_.RevokeCertificate("copy");
  while (watch->Read(&message)) continue;
  EXPECT_EQ(client::ToError(watch->Finish()).reason, "PRINCIPAL_REFUSED");
  while (reader->Read(&page)) continue;
  EXPECT_EQ(client::ToError(reader->Finish()).reason, "PRINCIPAL_REFUSED");
  const client::Error refused = Get(tenants_.As(kA), MakeBudget(kAgencyA, 1, 1, "").budget());
  EXPECT_EQ(refused.code, grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(refused.reason, "PRINCIPAL_REFUSED");
  // Another certificate of the same name is as good as ever.
  EXPECT_EQ(Get(tenants_.Connect(kA), MakeBudget(kAgencyA, 1, 1, "").budget()).reason, "");
}

TEST_F(AuthorityTest, AnAdministratorSeesWhyAtThreeInTheMorning) {
  const auto stub = auth::AuthorityService::NewStub(tenants_.As("admin/two"));
  auth::ExplainRequest request;
  request.set_principal(Tenants::PrincipalOf(kB));
  request.set_verb(method::v1::VERB_WRITE);
  request.mutable_part()->set_division_code("141100");
  request.mutable_part()->set_agency_code(AgencyCode(kAgencyA));
  request.mutable_part()->set_fiscal_year(2024);
  auth::ExplainResponse response;
  {
    grpc::ClientContext context;
    ASSERT_TRUE(stub->Explain(&context, request, &response).ok());
  }
  EXPECT_FALSE(response.permitted());
  ASSERT_EQ(response.grants_size(), 1);
  EXPECT_EQ(response.grants(0).lacks(),
            "its scope, division 141100, department 102, does not cover division 141100, agency "
            "101001, year 2024");
  request.mutable_part()->set_agency_code(AgencyCode(kAgencyB));
  {
    grpc::ClientContext context;
    ASSERT_TRUE(stub->Explain(&context, request, &response).ok());
  }
  EXPECT_TRUE(response.permitted());
  // As of a position before it was granted there was nothing.
  auth::ListGrantsRequest list;
  list.set_principal(Tenants::PrincipalOf(kB));
  auth::ListGrantsResponse grants;
  {
    grpc::ClientContext context;
    ASSERT_TRUE(stub->ListGrants(&context, list, &grants).ok());
  }
  ASSERT_EQ(grants.grants_size(), 1);
  EXPECT_EQ(grants.grants(0).state(), auth::GRANT_STATE_ACTIVE);
  EXPECT_EQ(grants.grants(0).granted().principal(), Tenants::PrincipalOf("admin/one"));
  list.set_position("1");
  {
    grpc::ClientContext context;
    ASSERT_TRUE(stub->ListGrants(&context, list, &grants).ok());
  }
  EXPECT_EQ(grants.grants_size(), 0);
  // Only administrators are told.
  grpc::ClientContext context;
  EXPECT_EQ(
      client::ToError(
          auth::AuthorityService::NewStub(tenants_.As(kA))->ListGrants(&context, list, &grants))
          .reason,
      "RIGHT_NOT_GRANTED");
}

TEST_F(AuthorityTest, GrantsOutliveARestart) {
  tenants_.Restart();
  EXPECT_EQ(Submit(tenants_.As(kA), MakeBudget(kAgencyA, 3, 1, "r1")).reason, "");
  EXPECT_EQ(Submit(tenants_.As(kB), MakeBudget(kAgencyA, 3, 1, "r1")).reason, "RIGHT_NOT_GRANTED");
}

TEST(AuthorityModeTest, InLogModeEverythingIsPermitted) {
  Tenants tenants("log");
  EXPECT_TRUE(ImportTwoCities(tenants.As("anybody"), 3));
  grpc::ClientContext context;
  auth::WhoAmIResponse response;
  ASSERT_TRUE(
      auth::AuthorityService::NewStub(tenants.As("anybody"))->WhoAmI(&context, {}, &response).ok());
  EXPECT_EQ(response.mode(), auth::AUTHORITY_MODE_LOG);
}

// Open streams are looked at again and again; what they would lack is said when they ask.
TEST(AuthorityModeTest, InLogModeACallSaysOnceWhatItWouldLack) {
  Tenants tenants("log");
  ASSERT_TRUE(ImportTwoCities(tenants.As("anybody"), 3));
  agg::WatchTotalsRequest request;
  agg::TotalFilter* filter = request.add_filters()->mutable_filter();
  filter->set_division_code("141100");
  filter->set_agency_code(AgencyCode(kAgencyA));
  filter->set_fiscal_year(2024);
  filter->set_stage(budget::v1::STAGE_APPROVED);
  filter->set_direction(budget::v1::DIRECTION_EXPENDITURE);
  std::map<std::string, grpc::ClientContext> contexts;
  std::map<std::string, std::unique_ptr<grpc::ClientReader<agg::WatchTotalsResponse>>> watches;
  agg::WatchTotalsResponse message;
  for (const char* path : {"x", "y"}) {
    watches[path] =
        agg::AggregationService::NewStub(tenants.As(path))->WatchTotals(&contexts[path], request);
    ASSERT_TRUE(watches[path]->Read(&message));
  }
  // All that are open are looked at, and this one ends.
  tenants.RevokeCertificate("y");
  while (watches["y"]->Read(&message)) continue;
  EXPECT_EQ(client::ToError(watches["y"]->Finish()).reason, "PRINCIPAL_REFUSED");

  aud::ListRequest list;
  list.set_principal(Tenants::PrincipalOf("x"));
  list.set_outcome(aud::OUTCOME_WOULD_DENY);
  list.set_oldest_first(true);
  aud::ListResponse entries;
  grpc::ClientContext context;
  ASSERT_TRUE(
      aud::AuditService::NewStub(tenants.As("anybody"))->List(&context, list, &entries).ok());
  ASSERT_EQ(entries.entries_size(), 2);
  EXPECT_EQ(entries.entries(0).missing_verb(), "VERB_READ_DETAIL");
  EXPECT_EQ(entries.entries(1).missing_verb(), "VERB_READ_AGGREGATE");
  EXPECT_EQ(entries.entries(0).scope(),
            "division 141100, agency 101001, year 2024, stage APPROVED");
  contexts["x"].TryCancel();
  while (watches["x"]->Read(&message)) continue;
  watches["x"]->Finish();
}

}  // namespace
}  // namespace fiscal::testing
