#include "storage/merkle.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/numeric/bits.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "storage/schema.h"

namespace fiscal::storage {
namespace {

// Leaves taken into one batch while the tree of an older store is made.
constexpr size_t kLeavesPerBatch = 64 * kTileNodes;

// The root of 2^n neighbours.
Digest RootOf(absl::Span<const Digest> nodes) {
  std::vector<Digest> row(nodes.begin(), nodes.end());
  while (row.size() > 1) {
    for (size_t i = 0; i < row.size() / 2; ++i) row[i] = MerkleNode(row[2 * i], row[2 * i + 1]);
    row.resize(row.size() / 2);
  }
  return row.front();
}

std::string EncodeTile(absl::Span<const Digest> nodes) {
  std::string value;
  value.reserve(nodes.size() * 32);
  for (const Digest& node : nodes) value.append(BytesOf(node).data(), 32);
  return value;
}

// RFC 6962: the left tree of a split has the largest power of two below `n` leaves.
// REQUIRES: n > 1.
uint64_t Split(uint64_t n) { return absl::bit_floor(n - 1); }

}  // namespace

Digest MerkleNode(const Digest& left, const Digest& right) {
  return Sha256({absl::string_view("\x01", 1), BytesOf(left), BytesOf(right)});
}

Digest EmptyMerkleRoot() { return Sha256({}); }

std::string TreeHeadBytes(absl::string_view log_id, uint64_t size, const Digest& root,
                          int64_t time_us) {
  std::string bytes = absl::StrCat("fiscal-tree-head-v1\n", log_id);
  PutU64(&bytes, size);
  bytes.append(BytesOf(root).data(), 32);
  PutU64(&bytes, static_cast<uint64_t>(time_us));
  return bytes;
}

// One question: each tile it needs is read once.
class MerkleTree::Walk {
 public:
  explicit Walk(const MerkleTree& tree) : tree_(tree) {}

  // The root of the leaves [begin, end), which are a subtree of some size's tree.
  absl::StatusOr<Digest> Range(uint64_t begin, uint64_t end) {
    if (begin == end) return EmptyMerkleRoot();
    if (absl::has_single_bit(end - begin)) return Complete(begin, end - begin);
    const uint64_t middle = begin + Split(end - begin);
    FISCAL_ASSIGN_OR_RETURN(Digest left, Complete(begin, middle - begin));
    FISCAL_ASSIGN_OR_RETURN(Digest right, Range(middle, end));
    return MerkleNode(left, right);
  }

  absl::Status AppendRange(uint64_t begin, uint64_t end, std::vector<Digest>* path) {
    FISCAL_ASSIGN_OR_RETURN(Digest hash, Range(begin, end));
    path->push_back(hash);
    return absl::OkStatus();
  }

 private:
  // `count` is a power of two and divides `begin`.
  absl::StatusOr<Digest> Complete(uint64_t begin, uint64_t count) {
    int level = 0;
    for (; count >= kTileNodes; ++level) {
      begin /= kTileNodes;
      count /= kTileNodes;
    }
    const auto place = std::make_pair(level, begin / kTileNodes);
    auto it = tiles_.find(place);
    if (it == tiles_.end()) {
      FISCAL_ASSIGN_OR_RETURN(std::vector<Digest> nodes, tree_.Tile(level, place.second));
      it = tiles_.emplace(place, std::move(nodes)).first;
    }
    const absl::Span<const Digest> nodes = it->second;
    FISCAL_CHECK(begin % kTileNodes + count <= nodes.size(),
                 "a tree within its size has its nodes");
    return RootOf(nodes.subspan(begin % kTileNodes, count));
  }

  const MerkleTree& tree_;
  std::map<std::pair<int, uint64_t>, std::vector<Digest>> tiles_;
};

absl::StatusOr<std::unique_ptr<MerkleTree>> MerkleTree::Open(Kv& kv, uint64_t size,
                                                             const GetLeaf& get_leaf) {
  std::unique_ptr<MerkleTree> tree(new MerkleTree(kv));
  uint64_t full = 0;  // full tiles of the level below
  {
    std::unique_ptr<KvIterator> it = kv.NewIterator(TileKey(0, 0), TileKey(1, 0));
    it->SeekForPrev(TileKey(0, UINT64_MAX));
    if (it->Valid()) {
      FISCAL_ASSIGN_OR_RETURN(const TileKeyParts last, DecodeTileKey(it->key()));
      full = last.index + 1;
    }
    FISCAL_RETURN_IF_ERROR(it->status());
  }
  if (full > size / kTileNodes) {
    return absl::DataLossError(
        absl::StrCat("log: ", full, " tiles of its tree are kept, but it ends at ", size));
  }
  {
    // Only this thread has the tree: the lock is for Tile, which takes it.
    absl::MutexLock lock(&tree->mu_);
    tree->size_ = full * kTileNodes;
  }
  for (int level = 1; full > 0; ++level, full /= kTileNodes) {
    std::vector<Digest> nodes;
    for (uint64_t i = full - full % kTileNodes; i < full; ++i) {
      FISCAL_ASSIGN_OR_RETURN(std::vector<Digest> below, tree->Tile(level - 1, i));
      nodes.push_back(RootOf(below));
    }
    absl::MutexLock lock(&tree->mu_);
    tree->open_[level] = std::move(nodes);
  }
  while (tree->size() < size) {
    Batch batch;
    std::vector<Digest> leaves;
    while (tree->size() + leaves.size() < size && leaves.size() < kLeavesPerBatch) {
      FISCAL_ASSIGN_OR_RETURN(Digest leaf, get_leaf(tree->size() + leaves.size()));
      leaves.push_back(leaf);
    }
    const Growth growth = tree->Stage(std::move(leaves), &batch);
    if (!batch.empty()) FISCAL_RETURN_IF_ERROR(kv.Write(std::move(batch), /*sync=*/true));
    tree->Adopt(growth);
  }
  return tree;
}

uint64_t MerkleTree::size() const {
  absl::ReaderMutexLock lock(&mu_);
  return size_;
}

MerkleTree::Growth MerkleTree::Stage(std::vector<Digest> leaves, Batch* batch) const {
  Growth growth;
  absl::ReaderMutexLock lock(&mu_);
  uint64_t before = size_ / kTileNodes;  // full tiles of this level
  for (size_t level = 0; !leaves.empty(); ++level, before /= kTileNodes) {
    FISCAL_CHECK(level < kLevels, "the tree has no more levels");
    std::vector<Digest> above;
    if (open_[level].size() + leaves.size() >= kTileNodes) {
      std::vector<Digest> nodes = open_[level];
      nodes.insert(nodes.end(), leaves.begin(), leaves.end());
      for (size_t n = 0; n + kTileNodes <= nodes.size(); n += kTileNodes) {
        const auto tile = absl::MakeConstSpan(nodes).subspan(n, kTileNodes);
        batch->Put(TileKey(static_cast<uint8_t>(level), before + n / kTileNodes), EncodeTile(tile));
        above.push_back(RootOf(tile));
      }
    }
    growth.push_back(std::move(leaves));
    leaves = std::move(above);
  }
  return growth;
}

void MerkleTree::Adopt(const Growth& growth) {
  absl::MutexLock lock(&mu_);
  for (size_t level = 0; level < growth.size(); ++level) {
    std::vector<Digest>& open = open_[level];
    open.insert(open.end(), growth[level].begin(), growth[level].end());
    open.erase(open.begin(),
               open.begin() + static_cast<ptrdiff_t>(open.size() - open.size() % kTileNodes));
  }
  if (!growth.empty()) size_ += growth[0].size();
}

absl::StatusOr<std::vector<Digest>> MerkleTree::Tile(int level, uint64_t index) const {
  {
    absl::ReaderMutexLock lock(&mu_);
    if (index == size_ >> (8 * (level + 1))) return open_[level];
  }
  const absl::StatusOr<std::string> value = kv_.Get(TileKey(static_cast<uint8_t>(level), index));
  if (absl::IsNotFound(value.status()) || (value.ok() && value->size() != kTileNodes * 32)) {
    return absl::DataLossError(
        absl::StrCat("log: tile ", index, " of level ", level, " of its tree is damaged"));
  }
  if (!value.ok()) return value.status();
  std::vector<Digest> nodes;
  nodes.reserve(kTileNodes);
  for (size_t i = 0; i < kTileNodes; ++i)
    nodes.push_back(DigestOf(absl::string_view(*value).substr(32 * i, 32)));
  return nodes;
}

absl::Status MerkleTree::CheckSize(uint64_t size) const {
  const uint64_t have = this->size();
  if (size <= have) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat("the tree has ", have, " leaves and not ", size));
}

absl::StatusOr<Digest> MerkleTree::Root(uint64_t size) const {
  FISCAL_RETURN_IF_ERROR(CheckSize(size));
  return Walk(*this).Range(0, size);
}

absl::StatusOr<std::vector<Digest>> MerkleTree::InclusionProof(uint64_t index,
                                                               uint64_t size) const {
  FISCAL_CHECK(index < size, "a leaf of the tree");
  FISCAL_RETURN_IF_ERROR(CheckSize(size));
  Walk walk(*this);
  std::vector<Digest> path;
  // Down from the root; what is left aside at each split is what the path needs.
  uint64_t begin = 0, end = size;
  while (end - begin > 1) {
    const uint64_t middle = begin + Split(end - begin);
    if (index < middle) {
      FISCAL_RETURN_IF_ERROR(walk.AppendRange(middle, end, &path));
      end = middle;
    } else {
      FISCAL_RETURN_IF_ERROR(walk.AppendRange(begin, middle, &path));
      begin = middle;
    }
  }
  std::reverse(path.begin(), path.end());
  return path;
}

absl::StatusOr<std::vector<Digest>> MerkleTree::ConsistencyProof(uint64_t old_size,
                                                                 uint64_t new_size) const {
  FISCAL_CHECK(old_size <= new_size, "trees only grow");
  FISCAL_RETURN_IF_ERROR(CheckSize(new_size));
  std::vector<Digest> path;
  if (old_size == 0) return path;
  Walk walk(*this);
  // Down to the subtree that ends where the old tree ended.
  uint64_t begin = 0, end = new_size;
  while (end != old_size) {
    const uint64_t middle = begin + Split(end - begin);
    if (old_size <= middle) {
      FISCAL_RETURN_IF_ERROR(walk.AppendRange(middle, end, &path));
      end = middle;
    } else {
      FISCAL_RETURN_IF_ERROR(walk.AppendRange(begin, middle, &path));
      begin = middle;
    }
  }
  // When that is the whole old tree, the verifier has its root already.
  if (begin != 0) FISCAL_RETURN_IF_ERROR(walk.AppendRange(begin, end, &path));
  std::reverse(path.begin(), path.end());
  return path;
}

}  // namespace fiscal::storage
