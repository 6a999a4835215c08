// What the anchor and the hash chain notice when the log is opened.
#include "base/coding.h"
#include "gtest/gtest.h"
#include "storage/event_log.h"
#include "storage/memory/memory_kv.h"
#include "storage/record_codec.h"
#include "storage/schema.h"

namespace fiscal::storage {
namespace {

constexpr char kId[] = "0123456789abcdef";

class LogTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<EventLog>> Open() {
    log_.reset();
    kv_.reset();
    kv_ = *MemoryKv::Open(disk_, {true, nullptr});
    anchor_ = std::make_unique<MemoryAnchor>(anchor_disk_);
    return EventLog::Open(*kv_, *anchor_, kId);
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
      header.position = head.position + 1;
      header.commit_time_us = static_cast<int64_t>(1000 * (head.position + 1));
      header.payload_digest = Sha256({payload});
      LogEntry entry;
      entry.position = header.position;
      entry.record = std::make_shared<const std::string>(EncodeRecord(header, payload));
      entry.leaf_hash = *LeafHash(*entry.record);
      entry.chain_hash = ChainHash(head.chain_hash, entry.leaf_hash);
      Batch batch;
      EventLog::Stage(entry, header.kind, [&](std::string key, std::string value) {
        batch.Put(std::move(key), std::move(value));
      });
      ASSERT_TRUE(log_->Commit(batch, {entry}, header.commit_time_us).ok());
    }
  }

  MemoryDisk disk_;
  MemoryAnchorDisk anchor_disk_;
  std::unique_ptr<MemoryKv> kv_;
  std::unique_ptr<MemoryAnchor> anchor_;
  std::unique_ptr<EventLog> log_;
};

TEST_F(LogTest, ALogThatLostItsEndIsRefused) {
  MustOpen();
  Append(5);
  Batch batch;
  batch.Delete(EventKey(5));
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
  EXPECT_EQ(EventLog::Open(**kv, anchor, kId).status().code(), absl::StatusCode::kDataLoss);
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
  EXPECT_EQ(log_->head().position, 4u);  // the record is found and anchored now
  anchor_disk_.set_image(before);
  ASSERT_TRUE(disk_.FlipByte(EventKey(4), 60));
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
}

// A large record is many values: it comes back whole and in parts, from memory and from the store.
TEST_F(LogTest, LargeRecords) {
  MustOpen();
  std::vector<std::shared_ptr<const std::string>> records;
  for (size_t size : {size_t{1}, kSegmentBytes - 250, kSegmentBytes, 5 * kSegmentBytes + 77}) {
    Append(1, size);
    records.push_back(log_->Read(log_->head().position)->record);
  }
  MustOpen();
  for (size_t i = 0; i < records.size(); ++i) {
    const auto entry = log_->Read(i + 1);
    ASSERT_TRUE(entry.ok()) << entry.status();
    EXPECT_EQ(*entry->record, *records[i]);
    EXPECT_TRUE(LeafHash(*entry->record).ok());
    auto get = [&](const std::string& key) { return kv_->Get(key); };
    const uint64_t size = records[i]->size();
    for (uint64_t offset = 0; offset < size; offset += 1 + size / 7) {
      const uint64_t n = std::min<uint64_t>(size - offset, 40000);
      EXPECT_EQ(*ReadRecordBytes(get, i + 1, offset, n), records[i]->substr(offset, n));
    }
    EXPECT_FALSE(ReadRecordBytes(get, i + 1, size - 1, 2).ok());
  }
  Batch batch;
  batch.Delete(EventSegmentKey(4, 3));
  ASSERT_TRUE(kv_->Write(batch, true).ok());
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(LogTest, TimesFindPositions) {
  MustOpen();
  EXPECT_EQ(*log_->AsOf(99999), 0u);
  Append(10);
  EXPECT_EQ(*log_->AsOf(999), 0u);
  EXPECT_EQ(*log_->AsOf(1000), 1u);
  EXPECT_EQ(*log_->AsOf(5999), 5u);
  EXPECT_EQ(*log_->AsOf(1 << 30), 10u);
  EXPECT_EQ(log_->CatalogEvents(4)->size(), 4u);
}

}  // namespace
}  // namespace fiscal::storage
