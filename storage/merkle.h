// The Merkle tree over the log (RFC 6962, 9162): its root at a size stands for all events up to it,
// and a path of hashes proves that an event is in it or that one tree is the start of another.
//
//   LocalLog::Append --(Stage: full tiles into the commit's batch)--> Kv; once durable, Adopt
//   EventLogService --(Root, InclusionProof, ConsistencyProof)--> tiles of the Kv, open ones here
//
// Leaf i is LeafHash of the event at position i + 1; a node is SHA256(0x01 || left || right).
// A tile is 256 neighbouring nodes: leaves at level 0, the roots of full tiles of level n at level
// n + 1. Only full tiles are stored, each once; the open tile of each level is in memory and comes
// back from the last records. One writer; readers from any thread.
#ifndef FISCAL_STORAGE_MERKLE_H_
#define FISCAL_STORAGE_MERKLE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "base/sha256.h"
#include "storage/kv.h"

namespace fiscal::storage {

// Nodes of a tile; part of the format.
constexpr uint64_t kTileNodes = 256;

Digest MerkleNode(const Digest& left, const Digest& right);
// The root of a tree without leaves.
Digest EmptyMerkleRoot();

// The bytes that the log's key signs as a tree head:
//   "fiscal-tree-head-v1\n" log_id:16 tree_size:u64 root_hash:32 time_us:u64    (big-endian)
std::string TreeHeadBytes(absl::string_view log_id, uint64_t size, const Digest& root,
                          int64_t time_us);

class MerkleTree {
 public:
  // Gives leaf `index`.
  using GetLeaf = std::function<absl::StatusOr<Digest>(uint64_t index)>;
  // Nodes that a commit adds to each level.
  using Growth = std::vector<std::vector<Digest>>;

  // The tree of the first `size` leaves. Asks for those after the last full tile, in order: fewer
  // than 256, or all of them in a store from before there were tiles, which are written then.
  static absl::StatusOr<std::unique_ptr<MerkleTree>> Open(Kv& kv, uint64_t size,
                                                          const GetLeaf& get_leaf);

  uint64_t size() const ABSL_LOCKS_EXCLUDED(mu_);

  // Computes what `leaves` add, and puts the tiles they fill into `batch`. The tree itself stays as
  // it is until Adopt, which must come after `batch` is in the store.
  Growth Stage(std::vector<Digest> leaves, Batch* batch) const ABSL_LOCKS_EXCLUDED(mu_);
  void Adopt(const Growth& growth) ABSL_LOCKS_EXCLUDED(mu_);

  // The root at `size`; at an earlier size it costs some tiles a level. OUT_OF_RANGE beyond size().
  absl::StatusOr<Digest> Root(uint64_t size) const;
  // The hashes beside the way from leaf `index` up to Root(size), lowest first. REQUIRES: index <
  // size.
  absl::StatusOr<std::vector<Digest>> InclusionProof(uint64_t index, uint64_t size) const;
  // The hashes that make Root(old_size) and Root(new_size), lowest first; none when the sizes are
  // equal or the old one is 0. REQUIRES: old_size <= new_size.
  absl::StatusOr<std::vector<Digest>> ConsistencyProof(uint64_t old_size, uint64_t new_size) const;

 private:
  // More events than seven levels hold are never written.
  static constexpr int kLevels = 7;
  class Walk;

  explicit MerkleTree(Kv& kv) : kv_(kv) {}
  // The nodes of a tile, of the open one those there are.
  absl::StatusOr<std::vector<Digest>> Tile(int level, uint64_t index) const
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status CheckSize(uint64_t size) const;

  Kv& kv_;
  mutable absl::Mutex mu_;
  uint64_t size_ ABSL_GUARDED_BY(mu_) = 0;
  std::array<std::vector<Digest>, kLevels> open_ ABSL_GUARDED_BY(mu_);
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_MERKLE_H_
