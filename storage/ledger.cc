#include "storage/ledger.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "storage/schema.h"

namespace fiscal::storage {
namespace {

// True when a head refers to the event's blocks in the log: every line of the statement is in the
// event, or nothing stood before. Otherwise only blocks with changed lines are written. Depends on
// the event alone.
bool IsWhole(bool fresh, const domain::StatementMeta& meta, uint64_t put_count) {
  return fresh || put_count == meta.line_count + meta.memo_line_count;
}

bool Counts(const domain::StatementMeta& meta) { return !meta.withdrawn && !meta.control; }

absl::StatusOr<int64_t> DecodeNumber(const absl::StatusOr<std::string>& bytes) {
  if (absl::IsNotFound(bytes.status())) return 0;
  if (!bytes.ok()) return bytes.status();
  ByteReader reader(*bytes);
  const int64_t value = reader.Signed();
  if (!reader.ok() || !reader.AtEnd())
    return absl::DataLossError("ledger: a stored number is malformed");
  return value;
}

std::string EncodeNumber(int64_t value) {
  std::string bytes;
  PutSigned(&bytes, value);
  return bytes;
}

std::string EncodePosition(domain::Position position) {
  std::string bytes;
  PutU64(&bytes, position.value());
  return bytes;
}

absl::StatusOr<UpstreamState> DecodeState(const absl::StatusOr<std::string>& bytes) {
  if (absl::IsNotFound(bytes.status())) return UpstreamState();
  if (!bytes.ok()) return bytes.status();
  return DecodeUpstreamState(*bytes);
}

}  // namespace

Ledger::Ledger(const Kv& kv, const EventLog& log, uint64_t group)
    : log_(log),
      staged_(kv),
      heads_(staged_, [this](domain::Position position, uint64_t offset,
                             uint64_t size) { return ReadPart(position, offset, size); }),
      group_(group) {}

absl::StatusOr<std::string> Ledger::ReadPart(domain::Position position, uint64_t offset,
                                             uint64_t size) const {
  if (pending_.empty() || position < pending_.front().position)
    return log_.ReadBytes(position, offset, size);
  const uint64_t index = position - pending_.front().position;
  if (index >= pending_.size() || offset > pending_[index].record->size() ||
      size > pending_[index].record->size() - offset) {
    return absl::OutOfRangeError(
        absl::StrCat("ledger: event ", position.value(), " has no such part"));
  }
  return pending_[index].record->substr(offset, size);
}

// value := group:varint index:varint
absl::StatusOr<std::optional<Ledger::Answered>> Ledger::FindAnswer(
    absl::string_view principal, absl::string_view request_id) const {
  absl::StatusOr<std::string> place = staged_.Get(RequestKey(principal, request_id));
  if (absl::IsNotFound(place.status())) return std::optional<Answered>();
  if (!place.ok()) return place.status();
  ByteReader reader(*place);
  const uint64_t group = reader.Varint(), index = reader.Varint();
  if (!reader.ok() || !reader.AtEnd())
    return absl::DataLossError("ledger: the place of an answer is malformed");
  GroupRecord read;
  const GroupRecord* record = &record_;
  if (group != group_) {
    FISCAL_ASSIGN_OR_RETURN(read, log_.ReadGroup(group));
    record = &read;
  }
  if (index >= record->answers.size() || record->answers[index].principal != principal ||
      record->answers[index].request_id != request_id) {
    return absl::DataLossError("ledger: an answer is not where the ledger says");
  }
  Answered answered;
  FISCAL_ASSIGN_OR_RETURN(answered.receipt,
                          DecodeReceipt(record->answers[index].receipt, &answered.body));
  return std::optional<Answered>(std::move(answered));
}

absl::StatusOr<int64_t> Ledger::Gross(const domain::BudgetKey& budget) const {
  return DecodeNumber(staged_.Get(GrossKey(budget.division, budget.year, budget.stage)));
}

absl::StatusOr<ScopeCounts> Ledger::Scopes(domain::Code division, uint16_t year,
                                           domain::Stage stage,
                                           absl::string_view department) const {
  absl::StatusOr<std::string> bytes = staged_.Get(ScopeKey(division, year, stage, department));
  if (absl::IsNotFound(bytes.status())) return ScopeCounts();
  if (!bytes.ok()) return bytes.status();
  ByteReader reader(*bytes);
  ScopeCounts counts;
  counts.own = reader.Signed();
  counts.department = reader.Signed();
  if (!reader.ok() || !reader.AtEnd())
    return absl::DataLossError("ledger: a stored scope is malformed");
  return counts;
}

absl::StatusOr<UpstreamState> Ledger::Upstream(absl::string_view name) const {
  return DecodeState(staged_.Get(UpstreamKey(name)));
}

absl::StatusOr<bool> Ledger::HasRevision(const domain::BudgetKey& budget, uint64_t revision) const {
  const absl::Status status = staged_.Get(RevisionKey(budget, revision)).status();
  if (status.ok() || absl::IsNotFound(status)) return status.ok();
  return status;
}

absl::StatusOr<bool> Ledger::HasAny(const KeyRange& range) const {
  FISCAL_ASSIGN_OR_RETURN(const std::optional<Staged::Item> first,
                          staged_.FindFirst(range.lower, range.upper));
  return first.has_value();
}

absl::StatusOr<bool> Ledger::HasRevisions(domain::Code division, uint16_t year,
                                          absl::string_view agency) const {
  for (int n = static_cast<int>(domain::Stage::kRequested);
       n <= static_cast<int>(domain::Stage::kReallocation); ++n) {
    const auto stage = static_cast<domain::Stage>(n);
    FISCAL_ASSIGN_OR_RETURN(
        const bool any,
        HasAny(agency.empty() ? RevisionsOf(division, year, stage)
                              : RevisionsOf({division, year, stage, std::string(agency)})));
    if (any) return true;
  }
  return false;
}

absl::StatusOr<bool> Ledger::HasStatements(domain::Code division) const {
  return HasAny(HeadsOf(division));
}

void Ledger::KeepAnswer(absl::string_view principal, absl::string_view request_id,
                        const Digest& body, const domain::Receipt& receipt) {
  std::string place;
  PutVarint(&place, group_);
  PutVarint(&place, record_.answers.size());
  staged_.Put(RequestKey(principal, request_id), std::move(place));
  record_.answers.push_back(
      {std::string(principal), std::string(request_id), EncodeReceipt(body, receipt)});
}

void Ledger::SetUpstream(absl::string_view name, const UpstreamState& state) {
  record_.upstreams.emplace_back(std::string(name), EncodeUpstreamState(state));
  staged_.Put(UpstreamKey(name), record_.upstreams.back().second);
}

void Ledger::SetOwner(domain::Code division, absl::string_view upstream) {
  record_.owners.emplace_back(division, std::string(upstream));
  staged_.Put(OwnerKey(division), std::string(upstream));
}

absl::Status Ledger::ApplyStatement(const StatementChange& change) {
  const domain::StatementMeta& meta = change.meta;
  const domain::BudgetKey& key = meta.key;
  FISCAL_ASSIGN_OR_RETURN(const std::optional<domain::StatementMeta> old, heads_.Meta(key));
  const bool fresh = !old.has_value() || old->withdrawn;
  heads_.SetMeta(meta);
  if (IsWhole(fresh, meta, change.put_count)) {
    FISCAL_RETURN_IF_ERROR(heads_.ReplaceLines(key, meta.revision, change.put_blocks, meta.position,
                                               change.put_offset, /*existed=*/!fresh));
  } else {
    std::vector<absl::string_view> removed;
    removed.reserve(change.removed.size());
    for (const domain::Line& line : change.removed) removed.push_back(line.line_id);
    FISCAL_RETURN_IF_ERROR(heads_.PatchLines(key, meta.revision, change.put, removed));
  }
  if (fresh) {
    FISCAL_RETURN_IF_ERROR(heads_.ReplaceProjects(key, meta.revision, change.project_blocks,
                                                  meta.position, change.projects_offset,
                                                  /*existed=*/false));
  } else {
    FISCAL_RETURN_IF_ERROR(
        heads_.PatchProjects(key, meta.revision, change.projects_put, change.projects_removed));
  }
  FISCAL_ASSIGN_OR_RETURN(const int64_t gross, Gross(key));
  staged_.Put(GrossKey(key.division, key.year, key.stage),
              EncodeNumber(gross - (old.has_value() ? old->gross_fen : 0) + meta.gross_fen));
  const int64_t statements = (Counts(meta) ? 1 : 0) - (old.has_value() && Counts(*old) ? 1 : 0);
  if (statements == 0) return absl::OkStatus();
  FISCAL_ASSIGN_OR_RETURN(ScopeCounts scopes,
                          Scopes(key.division, key.year, key.stage, meta.department_code));
  (meta.scope == domain::Scope::kDepartment ? scopes.department : scopes.own) += statements;
  std::string bytes;
  PutSigned(&bytes, scopes.own);
  PutSigned(&bytes, scopes.department);
  staged_.Put(ScopeKey(key.division, key.year, key.stage, meta.department_code), std::move(bytes));
  return absl::OkStatus();
}

absl::Status Ledger::ApplyPosting(const domain::Posting& posting, domain::Position position) {
  staged_.Put(RevisionKey(posting.key, posting.revision), EncodePosition(position));
  return absl::OkStatus();
}

absl::Status Ledger::ApplyEvent(const LogEntry& entry) {
  absl::string_view payload;
  FISCAL_ASSIGN_OR_RETURN(const domain::EventHeader header, DecodeHeader(*entry.record, &payload));
  const bool copied = log_.copied();
  if (header.kind == domain::EventKind::kUpstream && !copied) {
    const absl::StatusOr<domain::Posting> posting = ReadPosting(header, payload, entry.record);
    // An unreadable posting changes nothing: an operator quarantines it (operator_events.h).
    return posting.ok() ? ApplyPosting(*posting, entry.position) : absl::OkStatus();
  }
  if (header.kind != domain::EventKind::kStatement) return absl::OkStatus();
  FISCAL_ASSIGN_OR_RETURN(const StatementParts parts, SplitStatement(payload));
  FISCAL_ASSIGN_OR_RETURN(const domain::StatementMeta meta, DecodeMeta(parts.meta));
  if (copied) {
    staged_.Put(RevisionKey(meta.key, meta.revision), EncodePosition(meta.position));
    return absl::OkStatus();
  }
  FISCAL_ASSIGN_OR_RETURN(const std::optional<domain::StatementMeta> old, heads_.Meta(meta.key));
  uint64_t put_count = 0;
  FISCAL_ASSIGN_OR_RETURN(const domain::EncodedBlocks blocks, SplitBlocks(parts.put, &put_count));
  domain::LineSet put, removed;
  if (!IsWhole(!old.has_value() || old->withdrawn, meta, put_count)) {
    FISCAL_RETURN_IF_ERROR(DecodeBlocks(parts.put, &put));
    FISCAL_RETURN_IF_ERROR(DecodeBlocks(parts.removed, &removed));
  }
  std::vector<domain::ProjectEntry> projects_put, projects_removed;
  FISCAL_RETURN_IF_ERROR(DecodeProjects(parts.projects_put, &projects_put));
  FISCAL_RETURN_IF_ERROR(DecodeProjects(parts.projects_removed, &projects_removed));
  const domain::EncodedBlocks project_blocks = EncodeProjects(projects_put);
  const auto offset = [&entry](absl::string_view part) {
    return static_cast<uint64_t>(part.data() - entry.record->data());
  };
  return ApplyStatement({meta, blocks, offset(parts.put), put_count, put.lines, removed.lines,
                         project_blocks, offset(parts.projects_put), projects_put,
                         projects_removed});
}

absl::Status Ledger::ApplyGroup(const GroupRecord& record) {
  for (const GroupRecord::Answer& answer : record.answers) {
    Digest body;
    FISCAL_ASSIGN_OR_RETURN(const domain::Receipt receipt, DecodeReceipt(answer.receipt, &body));
    KeepAnswer(answer.principal, answer.request_id, body, receipt);
  }
  for (const auto& [name, bytes] : record.upstreams) {
    FISCAL_ASSIGN_OR_RETURN(const UpstreamState state, DecodeUpstreamState(bytes));
    SetUpstream(name, state);
  }
  for (const auto& [division, name] : record.owners) SetOwner(division, name);
  return absl::OkStatus();
}

void Ledger::Begin() {
  staged_.Begin();
  savepoint_ = {record_.answers.size(), record_.upstreams.size(), record_.owners.size(),
                pending_.size()};
}

void Ledger::Rollback() {
  staged_.Rollback();
  record_.answers.resize(savepoint_.answers);
  record_.upstreams.resize(savepoint_.upstreams);
  record_.owners.resize(savepoint_.owners);
  pending_.resize(savepoint_.pending);
}

namespace {

// Goes through the groups a ledger lacks.
class Replay {
 public:
  Replay(const EventLog& log, Kv& kv,
         const std::function<void(domain::Position, domain::Position)>& progress)
      : log_(log), kv_(kv), progress_(progress) {}

  absl::Status Run() {
    const EventLog::Head head = log_.head();
    FISCAL_RETURN_IF_ERROR(ReadMark(head));
    while (mark_.group < head.group) FISCAL_RETURN_IF_ERROR(Next(head));
    if (!fresh_) return absl::OkStatus();
    // Written even when there was nothing to apply: a ledger without a mark counts as new or lost.
    FISCAL_RETURN_IF_ERROR(Write());
    return kv_.FlushTables();
  }

 private:
  absl::Status ReadMark(const EventLog::Head& head) {
    absl::StatusOr<std::string> bytes = kv_.Get(LedgerMarkKey());
    if (bytes.ok()) {
      FISCAL_ASSIGN_OR_RETURN(mark_, DecodeLedgerMark(*bytes));
    } else if (!absl::IsNotFound(bytes.status())) {
      return bytes.status();
    } else {
      fresh_ = true;
      mark_.log_id = log_.log_id();
    }
    if (mark_.log_id != log_.log_id()) return absl::DataLossError("ledger: it is of another log");
    if (mark_.group > head.group)
      return absl::DataLossError("ledger: it has more than the log: the log went back");
    FISCAL_ASSIGN_OR_RETURN(const Digest hash, log_.GroupsHashAt(mark_.group));
    if (hash != mark_.groups_hash)
      return absl::DataLossError("ledger: it is of another history of the log");
    return absl::OkStatus();
  }

  absl::Status Next(const EventLog::Head& head) {
    FISCAL_ASSIGN_OR_RETURN(const GroupRecord record, log_.ReadGroup(mark_.group + 1));
    Ledger ledger(kv_, log_, mark_.group + 1);
    const domain::Position first =
        mark_.position.zero() ? record.first_position : mark_.position.Next();
    // Groups that an older version's log was put into may be large: written in parts.
    for (domain::Position p = first; p < record.end(); ++p) {
      FISCAL_ASSIGN_OR_RETURN(const LogEntry entry, log_.Read(p));
      FISCAL_RETURN_IF_ERROR(ledger.ApplyEvent(entry));
      if (progress_) progress_(p, head.position);
      if ((p - first + 1) % kEventsInPart != 0) continue;
      mark_.position = p;
      ledger.MoveTo(&batch_);
      FISCAL_RETURN_IF_ERROR(Write());
    }
    FISCAL_RETURN_IF_ERROR(ledger.ApplyGroup(record));
    ledger.MoveTo(&batch_);
    ++mark_.group;
    mark_.position = domain::Position();
    FISCAL_ASSIGN_OR_RETURN(mark_.groups_hash, log_.GroupsHashAt(mark_.group));
    // Each group is read over what those before it wrote.
    return Write();
  }

  // A group that changes nothing of the ledger, as that of a grant, moves the mark.
  absl::Status Write() {
    batch_.Put(LedgerMarkKey(), EncodeLedgerMark(mark_));
    return kv_.Write(std::exchange(batch_, {}), /*sync=*/false);
  }

  static constexpr uint64_t kEventsInPart = 256;

  const EventLog& log_;
  Kv& kv_;
  const std::function<void(domain::Position, domain::Position)>& progress_;
  bool fresh_ = false;
  LedgerMark mark_;
  Batch batch_;
};

}  // namespace

absl::Status CatchUp(const EventLog& log, Kv& kv,
                     const std::function<void(domain::Position, domain::Position)>& progress) {
  return Replay(log, kv, progress).Run();
}

absl::StatusOr<std::vector<std::pair<domain::Code, std::string>>> ReadOwners(const Kv& kv) {
  std::vector<std::pair<domain::Code, std::string>> owners;
  const KeyRange range = KeysOf(KeyKind::kOwner);
  std::unique_ptr<KvIterator> it = kv.NewIterator(range.lower, range.upper);
  for (it->Seek(range.lower); it->Valid(); it->Next()) {
    FISCAL_ASSIGN_OR_RETURN(const domain::Code division, DecodeOwnerKey(it->key()));
    owners.emplace_back(division, std::string(it->value()));
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  return owners;
}

absl::StatusOr<UpstreamState> ReadUpstreamState(const Kv& kv, absl::string_view name) {
  return DecodeState(kv.Get(UpstreamKey(name)));
}

}  // namespace fiscal::storage
