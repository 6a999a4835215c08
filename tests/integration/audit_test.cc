// The audit log of a process, as an auditor gets it: by the service, and by the program `fiscal`.
#include "services/rpc/audit.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/clock.h"
#include "fiscal/audit/v1/audit_service.grpc.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/audit/audit_trail.h"
#include "services/config/config.h"
#include "storage/rocks/rocks_kv.h"
#include "tests/integration/deployment.h"
#include "tests/support/children.h"
#include "tests/support/programs.h"
#include "tests/support/serve_options.h"

namespace fiscal::testing {
namespace {

namespace aud = fiscal::audit::v1;
using domain::AuditOutcome;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class AuditTest : public ::testing::Test {
 protected:
  // What a process before wrote down.
  void Before() {
    RealClock clock;
    const std::string path = dir_.path() + "/data/audit";
    auto trail = services::AuditTrail::Open(
        [path]() -> absl::StatusOr<std::unique_ptr<storage::Kv>> {
          storage::RocksOptions options;
          options.path = path;
          options.ordered_kinds = storage::kAuditOrderedKinds;
          return storage::RocksKv::Open(options);
        },
        clock, {});
    ASSERT_TRUE(trail.ok()) << trail.status();
    // As calls see it.
    services::rpc::Audit& audit = **trail;
    for (int i = 0; i < 1200; ++i) {
      domain::AuditEntry entry;
      entry.principal = absl::StrCat("spiffe://fiscal.example/agency/141100/", i % 3);
      entry.connection = "ipv4:10.1.2.3:40404";
      entry.method = "fiscal.submission.v1.SubmissionService/SubmitBudget";
      if (i == 7) {
        entry.outcome = AuditOutcome::kDenied;
        entry.reason = "PERMISSION_DENIED";
        entry.missing_verb = "VERB_WRITE";
        entry.scope = "division 140000 year 2026";
      }
      audit.Record(std::move(entry));
    }
    (*trail)->Settle();
    EXPECT_EQ((*trail)->counts().lost, 0);
  }
  absl::Status Start(bool enabled = true) {
    ServeOptions options;
    options.data_dir = dir_.path() + "/data";
    config::v1::ServeConfig config = options.Config();
    services::MutableServerOf(&config)->mutable_audit()->set_enabled(enabled);
    auto server = services::Server::Start(config);
    if (!server.ok()) return server.status();
    server_ = *std::move(server);
    return absl::OkStatus();
  }
  std::string address() const { return absl::StrCat("127.0.0.1:", server_->port()); }
  Ran Fiscal(const std::string& arguments) {
    Ran ran = RunFiscal(absl::StrCat("--server ", address(), " ", arguments));
    said_ = ran.err;
    return ran;
  }

  // What the program last said to stderr.
  std::string said_;
  TempDir dir_;
  std::unique_ptr<services::Server> server_;
};

TEST_F(AuditTest, AnAuditorListsAndExportsIt) {
  Before();
  ASSERT_TRUE(Start().ok());
  const Ran denied = Fiscal("audit list --outcome 拒绝 -o json");
  ASSERT_EQ(denied.code, 0);
  EXPECT_THAT(denied.out, HasSubstr("\"missing_verb\":\"VERB_WRITE\""));
  EXPECT_THAT(denied.out, HasSubstr("\"sequence\":8"));
  EXPECT_THAT(std::vector<std::string>(absl::StrSplit(denied.out, '\n')), SizeIs(2));
  const Ran table = Fiscal("audit list --outcome denied");
  EXPECT_THAT(table.out, HasSubstr("PERMISSION_DENIED VERB_WRITE division 140000 year 2026"));
  const Ran some = Fiscal(
      "audit list --principal 'spiffe://fiscal.example/agency/*' --limit 1100 --from 2026-01-01 "
      "-o json");
  EXPECT_THAT(std::vector<std::string>(absl::StrSplit(some.out, '\n')), SizeIs(1101));
  EXPECT_THAT(said_, HasSubstr("only 1100 entries are shown"));
  EXPECT_EQ(Fiscal("audit list --outcome perhaps").code, 2);
  EXPECT_EQ(Fiscal("audit list --from yesterday").code, 2);
  EXPECT_EQ(Fiscal("audit list --to 2025-12-31 -o json").out, "");

  const std::string file = dir_.path() + "/audit.jsonl";
  ASSERT_EQ(Fiscal("audit export --out " + file).code, 0) << said_;
  const std::vector<std::string> lines = absl::StrSplit(ReadFile(file), '\n', absl::SkipEmpty());
  ASSERT_GE(lines.size(), 1201u);
  for (size_t i = 0; i + 1 < lines.size(); ++i)
    ASSERT_THAT(lines[i], HasSubstr(absl::StrCat("\"sequence\":", i + 1, ",")));
  EXPECT_THAT(lines.back(), HasSubstr(absl::StrCat("{\"tree_size\":", lines.size() - 1)));
  EXPECT_THAT(lines.back(), HasSubstr("\"first_sequence\":1"));
  EXPECT_FALSE(std::filesystem::exists(file + ".part"));
  EXPECT_EQ(Fiscal("audit export --out /nowhere/at/all").code, 2);
}

TEST_F(AuditTest, WithoutOneThereIsNoService) {
  ASSERT_TRUE(Start(/*enabled=*/false).ok());
  EXPECT_FALSE(std::filesystem::exists(dir_.path() + "/data/audit"));
  grpc::ClientContext context;
  aud::ListResponse response;
  EXPECT_EQ(
      aud::AuditService::NewStub(ConnectTo(address()))->List(&context, {}, &response).error_code(),
      grpc::StatusCode::UNIMPLEMENTED);
}

// It stops nobody's work, and is kept for whoever audits.
TEST_F(AuditTest, ADamagedOneIsPutAsideAtTheStart) {
  Before();
  for (const auto& file : std::filesystem::directory_iterator(dir_.path() + "/data/audit")) {
    if (file.path().extension() == ".sst") std::filesystem::resize_file(file.path(), 100);
  }
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(std::filesystem::exists(dir_.path() + "/data/audit.damaged"));
  grpc::ClientContext context;
  aud::GetAuditHeadResponse head;
  EXPECT_TRUE(
      aud::AuditService::NewStub(ConnectTo(address()))->GetAuditHead(&context, {}, &head).ok());
}

}  // namespace
}  // namespace fiscal::testing
