// What a caller may cost in memory: served processes are attacked, and their greatest resident memory is read around each attack.
//
// The bounds are those of docs/limitations.md: 256 MB for any request or stream, 400 MB for a statement of the greatest size. Without
// its mending each attack costs a multiple of that (the figures stand beside it), so a return of the fault turns the test red.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "clients/cpp/error.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"
#include "tests/support/catalog.h"
#include "tests/support/children.h"

namespace fiscal::testing {
namespace {

namespace b = fiscal::budget::v1;
namespace s = fiscal::submission::v1;

constexpr int64_t kRequestMax = int64_t{256} << 20;
constexpr int64_t kStatementMax = int64_t{400} << 20;

// A server of its own for each attack, so that none hides behind what another left.
class MemoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ServeOptions options;
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

// Looked up line by line, with every block kept that was read for one, the PATCH cost 5.1 GB and 6 s.
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
  EXPECT_LT(PeakOf("certified PATCH of 100,000 lines",
                   [&] { EXPECT_EQ(Submit(patch).code, grpc::OK); }),
            kStatementMax);
  patch = Greatest("fifth", 3);
  patch.set_mode(s::WRITE_MODE_PATCH);
  for (const b::LineItem& item : patch.line_items()) patch.add_removed_line_ids(item.line_id());
  patch.clear_line_items();
  EXPECT_LT(PeakOf("PATCH that removes 100,000 lines",
                   [&] { EXPECT_EQ(Submit(patch).code, grpc::OK); }),
            kStatementMax);
}

}  // namespace
}  // namespace fiscal::testing

int main(int argc, char** argv) {
  if (const std::optional<int> code = fiscal::testing::ServeIfAsked(argc, argv)) return *code;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
