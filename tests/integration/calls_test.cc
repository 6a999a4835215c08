// What one caller can and can't do to a server and to its other callers.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/error.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "services/rpc/call.h"
#include "services/rpc/methods.h"
#include "services/server.h"
#include "tests/integration/deployment.h"
#include "tests/support/serve_options.h"

namespace fiscal::testing {
namespace {

namespace agg = aggregation::v1;

class CallsTest : public ::testing::Test {
 protected:
  CallsTest() {
    ServeOptions options;
    options.data_dir = dir_.path();
    config_ = options.Config();
  }
  config::v1::ServerConfig& server_config() { return *config_.mutable_all()->mutable_server(); }
  // Where the log is written nobody waits for a position that was never given out.
  void CopyFrom(const Deployment& original) {
    ServeOptions options;
    options.data_dir = dir_.path();
    options.role = "aggregation";
    options.log_address = original.address();
    config_ = options.Config();
  }
  void Start() {
    auto server = services::Server::Start(config_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  // A connection of its own: another caller.
  std::shared_ptr<grpc::Channel> Connect() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server_->port()),
                                     grpc::InsecureChannelCredentials(), arguments);
  }
  static std::string ReasonOf(const grpc::Status& status) { return client::ToError(status).reason; }
  admin::v1::GetStatusResponse Status() const {
    admin::v1::GetStatusResponse response;
    grpc::ClientContext context;
    EXPECT_TRUE(admin::v1::AdminService::NewStub(Connect())
                    ->GetStatus(&context, admin::v1::GetStatusRequest(), &response)
                    .ok());
    return response;
  }
  bool UntilWaiting(int64_t reads) const {
    const absl::Time limit = absl::Now() + absl::Minutes(1);
    while (Status().totals().waiting_read_count() != reads) {
      if (absl::Now() > limit) return false;
    }
    return true;
  }

  TempDir dir_;
  config::v1::ServeConfig config_;
  std::unique_ptr<services::Server> server_;
};

// Calls `method` with an empty message and leaves once it has said something.
void CallOnce(const std::shared_ptr<grpc::Channel>& channel, const std::string& method) {
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  auto call = stub.PrepareCall(&context, method, &queue);
  auto wait = [&queue] {
    void* tag;
    bool ok = false;
    queue.Next(&tag, &ok);
    return ok;
  };
  call->StartCall(nullptr);
  wait();
  grpc::Slice nothing;
  call->WriteLast(grpc::ByteBuffer(&nothing, 1), grpc::WriteOptions(), nullptr);
  wait();
  grpc::ByteBuffer answer;
  call->Read(&answer, nullptr);
  wait();
  context.TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  wait();
  queue.Shutdown();
  while (wait()) {
  }
}

TEST_F(CallsTest, EveryMethodPassesTheOneDoor) {
  Start();
  const auto channel = Connect();
  for (const services::rpc::Method& method : services::rpc::Methods()) {
    EXPECT_EQ(server_->calls().passed(method.name()), 0) << method.path;
    CallOnce(channel, method.path);
    EXPECT_EQ(server_->calls().passed(method.name()), 1) << method.path;
  }
}

// A read, at a copy of a log, of a position that does not come.
struct WaitingRead {
  explicit WaitingRead(const std::shared_ptr<grpc::Channel>& channel,
                       absl::Time deadline = absl::InfiniteFuture())
      : stub(agg::AggregationService::NewStub(channel)) {
    request.mutable_filter()->set_division_code("140000");
    request.mutable_filter()->set_fiscal_year(2024);
    request.mutable_filter()->set_stage(budget::v1::STAGE_APPROVED);
    request.mutable_filter()->set_direction(budget::v1::DIRECTION_EXPENDITURE);
    request.mutable_consistency()->set_at_least("1000000");
    context.set_deadline(absl::ToChronoTime(deadline));
    call = stub->AsyncGetTotal(&context, request, &queue);
    call->Finish(&response, &status, nullptr);
  }
  ~WaitingRead() {
    context.TryCancel();
    End();
    queue.Shutdown();
  }
  const grpc::Status& End() {
    if (!ended) {
      void* tag;
      bool ok;
      queue.Next(&tag, &ok);
      ended = true;
    }
    return status;
  }
  std::unique_ptr<agg::AggregationService::Stub> stub;
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  agg::GetTotalRequest request;
  agg::GetTotalResponse response;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncResponseReader<agg::GetTotalResponse>> call;
  bool ended = false;
};

TEST_F(CallsTest, ReadsOfOneCallerThatWaitKeepNobodyElseOutAndLeaveWithHim) {
  const Deployment original(/*with_catalog=*/false);
  CopyFrom(original);
  auto* bounds = config_.mutable_aggregation()->mutable_aggregation();
  bounds->set_reads_waiting_max(6);
  bounds->set_reads_waiting_per_caller_max(4);
  Start();
  const auto flood = Connect(), other = Connect();
  std::vector<std::unique_ptr<WaitingRead>> reads;
  for (int i = 0; i < 4; ++i) reads.push_back(std::make_unique<WaitingRead>(flood));
  ASSERT_TRUE(UntilWaiting(4));
  WaitingRead refused(flood);
  EXPECT_EQ(ReasonOf(refused.End()), "QUEUE_FULL");
  WaitingRead taken(other);
  ASSERT_TRUE(UntilWaiting(5));
  // Who leaves is forgotten at once, though he set no deadline and his position never comes.
  reads.clear();
  ASSERT_TRUE(UntilWaiting(1));
  WaitingRead again(flood);
  ASSERT_TRUE(UntilWaiting(2));
}

TEST_F(CallsTest, APositionThatDoesNotComeInTimeIsToldBeforeTheCallersOwnDeadline) {
  const Deployment original(/*with_catalog=*/false);
  CopyFrom(original);
  Start();
  // The caller's own deadline would be DEADLINE_EXCEEDED, and have no reason. Many, as both clocks
  // may come to the same moment in either order.
  const auto channel = Connect();
  std::vector<std::unique_ptr<WaitingRead>> reads;
  for (int i = 0; i < 40; ++i) {
    reads.push_back(std::make_unique<WaitingRead>(
        channel, absl::Now() + absl::Seconds(5) + i * absl::Milliseconds(13)));
  }
  for (const auto& read : reads) {
    EXPECT_EQ(read->End().error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(ReasonOf(read->End()), "REPLICA_BEHIND") << read->End().error_message();
  }
  EXPECT_EQ(Status().totals().waiting_read_count(), 0);
}

TEST_F(CallsTest, WatchesAndStreamsOfOneCallerAreBounded) {
  server_config().mutable_callers()->set_watches_max(2);
  server_config().mutable_callers()->set_streams_max(1);
  Start();
  struct Stream {
    explicit Stream(const std::shared_ptr<grpc::Channel>& channel)
        : stub(submission::v1::SubmissionService::NewStub(channel)),
          stream(stub->StreamBudgets(&context)) {}
    std::unique_ptr<submission::v1::SubmissionService::Stub> stub;
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReaderWriter<submission::v1::StreamBudgetsRequest,
                                             submission::v1::StreamBudgetsResponse>>
        stream;
  };
  const auto one = Connect(), other = Connect();
  Stream first(one);
  // It is counted once it has answered.
  submission::v1::StreamBudgetsResponse answer;
  ASSERT_TRUE(first.stream->Write(submission::v1::StreamBudgetsRequest()));
  ASSERT_TRUE(first.stream->Read(&answer));
  Stream second(one);
  EXPECT_EQ(ReasonOf(second.stream->Finish()), "CALLS_TOO_MANY");
  Stream theirs(other);
  ASSERT_TRUE(theirs.stream->Write(submission::v1::StreamBudgetsRequest()));
  EXPECT_TRUE(theirs.stream->Read(&answer));
  EXPECT_EQ(server_->calls().refused(authority::Bound::kStreams), 1);
  for (Stream* stream : {&first, &theirs}) {
    stream->stream->WritesDone();
    EXPECT_TRUE(stream->stream->Finish().ok());
  }
}

TEST_F(CallsTest, AReadThatCostsTooMuchIsRefusedWithWhatToNarrow) {
  server_config().mutable_reads()->set_cost_max(10000);
  Start();
  submission::v1::SubmitBudgetRequest unused;
  const auto channel = Connect();
  catalog::v1::ImportCatalogRequest catalog;
  catalog.set_request_id("divisions");
  catalog.set_division_code("140000");
  catalog.set_fiscal_year(2024);
  catalog.set_list(catalog::v1::CATALOG_LIST_DIVISION);
  auto add = [&](int code, int parent) {
    catalog::v1::CatalogEntry* entry = catalog.add_entries();
    entry->set_code(absl::StrCat(code));
    entry->set_name(absl::StrCat("division ", code));
    if (parent != 0) entry->set_parent_code(absl::StrCat(parent));
  };
  add(140000, 0);
  for (int city = 140100; city <= 140400; city += 100) {
    add(city, 140000);
    for (int county = city + 1; county < city + 99; ++county) add(county, city);
  }
  catalog::v1::ImportCatalogResponse imported;
  {
    grpc::ClientContext context;
    ASSERT_TRUE(catalog::v1::CatalogService::NewStub(channel)
                    ->ImportCatalog(&context, catalog, &imported)
                    .ok());
  }
  agg::BatchGetTotalsRequest request;
  request.mutable_consistency()->set_at_least(imported.position());
  for (const catalog::v1::CatalogEntry& division : catalog.entries()) {
    agg::TotalFilter* filter = request.add_filters();
    filter->set_division_code(division.code());
    filter->set_fiscal_year(2024);
    filter->set_stage(budget::v1::STAGE_APPROVED);
    filter->set_direction(budget::v1::DIRECTION_EXPENDITURE);
  }
  auto stub = agg::AggregationService::NewStub(channel);
  agg::BatchGetTotalsResponse response;
  {
    grpc::ClientContext context;
    const grpc::Status status = stub->BatchGetTotals(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(ReasonOf(status), "READ_TOO_LARGE");
    EXPECT_NE(status.error_message().find("fewer filters"), std::string::npos);
  }
  // Filters that read the same cells are one reading.
  for (int i = 0; i < request.filters_size(); ++i) {
    request.mutable_filters(i)->set_division_code("140000");
    request.mutable_filters(i)->set_functional_code(absl::StrCat(2010000 + i));
  }
  grpc::ClientContext context;
  EXPECT_TRUE(stub->BatchGetTotals(&context, request, &response).ok());
  EXPECT_EQ(response.totals_size(), request.filters_size());
}

}  // namespace
}  // namespace fiscal::testing
