// What an operator lets a living system check: every stored byte against its checksums.
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cpp/connection.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "services/config/config.h"
#include "tests/integration/deployment.h"
#include "tests/support/catalog.h"
#include "tests/support/children.h"
#include "tests/support/http.h"

namespace fiscal::testing {
namespace {

namespace adm = fiscal::admin::v1;
namespace sub = fiscal::submission::v1;

class ChecksTest : public ::testing::Test {
 protected:
  // Goes over what is stored by itself at `rate`, or only when asked.
  void Start(int64_t rate) {
    server_.reset();
    ServeOptions options;
    options.data_dir = dir_.path();
    options.admin_listen = "127.0.0.1:0";
    config::v1::ServeConfig config = options.Config();
    services::MutableServerOf(&config)->mutable_storage()->set_scrub_bytes_per_second(rate);
    auto server = services::Server::Start(config);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = ConnectTo(absl::StrCat("127.0.0.1:", server_->port()));
    ASSERT_TRUE(AwaitServing(channel_));
    admin_ = adm::AdminService::NewStub(channel_);
  }
  void Submit(int agency, int lines, const std::string& request_id) {
    grpc::ClientContext context;
    sub::SubmitBudgetResponse receipt;
    const grpc::Status status = sub::SubmissionService::NewStub(channel_)->SubmitBudget(
        &context, MakeBudget(agency, lines, 1, request_id), &receipt);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  // Twice started, so that there are sorted files, and write-ahead files that are not empty. A
  // batch of the totals is written.
  void Fill() {
    Start(0);
    ASSERT_TRUE(ImportSmallCatalog(channel_, 3));
    for (int i = 0; i < 300; ++i) Submit(i % 3, 2 + i / 3, absl::StrCat("first", i));
    Start(0);
    for (int i = 0; i < 3; ++i) Submit(i, 200, absl::StrCat("second", i));
  }

  // What is damaged, "" for nothing; or the error's reason.
  std::string Scrub() {
    grpc::ClientContext context;
    adm::ScrubResponse response;
    const grpc::Status status = admin_->Scrub(&context, {}, &response);
    if (!status.ok()) return client::ToError(status).reason;
    EXPECT_EQ(response.ok(), response.findings().empty());
    EXPECT_GT(response.bytes_read(), 10000);
    return absl::StrJoin(response.findings(), "; ");
  }
  adm::GetStatusResponse Status() {
    grpc::ClientContext context;
    adm::GetStatusResponse status;
    EXPECT_TRUE(admin_->GetStatus(&context, {}, &status).ok());
    return status;
  }

  // Files of a store with this ending or beginning that are not empty.
  std::vector<std::string> Files(const std::string& store, const std::string& kind) {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path() + "/" + store)) {
      const std::string name = entry.path().filename().string();
      if ((absl::EndsWith(name, kind) || absl::StartsWith(name, kind)) && entry.file_size() > 0)
        files.push_back(absl::StrCat(store, "/", name));
    }
    return files;
  }
  std::string PathOf(const std::string& file) { return absl::StrCat(dir_.path(), "/", file); }
  void Flip(const std::string& file, int64_t offset) {
    std::fstream stream(PathOf(file), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(offset);
    const char byte = static_cast<char>(stream.get());
    stream.seekp(offset);
    stream.put(static_cast<char>(byte ^ 1));
    ASSERT_TRUE(stream.good());
  }

  TempDir dir_;
  std::unique_ptr<services::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<adm::AdminService::Stub> admin_;
};

TEST_F(ChecksTest, AFlippedBitInAnyClassOfFileIsFoundAndNamed) {
  Fill();
  ASSERT_EQ(Scrub(), "");
  const std::pair<const char*, const char*> kinds[] = {{"log", ".sst"},     {"log", ".log"},
                                                       {"log", "MANIFEST"}, {"log", "CURRENT"},
                                                       {"totals", ".sst"},  {"totals", "MANIFEST"}};
  for (const auto& [store, kind] : kinds) {
    const std::vector<std::string> files = Files(store, kind);
    ASSERT_FALSE(files.empty()) << store << " " << kind;
    for (const std::string& file : files) {
      const int64_t size = static_cast<int64_t>(std::filesystem::file_size(PathOf(file)));
      for (int64_t offset : {int64_t{0}, size / 3, size - 2}) {
        Flip(file, offset);
        EXPECT_TRUE(absl::StrContains(Scrub(), file) ||
                    (kind == std::string("CURRENT") && Scrub() != ""))
            << file << " at " << offset;
        Flip(file, offset);
      }
    }
  }
  EXPECT_EQ(Scrub(), "");
}

TEST_F(ChecksTest, AFileThatIsShortOrGoneIsFoundAndNamed) {
  Fill();
  const std::string file = Files("log", ".sst")[0];
  const std::string path = PathOf(file), aside = dir_.path() + "/aside";
  std::filesystem::copy_file(path, aside);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  EXPECT_TRUE(absl::StrContains(Scrub(), absl::StrCat(file, ": has "))) << Scrub();
  std::filesystem::remove(path);
  EXPECT_TRUE(absl::StrContains(Scrub(), absl::StrCat(file, ": is missing"))) << Scrub();
  std::filesystem::rename(aside, path);
  EXPECT_EQ(Scrub(), "");
}

// It goes by itself, counts what it read and says what it found.
TEST_F(ChecksTest, TheProcessGoesOverWhatItStoresByItself) {
  Fill();
  const std::string file = Files("totals", ".sst")[0];
  Flip(file, 10);
  Start(int64_t{1} << 30);
  while (!Status().scrub().has_end_time()) std::this_thread::yield();
  const adm::ScrubStatus scrub = Status().scrub();
  EXPECT_EQ(scrub.damage_count(), 1);
  EXPECT_GT(scrub.bytes_read(), 10000);
  EXPECT_FALSE(scrub.running());
  EXPECT_TRUE(absl::StrContains(HttpGet(server_->admin_port(), "/metrics").body,
                                "\nfiscal_scrub_damage 1\n"));
}

// A scrub of a byte a second goes on for ever: for one caller, until he goes, or the process stops.
TEST_F(ChecksTest, OneAtATimeAndOnlyAsLongAsSomebodyWaits) {
  Fill();
  auto begin = [&](grpc::ClientContext* context, grpc::Status* status) {
    return std::thread([this, context, status] {
      adm::ScrubRequest request;
      request.set_bytes_per_second(1);
      adm::ScrubResponse response;
      *status = admin_->Scrub(context, request, &response);
    });
  };
  auto await = [&](bool running) {
    while (Status().scrub().running() != running) std::this_thread::yield();
  };
  grpc::ClientContext first, second;
  grpc::Status status;
  std::thread caller = begin(&first, &status);
  await(true);
  EXPECT_EQ(Scrub(), "CHECK_RUNNING");
  // Others are answered meanwhile.
  Submit(0, 7, "meanwhile");
  first.TryCancel();
  caller.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  await(false);
  EXPECT_EQ(Scrub(), "");

  caller = begin(&second, &status);
  await(true);
  server_->Stop();
  caller.join();
  EXPECT_EQ(client::ToError(status).reason, "DRAINING");
}

TEST_F(ChecksTest, AnAskedRateIsNotNegative) {
  Start(0);
  grpc::ClientContext context;
  adm::ScrubRequest request;
  request.set_bytes_per_second(-1);
  adm::ScrubResponse response;
  const grpc::Status status = admin_->Scrub(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace fiscal::testing
