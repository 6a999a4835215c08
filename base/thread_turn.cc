#include "base/thread_turn.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace fiscal {
namespace {

// The least slice the kernel takes is 0.1 ms.
constexpr uint64_t kShortSliceNanos = 200000;
constexpr int kStepBackNiceness = 10;

// The structure of `sched_setattr`, which glibc 2.36 does not offer beside its own header.
struct SchedAttributes {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
};

void Set(int nice_added) {
  const auto self = static_cast<id_t>(gettid());
  // From where the process is: one that was started nicer must not have this thread before others.
  const int nice = getpriority(PRIO_PROCESS, 0) + nice_added;
  if (nice_added != 0) setpriority(PRIO_PROCESS, self, nice);
  SchedAttributes attributes = {};
  attributes.size = sizeof(attributes);
  attributes.nice = nice;
  attributes.runtime = kShortSliceNanos;
  // Fails where a sandbox forbids it: then the slice is the default one.
  (void)syscall(SYS_sched_setattr, self, &attributes, 0);
}

}  // namespace

void StepBack() { Set(kStepBackNiceness); }
void RunSoon() { Set(0); }

void RunFirst() {
  sched_param least = {};
  least.sched_priority = 1;
  if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &least) != 0) RunSoon();
}

}  // namespace fiscal
