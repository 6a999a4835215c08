// One suite for every Kv: memory and RocksDB, with a write-ahead log and without. What the
// simulation learns over memory holds for RocksDB because both pass here, and because random
// operations give the same answers on both.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/memory/memory_kv.h"
#include "storage/rocks/rocks_kv.h"

namespace fiscal::storage {
namespace {

struct Kind {
  const char* name;
  bool rocks;
  bool wal;
};

// A store that can be closed and opened again.
class Store {
 public:
  explicit Store(const Kind& kind) : kind_(kind) {
    static int n = 0;
    path_ =
        (std::filesystem::temp_directory_path() / absl::StrCat("fiscal-kv-", getpid(), "-", n++))
            .string();
    Open();
  }
  ~Store() {
    kv_.reset();
    std::filesystem::remove_all(path_);
  }
  void Open() {
    kv_.reset();
    if (kind_.rocks) {
      RocksOptions options;
      options.path = path_;
      options.wal = kind_.wal;
      auto kv = RocksKv::Open(options);
      ASSERT_TRUE(kv.ok()) << kv.status();
      kv_ = *std::move(kv);
    } else {
      auto kv = MemoryKv::Open(disk_, {kind_.wal, nullptr});
      ASSERT_TRUE(kv.ok()) << kv.status();
      kv_ = *std::move(kv);
    }
  }
  Kv& operator*() { return *kv_; }
  Kv* operator->() { return kv_.get(); }
  void Close() { kv_.reset(); }
  const std::string& path() const { return path_; }

 private:
  const Kind kind_;
  std::string path_;
  MemoryDisk disk_;
  std::unique_ptr<Kv> kv_;
};

// Any bytes as a key: an engine knows no kinds.
Key K(absl::string_view bytes) { return Key::Encoded(std::string(bytes)); }

std::string Dump(const std::function<std::unique_ptr<KvIterator>()>& make) {
  std::string out;
  auto it = make();
  for (it->Seek({}); it->Valid(); it->Next())
    absl::StrAppend(&out, it->key().encoded(), "=", it->value(), ";");
  EXPECT_TRUE(it->status().ok());
  return out;
}
std::string Dump(Kv& kv, const std::string& lower = "", const std::string& upper = "") {
  return Dump([&] { return kv.NewIterator(K(lower), K(upper)); });
}

class KvContractTest : public ::testing::TestWithParam<Kind> {};

TEST_P(KvContractTest, ABatchIsOneChangeAndTheLaterPutWins) {
  Store kv(GetParam());
  Batch batch;
  batch.Put(K("a"), "1");
  batch.Put(K("b"), "2");
  batch.Put(K("a"), "3");
  batch.Delete(K("b"));
  batch.Put(K(""), "empty key");
  batch.Put(K("c"), "");
  ASSERT_TRUE(kv->Write(batch, true).ok());
  EXPECT_EQ(Dump(*kv), "=empty key;a=3;c=;");
  EXPECT_TRUE(absl::IsNotFound(kv->Get(K("b")).status()));
  EXPECT_EQ(*kv->Get(K("c")), "");
  Batch remove;
  remove.Delete(K("never there"));
  ASSERT_TRUE(kv->Write(remove, false).ok());
}

TEST_P(KvContractTest, OrderBoundsAndBothDirections) {
  Store kv(GetParam());
  Batch batch;
  for (const char* key : {"b", "d", "f", "\x7f", "\x80", "\xff"}) batch.Put(K(key), key);
  ASSERT_TRUE(kv->Write(batch, false).ok());
  EXPECT_EQ(Dump(*kv, "b", "f"), "b=b;d=d;");
  EXPECT_EQ(Dump(*kv, "g", ""), "\x7f=\x7f;\x80=\x80;\xff=\xff;");
  auto it = kv->NewIterator(K("b"), K("f"));
  it->SeekForPrev(K("e"));
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->key(), K("d"));
  it->SeekForPrev(K("zzz"));  // beyond the range: its last key
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->key(), K("d"));
  it->Prev();
  EXPECT_EQ(it->key(), K("b"));
  it->Prev();
  EXPECT_FALSE(it->Valid());
  EXPECT_TRUE(it->status().ok());
  it->Seek(K("a"));  // before the range: its first key
  EXPECT_EQ(it->key(), K("b"));
  it->SeekForPrev(K("a"));
  EXPECT_FALSE(it->Valid());
  it->Seek(K("e"));
  EXPECT_FALSE(it->Valid());
}

TEST_P(KvContractTest, SnapshotsAndIteratorsDontSeeLaterWrites) {
  Store kv(GetParam());
  Batch batch;
  batch.Put(K("a"), "1");
  ASSERT_TRUE(kv->Write(batch, false).ok());
  auto snapshot = kv->NewSnapshot();
  auto it = kv->NewIterator({}, {});
  it->Seek({});
  Batch later;
  later.Put(K("a"), "2");
  later.Put(K("b"), "3");
  ASSERT_TRUE(kv->Write(later, false).ok());
  EXPECT_EQ(*snapshot->Get(K("a")), "1");
  EXPECT_TRUE(absl::IsNotFound(snapshot->Get(K("b")).status()));
  EXPECT_EQ(Dump([&] { return snapshot->NewIterator({}, {}); }), "a=1;");
  EXPECT_EQ(it->value(), "1");
  it->Next();
  EXPECT_FALSE(it->Valid());
  EXPECT_EQ(Dump(*kv), "a=2;b=3;");
}

TEST_P(KvContractTest, WhatWasMadeDurableIsThereAfterReopening) {
  Store kv(GetParam());
  Batch batch;
  batch.Put(K("a"), std::string(100000, 'x'));
  ASSERT_TRUE(kv->Write(batch, false).ok());
  if (GetParam().wal) {
    Batch sync;
    sync.Put(K("b"), "1");
    ASSERT_TRUE(kv->Write(sync, true).ok());
  } else {
    ASSERT_TRUE(kv->Flush().ok());
  }
  kv.Open();
  EXPECT_EQ(kv->Get(K("a"))->size(), 100000u);
}

INSTANTIATE_TEST_SUITE_P(All, KvContractTest,
                         ::testing::Values(Kind{"MemoryWal", false, true},
                                           Kind{"MemoryNoWal", false, false},
                                           Kind{"RocksWal", true, true},
                                           Kind{"RocksNoWal", true, false}),
                         [](const auto& info) { return info.param.name; });

TEST(KvDifferentialTest, MemoryAndRocksAnswerAlike) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Store memory({"memory", false, seed % 2 == 0}), rocks({"rocks", true, seed % 2 == 0});
    for (int i = 0; i < 2500; ++i) {
      auto key = [&] {
        std::string k;
        for (uint64_t n = random() % 3; n > 0; --n)
          k.push_back(static_cast<char>(random() % 4 == 0 ? 0xff : 'a' + random() % 4));
        return k;
      };
      switch (random() % 6) {
        case 0:
        case 1: {
          Batch batch;
          for (uint64_t n = 1 + random() % 4; n > 0; --n)
            random() % 3 == 0 ? batch.Delete(K(key())) : batch.Put(K(key()), absl::StrCat(i));
          const bool sync = random() % 50 == 0;
          ASSERT_TRUE(memory->Write(batch, sync).ok());
          ASSERT_TRUE(rocks->Write(batch, sync).ok());
          break;
        }
        case 2: {
          const Key k = K(key());
          const auto a = memory->Get(k), b = rocks->Get(k);
          ASSERT_EQ(a.status().code(), b.status().code());
          if (a.ok()) {
            ASSERT_EQ(*a, *b);
          }
          break;
        }
        case 3: {
          const std::string lower = key(), upper = key();
          ASSERT_EQ(Dump(*memory, lower, upper), Dump(*rocks, lower, upper))
              << lower << " to " << upper;
          break;
        }
        default: {
          const Key lower = K(key()), upper = random() % 2 == 0 ? Key() : K(key()), k = K(key());
          auto a = memory->NewIterator(lower, upper), b = rocks->NewIterator(lower, upper);
          random() % 2 == 0 ? (a->Seek(k), b->Seek(k)) : (a->SeekForPrev(k), b->SeekForPrev(k));
          for (int step = 0; step < 3; ++step) {
            ASSERT_EQ(a->Valid(), b->Valid());
            if (!a->Valid()) break;
            ASSERT_EQ(a->key(), b->key());
            ASSERT_EQ(a->value(), b->value());
            random() % 2 == 0 ? (a->Next(), b->Next()) : (a->Prev(), b->Prev());
          }
        }
      }
    }
  }
}

// A machine that stops keeps every synced batch and of the rest a prefix of whole batches.
TEST(MemoryKvTest, ACrashKeepsAPrefix) {
  for (uint64_t keep = 0; keep <= 3; ++keep) {
    MemoryDisk disk;
    auto kv = *MemoryKv::Open(disk, {true, nullptr});
    for (int i = 0; i < 5; ++i) {
      Batch batch;
      batch.Put(K(absl::StrCat("k", i)), "v");
      ASSERT_TRUE(kv->Write(batch, i == 1).ok());
    }
    EXPECT_EQ(disk.undurable_count(), 3u);
    disk.Crash([keep](uint64_t) { return keep; });
    EXPECT_FALSE(kv->Get(K("k0")).ok());  // the process is gone
    kv.reset();
    kv = *MemoryKv::Open(disk, {true, nullptr});
    for (uint64_t i = 0; i < 5; ++i)
      EXPECT_EQ(kv->Get(K(absl::StrCat("k", i))).ok(), i < 2 + keep) << i;
  }
}

TEST(MemoryKvTest, FaultsAreAsKvPromises) {
  MemoryDisk disk;
  NthFaults faults;
  faults.Fail(MemoryOp::kWrite, 1, {absl::ResourceExhaustedError("full"), false});
  faults.Fail(MemoryOp::kWrite, 3, {absl::UnavailableError("sync"), true});
  auto kv = *MemoryKv::Open(disk, {true, &faults});
  Batch batch;
  batch.Put(K("a"), "1");
  EXPECT_TRUE(absl::IsResourceExhausted(kv->Write(batch, true)));
  // Nothing was applied, the store goes on.
  EXPECT_TRUE(absl::IsNotFound(kv->Get(K("a")).status()));
  EXPECT_TRUE(kv->Write(batch, true).ok());
  Batch unknown;
  unknown.Put(K("b"), "2");
  EXPECT_TRUE(absl::IsUnavailable(kv->Write(unknown, true)));
  EXPECT_FALSE(kv->Write(batch, true).ok());  // refuses until opened anew
  kv.reset();
  kv = *MemoryKv::Open(disk, {true, nullptr});
  EXPECT_TRUE(kv->Get(K("b")).ok());  // it had reached the disk
}

// RocksDB's default recovery would open with half of it and say nothing.
TEST(RocksKvTest, AFlippedBitInTheMiddleOfTheLogRefusesToOpen) {
  Store kv({"rocks", true, true});
  for (int i = 0; i < 500; ++i) {
    Batch batch;
    batch.Put(K(absl::StrCat("key", i)), std::string(200, 'v'));
    ASSERT_TRUE(kv->Write(batch, i % 50 == 0 || i == 499).ok());
  }
  // The bytes as they are on disk while the store is open: closing would tidy them away.
  const std::string copy = kv.path() + "-copy";
  std::filesystem::copy(kv.path(), copy, std::filesystem::copy_options::recursive);
  std::string wal;
  for (const auto& entry : std::filesystem::directory_iterator(copy)) {
    if (entry.path().extension() == ".log" && entry.file_size() > 50000)
      wal = entry.path().string();
  }
  ASSERT_FALSE(wal.empty());
  {
    std::fstream file(wal, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(50000);
    char byte;
    file.get(byte);
    file.seekp(50000);
    file.put(static_cast<char>(byte ^ 1));
  }
  RocksOptions options;
  options.path = copy;
  EXPECT_FALSE(RocksKv::Open(options).ok());
  std::filesystem::remove_all(copy);
}

TEST(RocksKvTest, ASecondProcessIsRefusedClearly) {
  Store kv({"rocks", true, true});
  RocksOptions options;
  options.path = kv.path();
  const auto second = RocksKv::Open(options);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace fiscal::storage
