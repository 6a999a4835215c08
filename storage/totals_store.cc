#include "storage/totals_store.h"

#include <algorithm>

#include "base/coding.h"
#include "base/status_macros.h"

namespace fiscal::storage {
namespace {

// The part of a cells key before its stride.
absl::string_view ChunkPart(absl::string_view key) { return key.substr(0, key.size() - 8); }

// Visits the newest state not after `stride` of each chunk between `lower` and `upper`.
absl::Status Walk(
    const Kv& kv, const std::string& lower, const std::string& upper, uint64_t stride,
    const std::function<absl::Status(const CellsKeyParts&, absl::string_view)>& visit) {
  std::unique_ptr<KvIterator> it = kv.NewIterator(lower, upper);
  it->Seek(lower);
  while (it->Valid()) {
    FISCAL_ASSIGN_OR_RETURN(CellsKeyParts parts, DecodeCellsKey(it->key()));
    const std::string chunk_part(ChunkPart(it->key()));
    if (parts.stride > stride) {
      it->Seek(CellsKey(parts.id, stride));
      if (!it->Valid()) break;
      if (ChunkPart(it->key()) != absl::string_view(chunk_part)) continue;
      parts.stride = stride;
    }
    FISCAL_RETURN_IF_ERROR(visit(parts, it->value()));
    // Older states of the same chunk follow: one seek passes them all.
    it->Seek(AfterPrefix(chunk_part));
  }
  return it->status();
}

}  // namespace

absl::StatusOr<Watermark> TotalsStore::ReadWatermark() const {
  absl::StatusOr<std::string> bytes = kv_.Get(WatermarkKey());
  if (absl::IsNotFound(bytes.status())) return Watermark();
  if (!bytes.ok()) return bytes.status();
  ByteReader reader(*bytes);
  Watermark w;
  w.position = reader.U64();
  const absl::string_view chain = reader.Bytes(32);
  w.log_id = std::string(reader.Bytes(16));
  if (!reader.ok() || !reader.AtEnd()) return absl::DataLossError("totals: malformed watermark");
  w.chain_hash = DigestOf(chain);
  return w;
}

absl::StatusOr<TotalsStore::ProjectNames> TotalsStore::ReadProjectNames() const {
  ProjectNames names;
  const std::string prefix = ProjectNamePrefix();
  std::unique_ptr<KvIterator> it = kv_.NewIterator(prefix, AfterPrefix(prefix));
  for (it->Seek(prefix); it->Valid(); it->Next())
    names[std::string(it->key())] = std::string(it->value());
  FISCAL_RETURN_IF_ERROR(it->status());
  return names;
}

absl::StatusOr<domain::Chunk> TotalsStore::Load(const domain::ChunkId& id, uint64_t stride) const {
  const std::string lower = CellsKey(id, stride);
  const std::string upper = AfterPrefix(ChunkPart(lower));
  std::unique_ptr<KvIterator> it = kv_.NewIterator(lower, upper);
  it->Seek(lower);
  if (!it->Valid()) {
    FISCAL_RETURN_IF_ERROR(it->status());
    return domain::Chunk();
  }
  return domain::Chunk::Decode(it->value());
}

absl::Status TotalsStore::ForEachChunk(
    const domain::Fold::NodeId& node, uint16_t first, uint16_t last, uint64_t stride,
    const std::set<uint16_t>& skip,
    const std::function<void(uint16_t, const domain::Chunk&)>& visit) const {
  const std::string prefix = CellsNodePrefix(node.node, node.year, node.stage);
  std::string lower = prefix, upper = prefix;
  PutU16(&lower, first);
  PutU16(&upper, last);
  upper = AfterPrefix(upper);
  return Walk(kv_, lower, upper, stride,
              [&](const CellsKeyParts& parts, absl::string_view value) -> absl::Status {
                if (skip.count(parts.id.chunk) > 0) return absl::OkStatus();
                FISCAL_ASSIGN_OR_RETURN(domain::Chunk chunk, domain::Chunk::Decode(value));
                visit(parts.id.chunk, chunk);
                return absl::OkStatus();
              });
}

absl::Status TotalsStore::ForEach(
    uint64_t stride,
    const std::function<void(const domain::ChunkId&, const domain::Chunk&)>& visit) const {
  const std::string lower(1, '\x10');
  return Walk(kv_, lower, AfterPrefix(lower), stride,
              [&](const CellsKeyParts& parts, absl::string_view value) -> absl::Status {
                FISCAL_ASSIGN_OR_RETURN(domain::Chunk chunk, domain::Chunk::Decode(value));
                visit(parts.id, chunk);
                return absl::OkStatus();
              });
}

absl::Status TotalsStore::CommitStride(uint64_t stride, const domain::Fold::Chunks& chunks,
                                       const Watermark& watermark, const ProjectNames& stated) {
  Batch batch;
  domain::ChunkId id;
  for (const auto& [node, numbered] : chunks) {
    id.node = node.node;
    id.year = node.year;
    id.stage = node.stage;
    for (const auto& [number, entry] : numbered) {
      if (!entry->dirty) continue;
      id.chunk = number;
      batch.Put(CellsKey(id, stride), entry->chunk.Encode());
    }
  }
  for (const auto& [key, name] : stated) batch.Put(key, name);
  std::string bytes;
  PutU64(&bytes, watermark.position);
  bytes.append(BytesOf(watermark.chain_hash).data(), 32);
  bytes += watermark.log_id;
  batch.Put(WatermarkKey(), std::move(bytes));
  return kv_.Write(batch, /*sync=*/false);
}

}  // namespace fiscal::storage
