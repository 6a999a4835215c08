#include "services/ledger/compare/verify_log.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "storage/log_records.h"
#include "storage/record_codec.h"
#include "storage/schema.h"

namespace fiscal::services {

LogCheck::LogCheck(const storage::EventLog& log, const storage::Kv& log_store,
                   domain::Position last, Differences& differences)
    : log_(log),
      last_(last),
      differences_(differences),
      catalogs_(
          log_store,
          {storage::CatalogEventKey(domain::Position()), storage::CatalogEventKey(last.Next())},
          differences),
      operators_(
          log_store,
          {storage::OperatorEventKey(domain::Position()), storage::OperatorEventKey(last.Next())},
          differences) {
  for (uint64_t tiles = last.value() / storage::kTileNodes; tiles > 0;
       tiles /= storage::kTileNodes) {
    const uint8_t level = static_cast<uint8_t>(tiles_.size());
    const storage::KeyRange range = {storage::TileKey(level, 0), storage::TileKey(level, tiles)};
    tiles_.emplace_back(log_store, range, differences);
  }
}

absl::Status LogCheck::Open() {
  FISCAL_ASSIGN_OR_RETURN(empty_, storage::MemoryKv::Open(disk_, {/*wal=*/false, nullptr}));
  FISCAL_ASSIGN_OR_RETURN(tree_, storage::MerkleTree::Open(*empty_, 0, nullptr));
  return absl::OkStatus();
}

absl::Status LogCheck::See(const storage::LogEntry& entry, const domain::EventHeader& header) {
  const domain::Position p = entry.position;
  if (header.position != p)
    differences_.Add(absl::StrCat("event ", p.value(), ": says it is ", header.position.value()));
  if (header.kind == domain::EventKind::kCatalog)
    FISCAL_RETURN_IF_ERROR(catalogs_.Expect(storage::CatalogEventKey(p), ""));
  if (storage::IsOperators(header.kind))
    FISCAL_RETURN_IF_ERROR(operators_.Expect(storage::OperatorEventKey(p), ""));
  const absl::StatusOr<Digest> leaf = storage::LeafHash(*entry.record);
  if (!leaf.ok()) {
    differences_.Add(absl::StrCat("event ", p.value(), ": ", leaf.status().message()));
    chain_ = entry.chain_hash;
    // The others keep their places.
    leaves_.push_back({});
    return leaves_.size() == storage::kTileNodes ? Grow() : absl::OkStatus();
  }
  chain_ = storage::ChainHash(chain_, *leaf);
  if (chain_ != entry.chain_hash)
    differences_.Add(absl::StrCat("event ", p.value(), ": the hash chain breaks"));
  chain_ = entry.chain_hash;
  // Two full subtrees of one size become one.
  peaks_.emplace_back(1, *leaf);
  while (peaks_.size() > 1 && peaks_[peaks_.size() - 2].first == peaks_.back().first) {
    const auto right = peaks_.back();
    peaks_.pop_back();
    peaks_.back() = {right.first * 2, storage::MerkleNode(peaks_.back().second, right.second)};
  }
  leaves_.push_back(*leaf);
  return leaves_.size() == storage::kTileNodes ? Grow() : absl::OkStatus();
}

absl::Status LogCheck::Grow() {
  storage::Batch batch;
  const storage::MerkleTree::Growth growth = tree_->Stage(std::move(leaves_), &batch);
  tree_->Adopt(growth);
  leaves_.clear();
  for (const storage::Batch::Op& op : batch.ops()) {
    FISCAL_ASSIGN_OR_RETURN(const storage::TileKeyParts tile, storage::DecodeTileKey(op.key));
    if (tile.level < tiles_.size())
      FISCAL_RETURN_IF_ERROR(tiles_[tile.level].Expect(op.key, op.value));
  }
  return absl::OkStatus();
}

absl::Status LogCheck::Finish() {
  for (OrderedKeys& level : tiles_) FISCAL_RETURN_IF_ERROR(level.Finish());
  FISCAL_RETURN_IF_ERROR(catalogs_.Finish());
  FISCAL_RETURN_IF_ERROR(operators_.Finish());
  Digest root = storage::EmptyMerkleRoot();
  for (auto it = peaks_.rbegin(); it != peaks_.rend(); ++it)
    root = it == peaks_.rbegin() ? it->second : storage::MerkleNode(it->second, root);
  FISCAL_ASSIGN_OR_RETURN(const Digest served, log_.tree().Root(last_.value()));
  if (served != root) differences_.Add("the log's tree: another root");
  return absl::OkStatus();
}

}  // namespace fiscal::services
