// What a data directory's log and ledger do about damage: the log is refused and left as it was,
// the ledger is made again.
#include "storage/rocks/log_directory.h"

#include <filesystem>
#include <fstream>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/ledger.h"
#include "storage/log_records.h"
#include "storage/record_codec.h"
#include "storage/schema.h"

namespace fiscal::storage {
namespace {

namespace fs = std::filesystem;
using Files = std::map<std::string, std::string>;

constexpr int kGroups = 60;

class LogDirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "/fiscal-log-directory-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  void TearDown() override { fs::remove_all(path_); }

  absl::Status Open() {
    directory_.reset();
    remade_.clear();
    LogDirectory::Options options;
    options.directory = path_;
    options.log.ordered_kinds = kLogOrderedKinds;
    options.new_log_id = [] { return std::string("0123456789abcdef"); };
    options.on_remake = [this](const absl::Status& why) { remade_ = std::string(why.message()); };
    auto opened = LogDirectory::Open(std::move(options));
    if (!opened.ok()) return opened.status();
    directory_ = *std::move(opened);
    return absl::OkStatus();
  }

  // A group of one event and its answer, or of an answer alone.
  void Commit(int n) {
    EventLog& log = directory_->log();
    EventLog::Head head = log.head();
    Ledger ledger(directory_->kv(), log, head.group + 1);
    LogGroup group;
    group.commit_time_us = n;
    domain::Receipt receipt;
    if (n % 5 != 0) {
      domain::EventHeader header;
      header.kind = domain::EventKind::kCatalog;
      header.commit_time_us = n;
      header.principal = "somebody";
      header.request_id = absl::StrCat("request-", n);
      const std::string payload(static_cast<size_t>(n % 3 == 0 ? 70000 : 100), 'x');
      header.payload_digest = Sha256({payload});
      group.entries.push_back(NextEntry(header, payload, &head));
    }
    receipt.position = head.position;
    ledger.KeepAnswer("somebody", absl::StrCat("request-", n), Sha256({absl::StrCat(n)}), receipt);
    ledger.MoveTo(&group.ledger);
    group.record = ledger.TakeRecord();
    ASSERT_TRUE(log.Append(std::move(group)).ok());
  }

  // Answers and events in write-ahead files of two generations and in table files, as a process
  // leaves them that is killed.
  void MakeKilled() {
    ASSERT_TRUE(Open().ok());
    for (int n = 0; n < kGroups; ++n) {
      Commit(n);
      if (n != kGroups / 3) continue;
      ASSERT_TRUE(directory_->log_store().FlushTables().ok());
    }
    // What is on disk now is what a kill leaves.
    fs::copy(path_, path_ + "-killed", fs::copy_options::recursive);
    directory_.reset();
    fs::remove_all(path_);
    fs::rename(path_ + "-killed", path_);
  }

  void ExpectWhole() {
    EXPECT_EQ(directory_->log().head().group, kGroups);
    Ledger ledger(directory_->kv(), directory_->log(), kGroups + 1);
    for (int n = 0; n < kGroups; ++n) {
      const auto answered = ledger.FindAnswer("somebody", absl::StrCat("request-", n));
      ASSERT_TRUE(answered.ok()) << answered.status();
      ASSERT_TRUE(answered->has_value()) << n;
      EXPECT_EQ((*answered)->body, Sha256({absl::StrCat(n)}));
    }
    Digest chain{};
    EXPECT_TRUE(CheckRecords(directory_->kv(), domain::Position(1),
                             directory_->log().head().position, &chain)
                    .ok());
  }

  Files Read(const std::string& below) {
    Files files;
    for (const auto& entry : fs::directory_iterator(path_ + below)) {
      const std::string name = entry.path().filename().string();
      if (!entry.is_regular_file() || absl::StartsWith(name, "LOG") || name == "LOCK") continue;
      std::ifstream in(entry.path(), std::ios::binary);
      files[name] = std::string(std::istreambuf_iterator<char>(in), {});
    }
    return files;
  }
  void Write(const std::string& file, const std::string& bytes) {
    std::ofstream(path_ + file, std::ios::binary | std::ios::trunc) << bytes;
  }
  std::string One(const std::string& below, const std::string& part) {
    for (const auto& [name, bytes] : Read(below)) {
      if (absl::StrContains(name, part) && !bytes.empty()) return below + "/" + name;
    }
    ADD_FAILURE() << "no " << part << " in " << below;
    return "";
  }
  std::string BytesOfFile(const std::string& file) {
    std::ifstream in(path_ + file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

  // The damage is refused with a next step, changes nothing, and is gone when the file is put back.
  void ExpectRefused(const std::string& file, const std::optional<std::string>& damaged) {
    const std::string whole = BytesOfFile(file);
    damaged.has_value() ? Write(file, *damaged) : void(fs::remove(path_ + file));
    const Files before = Read("/log");
    const absl::Status status = Open();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << file << ": " << status;
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("nothing was changed"));
    EXPECT_EQ(Read("/log") == before, true) << file;
    Write(file, whole);
    const absl::Status healed = Open();
    ASSERT_TRUE(healed.ok()) << file << ": " << healed;
    ExpectWhole();
  }

  std::string path_;
  std::string remade_;
  std::unique_ptr<LogDirectory> directory_;
};

TEST_F(LogDirectoryTest, AKilledProcessLosesNothing) {
  MakeKilled();
  ASSERT_TRUE(Open().ok());
  ExpectWhole();
  EXPECT_EQ(remade_, "");
}

TEST_F(LogDirectoryTest, AMissingWriteAheadFileIsRefused) {
  MakeKilled();
  const std::string log = One("/log", ".log");
  ExpectRefused(log, std::nullopt);
}

TEST_F(LogDirectoryTest, AWriteAheadFileOneByteShortIsRefused) {
  MakeKilled();
  const std::string log = One("/log", ".log");
  const std::string whole = BytesOfFile(log);
  ExpectRefused(log, whole.substr(0, whole.size() - 1));
}

TEST_F(LogDirectoryTest, AWriteAheadFileWithAnEndOfZerosIsRefused) {
  MakeKilled();
  const std::string log = One("/log", ".log");
  std::string whole = BytesOfFile(log);
  ExpectRefused(log, whole.substr(0, whole.size() - 100) + std::string(100, '\0'));
}

TEST_F(LogDirectoryTest, AManifestOneByteShortIsRefused) {
  MakeKilled();
  const std::string manifest = One("/log", "MANIFEST");
  const std::string whole = BytesOfFile(manifest);
  ExpectRefused(manifest, whole.substr(0, whole.size() - 1));
}

TEST_F(LogDirectoryTest, AManifestWithAnEndOfZerosIsRefused) {
  MakeKilled();
  const std::string manifest = One("/log", "MANIFEST");
  const std::string whole = BytesOfFile(manifest);
  ExpectRefused(manifest, whole.substr(0, whole.size() - 30) + std::string(30, '\0'));
}

TEST_F(LogDirectoryTest, AMissingCurrentIsRefused) {
  MakeKilled();
  ExpectRefused("/log/CURRENT", std::nullopt);
}

TEST_F(LogDirectoryTest, AMissingTableIsRefused) {
  MakeKilled();
  ExpectRefused(One("/log", ".sst"), std::nullopt);
}

TEST_F(LogDirectoryTest, AMissingAnchorIsRefused) {
  MakeKilled();
  ExpectRefused("/anchor", std::nullopt);
}

TEST_F(LogDirectoryTest, AManifestCutAfterACleanEndIsRefused) {
  MakeKilled();
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(directory_->Settle().ok());
  directory_.reset();
  const std::string manifest = One("/log", "MANIFEST");
  const std::string whole = BytesOfFile(manifest);
  ExpectRefused(manifest, whole.substr(0, whole.size() - 1));
}

// A start that was cut short after the store was opened, which made table files and a manifest of
// its own.
TEST_F(LogDirectoryTest, AStartThatWasCutShortIsBegunAnew) {
  MakeKilled();
  fs::copy(path_ + "/log", path_ + "/log.before", fs::copy_options::recursive);
  Write(One("/log", ".log"), "");
  ASSERT_TRUE(Open().ok());
  ExpectWhole();
  EXPECT_FALSE(fs::exists(path_ + "/log.before"));
}

TEST_F(LogDirectoryTest, LinksOfAStartThatWasFoundWholeGo) {
  MakeKilled();
  ASSERT_TRUE(Open().ok());
  directory_.reset();
  fs::create_directory(path_ + "/log.before");
  Write("/log.before/CURRENT", "MANIFEST-000001\n");
  ASSERT_TRUE(Open().ok());
  ExpectWhole();
  EXPECT_FALSE(fs::exists(path_ + "/log.before"));
}

TEST_F(LogDirectoryTest, ADamagedLedgerIsMadeAgain) {
  MakeKilled();
  ASSERT_TRUE(Open().ok());
  directory_.reset();
  for (const char* part : {"MANIFEST", ".sst", "CURRENT"}) {
    const std::string file = One("/ledger", part);
    const std::string whole = BytesOfFile(file);
    Write(file, whole.substr(0, whole.size() / 2));
    ASSERT_TRUE(Open().ok()) << part;
    ExpectWhole();
    EXPECT_NE(remade_, "") << part;
    directory_.reset();
  }
  fs::remove_all(path_ + "/ledger");
  ASSERT_TRUE(Open().ok());
  ExpectWhole();
  EXPECT_NE(remade_, "");
}

TEST_F(LogDirectoryTest, ALedgerOfAnotherLogIsMadeAgain) {
  MakeKilled();
  ASSERT_TRUE(Open().ok());
  LedgerMark mark{"fedcba9876543210", 7, Sha256({"another"}), {}};
  Batch batch;
  batch.Put(LedgerMarkKey(), EncodeLedgerMark(mark));
  ASSERT_TRUE(directory_->ledger_store().Write(batch, false).ok());
  ASSERT_TRUE(Open().ok());
  ExpectWhole();
  EXPECT_THAT(remade_, ::testing::HasSubstr("another log"));
}

TEST_F(LogDirectoryTest, ALedgerOfAnotherFormatIsMadeAgain) {
  MakeKilled();
  ASSERT_TRUE(Open().ok());
  std::string mark = *directory_->ledger_store().Get(LedgerMarkKey());
  mark[0] = 1;
  Batch batch;
  batch.Put(LedgerMarkKey(), mark);
  ASSERT_TRUE(directory_->ledger_store().Write(batch, false).ok());
  ASSERT_TRUE(Open().ok());
  ExpectWhole();
  EXPECT_THAT(remade_, ::testing::HasSubstr("another version's format"));
}

TEST_F(LogDirectoryTest, DamageFoundInUseIsMendedAtTheNextStart) {
  MakeKilled();
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(MarkDamaged(path_ + "/ledger", "a block's checksum").ok());
  ASSERT_TRUE(Open().ok());
  ExpectWhole();
  EXPECT_THAT(remade_, ::testing::HasSubstr("a block's checksum"));
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(remade_, "");
}

}  // namespace
}  // namespace fiscal::storage
