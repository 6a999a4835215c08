// What a caller may cost in memory: served processes are attacked, and their greatest resident
// memory is read around each attack.
//
// The bounds are those of docs/limitations.md: 256 MB for any request or stream, 400 MB for a
// statement of the greatest size. Without its mending each attack costs a multiple of that (the
// figures stand beside it), so a return of the fault turns the test red.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "clients/cpp/error.h"
#include "fiscal/aggregation/v1/aggregation_service.pb.h"
#include "fiscal/disclosure/v1/disclosure_service.pb.h"
#include "fiscal/federation/v1/federation_service.grpc.pb.h"
#include "fiscal/log/v1/event_log_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "google/protobuf/empty.pb.h"
#include "google/protobuf/unknown_field_set.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "services/rpc/methods.h"
#include "tests/integration/deployment.h"
#include "tests/support/catalog.h"
#include "tests/support/children.h"

namespace fiscal::testing {
namespace {

namespace agg = fiscal::aggregation::v1;
namespace b = fiscal::budget::v1;
namespace s = fiscal::submission::v1;

constexpr int64_t kRequestMax = int64_t{256} << 20;
constexpr int64_t kStatementMax = int64_t{400} << 20;

// A server of its own for each attack, so that none hides behind what another left.
class MemoryTest : public ::testing::Test {
 protected:
  void SetUp() override { Serve(/*memory_bytes_max=*/0); }

  void Serve(int64_t memory_bytes_max) {
    server_.reset();
    ServeOptions options;
    options.memory_bytes_max = memory_bytes_max;
    options.data_dir = dir_.path();
    options.listen = absl::StrCat("127.0.0.1:", FreePort());
    server_ = std::make_unique<ServerChild>(options);
    channel_ = Connect(options.listen);
    ASSERT_TRUE(AwaitServing(channel_));
    ASSERT_TRUE(ImportSmallCatalog(channel_, 20));
    submission_ = s::SubmissionService::NewStub(channel_);
    address_ = options.listen;
  }

  static std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxSendMessageSize(64 << 20);
    arguments.SetMaxReceiveMessageSize(64 << 20);
    return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  }

  // A line of /proc/PID/status, in bytes or as a number.
  int64_t StatusOf(const std::string& name) const {
    std::ifstream file(absl::StrCat("/proc/", server_->pid(), "/status"));
    for (std::string line; std::getline(file, line);) {
      const std::vector<std::string> words =
          absl::StrSplit(line, absl::ByAnyChar("\t "), absl::SkipEmpty());
      int64_t value = 0;
      if (words.size() < 2 || words[0] != name + ":" || !absl::SimpleAtoi(words[1], &value))
        continue;
      return words.size() > 2 ? value << 10 : value;
    }
    ADD_FAILURE() << "no " << name;
    return 0;
  }

  double CpuSeconds() const {
    std::ifstream file(absl::StrCat("/proc/", server_->pid(), "/stat"));
    std::string line;
    std::getline(file, line);
    const std::vector<std::string> words = absl::StrSplit(line.substr(line.rfind(')') + 2), ' ');
    int64_t user = 0, system = 0;
    if (words.size() < 13 || !absl::SimpleAtoi(words[11], &user) ||
        !absl::SimpleAtoi(words[12], &system))
      return 0;
    return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  }

  // What `attack` added to the resident memory at its peak.
  int64_t PeakOf(const std::string& name, const std::function<void()>& attack) {
    // Sets the greatest resident memory back to the present one.
    std::ofstream(absl::StrCat("/proc/", server_->pid(), "/clear_refs")) << "5";
    const int64_t before = StatusOf("VmRSS");
    const double cpu = CpuSeconds();
    attack();
    const int64_t peak = StatusOf("VmHWM") - before;
    std::printf("  %-44s peak %+6lld MB, kept %+6lld MB, processor %.2f s, threads %lld\n",
                name.c_str(), static_cast<long long>(peak >> 20),
                static_cast<long long>((StatusOf("VmRSS") - before) >> 20), CpuSeconds() - cpu,
                static_cast<long long>(StatusOf("Threads")));
    return peak;
  }

  // Sends bytes as they are.
  grpc::Status Send(const std::string& method, const std::string& bytes) {
    grpc::GenericStub stub(channel_);
    grpc::Slice slice(bytes);
    grpc::ByteBuffer request(&slice, 1), response;
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    auto call = stub.PrepareUnaryCall(&context, method, request, &queue);
    call->StartCall();
    grpc::Status status;
    call->Finish(&response, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    return status;
  }

  client::Error Submit(const s::SubmitBudgetRequest& request) {
    s::SubmitBudgetResponse response;
    grpc::ClientContext context;
    return client::ToError(submission_->SubmitBudget(&context, request, &response));
  }

  TempDir dir_;
  std::string address_;
  std::unique_ptr<ServerChild> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<s::SubmissionService::Stub> submission_;
};

constexpr int kLines = 100000;

// The greatest statement: 100,000 lines whose ids have 64 characters.
s::SubmitBudgetRequest Greatest(const std::string& request_id, int64_t more_fen) {
  s::SubmitBudgetRequest request = MakeBudget(0, 1, 1, request_id);
  const b::LineItem line = request.line_items(0);
  request.clear_line_items();
  for (int i = 0; i < kLines; ++i) {
    b::LineItem* item = request.add_line_items();
    *item = line;
    std::string id = absl::StrCat(i * 7919 % kLines, "-");
    id.resize(64, 'x');
    item->set_line_id(id);
    item->set_amount_fen(1000 + i + more_fen);
  }
  return request;
}

// Looked up line by line, with every block kept that was read for one, the PATCH cost 5.1 GB and 6
// s.
TEST_F(MemoryTest, GreatestStatement) {
  EXPECT_LT(PeakOf("REPLACE of nothing by 100,000 lines",
                   [&] { EXPECT_EQ(Submit(Greatest("first", 0)).code, grpc::OK); }),
            kStatementMax);
  EXPECT_LT(PeakOf("REPLACE of 100,000 by 100,000 lines",
                   [&] { EXPECT_EQ(Submit(Greatest("second", 1)).code, grpc::OK); }),
            kStatementMax);
  s::SubmitBudgetRequest patch = Greatest("third", 2);
  patch.set_mode(s::WRITE_MODE_PATCH);
  EXPECT_LT(PeakOf("PATCH of 100,000 lines", [&] { EXPECT_EQ(Submit(patch).code, grpc::OK); }),
            kStatementMax);
  patch = Greatest("fourth", 3);
  patch.set_mode(s::WRITE_MODE_PATCH);
  patch.set_certify(true);
  EXPECT_LT(
      PeakOf("certified PATCH of 100,000 lines", [&] { EXPECT_EQ(Submit(patch).code, grpc::OK); }),
      kStatementMax);
  patch = Greatest("fifth", 3);
  patch.set_mode(s::WRITE_MODE_PATCH);
  for (const b::LineItem& item : patch.line_items()) patch.add_removed_line_ids(item.line_id());
  patch.clear_line_items();
  EXPECT_LT(
      PeakOf("PATCH that removes 100,000 lines", [&] { EXPECT_EQ(Submit(patch).code, grpc::OK); }),
      kStatementMax);
}

// `bytes` of a repeated field whose value takes two bytes on the wire or more.
std::string Many(const google::protobuf::Message& one, size_t bytes) {
  const std::string value = one.SerializeAsString();
  std::string all;
  all.reserve(bytes + value.size());
  while (all.size() < bytes) all += value;
  return all;
}

constexpr size_t kAlmostAll = 15 << 20;
constexpr char kSubmit[] = "/fiscal.submission.v1.SubmissionService/SubmitBudget";

// Made into messages before they were counted, 15 MB of empty projects cost 2.3 GB.
TEST_F(MemoryTest, ManySmallValues) {
  const std::string head = MakeBudget(0, 1, 1, "many").SerializeAsString();
  auto refused = [&](const std::string& name, const std::string& bytes, const std::string& reason) {
    EXPECT_LT(PeakOf(name,
                     [&] {
                       const client::Error error = client::ToError(Send(kSubmit, head + bytes));
                       EXPECT_EQ(error.code, grpc::INVALID_ARGUMENT) << error.message;
                       EXPECT_EQ(error.reason, reason) << error.message;
                     }),
              kRequestMax);
  };
  s::SubmitBudgetRequest one;
  one.add_projects();
  refused("15 MB of empty projects", Many(one, kAlmostAll), "TOO_MANY_PROJECTS");
  one.Clear();
  one.add_line_items();
  refused("15 MB of empty line items", Many(one, kAlmostAll), "TOO_MANY_LINES");
  one.Clear();
  one.add_removed_project_codes("");
  refused("15 MB of empty removed_project_codes", Many(one, kAlmostAll), "TOO_MANY_PROJECTS");
  one.Clear();
  one.add_removed_line_ids("L1");
  refused("15 MB of removed_line_ids", Many(one, kAlmostAll), "TOO_MANY_LINES");
  one.Clear();
  b::Project* project = one.add_projects();
  for (int i = 0; i < 5000000; ++i) project->add_indicators();
  refused("5,000,000 indicators of one project", one.SerializeAsString(), "TOO_MANY_VALUES");
  one.Clear();
  one.GetReflection()->MutableUnknownFields(&one)->AddGroup(100);
  refused("15 MB of unknown groups", Many(one, kAlmostAll), "FIELD_UNKNOWN");
}

// What a read that asks for too much may cost: its bytes, for as long as it takes to count them.
constexpr int64_t kRefusedReadMax = int64_t{64} << 20;

// Parsed before anybody counted, 15 MB of empty filters cost a gigabyte, and GetStatus kept as much
// of unknown fields.
TEST_F(MemoryTest, ReadsAreCountedBeforeTheyAreParsed) {
  auto refused = [&](const std::string& name, const std::string& method, const std::string& bytes,
                     const std::string& reason, const std::string& field) {
    EXPECT_LT(PeakOf(name,
                     [&] {
                       const client::Error error = client::ToError(Send(method, bytes));
                       EXPECT_EQ(error.code, grpc::INVALID_ARGUMENT) << name << error.message;
                       EXPECT_EQ(error.reason, reason) << name << error.message;
                       if (field.empty()) return;
                       ASSERT_EQ(error.violations.size(), 1u) << name;
                       EXPECT_EQ(error.violations[0].field, field) << name;
                     }),
              kRefusedReadMax);
  };
  const std::string batch = "/fiscal.aggregation.v1.AggregationService/BatchGetTotals";
  agg::BatchGetTotalsRequest one;
  one.add_filters();
  refused("BatchGetTotals of 7,800,000 filters", batch, Many(one, kAlmostAll), "TOO_MANY_VALUES",
          "filters");
  const std::string watches = "/fiscal.aggregation.v1.AggregationService/WatchTotals";
  agg::WatchTotalsRequest watch;
  watch.add_filters();
  refused("WatchTotals of 7,800,000 filters", watches, Many(watch, kAlmostAll), "TOO_MANY_VALUES",
          "filters");
  for (int i = 0; i < 300000; ++i) watch.mutable_filters(0)->add_group_by();
  refused("WatchTotals of 300,000 group_by", watches, watch.SerializeAsString(), "TOO_MANY_VALUES",
          "group_by");
  const std::string tabled = "/fiscal.disclosure.v1.DisclosureService/GetTables";
  fiscal::disclosure::v1::GetTablesRequest tables;
  for (size_t i = 0; i < kAlmostAll; ++i) tables.add_table_numbers(1);
  refused("GetTables of 15,700,000 table_numbers", tabled, tables.SerializeAsString(),
          "TOO_MANY_VALUES", "table_numbers");
  refused("GetTables that does not parse", tabled, "\xff", "MESSAGE_MALFORMED", "");
  google::protobuf::Empty nothing;
  nothing.GetReflection()->MutableUnknownFields(&nothing)->AddGroup(15);
  const std::string unknown = Many(nothing, kAlmostAll);
  nothing.Clear();
  nothing.GetReflection()->MutableUnknownFields(&nothing)->AddLengthDelimited(
      1000, std::string(kAlmostAll, 'x'));
  const std::string large = nothing.SerializeAsString();
  // Reads, and the operator's: every method but those that take bytes of their own.
  for (const services::rpc::Method& method : services::rpc::Methods()) {
    if (method.kind == services::rpc::CallKind::kWrite ||
        absl::EndsWith(method.path, "/StreamBudgets"))
      continue;
    refused(absl::StrCat("groups: ", method.path), method.path, unknown, "FIELD_UNKNOWN", "");
    refused(absl::StrCat("15 MB: ", method.path), method.path, large, "MESSAGE_TOO_LARGE", "");
  }
}

// 2,000,000 of them were looked up one by one, for 15 s of the committer; as many as may come are
// looked up in order.
TEST_F(MemoryTest, RemovedProjectCodes) {
  ASSERT_EQ(Submit(MakeBudget(0, 10, 1, "standing")).code, grpc::OK);
  s::SubmitBudgetRequest patch = MakeBudget(0, 0, 1, "patch");
  patch.set_mode(s::WRITE_MODE_PATCH);
  for (int i = 0; i < 10000; ++i) patch.add_removed_project_codes(absl::StrCat("P", i));
  EXPECT_LT(PeakOf("10,000 removed_project_codes",
                   [&] {
                     const client::Error error = Submit(patch);
                     EXPECT_EQ(error.reason, "LINE_UNKNOWN");
                     EXPECT_LE(error.violations.size(), 100u);
                   }),
            kRequestMax);
}

// Repeated in every violation of its line, and whole in the answer, an id of 15 MB cost 1.9 GB.
TEST_F(MemoryTest, LongTextsAreNotEchoed) {
  s::SubmitBudgetRequest request = MakeBudget(0, 2, 1, "long");
  b::LineItem* line = request.mutable_line_items(0);
  line->set_line_id(std::string(kAlmostAll, 'x'));
  line->set_functional_code("no code");
  line->set_revenue_code("nor this");
  line->set_dept_economic_code("1");
  line->set_gov_economic_code("2");
  line->set_receiving_division_code("3");
  line->set_fund(static_cast<b::Fund>(99));
  line->set_category(static_cast<b::Category>(99));
  line->set_precision_fen(7);
  line->set_amount_fen(-1);
  auto refused = [&](const std::string& name) {
    EXPECT_LT(PeakOf(name,
                     [&] {
                       const client::Error error = Submit(request);
                       EXPECT_EQ(error.code, grpc::INVALID_ARGUMENT) << error.message;
                       for (const auto& v : error.violations)
                         EXPECT_LT(v.description.size(), 2000u) << v.field;
                     }),
              kRequestMax);
  };
  refused("a line_id of 15 MB");
  request = MakeBudget(0, 2, 1, std::string(kAlmostAll, 'r'));
  refused("a request_id of 15 MB");
  request = MakeBudget(0, 2, 1, "long");
  request.mutable_budget()->set_agency_code(std::string(kAlmostAll, 'a'));
  refused("an agency_code of 15 MB");
  request = MakeBudget(0, 2, 1, "long");
  request.set_mode(s::WRITE_MODE_PATCH);
  request.add_removed_line_ids(std::string(kAlmostAll / 2, 'a'));
  request.add_removed_line_ids(std::string(kAlmostAll / 2, 'a'));
  refused("removed_line_ids of 7 MB");
}

constexpr int kParts = 24;

// A budget of nearly 24 MB in parts, whose projects have long texts, or whose lines have notes.
std::vector<s::StreamBudgetsRequest> LargestInParts(bool projects, const std::string& request_id) {
  const std::string text(11000, 'x');
  std::vector<s::StreamBudgetsRequest> parts;
  for (int part = 0; part < kParts; ++part) {
    s::StreamBudgetsRequest& frame = parts.emplace_back();
    s::SubmitBudgetRequest* budget = frame.mutable_budget();
    if (part == 0) *budget = MakeBudget(0, 1, 1, request_id);
    const b::LineItem line = MakeBudget(0, 1, 1, "x").line_items(0);
    for (int i = 0; projects && i < 60; ++i) {
      b::Project* project = budget->add_projects();
      project->set_project_code(absl::StrCat("P", part, "-", i));
      project->set_name("a project");
      for (auto* field : {project->mutable_overview(), project->mutable_basis(),
                          project->mutable_necessity(), project->mutable_plan()})
        *field = text.substr(0, 4000);
    }
    for (int i = 0; !projects && i < 1600; ++i) {
      *budget->add_line_items() = line;
      b::LineItem* item = budget->mutable_line_items(budget->line_items_size() - 1);
      item->set_line_id(absl::StrCat("M", part * 10000 + i));
      item->set_note(text.substr(0, 500));
    }
    frame.set_more(part + 1 < kParts);
  }
  return parts;
}

// What became of it; the error's reason.
std::string SendInParts(s::SubmissionService::Stub& stub,
                        const std::vector<s::StreamBudgetsRequest>& parts) {
  grpc::ClientContext context;
  const auto stream = stub.StreamBudgets(&context);
  for (const s::StreamBudgetsRequest& part : parts) {
    if (!stream->Write(part)) break;
  }
  stream->WritesDone();
  s::StreamBudgetsResponse response;
  std::string outcome = "no answer";
  while (stream->Read(&response))
    outcome = response.has_receipt() ? "kept" : client::ToError(response.error()).reason;
  const grpc::Status status = stream->Finish();
  return status.ok() ? outcome : status.error_message();
}

TEST_F(MemoryTest, BudgetInParts) {
  int n = 0;
  // The second takes away what the first put: its event has both.
  for (const bool projects : {false, true, false}) {
    const auto parts = LargestInParts(projects, absl::StrCat("parts", n++));
    EXPECT_LT(PeakOf(projects ? "projects in parts, in place of lines" : "lines in parts",
                     [&] { EXPECT_EQ(SendInParts(*submission_, parts), "kept"); }),
              kRequestMax);
    // More than a budget may have, in frames that each are within their bound.
    auto larger = parts;
    size_t bytes = 0;
    for (const s::StreamBudgetsRequest& part : parts) bytes += part.ByteSizeLong();
    for (; bytes <= 24 << 20; bytes += parts.back().ByteSizeLong()) larger.push_back(parts.back());
    for (s::StreamBudgetsRequest& part : larger) part.set_more(&part != &larger.back());
    EXPECT_EQ(SendInParts(*submission_, larger), "MESSAGE_TOO_LARGE");
  }
}

// Ten streams of 60 MB each, which might come then, cost 11.7 GB: nobody counted them together.
TEST_F(MemoryTest, ManyBudgetsInPartsShareOneBudget) {
  constexpr int64_t kProcess = int64_t{768} << 20;
  Serve(kProcess);
  const auto parts = LargestInParts(/*projects=*/false, "shared");
  std::vector<std::string> outcomes(10);
  const int64_t before = StatusOf("VmRSS");
  const int64_t peak = PeakOf("ten streams of a budget in parts", [&] {
    std::vector<std::thread> senders;
    for (std::string& outcome : outcomes) {
      senders.emplace_back([this, &parts, &outcome] {
        const auto stub = s::SubmissionService::NewStub(Connect(address_));
        outcome = SendInParts(*stub, parts);
      });
    }
    for (std::thread& sender : senders) sender.join();
  });
  EXPECT_LT(before + peak, kProcess);
  for (const std::string& outcome : outcomes)
    EXPECT_TRUE(outcome == "kept" || outcome == "MEMORY_FULL") << outcome;
  // Everything was given back.
  EXPECT_EQ(Submit(Greatest("after", 0)).code, grpc::OK);
}

// With a thread and a page of 1 MB each, 2,000 of them cost 4.6 GB and 2,030 threads.
TEST_F(MemoryTest, LogStreamsThatNobodyReads) {
  for (int i = 0; i < 20; ++i)
    ASSERT_EQ(Submit(MakeBudget(i, 5000, 1, absl::StrCat("s", i))).code, grpc::OK);
  const int64_t threads = StatusOf("Threads");
  const auto log = fiscal::log::v1::EventLogService::NewStub(channel_);
  const auto federation = fiscal::federation::v1::FederationService::NewStub(channel_);
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientAsyncReader<fiscal::log::v1::ReadResponse>>> readers;
  std::vector<
      std::unique_ptr<grpc::ClientAsyncReader<fiscal::federation::v1::ReadPostingsResponse>>>
      postings;
  constexpr int kStreams = 1000;
  const int64_t peak = PeakOf("1,000 log streams that nobody reads", [&] {
    for (int i = 0; i < kStreams; ++i) {
      contexts.push_back(std::make_unique<grpc::ClientContext>());
      if (i % 2 == 0) {
        readers.push_back(
            log->AsyncRead(contexts.back().get(), fiscal::log::v1::ReadRequest(), &queue, nullptr));
      } else {
        postings.push_back(federation->AsyncReadPostings(
            contexts.back().get(), fiscal::federation::v1::ReadPostingsRequest(), &queue, nullptr));
      }
      void* tag = nullptr;
      bool ok = false;
      ASSERT_TRUE(queue.Next(&tag, &ok) && ok);
    }
    // Whoever reads is served all the same, and to the end.
    grpc::ClientContext context;
    fiscal::log::v1::ReadRequest request;
    request.set_until_head(true);
    const auto reader = log->Read(&context, request);
    fiscal::log::v1::ReadResponse response;
    int records = 0;
    while (reader->Read(&response)) records += response.records_size();
    EXPECT_TRUE(reader->Finish().ok());
    EXPECT_GE(records, 20);
  });
  EXPECT_LT(peak, kRequestMax);
  EXPECT_LT(StatusOf("Threads"), threads + 20);
  for (const auto& context : contexts) context->TryCancel();
  queue.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) {
  }
  // All of them are gone: the server ends as it should.
  readers.clear();
  postings.clear();
  EXPECT_EQ(server_->End(SIGTERM), 0);
}

}  // namespace
}  // namespace fiscal::testing

int main(int argc, char** argv) {
  if (const std::optional<int> code = fiscal::testing::ServeIfAsked(argc, argv)) return *code;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
