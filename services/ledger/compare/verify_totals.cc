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

using domain::Fold;
using domain::NodeId;
using domain::Position;
using domain::Posting;

// Postings folded at once, and their cells.
constexpr size_t kPostingsPerFold = 64, kCellsPerFold = 4096;
// Roughly, with what their tables leave free.
constexpr size_t kNodeCellBytes = 64, kAgencyCellBytes = 128;
// Of a node or an agency besides its cells.
constexpr size_t kNodeBytes = 400;

// The same for equal cells, whatever their history.
uint64_t HashOf(const Fold::Node& node) {
  uint64_t sum = 0;
  for (const domain::CellKind kind : domain::kNodeKinds) {
    node.cells.ForEach(kind, [&](const domain::CellKey& key, const domain::CellValue& value) {
      const __int128 amount = value.amount_fen;
      uint64_t hash = MixWords(domain::CellKeyHash()(key), static_cast<uint64_t>(kind));
      hash = MixWords(hash, static_cast<uint64_t>(amount));
      hash = MixWords(hash, static_cast<uint64_t>(amount >> 64));
      for (int64_t count : value.counts) hash = MixWords(hash, static_cast<uint64_t>(count));
      sum += hash;
    });
  }
  return MixWords(sum, node.gathered);
}

std::string Name(const NodeId& id) { return storage::NameOf(storage::CellsKey(id, Position())); }

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
    written_ = live.written;
    unwritten_ = live.unwritten;
    for (const auto& [id, node] : live.nodes) live_[id] = HashOf(*node);
  });
  auto in_order = [&](storage::Key (*key)(Position)) {
    const storage::KeyRange range = {key(Position()), key(written_.Next())};
    return std::make_unique<OrderedKeys>(store_.kv(), range, differences);
  };
  stored_postings_ = in_order(storage::PostingKey);
  stored_groups_ = in_order(storage::GroupKey);
  StartPass();
}

TotalsCheck::Unit TotalsCheck::UnitOf(domain::Code division, uint16_t year, domain::Stage stage) {
  return static_cast<Unit>(year) << 40 | static_cast<Unit>(stage) << 32 | division;
}

TotalsCheck::Unit TotalsCheck::UnitOf(const NodeId& id) {
  return UnitOf(id.node.division, id.year, id.stage);
}

TotalsCheck::Unit TotalsCheck::UnitOfKey(storage::KeyView key) {
  const storage::StatePlace place = storage::PlaceOf(key);
  return UnitOf(place.division, place.year, place.stage);
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
  agencies_.clear();
  agency_cells_ = 0;
  changed_.clear();
  fold_ = std::make_unique<Fold>([](const NodeId&) { return std::make_unique<Fold::Node>(); },
                                 projector_.rule(),
                                 [this](const NodeId& id) { return Holds(UnitOf(id)); });
  return true;
}

// Remembers which units the posting changes.
void TotalsCheck::Note(const Posting& posting, size_t bytes) {
  const domain::BudgetKey& key = posting.key;
  UnitInfo& info = units_[UnitOf(key.division, key.year, key.stage)];
  PutVarint(&info.positions, posting.position - info.last);
  info.last = posting.position;
  std::vector<domain::Code> divisions = catalog_->ChainOf(key.division, key.year);
  divisions.push_back(key.division);
  std::sort(divisions.begin(), divisions.end());
  divisions.erase(std::unique(divisions.begin(), divisions.end()), divisions.end());
  for (domain::Code division : divisions) {
    const Unit fed = UnitOf(division, key.year, key.stage);
    info.feeds.insert(fed);
    // May move nothing: a map's entries stay where they are.
    units_[fed].weight += bytes;
  }
}

absl::Status TotalsCheck::See(const storage::LogEntry& entry, const domain::EventHeader& header,
                              absl::string_view payload) {
  // No group goes on across it.
  if (!unfolded_.empty() && unfolded_.back()->position <= written_ && entry.position > written_)
    FISCAL_RETURN_IF_ERROR(Apply());
  FISCAL_ASSIGN_OR_RETURN(const storage::Foldable what,
                          storage::ReadFoldable(header, payload, entry.record, *operators_));
  // The end of a group is left out: the one before it is the end.
  if (what.posting == nullptr && more_ && !what.more && last_ != nullptr) last_->more = false;
  more_ = what.more;
  if (what.posting != nullptr) {
    last_ = what.posting;
    if (first_) Note(*what.posting, entry.record->size());
    unfolded_.push_back(what.posting);
    unfolded_cells_ += what.posting->cells.items.size();
  }
  if (!more_) last_ = nullptr;
  const bool catalog = header.kind == domain::EventKind::kCatalog;
  const bool many = unfolded_.size() >= kPostingsPerFold || unfolded_cells_ >= kCellsPerFold;
  if (catalog || (many && !more_)) FISCAL_RETURN_IF_ERROR(Apply());
  if (!catalog) return absl::OkStatus();
  if (first_) catalogs_.push_back(entry.position);
  FISCAL_ASSIGN_OR_RETURN(const domain::Event event, storage::DecodeRecord(entry.record));
  catalog_ = catalog_->With(event.catalog, entry.position);
  return absl::OkStatus();
}

absl::Status TotalsCheck::Apply() {
  if (unfolded_.empty()) return absl::OkStatus();
  std::vector<const Posting*> postings;
  for (const auto& posting : unfolded_) postings.push_back(posting.get());
  FISCAL_RETURN_IF_ERROR(fold_->Prepare(postings, *catalog_));
  std::vector<Fold::State> states;
  fold_->Apply(&states);
  const bool written = postings.front()->position <= written_;
  storage::Batch batch;
  for (const Fold::State& state : states) {
    if (!written) {
      changed_.insert(state.id);
      continue;
    }
    batch.Clear();
    storage::TotalsStore::StageState(state, &batch);
    cells_.Add(batch.ops()[0].key, batch.ops()[0].value);
  }
  for (const Posting* posting : postings) {
    FISCAL_RETURN_IF_ERROR(ApplyToAgency(*posting));
    if (first_ && !written) CompareUnwritten(*posting);
  }
  if (written && first_) FISCAL_RETURN_IF_ERROR(ExpectInOrder(unfolded_));
  unfolded_.clear();
  unfolded_cells_ = 0;
  if (Bytes() > memory_bytes_max_) GiveUpUnits();
  return absl::OkStatus();
}

absl::Status TotalsCheck::ApplyToAgency(const Posting& posting) {
  const NodeId id = domain::AgencyId(posting.key);
  if (!Holds(UnitOf(id))) return absl::OkStatus();
  Agency& agency = agencies_[id];
  agency_cells_ -= agency.cells.size();
  agency.cells.Add(posting.cells);
  agency_cells_ += agency.cells.size();
  storage::Batch batch;
  FISCAL_RETURN_IF_ERROR(storage::TotalsStore::StageAgency(
      posting, projector_.rule(), &agency.weight,
      [&]() -> absl::StatusOr<domain::LeafCells> { return agency.cells; }, &batch));
  if (posting.position <= written_) statuses_.Add(batch.ops()[0].key, batch.ops()[0].value);
  return absl::OkStatus();
}

absl::Status TotalsCheck::ExpectInOrder(
    absl::Span<const std::shared_ptr<const domain::Posting>> postings) {
  storage::Batch batch;
  storage::TotalsStore::StagePostings(postings, &batch);
  batch.Sort();
  for (const storage::Batch::Op& op : batch.ops()) {
    OrderedKeys& stored =
        op.key.kind() == storage::KeyKind::kPosting ? *stored_postings_ : *stored_groups_;
    FISCAL_RETURN_IF_ERROR(stored.Expect(op.key, op.value));
  }
  return absl::OkStatus();
}

// Unwritten postings are served from memory: compares with that.
void TotalsCheck::CompareUnwritten(const Posting& posting) {
  auto it = std::lower_bound(unwritten_.begin(), unwritten_.end(), posting.position,
                             [](const auto& p, Position at) { return p->position < at; });
  const std::string name = absl::StrCat("unwritten posting ", posting.position.value());
  if (it == unwritten_.end() || (*it)->position != posting.position) {
    differences_.Add(absl::StrCat(name, ": missing"));
  } else if (storage::EncodePosting(**it) != storage::EncodePosting(posting) ||
             !((*it)->status() == posting.status())) {
    differences_.Add(absl::StrCat(name, ": not the same"));
  }
}

absl::Status TotalsCheck::CompareWatermark() {
  FISCAL_ASSIGN_OR_RETURN(const storage::Watermark stored, store_.ReadWatermark());
  if (stored.position < written_) {
    differences_.Add(
        absl::StrCat("watermark: at ", stored.position.value(), ", not at ", written_.value()));
  } else if (!stored.position.zero()) {
    const absl::StatusOr<Digest> chain = projector_.log().ChainAt(stored.position);
    if (!chain.ok() || *chain != stored.chain_hash || stored.log_id != projector_.log().log_id())
      differences_.Add("watermark: not the same");
  }
  return absl::OkStatus();
}

// Leaves units to a later pass. The last unit that is left stays, however large it is.
void TotalsCheck::GiveUpUnits() {
  std::map<Unit, size_t> sizes;
  for (const auto& [id, node] : fold_->nodes())
    sizes[UnitOf(id)] += kNodeBytes + node->cells.size() * kNodeCellBytes;
  for (const auto& [id, agency] : agencies_)
    sizes[UnitOf(id)] += kNodeBytes + agency.cells.size() * kAgencyCellBytes;
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
    if (Holds(UnitOf(agency->first))) continue;
    agency_cells_ -= agency->second.cells.size();
    agencies_.erase(agency);
  }
  auto held = [this](storage::KeyView key) { return Holds(UnitOfKey(key)); };
  cells_.Forget(held);
  statuses_.Forget(held);
}

size_t TotalsCheck::Bytes() const {
  return fold_->cell_count() * kNodeCellBytes + agency_cells_ * kAgencyCellBytes +
         (fold_->nodes().size() + agencies_.size()) * kNodeBytes + cells_.bytes() +
         statuses_.bytes();
}

absl::Status TotalsCheck::EndPass(const std::function<absl::Status()>& cancelled) {
  FISCAL_RETURN_IF_ERROR(Apply());
  if (first_) {
    FISCAL_RETURN_IF_ERROR(stored_postings_->Finish());
    FISCAL_RETURN_IF_ERROR(stored_groups_->Finish());
    FISCAL_RETURN_IF_ERROR(CompareWatermark());
  }
  FISCAL_RETURN_IF_ERROR(
      cells_.Compare(store_.kv(), HeldCells(), written_, cancelled, &differences_));
  FISCAL_RETURN_IF_ERROR(
      statuses_.Compare(store_.kv(), HeldStatuses(), written_, cancelled, &differences_));
  CompareLive();
  Count();
  return absl::OkStatus();
}

void TotalsCheck::CompareLive() {
  for (const auto& [id, node] : fold_->nodes()) {
    const auto live = live_.find(id);
    // One that is not in memory is in the store, and did not change since.
    if (live == live_.end()) {
      if (changed_.contains(id)) differences_.Add(absl::StrCat("live ", Name(id), ": missing"));
      continue;
    }
    if (live->second != HashOf(*node))
      differences_.Add(absl::StrCat("live ", Name(id), ": not the same"));
    live_.erase(live);
  }
  for (const auto& [id, hash] : live_) {
    if (Holds(UnitOf(id))) differences_.Add(absl::StrCat("live ", Name(id), ": surplus"));
  }
}

void TotalsCheck::Count() {
  for (const auto& [id, node] : fold_->nodes())
    cell_count_ += static_cast<int64_t>(node->cells.size());
  for (const auto& [id, agency] : agencies_) {
    cell_count_ += static_cast<int64_t>(agency.cells.size());
    agency.cells.ForEachValue(
        [&](const domain::CellValue& value) { line_count_ += value.line_count(); });
  }
}

}  // namespace fiscal::services
