#include "storage/totals_store.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "storage/cell_codec.h"

namespace fiscal::storage {
namespace {

// Of all that is stored here. Another one is folded again.
constexpr uint8_t kTotalsFormat = 2;
// Steps of an iterator that cost about as much as a seek.
constexpr int kStepsPerSeek = 8;

// What the keys of one node's states, or of one agency's statuses, have in common. A malformed key
// has it with no other.
KeyView ThingOf(KeyView key) {
  const std::optional<StateKey> state = SplitState(key);
  return state.has_value() ? state->of : key;
}

absl::Status Missing(domain::Position position) {
  return absl::DataLossError(absl::StrCat("totals: posting ", position.value(), " is missing"));
}

// Moves `it` on to the first key not below `key`: by steps when it is near.
void Advance(KvIterator* it, KeyView key) {
  for (int steps = 0; steps < kStepsPerSeek && it->Valid(); ++steps) {
    if (it->key() >= key) return;
    it->Next();
  }
  if (it->Valid() && it->key() < key) it->Seek(key);
}

// status := position:varint revision:varint flags:u8 department:string (upstream:string
//           position:varint)? size:varint gathered:varint cells?
constexpr uint8_t kCertified = 1, kWithdrawn = 2, kControl = 4, kDepartmentScope = 8,
                  kTakenOver = 16, kWithCells = 32;

std::string EncodeStatus(const domain::StatementStatus& s, const AgencyWeight& weight,
                         const domain::CellTable* whole) {
  std::string out;
  PutVarint(&out, s.position.value());
  PutVarint(&out, s.revision);
  PutU8(&out, static_cast<uint8_t>((s.certified ? kCertified : 0) | (s.withdrawn ? kWithdrawn : 0) |
                                   (s.control ? kControl : 0) |
                                   (s.scope == domain::Scope::kDepartment ? kDepartmentScope : 0) |
                                   (s.upstream.empty() ? 0 : kTakenOver) |
                                   (whole == nullptr ? 0 : kWithCells)));
  PutString(&out, s.department);
  if (!s.upstream.empty()) {
    PutString(&out, s.upstream);
    PutVarint(&out, s.upstream_position.value());
  }
  PutVarint(&out, weight.size);
  PutVarint(&out, weight.gathered);
  if (whole != nullptr) out += EncodeCells(*whole);
  return out;
}

struct AgencyRecord {
  domain::StatementStatus status;
  AgencyWeight weight;
  // With `cells`, which may have none.
  bool whole = false;
  absl::string_view cells;
};

absl::StatusOr<AgencyRecord> DecodeStatus(absl::string_view bytes) {
  ByteReader reader(bytes);
  AgencyRecord out;
  domain::StatementStatus& s = out.status;
  s.position = domain::Position(reader.Varint());
  s.revision = reader.Varint();
  const uint8_t flags = reader.U8();
  s.department = std::string(reader.String());
  if (flags & kTakenOver) {
    s.upstream = std::string(reader.String());
    s.upstream_position = domain::Position(reader.Varint());
  }
  out.weight.size = reader.Varint();
  out.weight.gathered = reader.Varint();
  out.whole = flags & kWithCells;
  if (out.whole) out.cells = reader.Bytes(reader.remaining());
  if (!reader.ok() || !reader.AtEnd() || flags > 63)
    return absl::DataLossError("totals: a malformed status");
  s.certified = flags & kCertified;
  s.withdrawn = flags & kWithdrawn;
  s.control = flags & kControl;
  s.scope = flags & kDepartmentScope ? domain::Scope::kDepartment : domain::Scope::kOwn;
  return out;
}

}  // namespace

absl::StatusOr<Watermark> TotalsStore::ReadWatermark() const {
  absl::StatusOr<std::string> bytes = kv_.Get(WatermarkKey());
  if (absl::IsNotFound(bytes.status())) return Watermark();
  if (!bytes.ok()) return bytes.status();
  ByteReader reader(*bytes);
  // The first format had no number, and nothing else of this length.
  if (bytes->size() == 8 + 32 + 16 || reader.U8() != kTotalsFormat)
    return absl::AbortedError("totals: folded by a version with another format");
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

namespace {

// Walks back from `key`, a node's at the position asked for, to its newest whole state.
absl::StatusOr<StoredState> WalkBack(KvIterator* it, KeyView key) {
  StoredState state;
  for (it->Seek(key); it->Valid(); it->Next()) {
    const domain::Position position = SplitState(it->key())->position;
    if (!it->value().empty()) {
      state.whole = std::string(it->value());
      state.whole_at = position;
      break;
    }
    state.postings.push_back(position);
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  std::reverse(state.postings.begin(), state.postings.end());
  return state;
}

// Walks ahead from `key` to the next whole state when that is less than `postings_max` away;
// otherwise none is found.
absl::StatusOr<StoredState> WalkAhead(KvIterator* it, KeyView key, size_t postings_max) {
  StoredState state;
  state.later = true;
  it->SeekForPrev(key);
  if (it->Valid() && it->key() == key) it->Prev();
  for (; it->Valid() && state.postings.size() + 1 < postings_max; it->Prev()) {
    const domain::Position position = SplitState(it->key())->position;
    state.postings.push_back(position);
    if (it->value().empty()) continue;
    state.whole = std::string(it->value());
    state.whole_at = position;
    return state;
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  return state;
}

// Postings that are read sooner than a whole state is looked for on the other side.
constexpr size_t kFewPostings = 6;

}  // namespace

absl::StatusOr<StoredState> TotalsStore::ReadNode(const domain::NodeId& id,
                                                  domain::Position at) const {
  const Key key = CellsKey(id, at);
  std::unique_ptr<KvIterator> it =
      kv_.NewIterator(CellsKey(id, domain::Position::Max()), AfterStates(ThingOf(key)));
  FISCAL_ASSIGN_OR_RETURN(StoredState before, WalkBack(it.get(), key));
  if (before.postings.size() <= kFewPostings) return before;
  FISCAL_ASSIGN_OR_RETURN(StoredState after, WalkAhead(it.get(), key, before.postings.size()));
  if (after.whole.empty()) return before;
  // The posting that made it whole may be of any size: those before it are not.
  const Key last = PostingKey(after.whole_at);
  std::unique_ptr<KvIterator> posting = kv_.NewIterator(last, PostingKey(after.whole_at.Next()));
  posting->Seek(last);
  FISCAL_RETURN_IF_ERROR(posting->status());
  if (!posting->Valid()) return Missing(after.whole_at);
  return posting->value().size() <= after.whole.size() ? std::move(after) : std::move(before);
}

absl::StatusOr<std::unique_ptr<domain::Fold::Node>> TotalsStore::LoadNode(
    const domain::NodeId& id, domain::Position at, const domain::WholeRule& rule) const {
  const Key key = CellsKey(id, at);
  std::unique_ptr<KvIterator> it = kv_.NewIterator(key, AfterStates(ThingOf(key)));
  FISCAL_ASSIGN_OR_RETURN(const StoredState state, WalkBack(it.get(), key));
  auto node = std::make_unique<domain::Fold::Node>();
  if (!state.whole.empty()) FISCAL_RETURN_IF_ERROR(DecodeNode(state.whole, &node->cells));
  domain::CellTable table;
  FISCAL_RETURN_IF_ERROR(
      ReadPostings(state.postings, [&](size_t, const StoredPosting& posting) -> absl::Status {
        FISCAL_RETURN_IF_ERROR(DecodeCells(posting.cells, &table));
        domain::AddLeaves(table.items, &node->cells);
        node->gathered += rule.WeightOf(table.items.size());
        return absl::OkStatus();
      }));
  return node;
}

absl::StatusOr<uint64_t> TotalsStore::LoadLeaves(const domain::BudgetKey& budget,
                                                 domain::Position at,
                                                 domain::LeafCells* cells) const {
  FISCAL_ASSIGN_OR_RETURN(const StoredState state, AgencyReader(*this).Read(budget, at));
  domain::CellTable table;
  uint64_t read = 0;
  auto add = [&](absl::string_view bytes) -> absl::Status {
    FISCAL_RETURN_IF_ERROR(DecodeCells(bytes, &table));
    cells->Add(table);
    read += 1 + table.items.size();
    return absl::OkStatus();
  };
  if (!state.whole_at.zero()) FISCAL_RETURN_IF_ERROR(add(state.whole));
  FISCAL_RETURN_IF_ERROR(ReadPostings(
      state.postings, [&](size_t, const StoredPosting& posting) { return add(posting.cells); }));
  return read;
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

AgencyReader::AgencyReader(const TotalsStore& store) {
  const KeyRange range = KeysOf(KeyKind::kStatus);
  it_ = store.kv().NewIterator(range.lower, range.upper);
}

void AgencyReader::MoveTo(KeyView first) {
  // The iterator stands after what was read last: near, when agencies come in order.
  if (it_->Valid() && it_->key() < first) {
    Advance(it_.get(), first);
  } else {
    it_->Seek(first);
  }
}

absl::StatusOr<AgencyWeight> AgencyReader::ReadWeight(const domain::BudgetKey& budget,
                                                      domain::Position at) {
  const Key first = StatusKey(budget, at);
  MoveTo(first);
  FISCAL_RETURN_IF_ERROR(it_->status());
  if (!it_->Valid() || ThingOf(it_->key()) != ThingOf(first)) return AgencyWeight();
  FISCAL_ASSIGN_OR_RETURN(const AgencyRecord record, DecodeStatus(it_->value()));
  return record.weight;
}

absl::StatusOr<StoredState> AgencyReader::Read(const domain::BudgetKey& budget,
                                               domain::Position at) {
  const Key first = StatusKey(budget, at);
  const KeyView agency = ThingOf(first);
  MoveTo(first);
  StoredState state;
  for (; it_->Valid() && ThingOf(it_->key()) == agency; it_->Next()) {
    FISCAL_ASSIGN_OR_RETURN(const AgencyRecord record, DecodeStatus(it_->value()));
    const domain::Position position = SplitState(it_->key())->position;
    if (record.whole) {
      state.whole = std::string(record.cells);
      state.whole_at = position;
      break;
    }
    state.postings.push_back(position);
    if (record.status.revision == 1) break;
  }
  FISCAL_RETURN_IF_ERROR(it_->status());
  std::reverse(state.postings.begin(), state.postings.end());
  return state;
}

absl::Status TotalsStore::ForEachStatus(
    uint16_t year, domain::Stage stage, domain::Code division, domain::Position at,
    const std::function<void(const domain::BudgetKey&, const domain::StatementStatus&)>& visit)
    const {
  const KeyRange range = StatusesOf(year, stage, division);
  std::unique_ptr<KvIterator> it = kv_.NewIterator(range.lower, range.upper);
  it->Seek(range.lower);
  while (it->Valid()) {
    FISCAL_ASSIGN_OR_RETURN(const StatusKeyParts parts, DecodeStatusKey(it->key()));
    if (parts.position > at) {
      Advance(it.get(), StatusKey(parts.key, at));
      continue;
    }
    FISCAL_ASSIGN_OR_RETURN(const AgencyRecord record, DecodeStatus(it->value()));
    visit(parts.key, record.status);
    // Older ones of the same agency follow.
    Advance(it.get(), AfterStates(ThingOf(it->key())));
  }
  return it->status();
}

absl::Status TotalsStore::ReadPostings(
    absl::Span<const domain::Position> positions,
    absl::FunctionRef<absl::Status(size_t index, const StoredPosting&)> visit) const {
  if (positions.empty()) return absl::OkStatus();
  const KeyRange range = {PostingKey(positions.front()), PostingKey(positions.back().Next())};
  std::unique_ptr<KvIterator> it;
  // Where the iterator stands, when the next one is near.
  domain::Position at;
  for (size_t i = 0; i < positions.size(); ++i) {
    const Key key = PostingKey(positions[i]);
    // One that stands alone is looked up: an iterator would look for it in every level.
    const bool near = i + 1 < positions.size() && positions[i + 1] - positions[i] <= kStepsPerSeek;
    if (!near && at.zero()) {
      absl::StatusOr<std::string> bytes = kv_.Get(key);
      if (absl::IsNotFound(bytes.status())) return Missing(positions[i]);
      FISCAL_RETURN_IF_ERROR(bytes.status());
      FISCAL_ASSIGN_OR_RETURN(const StoredPosting posting, DecodePosting(positions[i], *bytes));
      FISCAL_RETURN_IF_ERROR(visit(i, posting));
      continue;
    }
    if (it == nullptr) it = kv_.NewIterator(range.lower, range.upper);
    if (at.zero()) {
      it->Seek(key);
    } else {
      Advance(it.get(), key);
    }
    FISCAL_RETURN_IF_ERROR(it->status());
    if (!it->Valid() || it->key() != key) return Missing(positions[i]);
    FISCAL_ASSIGN_OR_RETURN(const StoredPosting posting, DecodePosting(positions[i], it->value()));
    FISCAL_RETURN_IF_ERROR(visit(i, posting));
    at = near ? positions[i] : domain::Position();
  }
  return absl::OkStatus();
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

absl::Status TotalsStore::StageAgency(const domain::Posting& posting, const domain::WholeRule& rule,
                                      AgencyWeight* weight,
                                      absl::FunctionRef<absl::StatusOr<domain::LeafCells>()> leaves,
                                      Batch* batch) {
  domain::LeafCells cells;
  domain::CellTable whole;
  bool stored = false;
  if (posting.first()) {
    *weight = {posting.cells.items.size(), 0};
  } else {
    weight->gathered += rule.WeightOf(posting.cells.items.size());
    stored = rule.Whole(weight->gathered, weight->size);
  }
  if (stored) {
    FISCAL_ASSIGN_OR_RETURN(cells, leaves());
    *weight = {cells.size(), 0};
    whole = cells.Table();
  }
  batch->Put(StatusKey(posting.key, posting.position),
             EncodeStatus(posting.status(), *weight, stored ? &whole : nullptr));
  return absl::OkStatus();
}

void TotalsStore::StageState(const domain::Fold::State& state, Batch* batch) {
  batch->Put(CellsKey(state.id, state.position),
             state.whole == nullptr ? std::string() : EncodeNode(*state.whole));
}

void TotalsStore::StagePostings(absl::Span<const std::shared_ptr<const domain::Posting>> postings,
                                Batch* batch) {
  domain::Position end;
  for (auto p = postings.rbegin(); p != postings.rend(); ++p) {
    batch->Put(PostingKey((*p)->position), EncodePosting(**p));
    if (!(*p)->more) {
      end = (*p)->position;
      continue;
    }
    std::string value;
    PutU64(&value, end.value());
    batch->Put(GroupKey((*p)->position), std::move(value));
  }
}

absl::Status TotalsStore::Commit(absl::Span<const std::shared_ptr<const domain::Posting>> postings,
                                 absl::Span<const domain::Fold::State> states,
                                 const domain::WholeRule& rule, const Watermark& watermark,
                                 const std::vector<domain::Position>& left_out) {
  Batch batch;
  StagePostings(postings, &batch);
  for (const domain::Fold::State& state : states) StageState(state, &batch);
  std::map<domain::BudgetKey, AgencyWeight> weights;
  AgencyReader reader(*this);
  for (const auto& posting : postings) {
    const auto [weight, fresh] = weights.try_emplace(posting->key);
    if (fresh && !posting->first()) {
      FISCAL_ASSIGN_OR_RETURN(weight->second,
                              reader.ReadWeight(posting->key, posting->position.Prev()));
    }
    FISCAL_RETURN_IF_ERROR(StageAgency(
        *posting, rule, &weight->second,
        [&]() -> absl::StatusOr<domain::LeafCells> {
          domain::LeafCells cells;
          FISCAL_RETURN_IF_ERROR(LoadLeaves(posting->key, posting->position, &cells).status());
          // None of this batch is in the store.
          for (const auto& p : postings) {
            if (p->position > posting->position) break;
            if (p->key == posting->key) cells.Add(p->cells);
          }
          return cells;
        },
        &batch));
  }
  std::string bytes;
  PutU8(&bytes, kTotalsFormat);
  PutU64(&bytes, watermark.position.value());
  bytes.append(BytesOf(watermark.chain_hash).data(), 32);
  bytes += watermark.log_id;
  batch.Put(WatermarkKey(), std::move(bytes));
  std::string positions;
  for (const domain::Position position : left_out) PutU64(&positions, position.value());
  batch.Put(LeftOutKey(), std::move(positions));
  batch.Sort();
  return kv_.Write(std::move(batch), /*sync=*/false);
}

}  // namespace fiscal::storage
