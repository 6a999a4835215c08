// The audit log of a process, as its calls and its readers see it.
//
//   calls --(Record)--> a bounded queue --> its thread --(batches)--> storage::AuditLog --> Kv
//   audit_rpc.h --(List, head)----------------------------------------^
//
// No call waits for it. While the store can't be written (no room, a disk that fails), or more
// comes than it takes, entries are lost and counted, a line says so once a minute, and an entry of
// kLost says how many and of which time as soon as the store takes entries again. Days that are
// older than they are kept go by themselves. Thread-safe.
#ifndef FISCAL_SERVICES_AUDIT_AUDIT_TRAIL_H_
#define FISCAL_SERVICES_AUDIT_AUDIT_TRAIL_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "domain/audit.h"
#include "services/rpc/audit.h"
#include "storage/audit.h"
#include "storage/kv.h"

namespace fiscal::services {

class AuditTrail final : public rpc::Audit {
 public:
  // Which reads are recorded. Denied ones always are, as is whatever is no read.
  enum class Reads { kNone, kSampled, kAll };
  // One of so many is recorded when they are sampled.
  static constexpr uint64_t kSample = 64;

  struct Options {
    Reads reads = Reads::kSampled;
    // Entries are kept for so many whole days; at least 1.
    int64_t keep_days = 400;
    // Entries that wait to be written; as many again may be under way.
    size_t queue_entries_max = 65536;
    // False while nothing may be written; null: always true.
    std::function<bool()> room;
    // How long a store that failed is left alone.
    absl::Duration retry_delay = absl::Seconds(1);
  };
  // Opens the store; called again after it failed, when the one before is closed.
  using OpenStore = std::function<absl::StatusOr<std::unique_ptr<storage::Kv>>()>;

  // The error of `open_store`, or DATA_LOSS. REQUIRES: `clock`, and what `open_store` and `room`
  // use, outlive it.
  static absl::StatusOr<std::unique_ptr<AuditTrail>> Open(OpenStore open_store, Clock& clock,
                                                          Options options);
  // Writes what waits, durably.
  ~AuditTrail() override;

  bool Takes(const rpc::Method& method, domain::AuditOutcome outcome) override;
  void Record(domain::AuditEntry entry) override;

  // Returns when what was recorded before it is written or lost.
  void Settle() ABSL_LOCKS_EXCLUDED(mu_);
  // As AuditLog's, of what is settled. The store's error while it is closed for one.
  absl::StatusOr<storage::AuditPage> List(const storage::AuditQuery& query,
                                          absl::FunctionRef<absl::Status(uint64_t)> spend) const;
  absl::StatusOr<storage::AuditLog::Head> head() const;

  struct Counts {
    // Entries written, by outcome - 1.
    std::array<int64_t, domain::kAuditOutcomes> written{};
    int64_t lost = 0;
  };
  Counts counts() const;
  storage::StoreStats store_stats() const;

 private:
  struct Lost {
    uint64_t count = 0;
    int64_t from_us = 0, to_us = 0;
    void Add(uint64_t count, int64_t from_us, int64_t to_us);
  };

  AuditTrail(OpenStore open_store, Clock& clock, Options options);

  absl::Status OpenLog() ABSL_LOCKS_EXCLUDED(store_mu_);
  void Run();
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopping_ || !waiting_.empty(); }
  // Writes `batch`, and as one more entry what was lost before, or adds to `lost`.
  void Write(std::vector<domain::AuditEntry>* batch, Lost* lost);
  absl::Status Append(absl::Span<domain::AuditEntry> entries);
  // Says that entries are lost, now and then.
  void Complain(const absl::Status& why);
  // Removes some of what is too old; true when there is more.
  bool PruneSome();
  // Whatever failed: a store that may hold what was not said to be written is opened anew.
  void NoteFailure(const absl::Status& status);

  const OpenStore open_store_;
  Clock& clock_;
  const Options options_;
  std::atomic<uint64_t> reads_{0};
  std::array<std::atomic<int64_t>, domain::kAuditOutcomes> written_{};
  std::atomic<int64_t> lost_total_{0};

  // Held by whoever uses the store, and alone by who opens it anew.
  mutable absl::Mutex store_mu_;
  absl::Status store_status_ ABSL_GUARDED_BY(store_mu_);
  std::unique_ptr<storage::Kv> kv_ ABSL_GUARDED_BY(store_mu_);
  // Null while the store can't be opened.
  std::unique_ptr<storage::AuditLog> log_ ABSL_GUARDED_BY(store_mu_);

  // The thread's.
  bool open_anew_ = false, complained_ = false;
  // OK while the store is written.
  absl::Status failure_;
  absl::Time retry_at_ = absl::InfinitePast(), complained_at_ = absl::InfinitePast();

  mutable absl::Mutex mu_;
  std::vector<domain::AuditEntry> waiting_ ABSL_GUARDED_BY(mu_);
  Lost overflow_ ABSL_GUARDED_BY(mu_);
  // Entries that were taken into the queue, and those of them that are written or lost.
  uint64_t taken_ ABSL_GUARDED_BY(mu_) = 0, settled_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_AUDIT_AUDIT_TRAIL_H_
