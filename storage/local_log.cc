#include "storage/local_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "storage/ledger_mark.h"
#include "storage/log_records.h"
#include "storage/record_codec.h"
#include "storage/schema.h"

namespace fiscal::storage {
namespace {

// Records kept in memory behind the head.
constexpr size_t kRecentBytes = 16 << 20;

absl::Status AddTo(const LogEntry& entry, OperatorEvents* operators) {
  absl::string_view payload;
  FISCAL_ASSIGN_OR_RETURN(const domain::EventHeader header, DecodeHeader(*entry.record, &payload));
  return operators->Add(header, payload);
}

}  // namespace

absl::StatusOr<std::unique_ptr<LocalLog>> LocalLog::Open(Kv& kv, Anchor& anchor,
                                                         absl::string_view new_log_id,
                                                         Origin origin) {
  absl::StatusOr<std::string> id = kv.Get(LogIdKey());
  const absl::StatusOr<AnchorState> anchored = anchor.Read();
  if (!anchored.ok() && !absl::IsNotFound(anchored.status())) return anchored.status();
  if (absl::IsNotFound(id.status())) {
    if (anchored.ok()) {
      return absl::DataLossError(
          "log: the anchor names a log that is not in the store: the store was lost or replaced");
    }
    FISCAL_CHECK(new_log_id.size() == 16, "a log id has 16 bytes");
    id = std::string(new_log_id);
    id->push_back(static_cast<char>(origin));
    Batch batch;
    batch.Put(LogIdKey(), *id);
    FISCAL_RETURN_IF_ERROR(kv.Write(batch, /*sync=*/true));
  } else if (!id.ok()) {
    return id.status();
  }
  if (id->size() != 17) return absl::DataLossError("log: its id has another size");
  if (id->back() != static_cast<char>(origin)) {
    return absl::FailedPreconditionError(
        origin == Origin::kWritten
            ? "log: it is a copy of another process's log and can't be written to: it serves the "
              "role aggregation"
            : "log: it is written here and is no copy: it serves the roles all and submission");
  }
  id->pop_back();
  std::unique_ptr<LocalLog> log(new LocalLog(kv, anchor, *id, origin));

  FISCAL_ASSIGN_OR_RETURN(Head head, log->FindHead());
  if (!anchored.ok()) {
    if (!head.position.zero() || head.group > 0)
      return absl::DataLossError("log: the store has events but its anchor is missing");
  } else {
    if (anchored->log_id != log->log_id_)
      return absl::DataLossError("log: the anchor belongs to another log");
    if (!anchored->has_groups) {
      return absl::FailedPreconditionError(
          "log: it is of version 0.1 and was not brought to this version yet");
    }
    log->group_in_tables_ = anchored->group_in_tables;
    FISCAL_RETURN_IF_ERROR(log->CheckAgainst(*anchored, head));
  }
  FISCAL_RETURN_IF_ERROR(log->OpenTree(head));
  log->unsettled_.emplace_back(0, head.group);
  FISCAL_ASSIGN_OR_RETURN(const AnchorState now, log->StateOf(head));
  FISCAL_RETURN_IF_ERROR(log->LoadOperatorEvents(head.position));
  FISCAL_RETURN_IF_ERROR(anchor.WriteTwice(now));
  absl::MutexLock lock(&log->mu_);
  log->head_ = head;
  return log;
}

absl::Status LocalLog::OpenTree(const Head& head) {
  Digest chain{};
  auto leaf_at = [&](uint64_t index) -> absl::StatusOr<Digest> {
    if (chain == Digest{} && index > 0) {
      FISCAL_ASSIGN_OR_RETURN(chain, ChainAt(domain::Position(index)));
    }
    const domain::Position position(index + 1);
    FISCAL_ASSIGN_OR_RETURN(const std::string value, kv_.Get(EventKey(position)));
    domain::EventHeader header;
    FISCAL_ASSIGN_OR_RETURN(const std::string bytes, HeadOf(position, value, &header));
    FISCAL_ASSIGN_OR_RETURN(const Digest stored, ChainOf(position, value));
    const Digest leaf = LeafHashOfHeader(bytes);
    chain = ChainHash(chain, leaf);
    if (chain != stored)
      return absl::DataLossError(absl::StrCat("log: the hash chain breaks at ", index + 1));
    return leaf;
  };
  FISCAL_ASSIGN_OR_RETURN(tree_, MerkleTree::Open(kv_, head.position.value(), leaf_at));
  return absl::OkStatus();
}

absl::StatusOr<LocalLog::Head> LocalLog::FindHead() const {
  Head head;
  std::unique_ptr<KvIterator> it =
      kv_.NewIterator(EventKey(domain::Position()), EventKey(domain::Position::Max()));
  it->SeekForPrev(EventKey(domain::Position::Max()));
  if (it->Valid()) {
    FISCAL_ASSIGN_OR_RETURN(head.position, DecodePositionKey(it->key()));
    FISCAL_ASSIGN_OR_RETURN(LogEntry entry, Read(head.position));
    absl::string_view payload;
    FISCAL_ASSIGN_OR_RETURN(domain::EventHeader header, DecodeHeader(*entry.record, &payload));
    head.chain_hash = entry.chain_hash;
    head.commit_time_us = header.commit_time_us;
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  it = kv_.NewIterator(GroupRecordKey(0), GroupRecordKey(UINT64_MAX));
  it->SeekForPrev(GroupRecordKey(UINT64_MAX));
  if (it->Valid()) {
    FISCAL_ASSIGN_OR_RETURN(head.group, DecodeGroupRecordKey(it->key()));
    FISCAL_ASSIGN_OR_RETURN(head.groups_hash, GroupChain(it->value()));
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  return head;
}

absl::Status LocalLog::CheckAgainst(const AnchorState& anchored, const Head& head) const {
  FISCAL_ASSIGN_OR_RETURN(const StoreWitness store, kv_.Witness());
  if (anchored.position > head.position) {
    return absl::DataLossError(absl::StrCat("log: it ends at ", head.position.value(), " but ",
                                            anchored.position.value(),
                                            " was acknowledged: the end of the log is lost"));
  }
  if (anchored.group > head.group || anchored.store.sequence > store.sequence) {
    return absl::DataLossError(
        absl::StrCat("log: it has ", head.group, " groups of answers but ", anchored.group,
                     " were acknowledged, or lacks changes made before: its end is lost"));
  }
  // From the last group that no lost file can have taken away.
  uint64_t group = anchored.group_in_tables;
  Digest hash{}, chain{};
  domain::Position next(1);
  if (group > 0) {
    FISCAL_ASSIGN_OR_RETURN(hash, GroupsHashAt(group));
    FISCAL_ASSIGN_OR_RETURN(const GroupRecord last, ReadGroup(group));
    next = last.end();
    if (next > domain::Position(1)) {
      FISCAL_ASSIGN_OR_RETURN(chain, ChainAt(next.Prev()));
    }
  }
  if (group == anchored.group && hash != anchored.groups_hash)
    return absl::DataLossError("log: the answers do not fit the anchor");
  std::unique_ptr<KvIterator> it =
      kv_.NewIterator(GroupRecordKey(group + 1), GroupRecordKey(UINT64_MAX));
  for (it->Seek(GroupRecordKey(group + 1)); it->Valid(); it->Next()) {
    ++group;
    FISCAL_ASSIGN_OR_RETURN(const uint64_t number, DecodeGroupRecordKey(it->key()));
    if (number != group || !FollowsGroup(hash, it->value()))
      return absl::DataLossError(absl::StrCat("log: the answers of group ", group, " are missing"));
    FISCAL_ASSIGN_OR_RETURN(hash, GroupChain(it->value()));
    FISCAL_ASSIGN_OR_RETURN(const GroupRecord record, DecodeGroup(it->value()));
    if (record.first_position != next) {
      return absl::DataLossError(
          absl::StrCat("log: group ", group, " does not go on at event ", next.value()));
    }
    if (record.event_count > 0)
      FISCAL_RETURN_IF_ERROR(CheckRecords(kv_, next, record.end().Prev(), &chain));
    next = record.end();
    if (group == anchored.group && hash != anchored.groups_hash)
      return absl::DataLossError("log: the answers do not fit the anchor");
    if (group == anchored.group &&
        (next != anchored.position.Next() || chain != anchored.chain_hash))
      return absl::DataLossError("log: the hash chain does not fit the anchor");
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  if (group != head.group || next != head.position.Next())
    return absl::DataLossError(absl::StrCat("log: event ", next.value(), " belongs to no group"));
  return absl::OkStatus();
}

absl::StatusOr<AnchorState> LocalLog::StateOf(const Head& head) {
  FISCAL_ASSIGN_OR_RETURN(StoreWitness store, kv_.Witness());
  while (!unsettled_.empty() && unsettled_.front().first <= store.sequence_in_tables) {
    group_in_tables_ = unsettled_.front().second;
    unsettled_.pop_front();
  }
  store.sequence_in_tables = 0;  // Said by group_in_tables.
  return AnchorState{log_id_,
                     head.position,
                     head.chain_hash,
                     /*has_groups=*/true,
                     head.group,
                     head.groups_hash,
                     group_in_tables_,
                     store};
}

LocalLog::Head LocalLog::head() const {
  absl::MutexLock lock(&mu_);
  return head_;
}

absl::Status LocalLog::Append(LogGroup group) {
  Head head = this->head();
  std::vector<LogEntry> entries = std::move(group.entries);
  group.record.first_position = head.position.Next();
  group.record.event_count = entries.size();
  Batch batch = std::move(group.ledger);
  std::vector<Digest> leaves;
  leaves.reserve(entries.size());
  std::shared_ptr<OperatorEvents> operators;
  for (const LogEntry& entry : entries) {
    head.chain_hash = ChainHash(head.chain_hash, entry.leaf_hash);
    FISCAL_CHECK(entry.position == ++head.position, "the log goes on where it ended");
    FISCAL_CHECK(head.chain_hash == entry.chain_hash, "tree and chain are over the same leaves");
    leaves.push_back(entry.leaf_hash);
    StageRecord(entry, &batch);
    if (!IsOperators(KindOf(*entry.record))) continue;
    if (operators == nullptr) operators = std::make_shared<OperatorEvents>(*this->operators());
    FISCAL_RETURN_IF_ERROR(AddTo(entry, operators.get()));
  }
  const MerkleTree::Growth growth = tree_->Stage(std::move(leaves), &batch);
  std::string value = EncodeGroup(head.groups_hash, group.record);
  FISCAL_ASSIGN_OR_RETURN(head.groups_hash, GroupChain(value));
  ++head.group;
  if (!entries.empty()) head.commit_time_us = group.commit_time_us;
  batch.Put(GroupRecordKey(head.group), std::move(value));
  batch.Put(LedgerMarkKey(), EncodeLedgerMark({log_id_, head.group, head.groups_hash, {}}));
  FISCAL_RETURN_IF_ERROR(kv_.Write(std::move(batch), /*sync=*/true));
  FISCAL_RETURN_IF_ERROR(AnchorNow(head));
  std::vector<LogEntry> forgotten;  // freed outside the lock
  absl::MutexLock lock(&mu_);
  tree_->Adopt(growth);
  head_ = head;
  if (operators != nullptr) operators_ = std::move(operators);
  for (LogEntry& entry : entries) {
    recent_bytes_ += entry.record->size();
    recent_.push_back(std::move(entry));
  }
  while (recent_bytes_ > kRecentBytes) {
    recent_bytes_ -= recent_.front().record->size();
    forgotten.push_back(std::move(recent_.front()));
    recent_.pop_front();
  }
  return absl::OkStatus();
}

absl::Status LocalLog::AnchorNow(const Head& head) {
  absl::StatusOr<StoreWitness> store = kv_.Witness();
  if (store.ok()) unsettled_.emplace_back(store->sequence, head.group);
  absl::StatusOr<AnchorState> state = store.ok() ? StateOf(head) : store.status();
  const absl::Status anchored = state.ok() ? anchor_.Write(*state) : state.status();
  if (anchored.ok()) return absl::OkStatus();
  // The records are in the store, so the error must not claim that nothing changed.
  return absl::UnavailableError(
      absl::StrCat("the anchor could not be written: ", anchored.message()));
}

absl::Status LocalLog::Settle() {
  FISCAL_RETURN_IF_ERROR(kv_.FlushTables());
  FISCAL_ASSIGN_OR_RETURN(const AnchorState state, StateOf(head()));
  return anchor_.WriteTwice(state);
}

absl::StatusOr<GroupRecord> LocalLog::ReadGroup(uint64_t group) const {
  FISCAL_ASSIGN_OR_RETURN(const std::string value, kv_.Get(GroupRecordKey(group)));
  return DecodeGroup(value);
}

absl::StatusOr<Digest> LocalLog::GroupsHashAt(uint64_t group) const {
  if (group == 0) return Digest{};
  FISCAL_ASSIGN_OR_RETURN(const std::string value, kv_.Get(GroupRecordKey(group)));
  return GroupChain(value);
}

const LogEntry* LocalLog::Recent(domain::Position position) const {
  if (recent_.empty() || position < recent_.front().position || position > recent_.back().position)
    return nullptr;
  return &recent_[position - recent_.front().position];
}

absl::StatusOr<LogEntry> LocalLog::Read(domain::Position position) const {
  {
    absl::ReaderMutexLock lock(&mu_);
    const LogEntry* recent = Recent(position);
    if (recent != nullptr) return *recent;
  }
  return ReadRecord([this](KeyView key) { return kv_.Get(key); }, position);
}

absl::StatusOr<std::string> LocalLog::ReadBytes(domain::Position position, uint64_t offset,
                                                uint64_t size) const {
  std::shared_ptr<const std::string> record;
  {
    absl::ReaderMutexLock lock(&mu_);
    const LogEntry* recent = Recent(position);
    if (recent != nullptr) record = recent->record;
  }
  if (record == nullptr)
    return ReadRecordBytes([this](KeyView key) { return kv_.Get(key); }, position, offset, size);
  if (offset > record->size() || size > record->size() - offset)
    return absl::OutOfRangeError(absl::StrCat("log: record ", position.value(), " is shorter"));
  return record->substr(offset, size);
}

absl::StatusOr<Digest> LocalLog::ChainAt(domain::Position position) const {
  if (position.zero()) return Digest{};
  {
    absl::ReaderMutexLock lock(&mu_);
    if (head_.position == position) return head_.chain_hash;
    const LogEntry* recent = Recent(position);
    if (recent != nullptr) return recent->chain_hash;
  }
  {
    absl::ReaderMutexLock lock(&links_mu_);
    const Link& link = links_[position.value() % links_.size()];
    if (link.position == position) return link.chain_hash;
  }
  FISCAL_ASSIGN_OR_RETURN(const std::string value, kv_.Get(EventKey(position)));
  FISCAL_ASSIGN_OR_RETURN(const Digest chain, ChainOf(position, value));
  absl::MutexLock lock(&links_mu_);
  links_[position.value() % links_.size()] = {position, chain};
  return chain;
}

absl::StatusOr<std::string> LocalLog::ReadRecordHead(domain::Position position,
                                                     domain::EventHeader* header) const {
  FISCAL_ASSIGN_OR_RETURN(std::string value, kv_.Get(EventKey(position)));
  return HeadOf(position, value, header);
}

absl::StatusOr<std::vector<domain::Position>> LocalLog::CatalogEvents(domain::Position last) const {
  std::vector<domain::Position> positions;
  std::unique_ptr<KvIterator> it =
      kv_.NewIterator(CatalogEventKey(domain::Position()),
                      CatalogEventKey(last == domain::Position::Max() ? last : last.Next()));
  for (it->Seek(CatalogEventKey(domain::Position())); it->Valid(); it->Next()) {
    FISCAL_ASSIGN_OR_RETURN(domain::Position p, DecodePositionKey(it->key()));
    positions.push_back(p);
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  return positions;
}

absl::Status LocalLog::LoadOperatorEvents(domain::Position last) {
  auto operators = std::make_shared<OperatorEvents>();
  std::unique_ptr<KvIterator> it = kv_.NewIterator(OperatorEventKey(domain::Position()),
                                                   OperatorEventKey(domain::Position::Max()));
  for (it->Seek(OperatorEventKey(domain::Position())); it->Valid(); it->Next()) {
    FISCAL_ASSIGN_OR_RETURN(const domain::Position position, DecodePositionKey(it->key()));
    if (position > last) break;
    FISCAL_ASSIGN_OR_RETURN(const LogEntry entry, Read(position));
    FISCAL_RETURN_IF_ERROR(AddTo(entry, operators.get()));
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  absl::MutexLock lock(&mu_);
  operators_ = std::move(operators);
  return absl::OkStatus();
}

std::shared_ptr<const OperatorEvents> LocalLog::operators() const {
  absl::ReaderMutexLock lock(&mu_);
  return operators_;
}

bool LocalLog::WaitPast(domain::Position position, absl::Time deadline) const {
  absl::MutexLock lock(&mu_);
  auto past = [&]() { return head_.position > position || stopped_; };
  mu_.AwaitWithDeadline(absl::Condition(&past), deadline);
  return head_.position > position;
}

bool LocalLog::stopped() const {
  absl::MutexLock lock(&mu_);
  return stopped_;
}

void LocalLog::StopWaiting() {
  absl::MutexLock lock(&mu_);
  stopped_ = true;
}

}  // namespace fiscal::storage
