#include "services/rpc/memory_budget.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "domain/reason.h"

namespace fiscal::services::rpc {
namespace {

// Smaller requests are admitted even when the process is near its limit: reads, small budgets, an
// operator's calls.
constexpr size_t kSmallBytes = 1 << 20;
constexpr absl::Duration kMeasureInterval = absl::Milliseconds(20);
constexpr absl::Duration kTrimInterval = absl::Seconds(1);

// A control group's limit; 0 for none.
int64_t LimitIn(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  int64_t bytes = 0;
  if (!(file >> text) || !absl::SimpleAtoi(text, &bytes)) return 0;
  return bytes;
}

}  // namespace

int64_t MemoryLimit() {
  int64_t limit = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  std::vector<std::string> paths = {"/sys/fs/cgroup/memory/memory.limit_in_bytes"};
  // "0::/system.slice/fiscal.service": its own group, and each above it, may have a limit.
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (line.compare(0, 3, "0::") != 0) continue;
    for (std::string group = line.substr(3);; group.resize(group.rfind('/'))) {
      paths.push_back(absl::StrCat("/sys/fs/cgroup", group, "/memory.max"));
      if (group.empty() || group.rfind('/') == std::string::npos) break;
    }
  }
  for (const std::string& path : paths) {
    if (const int64_t bytes = LimitIn(path); bytes > 0) limit = std::min(limit, bytes);
  }
  return limit;
}

MemoryBudget::MemoryBudget(Options options)
    : options_(options), bytes_max_(static_cast<size_t>(options.process_bytes_max) / 2) {}

absl::Status MemoryBudget::Reservation::Add(size_t bytes) {
  const absl::Status status = budget_.Take(caller_, bytes);
  if (status.ok()) bytes_ += bytes;
  return status;
}

absl::StatusOr<std::shared_ptr<MemoryBudget::Reservation>> MemoryBudget::Reserve(std::string caller,
                                                                                 size_t bytes) {
  auto reservation = std::make_shared<Reservation>(*this, std::move(caller));
  const absl::Status status = reservation->Add(bytes);
  if (!status.ok()) return status;
  return reservation;
}

bool MemoryBudget::HasRoom(size_t bytes) {
  if (options_.resident_bytes == nullptr) return true;
  const absl::Time now = absl::Now();
  if (now - measured_ > kMeasureInterval) {
    resident_ = options_.resident_bytes();
    measured_ = now;
  }
  const int64_t high = options_.process_bytes_max / 10 * 9;
  if (resident_ + static_cast<int64_t>(bytes) <= high) return true;
  // Returns to the system what the allocator keeps of earlier requests.
  if (now - trimmed_ > kTrimInterval) {
    malloc_trim(0);
    resident_ = options_.resident_bytes();
    trimmed_ = measured_ = absl::Now();
  }
  return resident_ + static_cast<int64_t>(bytes) <= high;
}

absl::Status MemoryBudget::Take(const std::string& caller, size_t bytes) {
  absl::MutexLock lock(&mu_);
  size_t& of_caller = by_caller_[caller];
  const bool share = of_caller + bytes > caller_bytes_max();
  if (!share && reserved_ + bytes <= bytes_max_ && (bytes <= kSmallBytes || HasRoom(bytes))) {
    of_caller += bytes;
    reserved_ += bytes;
    return absl::OkStatus();
  }
  if (of_caller == 0) by_caller_.erase(caller);
  refused_.fetch_add(1, std::memory_order_relaxed);
  return domain::Refuse(
      domain::Reason::kMemoryFull,
      share ? "what this caller has under way fills his share of the memory for requests: send "
              "fewer at a time, and this one again"
            : "the memory for requests is full: send the same again after a while");
}

void MemoryBudget::GiveBack(const std::string& caller, size_t bytes) {
  absl::MutexLock lock(&mu_);
  reserved_ -= bytes;
  auto it = by_caller_.find(caller);
  if (it == by_caller_.end()) return;
  it->second -= bytes;
  if (it->second == 0) by_caller_.erase(it);
}

size_t MemoryBudget::reserved() const {
  absl::MutexLock lock(&mu_);
  return reserved_;
}

}  // namespace fiscal::services::rpc
