#include "services/ledger/decide/group.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "storage/posting_codec.h"
#include "storage/record_codec.h"

namespace fiscal::services {

using domain::EventKind;
using domain::RequestReceipt;

Group::Group(const storage::Kv& kv, const storage::EventLog& log, int64_t now_us,
             std::shared_ptr<const domain::Catalog> catalog, std::shared_ptr<const Owners> owners,
             RulesCheck check)
    : log_(log),
      owners_(std::move(owners)),
      check_(check),
      ledger_(kv, log, log.head().group + 1),
      head_(log.head()),
      now_us_(std::max(now_us, head_.commit_time_us)),
      catalog_(std::move(catalog)) {}

Standing Group::standing() const {
  return {log_, ledger_, *catalog_, head_, *owners_, claimed_, now_us_, check_};
}

size_t Group::Append(domain::EventHeader header, std::string payload, domain::Receipt* receipt) {
  header.commit_time_us = now_us_;
  const size_t payload_size = payload.size();
  storage::LogEntry entry = storage::NextEntry(std::move(header), std::move(payload), &head_);
  const size_t payload_offset = entry.record->size() - payload_size;
  receipt->position = entry.position;
  receipt->chain_hash = entry.chain_hash;
  ledger_.AddRecord(entry);
  entries_.push_back(std::move(entry));
  return payload_offset;
}

absl::StatusOr<RequestReceipt> Group::Keep(const domain::Submission& s, StatementDecision d) {
  using Outcome = StatementDecision::Outcome;
  if (d.outcome == Outcome::kRepeated || d.outcome == Outcome::kPreviewed)
    return std::move(d.receipt);
  domain::Receipt& receipt = d.receipt.receipt;
  if (d.outcome == Outcome::kUnchanged) {
    receipt.position = d.stands_at;
    receipt.chain_hash = head_.chain_hash;
  } else {
    domain::StatementEvent& event = d.change.event;
    event.meta.position = head_.position.Next();
    event.meta.more = s.more;
    event.meta.commit_time_us = now_us_;
    // All lines as sent are encoded and hashed already; a part of them is not.
    const bool all = d.change.PutsAll(s);
    domain::EncodedBlocks part;
    if (!all) part = storage::EncodeBlocks(event.put);
    const domain::EncodedBlocks& put = all ? s.encoded : part;
    storage::StatementPayload payload =
        storage::EncodeStatement(event, put.bytes, all ? s.encoded_digest : Sha256({put.bytes}));
    domain::EventHeader header;
    header.kind = EventKind::kStatement;
    header.principal = s.principal;
    header.request_id = s.request_id;
    header.payload_digest = payload.digest;
    const size_t payload_offset = Append(std::move(header), std::move(payload.bytes), &receipt);
    broken_ = ledger_.ApplyStatement({event.meta, put, payload_offset + payload.put_offset,
                                      d.change.put(s).size(), event.put.lines, event.removed.lines,
                                      payload.projects, payload_offset + payload.projects_offset,
                                      event.projects_put, event.projects_removed});
    if (!broken_.ok()) return broken_;
  }
  ledger_.KeepAnswer(s.principal, s.request_id, s.body, receipt);
  return std::move(d.receipt);
}

absl::StatusOr<RequestReceipt> Group::Keep(const domain::CatalogImport& import, ImportDecision d) {
  if (d.repeated) return std::move(d.receipt);
  domain::Receipt& receipt = d.receipt.receipt;
  if (!d.changed.entries.empty()) {
    domain::EventHeader header;
    header.kind = EventKind::kCatalog;
    header.principal = import.principal;
    header.request_id = import.request_id;
    std::string payload = storage::EncodeCatalog(d.changed);
    header.payload_digest = Sha256({payload});
    Append(std::move(header), std::move(payload), &receipt);
    catalog_ = catalog_->With(d.changed, receipt.position);
  }
  ledger_.KeepAnswer(import.principal, import.request_id, import.body, receipt);
  return std::move(d.receipt);
}

absl::StatusOr<RequestReceipt> Group::Keep(const std::string& principal, OrderDecision d) {
  RequestReceipt out;
  if (!d.in_force_at.zero()) {
    out.receipt.position = d.in_force_at;
    out.receipt.result = domain::Result::kUnchanged;
    return out;
  }
  if (d.commit_time_us.has_value()) {
    FISCAL_CHECK(entries_.empty(), "an event with a time of its own has a group of its own");
    now_us_ = *d.commit_time_us;
  }
  domain::EventHeader header;
  header.kind = d.kind;
  header.principal = principal;
  header.payload_digest = Sha256({d.payload});
  Append(std::move(header), std::move(d.payload), &out.receipt);
  out.receipt.result = domain::Result::kCreated;
  return out;
}

absl::StatusOr<storage::UpstreamState> Group::Keep(const std::string& upstream, RecordDecision d) {
  if (d.claims != 0) {
    claimed_[d.claims] = upstream;
    ledger_.SetOwner(d.claims, upstream);
  }
  domain::EventHeader header;
  header.principal = absl::StrCat("upstream:", upstream);
  domain::Receipt receipt;
  if (d.posting.has_value()) {
    d.state.local_position = head_.position.Next();
    std::string payload = storage::EncodeUpstream({upstream, d.state, d.posting_bytes});
    header.kind = EventKind::kUpstream;
    header.payload_digest = Sha256({payload});
    Append(std::move(header), std::move(payload), &receipt);
    broken_ = ledger_.ApplyPosting(*d.posting, receipt.position);
    if (!broken_.ok()) return broken_;
  } else if (!d.catalog.entries.empty()) {
    std::string payload = storage::EncodeCatalog(d.catalog);
    header.kind = EventKind::kCatalog;
    header.payload_digest = Sha256({payload});
    Append(std::move(header), std::move(payload), &receipt);
    catalog_ = catalog_->With(d.catalog, receipt.position);
  }
  return d.state;
}

void Group::SetUpstream(const std::string& upstream, const storage::UpstreamState& state) {
  ledger_.SetUpstream(upstream, state);
}

void Group::KeepAnswer(const std::string& principal, const std::string& request_id,
                       const Digest& body, const domain::Receipt& receipt) {
  ledger_.KeepAnswer(principal, request_id, body, receipt);
}

Group::Savepoint::Savepoint(Group& group)
    : group_(group),
      head_(group.head_),
      entries_(group.entries_.size()),
      claimed_(group.claimed_),
      catalog_(group.catalog_) {
  group_.ledger_.Begin();
}

Group::Savepoint::~Savepoint() {
  if (kept_) return;
  group_.ledger_.Rollback();
  group_.head_ = head_;
  group_.entries_.resize(entries_);
  group_.claimed_ = claimed_;
  group_.catalog_ = catalog_;
}

void Group::Savepoint::Keep() {
  group_.ledger_.Keep();
  kept_ = true;
}

absl::Status Group::WriteTo(storage::EventLog& log) {
  storage::LogGroup group;
  ledger_.MoveTo(&group.ledger);
  if (group.ledger.empty() && entries_.empty()) return absl::OkStatus();
  group.entries = std::move(entries_);
  group.commit_time_us = now_us_;
  group.record = ledger_.TakeRecord();
  return log.Append(std::move(group));
}

}  // namespace fiscal::services
