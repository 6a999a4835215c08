// The memory that requests may hold, in all and for one caller: reserved before a request is
// parsed, released when it is answered.
//
//   handler --(bytes on the wire x kCostFactor)--> Reserve
//     --> parse, wait for the committer, answer --> Reservation ends
//
// The budget is half of what the process may have; the other half is for stores, caches, watches
// and the commit under way. While the process as a whole is near its limit, whatever the reason,
// large requests are refused too. Thread-safe.
#ifndef FISCAL_SERVICES_RPC_MEMORY_BUDGET_H_
#define FISCAL_SERVICES_RPC_MEMORY_BUDGET_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace fiscal::services::rpc {

// Bytes that a write holds until it is answered, for each byte on the wire: the bytes themselves,
// once more in one piece, its lines or projects, and these as they will be stored. Measured at
// 100,000 lines and at 60 MB of projects.
constexpr size_t kCostFactor = 6;

// The memory this process may have: its control group's limit, else the machine's.
int64_t MemoryLimit();

class MemoryBudget {
 public:
  struct Options {
    // The memory of the whole process.
    int64_t process_bytes_max = 0;
    // Resident memory now. Called now and then.
    int64_t (*resident_bytes)() = nullptr;
  };

  // Bytes that are held for as long as this lives.
  class Reservation {
   public:
    Reservation(MemoryBudget& budget, std::string caller)
        : budget_(budget), caller_(std::move(caller)) {}
    ~Reservation() { budget_.GiveBack(caller_, bytes_); }
    Reservation(const Reservation&) = delete;
    Reservation& operator=(const Reservation&) = delete;
    // Reserves more. MEMORY_FULL: nothing more is held.
    absl::Status Add(size_t bytes);

   private:
    MemoryBudget& budget_;
    const std::string caller_;
    size_t bytes_ = 0;
  };

  explicit MemoryBudget(Options options);

  // Takes the bytes out of the share of `caller`.
  absl::StatusOr<std::shared_ptr<Reservation>> Reserve(std::string caller, size_t bytes);

  // The bound of all requests together, and that of one caller.
  size_t bytes_max() const { return bytes_max_; }
  size_t caller_bytes_max() const { return bytes_max_ / 2; }
  int64_t process_bytes_max() const { return options_.process_bytes_max; }
  size_t reserved() const ABSL_LOCKS_EXCLUDED(mu_);
  int64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  absl::Status Take(const std::string& caller, size_t bytes) ABSL_LOCKS_EXCLUDED(mu_);
  void GiveBack(const std::string& caller, size_t bytes) ABSL_LOCKS_EXCLUDED(mu_);
  // True when the process as a whole has room for `bytes` more.
  bool HasRoom(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  const size_t bytes_max_;
  std::atomic<int64_t> refused_{0};
  mutable absl::Mutex mu_;
  size_t reserved_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<std::string, size_t> by_caller_ ABSL_GUARDED_BY(mu_);
  int64_t resident_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Time measured_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  absl::Time trimmed_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
};

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_MEMORY_BUDGET_H_
