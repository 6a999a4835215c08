// One hostile caller, in a process of its own, so that what it does to its client library is not
// measured.
#ifndef FISCAL_TESTS_BENCH_HOSTILE_ATTACK_H_
#define FISCAL_TESTS_BENCH_HOSTILE_ATTACK_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace fiscal::bench {

// What a caller does, and how often.
struct AttackPlan {
  // As attacks.cc names it.
  std::string name;
  // How often it acts, and how far apart the beginnings are; 0: when what it did is answered.
  int times = 1;
  absl::Duration every = absl::ZeroDuration();
  // Keeps what it opened that long at most, and in any case no longer.
  absl::Duration within = absl::Seconds(20);
};

class AttackProcess {
 public:
  AttackProcess(const AttackPlan& plan, int port);
  // Kills it when it is still there.
  ~AttackProcess();
  AttackProcess(AttackProcess&& other) noexcept;
  AttackProcess(const AttackProcess&) = delete;
  AttackProcess& operator=(const AttackProcess&) = delete;

  // Waits until it has acted once, and so holds what it wants to hold; false when it did not in
  // that time.
  bool AwaitActing(absl::Duration limit);
  // Waits for its end, kills it when it is late, and says how its calls ended.
  std::string AwaitEnd(absl::Duration limit);
  // Lets go of everything at once.
  void Kill();

 private:
  bool ReadUntil(const std::string& word, absl::Time until);
  pid_t pid_ = -1;
  int output_ = -1;
  std::string said_;
};

// For main, in the process that attacks.
int RunAttack(const AttackPlan& plan, int port);
// All names.
std::vector<std::string> AttackNames();

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_HOSTILE_ATTACK_H_
