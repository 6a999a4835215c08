#include "services/ledger/compare/verify_totals.h"

#include <algorithm>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "base/coding.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "storage/operator_events.h"
#include "storage/posting_codec.h"
#include "storage/record_codec.h"
#include "storage/schema.h"

namespace fiscal::services {
namespace {

using domain::ChunkId;
using domain::Fold;
using domain::Position;
using domain::Posting;

// Postings folded at once.
constexpr size_t kPostingsPerFold = 64;
// Roughly, with what their tables leave free.
constexpr size_t kNodeCellBytes = 64, kAgencyCellBytes = 128;
// Of a chunk besides its cells.
constexpr size_t kChunkBytes = 400;

uint64_t HashOf(const domain::NodeChunk& chunk) {
  uint64_t hash = 0;
  chunk.ForEach([&](const domain::CellKey& key, const domain::CellValue& value) {
    if (value.zero()) return;
    hash = MixWords(hash, domain::CellKeyHash()(key));
    const __int128 amount = value.amount_fen;
    hash = MixWords(hash, static_cast<uint64_t>(amount));
    hash = MixWords(hash, static_cast<uint64_t>(amount >> 64));
    for (int64_t count : value.counts) hash = MixWords(hash, static_cast<uint64_t>(count));
  });
  return hash;
}

std::string Name(const ChunkId& id) { return storage::NameOf(storage::CellsKey(id, Position())); }

// From the first key of a unit to that of another; there is no unit UINT64_MAX.
storage::KeyRange Between(uint64_t from, uint64_t until, storage::KeyKind kind,
                          storage::KeyRange (*keys)(uint16_t, domain::Stage, domain::Code)) {
  const auto first = [&](uint64_t unit) {
    return keys(static_cast<uint16_t>(unit >> 40), static_cast<domain::Stage>(unit >> 32 & 0xff),
                static_cast<domain::Code>(unit))
        .lower;
  };
  return {first(from), until == UINT64_MAX ? storage::KeysOf(kind).upper : first(until)};
}

}  // namespace

TotalsCheck::TotalsCheck(const Projector& projector, size_t memory_bytes_max,
                         Differences& differences)
    : projector_(projector),
      store_(projector.store()),
      memory_bytes_max_(memory_bytes_max),
      differences_(differences) {
  projector.ReadLive([this](const Projector::Live& live) {
    to_ = live.position;
    stride_ = live.stride;
    open_ = live.postings;
    for (const auto& [node, numbered] : live.chunks) {
      for (const auto& [number, entry] : numbered)
        live_[{node.node, node.year, node.stage, number}] = HashOf(entry->chunk);
    }
  });
  auto in_order = [&](storage::Key (*key)(Position)) {
    const storage::KeyRange range = {key(Position()), key(stride_.Next())};
    return std::make_unique<OrderedKeys>(store_.kv(), range, differences);
  };
  stored_postings_ = in_order(storage::PostingKey);
  stored_strides_ = in_order(storage::StrideKey);
  stored_groups_ = in_order(storage::GroupKey);
  StartPass();
}

TotalsCheck::Unit TotalsCheck::UnitOf(const domain::OrgNode& node, uint16_t year,
                                      domain::Stage stage) {
  return static_cast<Unit>(year) << 40 | static_cast<Unit>(stage) << 32 | node.division;
}

TotalsCheck::Unit TotalsCheck::UnitOfKey(storage::KeyView key) {
  const storage::StatePlace place = storage::PlaceOf(key);
  return UnitOf({domain::OrgType::kDivision, place.division, ""}, place.year, place.stage);
}

storage::KeyRange TotalsCheck::HeldCells() const {
  return Between(from_, until_, storage::KeyKind::kCells, storage::CellsOf);
}

storage::KeyRange TotalsCheck::HeldStatuses() const {
  return Between(from_, until_, storage::KeyKind::kStatus, storage::StatusesOf);
}

bool TotalsCheck::StartPass() {
  const bool first = catalog_ == nullptr;
  if (!first) {
    if (until_ == kEnd) return false;
    first_ = false;
    // As many units as need what the last ones needed, by the bytes of their events.
    uint64_t held = 0, weight = 0;
    for (const auto& [unit, info] : units_) held += Holds(unit) ? info.weight : 0;
    from_ = until_;
    until_ = kEnd;
    absl::flat_hash_set<Unit> next;
    for (auto it = units_.lower_bound(from_); it != units_.end(); ++it) {
      weight += it->second.weight;
      if (!next.empty() && weight > held) {
        until_ = it->first;
        break;
      }
      next.insert(it->first);
    }
    positions_ = catalogs_;
    for (const auto& [unit, info] : units_) {
      if (std::none_of(info.feeds.begin(), info.feeds.end(),
                       [&](Unit fed) { return next.contains(fed); }))
        continue;
      ByteReader reader(info.positions);
      for (Position at; !reader.AtEnd();) {
        at = at + reader.Varint();
        positions_.push_back(at);
      }
    }
    std::sort(positions_.begin(), positions_.end());
  }
  catalog_ = std::make_shared<const domain::Catalog>();
  next_stride_ = 0;
  agencies_.clear();
  agency_cells_ = 0;
  fold_ = std::make_unique<Fold>(
      [](const Fold::NodeId&) { return Fold::NodeChunks(); },
      [this](const Fold::NodeId& id) { return Holds(UnitOf(id.node, id.year, id.stage)); });
  return true;
}

// Remembers which units the posting changes.
void TotalsCheck::Note(const Posting& posting, size_t bytes) {
  const domain::BudgetKey& key = posting.key;
  const domain::OrgNode own{domain::OrgType::kOwnLevel, key.division, ""};
  UnitInfo& info = units_[UnitOf(own, key.year, key.stage)];
  PutVarint(&info.positions, posting.position - info.last);
  info.last = posting.position;
  std::vector<domain::Code> divisions = catalog_->ChainOf(key.division, key.year);
  divisions.push_back(key.division);
  std::sort(divisions.begin(), divisions.end());
  divisions.erase(std::unique(divisions.begin(), divisions.end()), divisions.end());
  for (domain::Code division : divisions) {
    const Unit fed = UnitOf({domain::OrgType::kDivision, division, ""}, key.year, key.stage);
    info.feeds.insert(fed);
    // May move nothing: a map's entries stay where they are.
    units_[fed].weight += bytes;
  }
}

absl::Status TotalsCheck::See(const storage::LogEntry& entry, const domain::EventHeader& header,
                              absl::string_view payload) {
  // A later pass may have nothing at the end of a stride.
  while (!first_ && next_stride_ < strides_.size() && strides_[next_stride_] < entry.position)
    FISCAL_RETURN_IF_ERROR(EndStride(strides_[next_stride_++], {}));
  const bool catalog = header.kind == domain::EventKind::kCatalog;
  bool more = false;
  ++since_stride_.events;
  FISCAL_ASSIGN_OR_RETURN(const storage::Foldable what,
                          storage::ReadFoldable(header, payload, entry.record, *operators_));
  more = what.more;
  // The end of a group is left out: the one before it is the end.
  if (what.posting == nullptr && more_ && !more && last_ != nullptr) last_->more = false;
  more_ = more;
  last_ = what.posting;
  if (what.posting != nullptr) {
    const std::shared_ptr<Posting>& posting = what.posting;
    since_stride_.cells += posting->cells.items.size();
    if (first_) Note(*posting, entry.record->size());
    if (entry.position > stride_ && first_) CompareOpen(*posting);
    unfolded_.push_back(posting.get());
    postings_.push_back(posting);
  }
  if (catalog || unfolded_.size() >= kPostingsPerFold) FISCAL_RETURN_IF_ERROR(Apply());
  if (catalog) {
    if (first_) catalogs_.push_back(entry.position);
    FISCAL_ASSIGN_OR_RETURN(const domain::Event event, storage::DecodeRecord(entry.record));
    catalog_ = catalog_->With(event.catalog, entry.position);
  }
  const storage::StrideBounds& bounds = projector_.stride_bounds();
  if (!first_ || more || entry.position > stride_ ||
      (since_stride_.events < bounds.events && since_stride_.cells < bounds.cells))
    return absl::OkStatus();
  since_stride_ = {0, 0};
  strides_.push_back(entry.position);
  return EndStride(entry.position, entry.chain_hash);
}

absl::Status TotalsCheck::Apply() {
  FISCAL_RETURN_IF_ERROR(fold_->Apply(unfolded_, *catalog_));
  unfolded_.clear();
  return absl::OkStatus();
}

absl::Status TotalsCheck::EndStride(Position position, const Digest& chain_hash) {
  FISCAL_RETURN_IF_ERROR(Apply());
  absl::flat_hash_set<ChunkId> staged;
  FISCAL_ASSIGN_OR_RETURN(
      const storage::Batch batch,
      storage::TotalsStore::StageStride(
          fold_->Changes(), postings_, {position, chain_hash, projector_.log().log_id()},
          [&](const ChunkId& id, bool) -> absl::StatusOr<storage::TotalsStore::Leaves*> {
            if (!Holds(UnitOf(id.node, id.year, id.stage))) return nullptr;
            staged.insert(id);
            storage::TotalsStore::Leaves& leaves = agencies_[id];
            agency_cells_ -= leaves.chunk.cells().size();
            return &leaves;
          }));
  for (const auto& posting : postings_) {
    const ChunkId id = domain::LeafChunkOf(posting->key);
    if (posting->cells.empty() || !Holds(UnitOf(id.node, id.year, id.stage)) ||
        !staged.insert(id).second)
      continue;
    // Stored as what was posted.
    storage::TotalsStore::Leaves& leaves = agencies_[id];
    leaves.chunk.Add(posting->cells);
    leaves.chunk.Tidy();
    leaves.chain.stored = true;
  }
  for (const ChunkId& id : staged) {
    domain::Chunk& chunk = agencies_[id].chunk;
    chunk.Mark();
    agency_cells_ += chunk.cells().size();
  }
  fold_->Settle(SIZE_MAX);
  postings_.clear();
  for (const storage::Batch::Op& op : batch.ops()) {
    const bool cells = op.key.kind() == storage::KeyKind::kCells;
    if (cells || op.key.kind() == storage::KeyKind::kStatus) {
      if (Holds(UnitOfKey(op.key))) (cells ? cells_ : statuses_).Add(op.key, op.value);
    } else if (first_) {
      FISCAL_RETURN_IF_ERROR(ExpectInOrder(op));
    }
  }
  if (Bytes() > memory_bytes_max_) GiveUpUnits();
  return absl::OkStatus();
}

absl::Status TotalsCheck::ExpectInOrder(const storage::Batch::Op& op) {
  switch (op.key.kind()) {
    case storage::KeyKind::kPosting:
      return stored_postings_->Expect(op.key, op.value);
    case storage::KeyKind::kStride:
      return stored_strides_->Expect(op.key, op.value);
    case storage::KeyKind::kGroup:
      return stored_groups_->Expect(op.key, op.value);
    default:
      // The watermark moves on meanwhile.
      return absl::OkStatus();
  }
}

// Postings of the open stride are served from memory: compares with that.
void TotalsCheck::CompareOpen(const Posting& posting) {
  auto it = std::lower_bound(open_.begin(), open_.end(), posting.position,
                             [](const auto& p, Position at) { return p->position < at; });
  const std::string name =
      absl::StrCat("posting ", posting.position.value(), " of the open stride");
  if (it == open_.end() || (*it)->position != posting.position) {
    differences_.Add(absl::StrCat(name, ": missing"));
  } else if (storage::EncodePosting(**it) != storage::EncodePosting(posting) ||
             !((*it)->status() == posting.status())) {
    differences_.Add(absl::StrCat(name, ": not the same"));
  }
}

absl::Status TotalsCheck::CompareWatermark() {
  FISCAL_ASSIGN_OR_RETURN(const storage::Watermark stored, store_.ReadWatermark());
  if (stored.position < stride_) {
    differences_.Add(
        absl::StrCat("watermark: at ", stored.position.value(), ", not at ", stride_.value()));
  } else if (!stored.position.zero()) {
    const absl::StatusOr<Digest> chain = projector_.log().ChainAt(stored.position);
    if (!chain.ok() || *chain != stored.chain_hash || stored.log_id != projector_.log().log_id() ||
        store_.StrideAt(stored.position) != stored.position)
      differences_.Add("watermark: not the same");
  }
  return absl::OkStatus();
}

// Leaves units to a later pass. The last unit that is left stays, however large it is.
void TotalsCheck::GiveUpUnits() {
  std::map<Unit, size_t> sizes;
  for (const auto& [node, numbered] : fold_->chunks()) {
    size_t& size = sizes[UnitOf(node.node, node.year, node.stage)];
    for (const auto& [number, entry] : numbered)
      size += kChunkBytes + entry->chunk.size() * kNodeCellBytes;
  }
  for (const auto& [id, leaves] : agencies_)
    sizes[UnitOf(id.node, id.year, id.stage)] +=
        kChunkBytes + leaves.chunk.cells().size() * kAgencyCellBytes;
  size_t kept = 0;
  bool any = false;
  for (const auto& [unit, size] : sizes) {
    kept += size;
    // Room for those that stay to grow.
    if (any && kept > memory_bytes_max_ / 2) {
      until_ = unit;
      break;
    }
    any = true;
  }
  fold_->ForgetUnwanted();
  for (auto it = agencies_.begin(); it != agencies_.end();) {
    auto agency = it++;
    const ChunkId& id = agency->first;
    if (Holds(UnitOf(id.node, id.year, id.stage))) continue;
    agency_cells_ -= agency->second.chunk.cells().size();
    agencies_.erase(agency);
  }
  auto held = [this](storage::KeyView key) { return Holds(UnitOfKey(key)); };
  cells_.Forget(held);
  statuses_.Forget(held);
}

size_t TotalsCheck::Bytes() const {
  return fold_->cell_count() * kNodeCellBytes + agency_cells_ * kAgencyCellBytes +
         agencies_.size() * kChunkBytes + cells_.bytes() + statuses_.bytes();
}

absl::Status TotalsCheck::EndPass(const std::function<absl::Status()>& cancelled) {
  while (!first_ && next_stride_ < strides_.size())
    FISCAL_RETURN_IF_ERROR(EndStride(strides_[next_stride_++], {}));
  if (first_) {
    FISCAL_RETURN_IF_ERROR(stored_postings_->Finish());
    FISCAL_RETURN_IF_ERROR(stored_strides_->Finish());
    FISCAL_RETURN_IF_ERROR(stored_groups_->Finish());
    FISCAL_RETURN_IF_ERROR(CompareWatermark());
  }
  FISCAL_RETURN_IF_ERROR(
      cells_.Compare(store_.kv(), HeldCells(), stride_, cancelled, &differences_));
  FISCAL_RETURN_IF_ERROR(
      statuses_.Compare(store_.kv(), HeldStatuses(), stride_, cancelled, &differences_));
  // From the last whole stride to to_.
  FISCAL_RETURN_IF_ERROR(Apply());
  for (const auto& posting : postings_) {
    const ChunkId id = domain::LeafChunkOf(posting->key);
    if (!Holds(UnitOf(id.node, id.year, id.stage))) continue;
    domain::Chunk& chunk = agencies_[id].chunk;
    chunk.Add(posting->cells);
    chunk.Tidy();
  }
  postings_.clear();
  CompareLive();
  Count();
  return absl::OkStatus();
}

void TotalsCheck::CompareLive() {
  absl::flat_hash_set<ChunkId> changed;
  for (const auto& [id, entry] : fold_->Changes()) changed.insert(id);
  for (const auto& [node, numbered] : fold_->chunks()) {
    for (const auto& [number, entry] : numbered) {
      const ChunkId id{node.node, node.year, node.stage, number};
      auto live = live_.find(id);
      // A chunk that is not live is in the store, and did not change since.
      if (live == live_.end()) {
        if (changed.contains(id)) differences_.Add(absl::StrCat("live ", Name(id), ": missing"));
        continue;
      }
      if (live->second != HashOf(entry->chunk))
        differences_.Add(absl::StrCat("live ", Name(id), ": not the same"));
      live_.erase(live);
    }
  }
  for (const auto& [id, hash] : live_) {
    if (hash != 0 && Holds(UnitOf(id.node, id.year, id.stage)))
      differences_.Add(absl::StrCat("live ", Name(id), ": surplus"));
  }
}

void TotalsCheck::Count() {
  for (const auto& [node, numbered] : fold_->chunks()) {
    for (const auto& [number, entry] : numbered)
      cell_count_ += static_cast<int64_t>(entry->chunk.size());
  }
  for (const auto& [id, leaves] : agencies_) {
    cell_count_ += static_cast<int64_t>(leaves.chunk.cells().size());
    for (const auto& [key, cell] : leaves.chunk.cells()) line_count_ += cell.value.line_count();
  }
}

}  // namespace fiscal::services
