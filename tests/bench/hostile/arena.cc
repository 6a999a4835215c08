#include "tests/bench/hostile/arena.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fiscal/catalog/v1/catalog_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "tests/bench/watching.h"

namespace fiscal::bench {
namespace {

namespace sub = fiscal::submission::v1;

constexpr int kLinesEach = 21;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "fiscal-hostile-bench: %s\n", what.c_str());
  std::exit(1);
}

void ImportCatalog(int port, const Province& province) {
  const auto stub = catalog::v1::CatalogService::NewStub(ConnectTo(port));
  for (const auto& request : province.Catalog(Province::kYear)) {
    grpc::ClientContext context;
    catalog::v1::ImportCatalogResponse response;
    const grpc::Status status = stub->ImportCatalog(&context, request, &response);
    if (!status.ok()) Die(absl::StrCat("the catalog was refused: ", status.error_message()));
  }
}

void Load(int port, const Province& province, std::atomic<uint64_t>* next, uint64_t agencies) {
  const auto stub = sub::SubmissionService::NewStub(ConnectTo(port));
  grpc::ClientContext context;
  auto stream = stub->StreamBudgets(&context);
  std::thread reader([&] {
    sub::StreamBudgetsResponse response;
    while (stream->Read(&response)) {
      if (response.has_error())
        Die(absl::StrCat("a budget was refused: ", response.error().message()));
    }
  });
  while (*next < agencies) {
    sub::StreamBudgetsRequest frame;
    province.Fill((*next)++, kLinesEach, 0, frame.mutable_budget());
    if (!stream->Write(frame)) break;
  }
  stream->WritesDone();
  reader.join();
  const grpc::Status status = stream->Finish();
  if (!status.ok()) Die(absl::StrCat("stream: ", status.error_message()));
}

}  // namespace

Arena::Arena(uint64_t agencies) : province_("."), victims_(province_, &next_) {
  directory_ =
      (std::filesystem::temp_directory_path() / absl::StrCat("fiscal-hostile-", getpid())).string();
  std::filesystem::remove_all(directory_);
  std::filesystem::create_directories(directory_);
  const std::string self = std::filesystem::canonical("/proc/self/exe").parent_path().string();
  server_ = std::make_unique<ServerProcess>(std::vector<std::string>{
      absl::StrCat(self, "/fiscal"), "serve", "--data-dir", directory_, "--listen", "127.0.0.1:0"});
  ImportCatalog(port(), province_);
  Load(port(), province_, &next_, agencies);
}

Arena::~Arena() {
  server_->Kill();
  std::filesystem::remove_all(directory_);
}

ServerProcess& Arena::Restart(const How& how) {
  server_->Kill();
  const std::string self = std::filesystem::canonical("/proc/self/exe").parent_path().string();
  std::vector<std::string> command;
  if (how.descriptors > 0)
    command = {"/usr/bin/prlimit", absl::StrCat("--nofile=", how.descriptors), "--"};
  for (const std::string& word :
       {absl::StrCat(self, "/fiscal"), std::string("serve"), std::string("--data-dir"), directory_,
        std::string("--listen"), std::string("127.0.0.1:0")}) {
    command.push_back(word);
  }
  for (const std::string& flag : how.flags) command.push_back(flag);
  server_ = std::make_unique<ServerProcess>(command);
  const Lived warm = victims_.Live(port(), absl::Milliseconds(500), 2, 2);
  if (warm.failed > 0) Die(absl::StrCat("a call of a warm-up failed: ", warm.first_error));
  return *server_;
}

}  // namespace fiscal::bench
