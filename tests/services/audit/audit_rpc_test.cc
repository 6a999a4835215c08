// What the service of the audit log answers.
#include "services/audit/audit_rpc.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cpp/error.h"
#include "fiscal/audit/v1/audit_service.grpc.pb.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "storage/memory/memory_kv.h"
#include "tests/support/tokens.h"

namespace fiscal::services {
namespace {

namespace pb = fiscal::audit::v1;
using domain::AuditEntry;
using domain::AuditOutcome;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AuditRpcTest : public ::testing::Test {
 protected:
  AuditRpcTest() {
    trail_ = *AuditTrail::Open(
        [this]() -> absl::StatusOr<std::unique_ptr<storage::Kv>> {
          return storage::MemoryKv::Open(disk_, {/*wal=*/true, nullptr});
        },
        clock_, {});
    rpc::ReadExecutor::Options lanes;
    lanes.threads = {1, 1, 1};
    executor_ = std::make_unique<rpc::ReadExecutor>(lanes);
    tokens_ = testing::NewTokens(clock_);
    calls_ = std::make_unique<rpc::Calls>(rpc::Calls::Parts{clock_, *executor_, gate_, *tokens_},
                                          rpc::Calls::Options());
    service_ = MakeAuditService(*calls_, *trail_);
    grpc::ServerBuilder builder;
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = pb::AuditService::NewStub(server_->InProcessChannel({}));
  }
  ~AuditRpcTest() override {
    server_->Shutdown();
    executor_->Stop();
  }

  void Record(const std::string& principal, AuditOutcome outcome = AuditOutcome::kAllowed) {
    clock_.Advance(absl::Seconds(1));
    AuditEntry entry;
    entry.principal = principal;
    entry.connection = "ipv4:10.1.2.3:40404";
    entry.method = "fiscal.submission.v1.SubmissionService/SubmitBudget";
    entry.outcome = outcome;
    if (outcome == AuditOutcome::kDenied) {
      entry.reason = "PERMISSION_DENIED";
      entry.missing_verb = "VERB_WRITE";
      entry.scope = "division 141100 year 2026 stage APPROVED";
      entry.request_id = "r-1";
      entry.trace_id = "0af7651916cd43dd8448eb211c80319c";
    }
    trail_->Record(std::move(entry));
  }
  grpc::Status List(const pb::ListRequest& request, pb::ListResponse* response) {
    grpc::ClientContext context;
    return stub_->List(&context, request, response);
  }
  // Principals of all pages.
  std::vector<std::string> Found(pb::ListRequest request) {
    std::vector<std::string> found;
    do {
      pb::ListResponse response;
      const grpc::Status status = List(request, &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      for (const pb::AuditEntry& entry : response.entries()) found.push_back(entry.principal());
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    return found;
  }

  ManualClock clock_{absl::FromUnixSeconds(1767240000)};
  storage::MemoryDisk disk_;
  std::unique_ptr<AuditTrail> trail_;
  rpc::Gate gate_;
  std::unique_ptr<rpc::TokenSealer> tokens_;
  std::unique_ptr<rpc::ReadExecutor> executor_;
  std::unique_ptr<rpc::Calls> calls_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<pb::AuditService::Stub> stub_;
};

TEST_F(AuditRpcTest, ListsWhatWasRecorded) {
  EXPECT_THAT(Found({}), IsEmpty());
  Record("dns:a");
  Record("dns:b", AuditOutcome::kDenied);
  Record("dns:ab");
  EXPECT_THAT(Found({}), ElementsAre("dns:ab", "dns:b", "dns:a"));
  pb::ListRequest request;
  request.set_page_size(1);
  request.set_oldest_first(true);
  EXPECT_THAT(Found(request), ElementsAre("dns:a", "dns:b", "dns:ab"));
  request.set_principal("dns:a");
  EXPECT_THAT(Found(request), ElementsAre("dns:a"));
  request.set_principal("dns:a*");
  EXPECT_THAT(Found(request), ElementsAre("dns:a", "dns:ab"));
  request.mutable_from_time()->set_seconds(1767240002);
  EXPECT_THAT(Found(request), ElementsAre("dns:ab"));
  request.clear_principal();
  request.mutable_to_time()->set_seconds(1767240003);
  EXPECT_THAT(Found(request), ElementsAre("dns:b"));
  request.set_outcome(pb::OUTCOME_ALLOWED);
  EXPECT_THAT(Found(request), IsEmpty());

  pb::ListRequest denied;
  denied.set_outcome(pb::OUTCOME_DENIED);
  pb::ListResponse response;
  ASSERT_TRUE(List(denied, &response).ok());
  ASSERT_EQ(response.entries_size(), 1);
  const pb::AuditEntry& entry = response.entries(0);
  EXPECT_EQ(entry.sequence(), 2);
  EXPECT_EQ(entry.end_time().seconds(), 1767240002);
  EXPECT_EQ(entry.missing_verb(), "VERB_WRITE");
  EXPECT_EQ(entry.reason(), "PERMISSION_DENIED");
  EXPECT_EQ(entry.scope(), "division 141100 year 2026 stage APPROVED");
  EXPECT_EQ(entry.leaf_hash().size(), 32u);
  EXPECT_FALSE(entry.has_lost_from_time());
}

TEST_F(AuditRpcTest, ATokenBelongsToItsQuestion) {
  Record("dns:a");
  Record("dns:b");
  pb::ListRequest request;
  request.set_page_size(1);
  pb::ListResponse response;
  ASSERT_TRUE(List(request, &response).ok());
  ASSERT_FALSE(response.next_page_token().empty());
  request.set_page_token(response.next_page_token());
  request.set_principal("dns:b");
  EXPECT_EQ(List(request, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.Clear();
  request.set_outcome(static_cast<pb::Outcome>(9));
  EXPECT_EQ(List(request, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(AuditRpcTest, WhatIsAskedForCanBe) {
  const auto wrong = [&](const std::function<void(pb::ListRequest*)>& spoil) {
    pb::ListRequest request;
    request.mutable_from_time()->set_seconds(1767240002);
    request.mutable_to_time()->set_seconds(1767240003);
    spoil(&request);
    pb::ListResponse response;
    const client::Error error = client::ToError(List(request, &response));
    return error.violations.empty()
               ? error.reason
               : absl::StrCat(error.violations[0].reason, " ", error.violations[0].field);
  };
  EXPECT_EQ(wrong([](pb::ListRequest* r) { r->set_method("GetTotal"); }), "QUERY_INVALID method");
  EXPECT_EQ(wrong([](pb::ListRequest* r) { r->mutable_from_time()->set_seconds(1767240004); }),
            "QUERY_INVALID to_time");
  EXPECT_EQ(wrong([](pb::ListRequest* r) { r->mutable_from_time()->set_nanos(-1); }),
            "QUERY_INVALID from_time.nanos");
  EXPECT_EQ(wrong([](pb::ListRequest* r) { r->mutable_to_time()->set_nanos(1000000000); }),
            "QUERY_INVALID to_time.nanos");
  EXPECT_EQ(wrong([](pb::ListRequest* r) { r->mutable_to_time()->set_seconds(253402300800); }),
            "QUERY_INVALID to_time");
  EXPECT_EQ(wrong([](pb::ListRequest* r) {
              r->set_method("fiscal.submission.v1.SubmissionService/SubmitBudget");
            }),
            "");
}

TEST_F(AuditRpcTest, TheHeadStandsForAllEntries) {
  pb::GetAuditHeadResponse before, after;
  {
    grpc::ClientContext context;
    ASSERT_TRUE(stub_->GetAuditHead(&context, {}, &before).ok());
  }
  EXPECT_EQ(before.tree_size(), 0);
  EXPECT_EQ(before.first_sequence(), 1);
  Record("dns:a");
  pb::ListResponse response;
  ASSERT_TRUE(List({}, &response).ok());
  grpc::ClientContext context;
  ASSERT_TRUE(stub_->GetAuditHead(&context, {}, &after).ok());
  EXPECT_EQ(after.tree_size(), 1);
  // The root of one leaf is that leaf.
  EXPECT_EQ(after.root_hash(), response.entries(0).leaf_hash());
}

}  // namespace
}  // namespace fiscal::services
