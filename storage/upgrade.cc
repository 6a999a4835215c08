#include "storage/upgrade.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "storage/event_log.h"
#include "storage/group_record.h"
#include "storage/log_records.h"
#include "storage/record_codec.h"
#include "storage/schema.h"

namespace fiscal::storage {
namespace {

constexpr size_t kAnswersInGroup = 512;
constexpr size_t kDeletesInBatch = 16384;
constexpr uint64_t kEventsInStep = 1024;

// Calls `visit` with every key of a kind.
template <typename Visit>
absl::Status ForEachKey(const Kv& kv, KeyKind kind, Visit visit) {
  const KeyRange range = KeysOf(kind);
  std::unique_ptr<KvIterator> it = kv.NewIterator(range.lower, range.upper);
  for (it->Seek(range.lower); it->Valid(); it->Next())
    FISCAL_RETURN_IF_ERROR(visit(it->key(), it->value()));
  return it->status();
}

// Removes every key of a kind.
absl::Status RemoveKeys(Kv& kv, KeyKind kind) {
  Batch batch;
  FISCAL_RETURN_IF_ERROR(ForEachKey(kv, kind, [&](KeyView key, absl::string_view) {
    batch.Delete(Key(key));
    if (batch.ops().size() < kDeletesInBatch) return absl::OkStatus();
    return kv.Write(std::exchange(batch, {}), /*sync=*/false);
  }));
  return batch.empty() ? absl::OkStatus() : kv.Write(std::move(batch), /*sync=*/true);
}

class Upgrading {
 public:
  Upgrading(Kv& kv, Anchor& anchor, AnchorState anchored,
            const std::function<void(domain::Position, domain::Position)>& progress)
      : kv_(kv), anchor_(anchor), state_(std::move(anchored)), progress_(progress) {}

  absl::Status Run() {
    FISCAL_RETURN_IF_ERROR(FindHead());
    FISCAL_RETURN_IF_ERROR(CheckEvents());
    FISCAL_RETURN_IF_ERROR(WriteGroups());
    // Tiles stood beside the ledger's keys and may lack some: they are made from the events when
    // there are none.
    FISCAL_RETURN_IF_ERROR(RemoveKeys(kv_, KeyKind::kTile));
    FISCAL_ASSIGN_OR_RETURN(state_.store, kv_.Witness());
    state_.store.sequence_in_tables = 0;
    state_.has_groups = true;
    return anchor_.WriteTwice(state_);
  }

 private:
  absl::Status FindHead() {
    FISCAL_ASSIGN_OR_RETURN(const std::string id, kv_.Get(LogIdKey()));
    if (id.size() != 17 || id.substr(0, 16) != state_.log_id)
      return absl::DataLossError("log: the anchor belongs to another log");
    copied_ = id.back() == static_cast<char>(EventLog::Origin::kCopied);
    std::unique_ptr<KvIterator> it =
        kv_.NewIterator(EventKey(domain::Position()), EventKey(domain::Position::Max()));
    it->SeekForPrev(EventKey(domain::Position::Max()));
    if (it->Valid()) {
      FISCAL_ASSIGN_OR_RETURN(head_, DecodePositionKey(it->key()));
    }
    FISCAL_RETURN_IF_ERROR(it->status());
    if (head_ >= state_.position) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("log: it ends at ", head_.value(), " but ",
                                            state_.position.value(),
                                            " was acknowledged: the end of the log is lost"));
  }

  absl::Status CheckEvents() {
    Digest chain{};
    for (domain::Position from(1); from <= head_; from = from + kEventsInStep) {
      const domain::Position to = std::min(head_, from + (kEventsInStep - 1));
      // Up to the anchor, to compare there.
      const domain::Position middle =
          state_.position >= from && state_.position < to ? state_.position : to;
      FISCAL_RETURN_IF_ERROR(CheckRecords(kv_, from, middle, &chain));
      if (middle == state_.position && chain != state_.chain_hash)
        return absl::DataLossError("log: the hash chain does not fit the anchor");
      if (middle < to) FISCAL_RETURN_IF_ERROR(CheckRecords(kv_, middle.Next(), to, &chain));
      for (domain::Position p = from; !copied_ && p <= to; ++p)
        FISCAL_RETURN_IF_ERROR(CheckAnswer(p));
      if (progress_) progress_(to, head_);
    }
    state_.position = head_;
    state_.chain_hash = chain;
    return absl::OkStatus();
  }

  // The answer that the request of the event got is there.
  absl::Status CheckAnswer(domain::Position position) {
    FISCAL_ASSIGN_OR_RETURN(const LogEntry entry,
                            ReadRecord([this](KeyView key) { return kv_.Get(key); }, position));
    absl::string_view payload;
    FISCAL_ASSIGN_OR_RETURN(const domain::EventHeader header,
                            DecodeHeader(*entry.record, &payload));
    if (header.request_id.empty()) return absl::OkStatus();
    const absl::StatusOr<std::string> answer =
        kv_.Get(RequestKey(header.principal, header.request_id));
    Digest body;
    const absl::StatusOr<domain::Receipt> receipt =
        answer.ok() ? DecodeReceipt(*answer, &body) : answer.status();
    if (receipt.ok() && receipt->position == position) return absl::OkStatus();
    return absl::DataLossError(
        absl::StrCat("log: the answer to the request of event ", position.value(),
                     " is lost: a write-ahead file of the log's store is missing or cut short"));
  }

  absl::Status WriteGroups() {
    GroupRecord record;
    record.first_position = domain::Position(1);
    record.event_count = head_.value();
    FISCAL_RETURN_IF_ERROR(
        ForEachKey(kv_, KeyKind::kUpstream, [&](KeyView key, absl::string_view value) {
          FISCAL_ASSIGN_OR_RETURN(std::string name, DecodeUpstreamKey(key));
          record.upstreams.emplace_back(std::move(name), std::string(value));
          return absl::OkStatus();
        }));
    FISCAL_RETURN_IF_ERROR(
        ForEachKey(kv_, KeyKind::kOwner, [&](KeyView key, absl::string_view value) {
          FISCAL_ASSIGN_OR_RETURN(const domain::Code division, DecodeOwnerKey(key));
          record.owners.emplace_back(division, std::string(value));
          return absl::OkStatus();
        }));
    FISCAL_RETURN_IF_ERROR(WriteGroup(&record));
    FISCAL_RETURN_IF_ERROR(
        ForEachKey(kv_, KeyKind::kRequest, [&](KeyView key, absl::string_view value) {
          FISCAL_ASSIGN_OR_RETURN(RequestKeyParts request, DecodeRequestKey(key));
          record.answers.push_back(
              {std::move(request.principal), std::move(request.request_id), std::string(value)});
          return record.answers.size() < kAnswersInGroup ? absl::OkStatus() : WriteGroup(&record);
        }));
    return record.answers.empty() ? absl::OkStatus() : WriteGroup(&record);
  }

  absl::Status WriteGroup(GroupRecord* record) {
    std::string value = EncodeGroup(state_.groups_hash, *record);
    FISCAL_ASSIGN_OR_RETURN(state_.groups_hash, GroupChain(value));
    Batch batch;
    batch.Put(GroupRecordKey(++state_.group), std::move(value));
    *record = GroupRecord();
    record->first_position = head_.Next();
    return kv_.Write(std::move(batch), /*sync=*/true);
  }

  Kv& kv_;
  Anchor& anchor_;
  AnchorState state_;
  const std::function<void(domain::Position, domain::Position)>& progress_;
  bool copied_ = false;
  domain::Position head_;
};

}  // namespace

absl::Status Upgrade(Kv& log, Anchor& anchor,
                     const std::function<void(domain::Position, domain::Position)>& progress) {
  absl::StatusOr<AnchorState> anchored = anchor.Read();
  if (absl::IsNotFound(anchored.status())) return absl::OkStatus();
  if (!anchored.ok()) return anchored.status();
  if (!anchored->has_groups)
    FISCAL_RETURN_IF_ERROR(Upgrading(log, anchor, *std::move(anchored), progress).Run());
  // Nothing to remove costs a look for each kind.
  for (const KeyKind kind : kLedgerKinds) FISCAL_RETURN_IF_ERROR(RemoveKeys(log, kind));
  return absl::OkStatus();
}

}  // namespace fiscal::storage
