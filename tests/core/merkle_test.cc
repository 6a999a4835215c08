// The tree over the log against RFC 6962 as it is written, and its proofs against forgers.
#include "storage/merkle.h"

#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/signing.h"
#include "clients/cpp/log_proof.h"
#include "gtest/gtest.h"
#include "storage/local_log.h"
#include "storage/memory/memory_kv.h"
#include "storage/record_codec.h"
#include "storage/schema.h"

namespace fiscal::storage {
namespace {

using client::ConsistencyProof;
using client::InclusionProof;
using client::TreeHead;
using client::VerifyConsistency;
using client::VerifyInclusion;
using Path = std::vector<Digest>;

constexpr char kId[] = "0123456789abcdef";

Digest LeafOf(absl::string_view bytes) { return Sha256({absl::string_view("\x00", 1), bytes}); }

// RFC 6962, 2.1, word for word. Whole subtrees are remembered.
class Rfc {
 public:
  explicit Rfc(std::vector<Digest> leaves) : leaves_(std::move(leaves)) {}

  Digest Mth(uint64_t begin, uint64_t end) {
    const uint64_t n = end - begin;
    if (n == 0) return Sha256({});
    if (n == 1) return leaves_[begin];
    auto known = roots_.find({begin, end});
    if (known != roots_.end()) return known->second;
    const uint64_t k = LargestPowerBelow(n);
    const Digest left = Mth(begin, begin + k), right = Mth(begin + k, end);
    const Digest root = Sha256({absl::string_view("\x01", 1), BytesOf(left), BytesOf(right)});
    if ((n & (n - 1)) == 0) roots_[{begin, end}] = root;
    return root;
  }
  Path PathTo(uint64_t m, uint64_t begin, uint64_t end) {
    const uint64_t n = end - begin;
    if (n == 1) return {};
    const uint64_t k = LargestPowerBelow(n);
    Path path = m < k ? PathTo(m, begin, begin + k) : PathTo(m - k, begin + k, end);
    path.push_back(m < k ? Mth(begin + k, end) : Mth(begin, begin + k));
    return path;
  }
  Path SubProof(uint64_t m, uint64_t begin, uint64_t end, bool whole) {
    const uint64_t n = end - begin;
    if (m == n) return whole ? Path{} : Path{Mth(begin, end)};
    const uint64_t k = LargestPowerBelow(n);
    Path path =
        m <= k ? SubProof(m, begin, begin + k, whole) : SubProof(m - k, begin + k, end, false);
    path.push_back(m <= k ? Mth(begin + k, end) : Mth(begin, begin + k));
    return path;
  }

 private:
  static uint64_t LargestPowerBelow(uint64_t n) {
    uint64_t k = 1;
    while (2 * k < n) k *= 2;
    return k;
  }
  const std::vector<Digest> leaves_;
  std::map<std::pair<uint64_t, uint64_t>, Digest> roots_;
};

std::vector<Digest> SomeLeaves(size_t n) {
  std::vector<Digest> leaves;
  for (size_t i = 0; i < n; ++i) leaves.push_back(LeafOf(absl::StrCat("leaf ", i)));
  return leaves;
}

// A tree by itself, grown by pieces.
struct Grown {
  MemoryDisk disk;
  std::unique_ptr<MemoryKv> kv = *MemoryKv::Open(disk, {true, nullptr});
  std::unique_ptr<MerkleTree> tree = *MerkleTree::Open(
      *kv, 0, [](uint64_t) -> absl::StatusOr<Digest> { return absl::InternalError("no leaves"); });

  void Append(std::vector<Digest> leaves) {
    Batch batch;
    const MerkleTree::Growth growth = tree->Stage(std::move(leaves), &batch);
    ASSERT_TRUE(batch.empty() || kv->Write(batch, true).ok());
    tree->Adopt(growth);
  }
};

void ExpectProofs(const MerkleTree& tree, Rfc& rfc, uint64_t index, uint64_t old_size,
                  uint64_t size) {
  const Digest root = rfc.Mth(0, size);
  ASSERT_EQ(*tree.Root(size), root) << size;
  const Path inclusion = *tree.InclusionProof(index, size);
  ASSERT_EQ(inclusion, rfc.PathTo(index, 0, size)) << index << " of " << size;
  const Digest leaf = rfc.Mth(index, index + 1);
  ASSERT_TRUE(VerifyInclusion(leaf, index, size, root, inclusion).ok()) << index << " of " << size;
  const Path consistency = *tree.ConsistencyProof(old_size, size);
  if (old_size > 0) {
    ASSERT_EQ(consistency, rfc.SubProof(old_size, 0, size, true)) << old_size << " to " << size;
  }
  ASSERT_TRUE(VerifyConsistency(old_size, rfc.Mth(0, old_size), size, root, consistency).ok())
      << old_size << " to " << size;
}

// The vectors of Certificate Transparency's own test suite.
TEST(MerkleTest, KnownAnswers) {
  Grown g;
  std::vector<Digest> leaves;
  for (const char* hex : {"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                          "606162636465666768696a6b6c6d6e6f"}) {
    leaves.push_back(LeafOf(absl::HexStringToBytes(hex)));
  }
  g.Append(leaves);
  auto hex = [](const Digest& d) { return absl::BytesToHexString(BytesOf(d)); };
  const char* const roots[] = {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                               "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                               "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                               "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                               "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                               "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                               "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                               "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                               "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  for (uint64_t n = 0; n <= 8; ++n) EXPECT_EQ(hex(*g.tree->Root(n)), roots[n]);
  auto all = [&](const Path& path) {
    std::vector<std::string> out;
    for (const Digest& d : path) out.push_back(hex(d));
    return out;
  };
  using Hexes = std::vector<std::string>;
  const std::string a = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    b = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    c = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                    d = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                    e = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    f = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
  EXPECT_EQ(all(*g.tree->InclusionProof(0, 1)), Hexes{});
  EXPECT_EQ(all(*g.tree->InclusionProof(0, 8)), (Hexes{b, a, c}));
  EXPECT_EQ(all(*g.tree->InclusionProof(5, 8)), (Hexes{d, e, roots[4]}));
  EXPECT_EQ(all(*g.tree->InclusionProof(2, 3)), (Hexes{roots[2]}));
  EXPECT_EQ(all(*g.tree->InclusionProof(1, 5)), (Hexes{roots[1], a, d}));
  EXPECT_EQ(all(*g.tree->ConsistencyProof(1, 1)), Hexes{});
  EXPECT_EQ(all(*g.tree->ConsistencyProof(1, 8)), (Hexes{b, a, c}));
  EXPECT_EQ(all(*g.tree->ConsistencyProof(6, 8)), (Hexes{f, e, roots[4]}));
  EXPECT_EQ(all(*g.tree->ConsistencyProof(2, 5)), (Hexes{a, d}));
}

TEST(MerkleTest, EverySmallSizeIsAsTheRfcSays) {
  Grown g;
  const std::vector<Digest> leaves = SomeLeaves(600);
  Rfc rfc(leaves);
  std::mt19937_64 random(1);
  for (uint64_t size = 0; size <= 600; ++size) {
    ASSERT_EQ(*g.tree->Root(size), rfc.Mth(0, size)) << size;
    ASSERT_EQ(g.tree->Root(size + 1).status().code(), absl::StatusCode::kOutOfRange);
    if (size < 600) g.Append({leaves[size]});
  }
  // Of the tree as it is at the end: all of small ones, a sample of the others.
  for (uint64_t size = 1; size <= 600; ++size) {
    for (uint64_t i = 0; i < size; i += size <= 40 ? 1 : 1 + random() % 197)
      ExpectProofs(*g.tree, rfc, i, size <= 40 ? i : random() % (size + 1), size);
  }
}

TEST(MerkleTest, LargeTreesAcrossTiles) {
  constexpr uint64_t kLeaves = 70000;
  Grown g;
  const std::vector<Digest> leaves = SomeLeaves(kLeaves);
  Rfc rfc(leaves);
  std::mt19937_64 random(2);
  for (uint64_t have = 0; have < kLeaves;) {
    const uint64_t n =
        std::min<uint64_t>(kLeaves - have, 1 + random() % (have < 3000 ? 300 : 3000));
    g.Append({leaves.begin() + static_cast<ptrdiff_t>(have),
              leaves.begin() + static_cast<ptrdiff_t>(have + n)});
    have += n;
    ASSERT_EQ(g.tree->size(), have);
    ASSERT_EQ(*g.tree->Root(have), rfc.Mth(0, have)) << have;
  }
  std::vector<uint64_t> sizes;
  for (uint64_t border : {256u, 512u, 1024u, 65280u, 65536u, 65792u, 69888u}) {
    for (uint64_t size = border - 1; size <= border + 1; ++size) sizes.push_back(size);
  }
  sizes.push_back(kLeaves);
  for (int i = 0; i < 60; ++i) sizes.push_back(1 + random() % kLeaves);
  for (uint64_t size : sizes) {
    for (uint64_t index : {uint64_t{0}, size / 2, size - 1, random() % size})
      ExpectProofs(*g.tree, rfc, index, random() % (size + 1), size);
    ExpectProofs(*g.tree, rfc, 0, std::min<uint64_t>(256, size), size);
    ExpectProofs(*g.tree, rfc, 0, std::min<uint64_t>(65536, size), size);
  }
  // Tiles of both levels are stored, each of the two open ones is not.
  EXPECT_TRUE(g.kv->Get(TileKey(0, kLeaves / 256 - 1)).ok());
  EXPECT_FALSE(g.kv->Get(TileKey(0, kLeaves / 256)).ok());
  EXPECT_TRUE(g.kv->Get(TileKey(1, 0)).ok());
  EXPECT_FALSE(g.kv->Get(TileKey(1, 1)).ok());

  // Opened anew it asks for the last leaves only and is the same.
  uint64_t asked = 0;
  auto again = MerkleTree::Open(*g.kv, kLeaves, [&](uint64_t i) -> absl::StatusOr<Digest> {
    ++asked;
    return leaves[i];
  });
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(asked, kLeaves % 256);
  for (uint64_t size : sizes) ExpectProofs(**again, rfc, random() % size, size / 3, size);

  // A lost tile is noticed; so is a log shorter than its tiles.
  EXPECT_EQ(MerkleTree::Open(*g.kv, 69000, nullptr).status().code(), absl::StatusCode::kDataLoss);
  Batch batch;
  batch.Delete(TileKey(0, 7));
  ASSERT_TRUE(g.kv->Write(batch, true).ok());
  EXPECT_EQ(g.tree->InclusionProof(7 * 256, kLeaves).status().code(), absl::StatusCode::kDataLoss);
}

// The tree inside the log.
class LogTreeTest : public ::testing::Test {
 protected:
  void MustOpen(Faults* faults = nullptr) {
    log_.reset();
    kv_.reset();
    kv_ = *MemoryKv::Open(disk_, {true, faults});
    anchor_ = std::make_unique<MemoryAnchor>(anchor_disk_);
    auto log = LocalLog::Open(*kv_, *anchor_, kId);
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  }
  absl::Status Append(int n) {
    LogGroup group;
    EventLog::Head head = log_->head();
    for (int i = 0; i < n; ++i) {
      const std::string payload = EncodeCatalog({141100, 2024, domain::CatalogList::kDivision, {}});
      domain::EventHeader header;
      header.kind = domain::EventKind::kCatalog;
      header.commit_time_us = static_cast<int64_t>(1000 * head.position.Next().value());
      header.payload_digest = Sha256({payload});
      group.entries.push_back(NextEntry(header, payload, &head));
    }
    group.commit_time_us = head.commit_time_us;
    return log_->Append(std::move(group));
  }
  void ExpectTreeOfRecords() {
    std::vector<Digest> leaves;
    const uint64_t size = log_->head().position.value();
    for (uint64_t p = 1; p <= size; ++p)
      leaves.push_back(*LeafHash(*log_->Read(domain::Position(p))->record));
    Rfc rfc(leaves);
    ASSERT_EQ(log_->tree().size(), size);
    for (uint64_t n = 0; n <= size; ++n) ASSERT_EQ(*log_->tree().Root(n), rfc.Mth(0, n)) << n;
  }
  TreeHead Head(const SigningKey& key, uint64_t size) {
    TreeHead head{kId, size, *log_->tree().Root(size), static_cast<int64_t>(1000 * size), {}};
    head.signature = key.Sign(TreeHeadBytes(kId, size, head.root_hash, head.time_us));
    return head;
  }
  InclusionProof Inclusion(const SigningKey& key, uint64_t position, uint64_t size) {
    domain::EventHeader header;
    return {Head(key, size), position, *log_->ReadRecordHead(domain::Position(position), &header),
            *log_->tree().InclusionProof(position - 1, size)};
  }
  ConsistencyProof Consistency(const SigningKey& key, uint64_t old_size, uint64_t new_size) {
    return {Head(key, old_size), Head(key, new_size),
            *log_->tree().ConsistencyProof(old_size, new_size)};
  }

  MemoryDisk disk_;
  MemoryAnchorDisk anchor_disk_;
  std::unique_ptr<MemoryKv> kv_;
  std::unique_ptr<MemoryAnchor> anchor_;
  std::unique_ptr<EventLog> log_;
};

TEST_F(LogTreeTest, ReopenedAtAnySizeItIsTheSame) {
  MustOpen();
  for (int n : {1, 100, 154, 1, 1, 255, 1, 700}) {
    ASSERT_TRUE(Append(n).ok());
    ExpectTreeOfRecords();
    MustOpen();
    ExpectTreeOfRecords();
  }
}

TEST_F(LogTreeTest, ProofsHoldWhileItGrows) {
  MustOpen();
  const SigningKey key = SigningKey::Generate();
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      uint64_t seen = 0, now = 0;
      while (!done || now < 1300) {
        now = log_->head().position.value();
        if (now == 0) continue;
        EXPECT_TRUE(client::Verify(Inclusion(key, (now + 1) / 2, now), key.public_key_pem()).ok());
        EXPECT_TRUE(client::Verify(Consistency(key, seen, now), key.public_key_pem()).ok());
        seen = now;
      }
    });
  }
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(Append(13).ok());
  done = true;
  for (std::thread& t : readers) t.join();
}

TEST_F(LogTreeTest, AStoreFromBeforeTheTreeGetsIt) {
  MustOpen();
  ASSERT_TRUE(Append(700).ok());
  Batch batch;
  batch.Delete(TileKey(0, 0));
  batch.Delete(TileKey(0, 1));
  ASSERT_TRUE(kv_->Write(batch, true).ok());
  MustOpen();
  ExpectTreeOfRecords();
  EXPECT_TRUE(kv_->Get(TileKey(0, 1)).ok());
}

TEST_F(LogTreeTest, AFailedCommitLeavesTheTreeAsItWas) {
  NthFaults faults;
  MustOpen(&faults);
  ASSERT_TRUE(Append(250).ok());
  const Digest before = *log_->tree().Root(250);
  faults.Fail(MemoryOp::kWrite, faults.count(MemoryOp::kWrite) + 1,
              {absl::ResourceExhaustedError("full"), false});
  EXPECT_TRUE(absl::IsResourceExhausted(Append(300)));
  EXPECT_EQ(log_->tree().size(), 250u);
  EXPECT_EQ(*log_->tree().Root(250), before);
  EXPECT_FALSE(kv_->Get(TileKey(0, 0)).ok());
  ASSERT_TRUE(Append(10).ok());
  ExpectTreeOfRecords();
  // Of unknown outcome, and not applied: nothing is there after the restart.
  faults.Fail(MemoryOp::kWrite, faults.count(MemoryOp::kWrite) + 1,
              {absl::UnavailableError("lost"), false});
  EXPECT_FALSE(Append(300).ok());
  EXPECT_EQ(log_->tree().size(), 260u);
  MustOpen();
  EXPECT_EQ(log_->head().position, domain::Position(260));
  ExpectTreeOfRecords();
}

TEST_F(LogTreeTest, ADamagedRecordOfTheOpenTileIsRefused) {
  MustOpen();
  ASSERT_TRUE(Append(300).ok());
  log_.reset();
  ASSERT_TRUE(disk_.FlipByte(EventKey(domain::Position(290)), 50));
  kv_.reset();
  kv_ = *MemoryKv::Open(disk_, {true, nullptr});
  EXPECT_EQ(LocalLog::Open(*kv_, *anchor_, kId).status().code(), absl::StatusCode::kDataLoss);
}

// What a forger can do to a proof: each change by itself.
template <typename Proof>
using Change = std::function<void(Proof*)>;

void AddHeadChanges(const std::vector<TreeHead>& others,
                    const std::function<void(std::function<void(TreeHead*)>)>& add) {
  for (size_t i = 0; i < 32; ++i) add([i](TreeHead* h) { h->root_hash[i] ^= 1; });
  for (size_t i = 0; i < 64; ++i) {
    add([i](TreeHead* h) { h->signature[i] = static_cast<char>(h->signature[i] ^ 1 << i % 8); });
  }
  for (size_t i = 0; i < 16; ++i)
    add([i](TreeHead* h) { h->log_id[i] = static_cast<char>(h->log_id[i] ^ 0x20); });
  for (int bit = 0; bit < 64; ++bit) {
    add([bit](TreeHead* h) { h->tree_size ^= uint64_t{1} << bit; });
    add([bit](TreeHead* h) {
      h->time_us = static_cast<int64_t>(static_cast<uint64_t>(h->time_us) ^ uint64_t{1} << bit);
    });
  }
  add([](TreeHead* h) { ++h->tree_size; });
  add([](TreeHead* h) { --h->tree_size; });
  add([](TreeHead* h) { ++h->time_us; });
  add([](TreeHead* h) { --h->time_us; });
  add([](TreeHead* h) { h->signature.pop_back(); });
  add([](TreeHead* h) { h->signature += '\0'; });
  add([](TreeHead* h) { h->signature.clear(); });
  add([](TreeHead* h) { h->log_id.pop_back(); });
  add([](TreeHead* h) { h->log_id += '\0'; });
  // Real heads in its place: of other sizes, of another key.
  for (const TreeHead& other : others) add([other](TreeHead* h) { *h = other; });
}

void AddPathChanges(const Path& path, const std::function<void(std::function<void(Path*)>)>& add) {
  for (size_t i = 0; i < path.size(); ++i) {
    for (size_t byte = 0; byte < 32; ++byte)
      add([i, byte](Path* p) { (*p)[i][byte] ^= static_cast<uint8_t>(1 << (i + byte) % 8); });
    add([i](Path* p) { p->erase(p->begin() + static_cast<ptrdiff_t>(i)); });
    add([i](Path* p) { p->insert(p->begin() + static_cast<ptrdiff_t>(i), (*p)[i]); });
    add([i](Path* p) { p->insert(p->begin() + static_cast<ptrdiff_t>(i), Digest{}); });
    for (size_t k = i + 1; k < path.size(); ++k)
      add([i, k](Path* p) { std::swap((*p)[i], (*p)[k]); });
  }
  add([](Path* p) { p->push_back(Digest{}); });
  if (!path.empty()) add([](Path* p) { p->clear(); });
}

TEST_F(LogTreeTest, ForgedProofsAreRefused) {
  MustOpen();
  ASSERT_TRUE(Append(1000).ok());
  const SigningKey key = SigningKey::Generate(), other_key = SigningKey::Generate();
  const std::string& pem = key.public_key_pem();
  size_t forged = 0, accepted = 0;
  auto refused = [&](const auto& proof) {
    ++forged;
    if (client::Verify(proof, pem).ok()) ++accepted;
  };

  const std::pair<uint64_t, uint64_t> inclusions[] = {
      {1, 1}, {1, 1000}, {1000, 1000}, {256, 512}, {257, 1000}, {777, 999}, {5, 7}, {900, 901}};
  for (const auto& [position, size] : inclusions) {
    const InclusionProof good = Inclusion(key, position, size);
    ASSERT_TRUE(client::Verify(good, pem).ok()) << client::Verify(good, pem);
    auto add = [&](const Change<InclusionProof>& change) {
      InclusionProof bad = good;
      change(&bad);
      refused(bad);
    };
    std::vector<TreeHead> others = {Head(other_key, size)};
    // A head of more events is a good head, and the path does not lead to it.
    for (uint64_t n : {uint64_t{2}, uint64_t{3}, size - 1, size + 1, uint64_t{600}}) {
      if (n != size && n > 0 && n <= 1000) others.push_back(Head(key, n));
    }
    AddHeadChanges(
        others, [&](const Change<TreeHead>& c) { add([&](InclusionProof* p) { c(&p->head); }); });
    AddPathChanges(good.path,
                   [&](const Change<Path>& c) { add([&](InclusionProof* p) { c(&p->path); }); });
    for (int bit = 0; bit < 64; ++bit)
      add([&](InclusionProof* p) { p->position ^= uint64_t{1} << bit; });
    add([](InclusionProof* p) { ++p->position; });
    add([](InclusionProof* p) { --p->position; });
    for (size_t i = 0; i < good.record_header.size(); ++i) {
      for (int bit : {0, 3, 7}) {
        add([&](InclusionProof* p) {
          p->record_header[i] = static_cast<char>(p->record_header[i] ^ 1 << bit);
        });
      }
    }
    add([](InclusionProof* p) { p->record_header.pop_back(); });
    add([](InclusionProof* p) { p->record_header += '\0'; });
    add([](InclusionProof* p) { p->record_header.clear(); });
    // Another real record, under its own position and under this one.
    for (uint64_t n : {uint64_t{2}, position + 1}) {
      if (n == position || n > 1000) continue;
      domain::EventHeader header;
      const std::string record = *log_->ReadRecordHead(domain::Position(n), &header);
      add([&](InclusionProof* p) { p->record_header = record; });
      add([&](InclusionProof* p) {
        p->record_header = record;
        p->position = n;
      });
    }
    ++forged;
    accepted += client::Verify(good, other_key.public_key_pem()).ok() ? 1 : 0;
  }

  const std::pair<uint64_t, uint64_t> growths[] = {{1, 2},     {1, 1000},  {256, 1000},
                                                   {255, 257}, {512, 513}, {1000, 1000},
                                                   {333, 777}, {999, 1000}};
  for (const auto& [old_size, new_size] : growths) {
    const ConsistencyProof good = Consistency(key, old_size, new_size);
    ASSERT_TRUE(client::Verify(good, pem).ok()) << client::Verify(good, pem);
    auto add = [&](const Change<ConsistencyProof>& change) {
      ConsistencyProof bad = good;
      change(&bad);
      refused(bad);
    };
    const std::vector<TreeHead> others = {Head(other_key, old_size), Head(other_key, new_size),
                                          Head(key, 123), Head(key, 998)};
    for (const bool old : {true, false}) {
      AddHeadChanges(others, [&](const Change<TreeHead>& c) {
        add([&](ConsistencyProof* p) { c(old ? &p->old_head : &p->new_head); });
      });
    }
    AddPathChanges(good.path,
                   [&](const Change<Path>& c) { add([&](ConsistencyProof* p) { c(&p->path); }); });
    if (old_size != new_size) add([](ConsistencyProof* p) { std::swap(p->old_head, p->new_head); });
    // A fork, signed by the log's own key.
    for (const bool old : {true, false}) {
      for (size_t byte = 0; byte < 32; ++byte) {
        add([&](ConsistencyProof* p) {
          TreeHead& h = old ? p->old_head : p->new_head;
          h.root_hash[byte] ^= 1;
          h.signature = key.Sign(TreeHeadBytes(kId, h.tree_size, h.root_hash, h.time_us));
        });
      }
    }
    // Another log under the same key.
    add([&](ConsistencyProof* p) {
      TreeHead& h = p->new_head;
      h.log_id = "fedcba9876543210";
      h.signature = key.Sign(TreeHeadBytes(h.log_id, h.tree_size, h.root_hash, h.time_us));
    });
  }
  EXPECT_EQ(accepted, 0u);
  EXPECT_GE(forged, 10000u);
  std::printf("%zu forged proofs, %zu accepted\n", forged, accepted);
}

// The right hashes in a tree of another form: only the strictness about lengths and roots helps.
TEST(MerkleTest, APathServesItsOwnTreeOnly) {
  Grown g;
  const std::vector<Digest> leaves = SomeLeaves(40);
  g.Append(leaves);
  size_t wrong = 0;
  for (uint64_t size = 1; size <= 40; ++size) {
    const Digest root = *g.tree->Root(size);
    for (uint64_t index = size % 3; index < size; index += 3) {
      const Path path = *g.tree->InclusionProof(index, size);
      for (uint64_t n = 1; n <= 40; ++n) {
        if (n == size) continue;
        ++wrong;
        ASSERT_FALSE(VerifyInclusion(leaves[index], index, n, *g.tree->Root(n), path).ok());
        // Under its own root it may pass for a tree where its way up is the same, and only there.
        if (index >= n || g.tree->InclusionProof(index, n)->size() != path.size()) {
          ASSERT_FALSE(VerifyInclusion(leaves[index], index, n, root, path).ok());
        }
      }
      // Nodes on the way up in the place of the leaf, with the rest of the path.
      Digest node = leaves[index];
      uint64_t place = index, last = size - 1;
      for (Path rest = path; !rest.empty(); place /= 2, last /= 2) {
        if (place % 2 == 0 && place == last) continue;
        node = place % 2 == 1 ? MerkleNode(rest[0], node) : MerkleNode(node, rest[0]);
        rest.erase(rest.begin());
        for (uint64_t i = 0; i < size; ++i)
          ASSERT_FALSE(VerifyInclusion(node, i, size, root, rest).ok()) << i << " of " << size;
      }
    }
    for (uint64_t old = 1; old < size; ++old) {
      const Path path = *g.tree->ConsistencyProof(old, size);
      const Digest old_root = *g.tree->Root(old);
      for (uint64_t n = old; n <= 40; ++n) {
        if (n == size || g.tree->ConsistencyProof(old, n)->size() == path.size()) continue;
        ++wrong;
        ASSERT_FALSE(VerifyConsistency(old, old_root, n, root, path).ok()) << old << " to " << n;
      }
      for (uint64_t n = 0; n <= size; ++n) {
        if (n == old) continue;
        ++wrong;
        ASSERT_FALSE(VerifyConsistency(n, *g.tree->Root(n), size, root, path).ok() &&
                     path != *g.tree->ConsistencyProof(n, size))
            << n << " to " << size;
      }
    }
  }
  // Of small trees, every place that a path of that length does not belong to.
  auto other_form = [&](uint64_t a, uint64_t b, const Path& path, bool inclusion) {
    const auto own = inclusion ? g.tree->InclusionProof(a, b) : g.tree->ConsistencyProof(a, b);
    wrong += own->size() != path.size();
    return own->size() != path.size();
  };
  for (uint64_t size = 1; size <= 16; ++size) {
    const Digest root = *g.tree->Root(size);
    for (uint64_t index = 0; index < size; ++index) {
      const Path inclusion = *g.tree->InclusionProof(index, size);
      const Path consistency = *g.tree->ConsistencyProof(index + 1, size);
      const Digest old_root = *g.tree->Root(index + 1);
      for (uint64_t n = 1; n <= 16; ++n) {
        for (uint64_t i = 0; i < n; ++i) {
          ASSERT_FALSE(other_form(i, n, inclusion, true) &&
                       VerifyInclusion(leaves[index], i, n, root, inclusion).ok())
              << index << " of " << size << " as " << i << " of " << n;
          ASSERT_FALSE(other_form(i + 1, n, consistency, false) &&
                       VerifyConsistency(i + 1, old_root, n, root, consistency).ok())
              << index + 1 << " to " << size << " as " << i + 1 << " to " << n;
        }
      }
    }
  }
  EXPECT_GT(wrong, 30000u);
}

// A log may hold what it should not: a record that says it is of another position.
TEST(MerkleTest, ARecordOfAnotherPositionIsRefused) {
  const SigningKey key = SigningKey::Generate();
  domain::EventHeader header;
  header.kind = domain::EventKind::kCatalog;
  for (uint64_t says : {1, 2}) {
    header.position = domain::Position(says);
    const std::string record = EncodeRecord(header, "");
    InclusionProof proof{{kId, 1, LeafOf(record), 1, {}}, 1, record, {}};
    proof.head.signature = key.Sign(TreeHeadBytes(kId, 1, proof.head.root_hash, 1));
    EXPECT_EQ(client::Verify(proof, key.public_key_pem()).ok(), says == 1);
  }
}

class SigningTest : public ::testing::Test {
 protected:
  SigningTest() {
    std::string name = ::testing::TempDir() + "/fiscal_signing_XXXXXX";
    dir_ = mkdtemp(name.data());
  }
  ~SigningTest() override { std::filesystem::remove_all(dir_); }
  std::string dir_;
};

TEST_F(SigningTest, AKeyIsStagedThenAdopted) {
  EXPECT_TRUE(absl::IsNotFound(SigningKey::Load(dir_).status()));
  const auto made = SigningKey::Stage(dir_);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_TRUE(absl::IsNotFound(SigningKey::Load(dir_).status()));
  ASSERT_TRUE(SigningKey::Adopt(dir_).ok());
  EXPECT_TRUE(absl::IsNotFound(SigningKey::LoadStaged(dir_).status()));
  struct stat info;
  ASSERT_EQ(stat((dir_ + "/signing-key.pem").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  const auto loaded = SigningKey::Load(dir_);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->public_key_pem(), made->public_key_pem());
  EXPECT_EQ(loaded->Sign("bytes"), made->Sign("bytes"));
  EXPECT_TRUE(absl::IsNotFound(SigningKey::ReadPublicHalf(dir_).status()));
  ASSERT_TRUE(loaded->WritePublicHalf(dir_).ok());
  const std::string beside = *SigningKey::ReadPublicHalf(dir_);
  EXPECT_EQ(beside, made->public_key_pem());
  EXPECT_TRUE(VerifySignature(beside, "bytes", made->Sign("bytes")).ok());
  EXPECT_TRUE(absl::IsUnauthenticated(VerifySignature(beside, "Bytes", made->Sign("bytes"))));
  EXPECT_TRUE(absl::IsInvalidArgument(VerifySignature("", "bytes", made->Sign("bytes"))));
}

TEST_F(SigningTest, AKeyThatIsNoneOrOpenToOthersIsRefused) {
  ASSERT_TRUE(SigningKey::Stage(dir_).ok());
  ASSERT_TRUE(SigningKey::Adopt(dir_).ok());
  const std::string path = dir_ + "/signing-key.pem";
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(SigningKey::Load(dir_).status()));
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  std::ofstream(path) << "no key\n";
  EXPECT_TRUE(absl::IsFailedPrecondition(SigningKey::Load(dir_).status()));
}

// Who has the first key from the operator trusts what it vouched for, and nothing else.
TEST(SigningKeysTest, KeysAreFollowedAsFarAsEachVouchesForTheNext) {
  const SigningKey first = SigningKey::Generate(), second = SigningKey::Generate(),
                   third = SigningKey::Generate(), stranger = SigningKey::Generate();
  auto change = [](const SigningKey& by, const SigningKey& next) {
    return client::KeyChange{next.public_key_pem(),
                             by.Sign(KeyChangeBytes(kId, next.public_key_pem()))};
  };
  auto head_by = [](const SigningKey& key) {
    client::TreeHead head{kId, 1, Sha256({"root"}), 1, ""};
    head.signature = key.Sign(TreeHeadBytes(kId, 1, head.root_hash, 1));
    return head;
  };
  const std::vector<client::KeyChange> changes = {
      {first.public_key_pem(), ""}, change(first, second), change(second, third)};
  const std::string keys = client::FollowKeys(first.public_key_pem(), kId, changes);
  for (const SigningKey* key : {&first, &second, &third})
    EXPECT_TRUE(client::Verify(head_by(*key), keys).ok());
  EXPECT_TRUE(absl::IsUnauthenticated(client::Verify(head_by(stranger), keys)));
  // From the second on; another log's; a key that nobody vouched for, or a stranger.
  EXPECT_FALSE(
      client::Verify(head_by(first), client::FollowKeys(second.public_key_pem(), kId, changes))
          .ok());
  EXPECT_EQ(client::FollowKeys(first.public_key_pem(), "another log......", changes),
            first.public_key_pem());
  EXPECT_EQ(client::FollowKeys(first.public_key_pem(), kId,
                               {{stranger.public_key_pem(), ""}, change(stranger, second)}),
            first.public_key_pem());
}

// RFC 8032, 7.1, test 2.
TEST(SigningVectorTest, KnownAnswer) {
  const std::string der = absl::HexStringToBytes(
      "302a300506032b6570032100"
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const std::string pem = absl::StrCat("-----BEGIN PUBLIC KEY-----\n", absl::Base64Escape(der),
                                       "\n-----END PUBLIC KEY-----\n");
  const std::string signature = absl::HexStringToBytes(
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  EXPECT_TRUE(VerifySignature(pem, "\x72", signature).ok());
  EXPECT_FALSE(VerifySignature(pem, "\x73", signature).ok());
}

}  // namespace
}  // namespace fiscal::storage
