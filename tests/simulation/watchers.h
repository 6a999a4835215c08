// Watchers of the simulated world: each keeps the rows it was told, loses its connection or its
// server at odd moments, resumes, and checks every promise of a watch against the model.
#ifndef FISCAL_TESTS_SIMULATION_WATCHERS_H_
#define FISCAL_TESTS_SIMULATION_WATCHERS_H_

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "domain/moment.h"
#include "services/ledger/answer/watch.h"
#include "tests/simulation/model.h"

namespace fiscal::simulation {

// What a planted bug does to what watchers hear.
enum class WatchBug { kNone, kLosePosition, kRepeatPosition, kSkipTooFar };

class Watchers {
 public:
  using Ask = std::function<services::WatchedTotals()>;
  using Fail = std::function<void(std::string)>;
  // `ask` makes a random question.
  Watchers(std::mt19937_64& random, const Model& model, Ask ask, Fail fail, WatchBug bug)
      : random_(random), model_(model), ask_(std::move(ask)), fail_(std::move(fail)), bug_(bug) {}

  // Some watchers do something. The catalog is folded.
  void Play(const services::Projector& projector, const services::TotalsReader& reader);
  // The server is gone.
  void Drop();
  // Everybody hears everything.
  void Heal(const services::Projector& projector, const services::TotalsReader& reader);
  int resumes() const { return resumes_; }

 private:
  using Rows = std::map<std::string, domain::CellValue>;
  struct One {
    std::vector<services::WatchedTotals> totals;
    bool conflated = false;
    std::unique_ptr<services::Watch> watch;
    // Heard so far: what a token names and the rows that go with it, by filter; the last few
    // messages, so that the client can resume from an older one as a client does that lost its
    // memory.
    struct Memory {
      domain::Moment moment;
      domain::Position position;
      std::vector<Rows> rows;
    };
    std::vector<Memory> memories;
    bool started = false;
  };

  uint64_t Below(uint64_t n) { return random_() % n; }
  Rows At(const services::WatchedTotals& totals, domain::Position position) const;
  void Connect(One& one, const services::Projector& projector,
               const services::TotalsReader& reader);
  // One message or none; false when level.
  bool Hear(One& one, const services::Projector& projector);
  void Check(One& one, const services::WatchMessage& message, const services::Projector& projector);

  std::mt19937_64& random_;
  const Model& model_;
  const Ask ask_;
  const Fail fail_;
  const WatchBug bug_;
  std::vector<One> all_;
  int resumes_ = 0;
};

}  // namespace fiscal::simulation

#endif  // FISCAL_TESTS_SIMULATION_WATCHERS_H_
