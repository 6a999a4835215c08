// A system above the simulated one: it takes over what that posts, crashes at odd moments of its
// own, and in the end has the same totals, once.
#ifndef FISCAL_TESTS_SIMULATION_ABOVE_H_
#define FISCAL_TESTS_SIMULATION_ABOVE_H_

#include <functional>
#include <memory>
#include <random>
#include <string>

#include "base/clock.h"
#include "services/ledger/answer/totals_reader.h"
#include "services/ledger/decide/intake.h"
#include "services/ledger/fold/projector.h"
#include "storage/anchor.h"
#include "storage/memory/memory_kv.h"

namespace fiscal::simulation {

class Above {
 public:
  using Fail = std::function<void(std::string)>;
  // `forgetful`: the planted bug that loses how far the log was taken over.
  Above(std::mt19937_64& random, Clock& clock, storage::Faults& faults, Fail fail, bool forgetful);
  ~Above();

  // Takes over some events of `below`, or crashes.
  void Play(const storage::EventLog& below);
  // Takes over everything and folds it.
  void Heal(const storage::EventLog& below);

  const services::Projector& projector() const;
  const services::TotalsReader& reader() const;
  // The store that its log is in.
  const storage::Kv& log_store() const;
  // Its position, when everything is level, of what `below` has at its head.
  int crashes() const { return crashes_; }

 private:
  struct Process;
  bool Start();
  void Crash();
  void TakeOver(const storage::EventLog& below, uint64_t events);
  uint64_t Below(uint64_t n) { return random_() % n; }

  std::mt19937_64& random_;
  Clock& clock_;
  storage::Faults& faults_;
  const Fail fail_;
  const bool forgetful_;
  storage::MemoryDisk log_disk_, ledger_disk_, totals_disk_;
  storage::MemoryAnchorDisk anchor_disk_;
  std::unique_ptr<Process> process_;
  int crashes_ = 0;
};

}  // namespace fiscal::simulation

#endif  // FISCAL_TESTS_SIMULATION_ABOVE_H_
