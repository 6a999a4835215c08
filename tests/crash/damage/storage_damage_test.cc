// Thousands of single faults in the files of a data directory. Each is refused with a sentence,
// healed and said, or without effect: every acknowledged request sent again gives its first receipt
// and moves no total, the log read from outside is the log that was there. The slice that CI runs
// has FISCAL_DAMAGE_FAULTS faults:
//
//   FISCAL_DAMAGE_FAULTS=3000   how many
//   FISCAL_DAMAGE_SEED=1        which
//   FISCAL_DAMAGE_BASES=DIR     keep the directories that are damaged, and take those that are
//                               there: a fault is then the same again
//   FISCAL_DAMAGE_ONLY=NAME     this one alone, as a failure names it
//   FISCAL_DAMAGE_JOBS=2        at a time
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "clients/cpp/error.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/log/v1/event_log_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.pb.h"
#include "gtest/gtest.h"
#include "tests/crash/damage/bases.h"
#include "tests/crash/damage/faults.h"
#include "tests/crash/damage/files.h"
#include "tests/crash/damage/judge.h"
#include "tests/crash/damage/server_process.h"
#include "tests/support/children.h"
#include "tests/support/programs.h"

namespace fiscal::damage {
namespace {

// As many as take a minute or so.
constexpr int kSliceFaults = 150;
// One in so many is undone, or started twice.
constexpr size_t kThoroughEvery = 4;

std::string Setting(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

// What became of the faults, by class of file and kind.
class Tally {
 public:
  void Add(const Fault& fault, const Verdict& verdict) {
    absl::MutexLock lock(&mu_);
    ++all_[verdict.outcome];
    ++by_class_[ClassOf(fault.file)][verdict.outcome];
    ++by_kind_[std::string(NameOf(fault.kind))][verdict.outcome];
    if (!Fails(verdict.outcome)) return;
    failures_.push_back(
        absl::StrCat(NameOf(verdict.outcome), " ", fault.Name(), "\n    ", verdict.seen));
    std::printf("%s\n", failures_.back().c_str());
    std::fflush(stdout);
  }

  void Print() {
    absl::MutexLock lock(&mu_);
    std::printf("\n| file or fault |");
    for (const auto& [outcome, count] : all_)
      std::printf(" %s |", std::string(NameOf(outcome)).c_str());
    std::printf("\n|---|");
    for (size_t i = 0; i < all_.size(); ++i) std::printf("---:|");
    std::printf("\n");
    for (const auto& [name, counts] : by_class_) PrintRow(name, counts);
    for (const auto& [name, counts] : by_kind_) PrintRow(absl::StrCat("*", name, "*"), counts);
    PrintRow("all", all_);
  }

  size_t failures() const {
    absl::MutexLock lock(&mu_);
    return failures_.size();
  }

 private:
  using Counts = std::map<Outcome, int>;
  void PrintRow(const std::string& name, const Counts& counts) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    std::printf("| %s |", name.c_str());
    for (const auto& [outcome, all] : all_) {
      const auto count = counts.find(outcome);
      std::printf(" %d |", count == counts.end() ? 0 : count->second);
    }
    std::printf("\n");
  }

  mutable absl::Mutex mu_;
  Counts all_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, Counts> by_class_ ABSL_GUARDED_BY(mu_), by_kind_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> failures_ ABSL_GUARDED_BY(mu_);
};

// The resume token of a watch's first message, or how the watch ended before one.
grpc::Status WatchToken(ServerProcess& server, const std::string& from, std::string* token) {
  const auto stub = aggregation::v1::AggregationService::NewStub(server.caller().channel());
  aggregation::v1::WatchTotalsRequest request;
  aggregation::v1::TotalFilter* filter = request.add_filters()->mutable_filter();
  filter->set_division_code("141100");
  filter->set_fiscal_year(2024);
  filter->set_stage(budget::v1::STAGE_APPROVED);
  filter->set_direction(budget::v1::DIRECTION_EXPENDITURE);
  request.set_resume_token(from);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  const auto reader = stub->WatchTotals(&context, request);
  aggregation::v1::WatchTotalsResponse message;
  bool told = false;
  while (!told && reader->Read(&message)) told = !message.resume_token().empty();
  if (!told) return reader->Finish();
  *token = message.resume_token();
  context.TryCancel();
  reader->Finish();
  return grpc::Status::OK;
}

// How reading the log ends for who has it up to a position with this chain hash.
grpc::Status ReadAfter(ServerProcess& server, size_t position, const Digest& chain_hash) {
  const auto stub = log::v1::EventLogService::NewStub(server.caller().channel());
  log::v1::ReadRequest request;
  request.set_after_position(absl::StrCat(position));
  request.set_after_chain_hash(std::string(BytesOf(chain_hash)));
  request.set_until_head(true);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  const auto reader = stub->Read(&context, request);
  log::v1::ReadResponse response;
  while (reader->Read(&response)) {
  }
  return reader->Finish();
}

class StorageDamageTest : public ::testing::Test {
 protected:
  StorageDamageTest()
      : root_((std::filesystem::temp_directory_path() / absl::StrCat("fiscal-damage-", getpid()))
                  .string()),
        bases_root_(Setting("FISCAL_DAMAGE_BASES", root_ + "/bases")) {
    std::filesystem::create_directories(root_);
    std::filesystem::create_directories(bases_root_);
  }
  ~StorageDamageTest() override { std::filesystem::remove_all(root_); }

  std::vector<Base> MakeBases() {
    std::vector<Base> bases;
    for (const std::string& name : BaseNames()) {
      bases.push_back(MakeBase(name, bases_root_));
      std::map<std::string, int> classes;
      for (const std::string& file : FilesBelow(bases.back().data())) ++classes[ClassOf(file)];
      std::printf("%s: %zu requests, %zu events, %d write-ahead files, %d sorted files\n",
                  name.c_str(), bases.back().acknowledged.size(), bases.back().log.records.size(),
                  classes["log/wal"], classes["log/sst"]);
    }
    std::fflush(stdout);
    return bases;
  }

  // A command of the program `fiscal`, asking the server on `port`; its exit code, and what it
  // printed.
  static int Fiscal(int port, const std::string& arguments, std::string* out) {
    testing::Ran ran =
        testing::RunFiscal(absl::StrCat("--server 127.0.0.1:", port, " ", arguments, " 2>&1"));
    *out = std::move(ran.out);
    return ran.code;
  }
  std::string Keep(const std::string& name, const std::string& bytes) const {
    std::ofstream(root_ + "/" + name, std::ios::binary) << bytes;
    return root_ + "/" + name;
  }

  const std::string root_;
  const std::string bases_root_;
};

// No single file is wrong then, so the process starts; who kept a position or a tree head sees it.
TEST_F(StorageDamageTest, AnOlderCopyOfTheWholeDirectoryIsSeenByWhoKeptSomething) {
  const Base base = MakeBase("live", bases_root_);
  const std::string now = root_ + "/now", earlier = root_ + "/earlier";
  LinkTree(base.data(), now);
  LinkTree(base.earlier(), earlier);
  std::string seen, token;
  {
    ServerProcess server({now});
    ASSERT_TRUE(server.serves()) << server.said();
    ASSERT_EQ(Fiscal(server.port(), "log tree-head -o json", &seen), 0) << seen;
    ASSERT_EQ(WatchToken(server, "", &token).error_code(), grpc::StatusCode::OK);
  }
  const std::string seen_file = Keep("seen.json", seen), key = now + "/signing-key.pub.pem";
  const size_t size = base.log.records.size();

  ServerProcess server({earlier});
  ASSERT_TRUE(server.serves()) << server.said();
  // A client that resumes a watch, one that follows the log, and a witness.
  const grpc::Status watch = WatchToken(server, token, &token);
  EXPECT_EQ(watch.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(client::ToError(watch).reason, "POSITION_OF_OTHER_HISTORY");
  const grpc::Status read = ReadAfter(server, size, base.log.chain_hash);
  EXPECT_EQ(read.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(client::ToError(read).reason, "POSITION_AHEAD");
  std::string said;
  EXPECT_NE(Fiscal(server.port(), absl::StrCat("log prove --since ", size, " -o json"), &said), 0);
  EXPECT_NE(said.find("POSITION_AHEAD"), std::string::npos) << said;

  // Also once it has grown past what was seen.
  std::vector<Exchange> others = base.acknowledged;
  for (Exchange& e : others) {
    submission::v1::SubmitBudgetRequest request;
    if (e.method != base.next.method || !request.ParseFromString(e.request)) continue;
    request.set_request_id("other-" + request.request_id());
    e.request = request.SerializeAsString();
  }
  server.caller().CallAll(others, [](const Exchange&, const grpc::Status&, const std::string&) {});
  const grpc::Status differs = ReadAfter(server, size, base.log.chain_hash);
  EXPECT_EQ(differs.error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_EQ(client::ToError(differs).reason, "HISTORY_DIFFERS");
  const grpc::Status watches = WatchToken(server, token, &token);
  EXPECT_EQ(watches.error_code(), grpc::StatusCode::FAILED_PRECONDITION) << watches.error_message();
  std::string proof;
  ASSERT_EQ(Fiscal(server.port(), absl::StrCat("log prove --since ", size, " -o json"), &proof), 0)
      << proof;
  EXPECT_NE(Fiscal(server.port(),
                   absl::StrCat("log verify --public-key ", key, " --seen ", seen_file, " ",
                                Keep("proof.json", proof)),
                   &said),
            0);
  EXPECT_NE(said.find("NOT PROVED"), std::string::npos) << said;
}

TEST_F(StorageDamageTest, NothingIsLostInSilence) {
  std::vector<Base> bases = MakeBases();
  std::map<std::string, std::map<std::string, Digest>> untouched;
  std::vector<std::unique_ptr<ServerProcess>> upstreams;
  for (Base& base : bases) {
    untouched[base.name] = DigestsBelow(base.data());
    upstreams.push_back(ServeUpstream(base, absl::StrCat(root_, "/below-", base.name)));
  }

  const uint64_t seed = std::strtoull(Setting("FISCAL_DAMAGE_SEED", "1").c_str(), nullptr, 10);
  std::vector<Fault> faults;
  const std::string only = Setting("FISCAL_DAMAGE_ONLY", "");
  if (!only.empty()) {
    const std::optional<Fault> fault = ParseFault(only);
    ASSERT_TRUE(fault.has_value()) << only;
    faults = {*fault};
  } else {
    faults = PlanFaults(
        bases,
        std::strtoull(Setting("FISCAL_DAMAGE_FAULTS", absl::StrCat(kSliceFaults)).c_str(), nullptr,
                      10),
        seed);
  }
  std::printf("%zu faults from seed %llu\n", faults.size(), static_cast<unsigned long long>(seed));

  Tally tally;
  absl::Mutex mu;
  size_t next = 0;
  const absl::Time start = absl::Now();
  const int jobs = std::atoi(Setting("FISCAL_DAMAGE_JOBS", "2").c_str());
  std::vector<std::thread> workers;
  for (int worker = 0; worker < jobs; ++worker) {
    workers.emplace_back([&, worker] {
      const std::string directory = absl::StrCat(root_, "/copy-", worker);
      while (true) {
        size_t mine = 0;
        {
          absl::MutexLock lock(&mu);
          if (next == faults.size()) return;
          mine = next++;
          if (mine % 250 == 249)
            std::printf("%zu faults, %.0f s\n", mine + 1,
                        absl::ToDoubleSeconds(absl::Now() - start));
        }
        const Fault& fault = faults[mine];
        for (const Base& base : bases) {
          if (base.name != fault.base) continue;
          const Verdict verdict =
              Judge(base, fault, directory, !only.empty() || mine % kThoroughEvery == 0);
          tally.Add(fault, verdict);
          if (!only.empty())
            std::printf("%s: %s\n", std::string(NameOf(verdict.outcome)).c_str(),
                        verdict.seen.c_str());
        }
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  tally.Print();
  for (const Base& base : bases)
    EXPECT_TRUE(DigestsBelow(base.data()) == untouched[base.name])
        << base.name << ": a server changed bytes of a file that it shares with its copy";
  EXPECT_EQ(tally.failures(), 0u);
}

}  // namespace
}  // namespace fiscal::damage

int main(int argc, char** argv) {
  // A server does not outlive the test that started it.
  if (argc == 3) prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (const auto served = fiscal::testing::ServeIfAsked(argc, argv)) return *served;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
