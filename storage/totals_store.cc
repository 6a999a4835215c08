#include "storage/totals_store.h"

#include <algorithm>

#include "base/coding.h"
#include "base/status_macros.h"
#include "storage/cell_codec.h"

namespace fiscal::storage {
namespace {

// The most changes stored upon a whole chunk, which a reader merges, before the chunk is stored
// whole again. Part of the format, as the cells' bound in CommitStride is.
constexpr uint32_t kChainMax = 24;

// A first posting shorter than this is stored twice rather than referred to.
constexpr size_t kReferredBytesMin = 64;

enum StoredAs : uint8_t { kWhole = 0, kChanges = 1, kPosted = 2 };

// What the keys of one chunk's states, or of one budget's statuses, have in common. A malformed key
// has it with no other.
KeyView ThingOf(KeyView key) {
  const std::optional<StateKey> state = SplitState(key);
  return state.has_value() ? state->of : key;
}

// The cells of the posting that a stored value refers to.
absl::StatusOr<std::string> ReadPosted(const Kv& kv, absl::string_view value) {
  ByteReader reader(value);
  reader.U8();
  const domain::Position position(reader.Varint());
  if (!reader.ok() || !reader.AtEnd()) return absl::DataLossError("totals: a malformed reference");
  absl::StatusOr<std::string> bytes = kv.Get(PostingKey(position));
  if (!bytes.ok()) return absl::DataLossError("totals: a posting is missing");
  FISCAL_ASSIGN_OR_RETURN(StoredPosting posting, DecodePosting(position, *bytes));
  bytes->erase(0, static_cast<size_t>(posting.cells.data() - bytes->data()));
  return bytes;
}

// value := 0 chunk | 1 chain:varint chain_cells:varint changes | 2 position:varint
// The third form: what was posted at that position, and nothing else.
// Reads the chunk whose newest value `it` stands at; moves `it` over the values it needs.
template <typename Chunk>
absl::Status ReadChunk(const Kv& kv, KvIterator* it, KeyView chunk_key, Chunk* chunk,
                       domain::Fold::Chain* chain) {
  std::vector<std::string> changes;
  while (it->Valid() && ThingOf(it->key()) == chunk_key) {
    ByteReader reader(it->value());
    const uint8_t kind = reader.U8();
    if (kind == kWhole || kind == kPosted) {
      std::string posted;
      if (kind == kPosted) {
        FISCAL_ASSIGN_OR_RETURN(posted, ReadPosted(kv, it->value()));
      }
      chain->stored = true;
      return DecodeChunk(kind == kPosted ? posted : reader.Bytes(reader.remaining()), changes,
                         chunk);
    }
    const uint64_t length = reader.Varint(), cells = reader.Varint();
    if (!reader.ok() || kind != kChanges || length == 0 || length > kChainMax) break;
    if (changes.empty()) *chain = {/*stored=*/true, static_cast<uint32_t>(length), cells};
    changes.emplace_back(reader.Bytes(reader.remaining()));
    it->Next();
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  return absl::DataLossError("totals: changes of a chunk without the chunk");
}

// Moves `it`, over keys from `lower` on, to the newest value not after `stride` of each chunk in
// turn, and calls `at` there, which may move on within the chunk.
absl::Status Walk(
    KvIterator* it, KeyView lower, domain::Position stride,
    const std::function<absl::Status(const domain::ChunkId&, KeyView chunk_key)>& at) {
  it->Seek(lower);
  while (it->Valid()) {
    FISCAL_ASSIGN_OR_RETURN(CellsKeyParts parts, DecodeCellsKey(it->key()));
    const Key chunk_key(ThingOf(it->key()));
    if (parts.stride > stride) {
      it->Seek(CellsKey(parts.id, stride));
      if (!it->Valid()) break;
      if (ThingOf(it->key()) != chunk_key) continue;
    }
    FISCAL_RETURN_IF_ERROR(at(parts.id, chunk_key));
    // Older states of the same chunk follow: one seek passes them all.
    it->Seek(AfterStates(chunk_key));
  }
  return it->status();
}

// The same for readers that want cells.
absl::Status VisitCells(
    const Kv& kv, const KeyRange& range, domain::Position stride,
    const std::function<void(const domain::ChunkId&, const domain::CellTable&)>& visit) {
  std::unique_ptr<KvIterator> it = kv.NewIterator(range.lower, range.upper);
  domain::CellTable table;
  return Walk(it.get(), range.lower, stride,
              [&](const domain::ChunkId& id, KeyView chunk_key) -> absl::Status {
                ByteReader reader(it->value());
                const uint8_t kind = reader.U8();
                if (kind == kWhole && reader.ok()) {
                  FISCAL_RETURN_IF_ERROR(DecodeCells(reader.Bytes(reader.remaining()), &table));
                  visit(id, table);
                } else if (kind == kPosted && reader.ok()) {
                  FISCAL_ASSIGN_OR_RETURN(const std::string posted, ReadPosted(kv, it->value()));
                  FISCAL_RETURN_IF_ERROR(DecodeCells(posted, &table));
                  visit(id, table);
                } else {
                  domain::Fold::Chain chain;
                  if (id.node.type == domain::OrgType::kAgency) {
                    domain::Chunk chunk;
                    FISCAL_RETURN_IF_ERROR(ReadChunk(kv, it.get(), chunk_key, &chunk, &chain));
                    visit(id, chunk.Table());
                  } else {
                    domain::NodeChunk chunk(static_cast<domain::ChunkKind>(id.chunk >> 10));
                    FISCAL_RETURN_IF_ERROR(ReadChunk(kv, it.get(), chunk_key, &chunk, &chain));
                    visit(id, chunk.Table());
                  }
                }
                return absl::OkStatus();
              });
}

// Encodes what changed of a chunk; the whole chunk once chain and changes hold more cells than the
// chunk itself, when the chain is full, and the first time.
template <typename Chunk>
std::string EncodeState(const Chunk& chunk, size_t cells, domain::Fold::Chain* chain) {
  const size_t changes = chunk.changes();
  std::string value;
  if (!chain->stored || chain->length >= kChainMax || chain->cells + changes > cells) {
    *chain = {/*stored=*/true, 0, 0};
    PutU8(&value, kWhole);
    value += EncodeCells(chunk.Table());
  } else {
    ++chain->length;
    chain->cells += changes;
    PutU8(&value, kChanges);
    PutVarint(&value, chain->length);
    PutVarint(&value, chain->cells);
    value += EncodeCells(chunk.ChangedTable());
  }
  return value;
}

// status := position:varint revision:varint flags:u8 department:string (upstream:string
//           position:varint)?
std::string EncodeStatus(const domain::StatementStatus& s) {
  std::string out;
  PutVarint(&out, s.position.value());
  PutVarint(&out, s.revision);
  PutU8(&out, static_cast<uint8_t>(
                  (s.certified ? 1 : 0) | (s.withdrawn ? 2 : 0) | (s.control ? 4 : 0) |
                  (s.scope == domain::Scope::kDepartment ? 8 : 0) | (s.upstream.empty() ? 0 : 16)));
  PutString(&out, s.department);
  if (!s.upstream.empty()) {
    PutString(&out, s.upstream);
    PutVarint(&out, s.upstream_position.value());
  }
  return out;
}

absl::StatusOr<domain::StatementStatus> DecodeStatus(absl::string_view bytes) {
  ByteReader reader(bytes);
  domain::StatementStatus s;
  s.position = domain::Position(reader.Varint());
  s.revision = reader.Varint();
  const uint8_t flags = reader.U8();
  s.department = std::string(reader.String());
  if (flags & 16) {
    s.upstream = std::string(reader.String());
    s.upstream_position = domain::Position(reader.Varint());
  }
  if (!reader.ok() || !reader.AtEnd() || flags > 31)
    return absl::DataLossError("totals: a malformed status");
  s.certified = flags & 1;
  s.withdrawn = flags & 2;
  s.control = flags & 4;
  s.scope = flags & 8 ? domain::Scope::kDepartment : domain::Scope::kOwn;
  return s;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TotalsStore>> TotalsStore::Open(Kv& kv) {
  std::unique_ptr<TotalsStore> store(new TotalsStore(kv));
  std::vector<domain::Position> strides;
  std::unique_ptr<KvIterator> it =
      kv.NewIterator(StrideKey(domain::Position()), StrideKey(domain::Position::Max()));
  for (it->Seek(StrideKey(domain::Position())); it->Valid(); it->Next()) {
    FISCAL_ASSIGN_OR_RETURN(domain::Position p, DecodePositionKey(it->key()));
    strides.push_back(p);
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  absl::MutexLock lock(&store->mu_);
  store->strides_ = std::move(strides);
  return store;
}

absl::StatusOr<Watermark> TotalsStore::ReadWatermark() const {
  absl::StatusOr<std::string> bytes = kv_.Get(WatermarkKey());
  if (absl::IsNotFound(bytes.status())) return Watermark();
  if (!bytes.ok()) return bytes.status();
  ByteReader reader(*bytes);
  Watermark w;
  w.position = domain::Position(reader.U64());
  const absl::string_view chain = reader.Bytes(32);
  w.log_id = std::string(reader.Bytes(16));
  if (!reader.ok() || !reader.AtEnd()) return absl::DataLossError("totals: malformed watermark");
  w.chain_hash = DigestOf(chain);
  return w;
}

absl::StatusOr<std::vector<domain::Position>> TotalsStore::ReadLeftOut() const {
  FISCAL_ASSIGN_OR_RETURN(const std::string bytes, kv_.Get(LeftOutKey()));
  ByteReader reader(bytes);
  std::vector<domain::Position> positions;
  while (reader.ok() && !reader.AtEnd()) positions.push_back(domain::Position(reader.U64()));
  if (!reader.ok()) return absl::DataLossError("totals: malformed positions that are left out");
  return positions;
}

domain::Position TotalsStore::StrideAt(domain::Position position) const {
  absl::ReaderMutexLock lock(&mu_);
  auto it = std::upper_bound(strides_.begin(), strides_.end(), position);
  return it == strides_.begin() ? domain::Position() : *std::prev(it);
}

absl::Status TotalsStore::LoadLeaves(const domain::ChunkId& id, domain::Position stride,
                                     domain::Chunk* chunk, domain::Fold::Chain* chain) const {
  const Key lower = CellsKey(id, stride);
  const KeyView chunk_key = ThingOf(lower);
  std::unique_ptr<KvIterator> it = kv_.NewIterator(lower, AfterStates(chunk_key));
  it->Seek(lower);
  if (!it->Valid()) return it->status();
  return ReadChunk(kv_, it.get(), chunk_key, chunk, chain);
}

absl::StatusOr<domain::Fold::NodeChunks> TotalsStore::LoadNode(const domain::Fold::NodeId& node,
                                                               domain::Position stride) const {
  domain::Fold::NodeChunks chunks;
  const KeyRange range = CellsOf(node.node, node.year, node.stage);
  std::unique_ptr<KvIterator> it = kv_.NewIterator(range.lower, range.upper);
  FISCAL_RETURN_IF_ERROR(Walk(
      it.get(), range.lower, stride,
      [&](const domain::ChunkId& id, KeyView chunk_key) -> absl::Status {
        auto entry =
            std::make_unique<domain::Fold::Entry>(static_cast<domain::ChunkKind>(id.chunk >> 10));
        FISCAL_RETURN_IF_ERROR(ReadChunk(kv_, it.get(), chunk_key, &entry->chunk, &entry->chain));
        chunks[id.chunk] = std::move(entry);
        return absl::OkStatus();
      }));
  return chunks;
}

absl::Status TotalsStore::ForEachChunk(
    const domain::Fold::NodeId& node, uint16_t first, uint16_t last, domain::Position stride,
    const std::function<void(uint16_t, const domain::CellTable&)>& visit) const {
  return VisitCells(
      kv_, CellsOf(node.node, node.year, node.stage, first, last, stride), stride,
      [&](const domain::ChunkId& id, const domain::CellTable& table) { visit(id.chunk, table); });
}

absl::Status TotalsStore::ForEach(
    domain::Position stride,
    const std::function<void(const domain::ChunkId&, const domain::CellTable&)>& visit) const {
  return VisitCells(kv_, KeysOf(KeyKind::kCells), stride, visit);
}

absl::StatusOr<domain::Position> TotalsStore::EndOfGroup(domain::Position position) const {
  // Few positions have such a key: a filter answers for most.
  const absl::StatusOr<std::string> value = kv_.Get(GroupKey(position));
  if (absl::IsNotFound(value.status())) return position;
  if (!value.ok()) return value.status();
  ByteReader reader(*value);
  const domain::Position end(reader.U64());
  if (!reader.ok() || !reader.AtEnd() || end <= position)
    return absl::DataLossError("totals: a malformed group");
  return end;
}

absl::Status TotalsStore::ForEachStatus(
    uint16_t year, domain::Stage stage, domain::Code division, domain::Position stride,
    const std::function<void(const domain::BudgetKey&, const domain::StatementStatus&)>& visit)
    const {
  const KeyRange range = StatusesOf(year, stage, division);
  std::unique_ptr<KvIterator> it = kv_.NewIterator(range.lower, range.upper);
  it->Seek(range.lower);
  while (it->Valid()) {
    FISCAL_ASSIGN_OR_RETURN(const StatusKeyParts parts, DecodeStatusKey(it->key()));
    if (parts.stride > stride) {
      it->Seek(StatusKey(parts.key, stride));
      continue;
    }
    FISCAL_ASSIGN_OR_RETURN(const domain::StatementStatus status, DecodeStatus(it->value()));
    visit(parts.key, status);
    const Key budget(ThingOf(it->key()));
    it->Next();
    for (int steps = 0; it->Valid() && ThingOf(it->key()) == budget; ++steps) {
      if (steps < 8) {
        it->Next();
      } else {
        it->Seek(AfterStates(budget));
      }
    }
  }
  return it->status();
}

absl::Status TotalsStore::ForEachPosting(
    domain::Position after, domain::Position last,
    const std::function<absl::Status(const StoredPosting&, absl::string_view bytes)>& visit) const {
  std::unique_ptr<KvIterator> it =
      kv_.NewIterator(PostingKey(after.Next()), PostingKey(last.Next()));
  for (it->Seek(PostingKey(after.Next())); it->Valid(); it->Next()) {
    FISCAL_ASSIGN_OR_RETURN(domain::Position position, DecodePositionKey(it->key()));
    FISCAL_ASSIGN_OR_RETURN(StoredPosting posting, DecodePosting(position, it->value()));
    FISCAL_RETURN_IF_ERROR(visit(posting, it->value()));
  }
  return it->status();
}

absl::StatusOr<Batch> TotalsStore::StageStride(
    const domain::Fold::Changed& changed,
    const std::vector<std::shared_ptr<const domain::Posting>>& postings, const Watermark& watermark,
    const GetLeaves& get_leaves) {
  Batch batch;
  for (const auto& [id, entry] : changed)
    batch.Put(CellsKey(id, watermark.position),
              EncodeState(entry->chunk, entry->chunk.size(), &entry->chain));
  // A stride never ends inside what was committed at once.
  domain::Position end;
  for (auto p = postings.rbegin(); p != postings.rend(); ++p) {
    if (!(*p)->more) {
      end = (*p)->position;
      continue;
    }
    std::string value;
    PutU64(&value, end.value());
    batch.Put(GroupKey((*p)->position), std::move(value));
  }
  // Postings by agency, each agency's in order.
  std::vector<const domain::Posting*> order;
  for (const auto& posting : postings) order.push_back(posting.get());
  std::stable_sort(
      order.begin(), order.end(),
      [](const domain::Posting* a, const domain::Posting* b) { return a->key < b->key; });
  for (size_t i = 0; i < order.size();) {
    size_t end = i + 1;
    while (end < order.size() && order[end]->key == order[i]->key) ++end;
    batch.Put(StatusKey(order[i]->key, watermark.position), EncodeStatus(order[end - 1]->status()));
    bool changes = std::any_of(order.begin() + static_cast<ptrdiff_t>(i),
                               order.begin() + static_cast<ptrdiff_t>(end),
                               [](const domain::Posting* p) { return !p->cells.empty(); });
    const domain::ChunkId id = domain::LeafChunkOf(order[i]->key);
    std::string value;
    if (order[i]->first() && end == i + 1) {
      // The posting is the whole chunk.
      size_t cells_at;
      std::string posting = EncodePosting(*order[i], &cells_at);
      if (posting.size() - cells_at >= kReferredBytesMin) {
        PutU8(&value, kPosted);
        PutVarint(&value, order[i]->position.value());
      } else {
        PutU8(&value, kWhole);
        value.append(posting, cells_at);
      }
      batch.Put(PostingKey(order[i]->position), std::move(posting));
    } else {
      for (size_t k = i; k < end; ++k)
        batch.Put(PostingKey(order[k]->position), EncodePosting(*order[k]));
      Leaves* leaves = nullptr;
      if (changes) {
        FISCAL_ASSIGN_OR_RETURN(leaves, get_leaves(id, order[i]->first()));
      }
      changes = leaves != nullptr;
      if (changes) {
        for (size_t k = i; k < end; ++k) leaves->chunk.Add(order[k]->cells);
        leaves->chunk.Tidy();
        value = EncodeState(leaves->chunk, leaves->chunk.cells().size(), &leaves->chain);
      }
    }
    if (changes) batch.Put(CellsKey(id, watermark.position), std::move(value));
    i = end;
  }
  batch.Put(StrideKey(watermark.position), "");
  std::string bytes;
  PutU64(&bytes, watermark.position.value());
  bytes.append(BytesOf(watermark.chain_hash).data(), 32);
  bytes += watermark.log_id;
  batch.Put(WatermarkKey(), std::move(bytes));
  batch.Sort();
  return batch;
}

absl::Status TotalsStore::CommitStride(
    const domain::Fold::Changed& changed,
    const std::vector<std::shared_ptr<const domain::Posting>>& postings, const Watermark& watermark,
    const std::vector<domain::Position>& left_out) {
  const domain::Position before = StrideAt(watermark.position.Prev());
  Leaves leaves;
  FISCAL_ASSIGN_OR_RETURN(
      Batch batch,
      StageStride(changed, postings, watermark,
                  [&](const domain::ChunkId& id, bool first) -> absl::StatusOr<Leaves*> {
                    leaves = Leaves();
                    if (!first)
                      FISCAL_RETURN_IF_ERROR(LoadLeaves(id, before, &leaves.chunk, &leaves.chain));
                    return &leaves;
                  }));
  // The last of all keys.
  std::string positions;
  for (const domain::Position position : left_out) PutU64(&positions, position.value());
  batch.Put(LeftOutKey(), std::move(positions));
  FISCAL_RETURN_IF_ERROR(kv_.Write(batch, /*sync=*/false));
  absl::MutexLock lock(&mu_);
  strides_.push_back(watermark.position);
  return absl::OkStatus();
}

}  // namespace fiscal::storage
