// What the anchor and the hash chain notice when the log is opened.
#include "gtest/gtest.h"
#include "storage/local_log.h"
#include "storage/log_records.h"
#include "storage/memory/memory_kv.h"
#include "storage/record_codec.h"
#include "storage/schema.h"

namespace fiscal::storage {
namespace {

constexpr char kId[] = "0123456789abcdef";

class LogTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<LocalLog>> Open() {
    log_.reset();
    kv_.reset();
    kv_ = *MemoryKv::Open(disk_, {true, nullptr});
    anchor_ = std::make_unique<MemoryAnchor>(anchor_disk_);
    return LocalLog::Open(*kv_, *anchor_, kId);
  }
  void MustOpen() {
    auto log = Open();
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  }
  // Appends `n` catalog events, with a name of some size in them.
  void Append(int n, size_t name_bytes = 0) {
    for (int i = 0; i < n; ++i) {
      domain::CatalogEvent event{141100, 2024, domain::CatalogList::kDivision, {}};
      if (name_bytes > 0) event.entries.push_back({"141100", std::string(name_bytes, 'n')});
      const std::string payload = EncodeCatalog(event);
      EventLog::Head head = log_->head();
      domain::EventHeader header;
      header.kind = domain::EventKind::kCatalog;
      header.commit_time_us = static_cast<int64_t>(1000 * head.position.Next().value());
      header.payload_digest = Sha256({payload});
      LogGroup group;
      group.commit_time_us = header.commit_time_us;
      group.entries.push_back(NextEntry(header, payload, &head));
      ASSERT_TRUE(log_->Append(std::move(group)).ok());
    }
  }

  MemoryDisk disk_;
  MemoryAnchorDisk anchor_disk_;
  std::unique_ptr<MemoryKv> kv_;
  std::unique_ptr<MemoryAnchor> anchor_;
  std::unique_ptr<LocalLog> log_;
};

TEST_F(LogTest, ALogThatLostItsEndIsRefused) {
  MustOpen();
  Append(5);
  Batch batch;
  batch.Delete(EventKey(domain::Position(5)));
  ASSERT_TRUE(kv_->Write(batch, true).ok());
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(LogTest, AnEmptyStoreUnderAnAnchorIsRefused) {
  MustOpen();
  Append(1);
  log_.reset();
  kv_.reset();
  MemoryDisk other;
  auto kv = MemoryKv::Open(other, {true, nullptr});
  MemoryAnchor anchor(anchor_disk_);
  EXPECT_EQ(LocalLog::Open(**kv, anchor, kId).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(LogTest, ALostAnchorOfALogWithEventsIsRefused) {
  MustOpen();
  Append(2);
  anchor_disk_.set_image("");
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(LogTest, ADamagedRecordAfterTheAnchorIsRefused) {
  MustOpen();
  Append(3);
  const std::string before = anchor_disk_.image();
  Append(1);
  anchor_disk_.set_image(before);  // the anchor was not written when the machine stopped
  MustOpen();
  EXPECT_EQ(log_->head().position, domain::Position(4));  // the record is found and anchored now
  anchor_disk_.set_image(before);
  ASSERT_TRUE(disk_.FlipByte(EventKey(domain::Position(4)), 60));
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(LogTest, ALargeRecordThatLostASegmentIsRefused) {
  MustOpen();
  Append(1);
  Append(1, 5 * kSegmentBytes + 77);
  MustOpen();
  Batch batch;
  batch.Delete(EventSegmentKey(domain::Position(2), 3));
  ASSERT_TRUE(kv_->Write(batch, true).ok());
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(LogTest, ALogOfTheOtherOriginIsRefused) {
  MustOpen();
  Append(1);
  log_.reset();
  EXPECT_EQ(LocalLog::Open(*kv_, *anchor_, kId, EventLog::Origin::kCopied).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace fiscal::storage
