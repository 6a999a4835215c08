#include "services/audit/audit_trail.h"

#include <algorithm>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace fiscal::services {
namespace {

using domain::AuditEntry;
using domain::AuditOutcome;

constexpr absl::Duration kPruneInterval = absl::Hours(1);
constexpr absl::Duration kComplainInterval = absl::Minutes(1);

// What a caller sent may be long, or no text: an entry has a size, and is read on terminals.
void Bound(std::string* text) {
  if (CheckText(*text, /*multiline=*/false) != TextFault::kNone) *text = Shown(*text);
  if (text->size() > AuditEntry::kTextBytesMax)
    *text = Cut(std::move(*text), AuditEntry::kTextBytesMax - 3);
}

size_t IndexOf(AuditOutcome outcome) { return static_cast<size_t>(outcome) - 1; }

}  // namespace

void AuditTrail::Lost::Add(uint64_t more, int64_t first_us, int64_t last_us) {
  if (more == 0) return;
  from_us = count == 0 ? first_us : std::min(from_us, first_us);
  to_us = count == 0 ? last_us : std::max(to_us, last_us);
  count += more;
}

AuditTrail::AuditTrail(OpenStore open_store, Clock& clock, Options options)
    : open_store_(std::move(open_store)), clock_(clock), options_(std::move(options)) {}

absl::StatusOr<std::unique_ptr<AuditTrail>> AuditTrail::Open(OpenStore open_store, Clock& clock,
                                                             Options options) {
  auto trail = absl::WrapUnique(new AuditTrail(std::move(open_store), clock, std::move(options)));
  FISCAL_RETURN_IF_ERROR(trail->OpenLog());
  trail->thread_ = std::thread([t = trail.get()] { t->Run(); });
  return trail;
}

AuditTrail::~AuditTrail() {
  if (!thread_.joinable()) return;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  thread_.join();
  absl::MutexLock lock(&store_mu_);
  if (kv_ == nullptr) return;
  const absl::Status synced = kv_->Flush();
  if (!synced.ok())
    logging::Warning("the audit log was not synced", {{"status", synced.ToString()}});
}

bool AuditTrail::Takes(const rpc::Method& method, AuditOutcome outcome) {
  const bool ended = outcome == AuditOutcome::kAllowed || outcome == AuditOutcome::kFailed;
  if (!method.sampled || !ended || options_.reads == Reads::kAll) return true;
  return options_.reads == Reads::kSampled &&
         reads_.fetch_add(1, std::memory_order_relaxed) % kSample == 0;
}

void AuditTrail::Record(AuditEntry entry) {
  for (std::string* text : {&entry.principal, &entry.connection, &entry.method, &entry.reason,
                            &entry.missing_verb, &entry.scope, &entry.request_id, &entry.trace_id})
    Bound(text);
  entry.time_us = absl::ToUnixMicros(clock_.Now());
  absl::MutexLock lock(&mu_);
  if (waiting_.size() >= options_.queue_entries_max) {
    overflow_.Add(1, entry.time_us, entry.time_us);
    lost_total_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  waiting_.push_back(std::move(entry));
  ++taken_;
}

void AuditTrail::Settle() {
  absl::MutexLock lock(&mu_);
  const uint64_t taken = taken_;
  const auto settled = [this, taken]()
                           ABSL_SHARED_LOCKS_REQUIRED(mu_) { return settled_ >= taken; };
  mu_.Await(absl::Condition(&settled));
}

absl::StatusOr<storage::AuditPage> AuditTrail::List(
    const storage::AuditQuery& query, absl::FunctionRef<absl::Status(uint64_t)> spend) const {
  absl::ReaderMutexLock lock(&store_mu_);
  if (log_ == nullptr) return store_status_;
  return log_->List(query, spend);
}

absl::StatusOr<storage::AuditLog::Head> AuditTrail::head() const {
  absl::ReaderMutexLock lock(&store_mu_);
  if (log_ == nullptr) return store_status_;
  return log_->head();
}

AuditTrail::Counts AuditTrail::counts() const {
  Counts counts;
  for (size_t i = 0; i < written_.size(); ++i)
    counts.written[i] = written_[i].load(std::memory_order_relaxed);
  counts.lost = lost_total_.load(std::memory_order_relaxed);
  return counts;
}

storage::StoreStats AuditTrail::store_stats() const {
  absl::ReaderMutexLock lock(&store_mu_);
  return kv_ == nullptr ? storage::StoreStats() : kv_->Stats();
}

absl::Status AuditTrail::OpenLog() {
  absl::MutexLock lock(&store_mu_);
  log_.reset();
  kv_.reset();
  absl::StatusOr<std::unique_ptr<storage::Kv>> kv = open_store_();
  store_status_ = kv.status();
  FISCAL_RETURN_IF_ERROR(kv.status());
  kv_ = *std::move(kv);
  absl::StatusOr<std::unique_ptr<storage::AuditLog>> log = storage::AuditLog::Open(*kv_);
  store_status_ = log.status();
  FISCAL_RETURN_IF_ERROR(log.status());
  log_ = *std::move(log);
  return absl::OkStatus();
}

void AuditTrail::Run() {
  Lost lost;
  absl::Time prune_at = absl::InfinitePast();
  // Changes places with `waiting_`, so that the room it grew to is used again.
  std::vector<AuditEntry> entries;
  while (true) {
    entries.clear();
    Lost overflow;
    bool stopping;
    {
      absl::MutexLock lock(&mu_);
      const absl::Time wake = lost.count > 0 ? std::min(prune_at, retry_at_) : prune_at;
      mu_.AwaitWithDeadline(absl::Condition(this, &AuditTrail::HasWork), wake);
      entries.swap(waiting_);
      std::swap(overflow, overflow_);
      stopping = stopping_;
    }
    if (overflow.count > 0) {
      lost.Add(overflow.count, overflow.from_us, overflow.to_us);
      Complain(absl::ResourceExhaustedError("more comes than is written"));
    }
    // The last chance to say what was lost.
    if (stopping) retry_at_ = absl::InfinitePast();
    const uint64_t taken = entries.size();
    if (taken > 0 || lost.count > 0) Write(&entries, &lost);
    {
      absl::MutexLock lock(&mu_);
      settled_ += taken;
      if (stopping && waiting_.empty()) return;
    }
    if (absl::Now() >= prune_at && !PruneSome()) prune_at = absl::Now() + kPruneInterval;
  }
}

void AuditTrail::Write(std::vector<AuditEntry>* batch, Lost* lost) {
  std::vector<AuditEntry>& entries = *batch;
  const size_t own = entries.size();
  const int64_t now_us = absl::ToUnixMicros(clock_.Now());
  if (lost->count > 0) {
    AuditEntry entry;
    entry.outcome = AuditOutcome::kLost;
    entry.time_us = now_us;
    entry.lost_count = lost->count;
    entry.lost_from_us = lost->from_us;
    entry.lost_to_us = lost->to_us;
    entries.push_back(std::move(entry));
  }
  const absl::Status status = Append(absl::MakeSpan(entries));
  if (status.ok()) {
    for (const AuditEntry& entry : entries)
      written_[IndexOf(entry.outcome)].fetch_add(1, std::memory_order_relaxed);
    if (complained_)
      logging::Info("the audit log is written again", {{"entries_lost", lost->count}});
    complained_ = false;
    *lost = Lost();
    return;
  }
  if (own > 0) {
    lost->Add(own, entries.front().time_us, entries[own - 1].time_us);
    lost_total_ += static_cast<int64_t>(own);
  }
  Complain(status);
}

absl::Status AuditTrail::Append(absl::Span<AuditEntry> entries) {
  if (!failure_.ok() && absl::Now() < retry_at_) return failure_;
  absl::Status status;
  if (options_.room != nullptr && !options_.room()) {
    status = absl::ResourceExhaustedError("the disk is nearly full");
  } else if (open_anew_) {
    status = OpenLog();
    open_anew_ = !status.ok();
  }
  if (status.ok()) {
    absl::ReaderMutexLock lock(&store_mu_);
    status = log_->Append(entries);
  }
  failure_ = status;
  if (!status.ok()) NoteFailure(status);
  return status;
}

void AuditTrail::NoteFailure(const absl::Status& status) {
  retry_at_ = absl::Now() + options_.retry_delay;
  if (!absl::IsResourceExhausted(status)) open_anew_ = true;
}

void AuditTrail::Complain(const absl::Status& why) {
  if (absl::Now() - complained_at_ < kComplainInterval) return;
  complained_at_ = absl::Now();
  complained_ = true;
  logging::Warning("audit entries are lost", {{"why", std::string(why.message())},
                                              {"entries_lost_so_far", lost_total_.load()}});
}

bool AuditTrail::PruneSome() {
  if (open_anew_) return false;
  const absl::Time before = clock_.Now() - absl::Hours(24) * options_.keep_days;
  absl::ReaderMutexLock lock(&store_mu_);
  const absl::StatusOr<bool> more = log_->Prune(before);
  if (more.ok()) return *more;
  NoteFailure(more.status());
  logging::Warning("old audit entries could not be removed",
                   {{"status", std::string(more.status().message())}});
  return false;
}

}  // namespace fiscal::services
