// The side of a process that answers questions about totals: `aggregation` of the configuration,
// come to life.
//
//   Stores' log --> Reader: Projector --> totals --> AggregationService, DisclosureService, watches
//
// The roles `all` and `aggregation` have one. Thread-safe after Start.
#ifndef FISCAL_SERVICES_SERVER_READER_H_
#define FISCAL_SERVICES_SERVER_READER_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fiscal/config/v1/config.pb.h"
#include "services/admin/coverage_watch.h"
#include "services/admin/system_parts.h"
#include "services/aggregation/crew.h"
#include "services/aggregation/runner.h"
#include "services/aggregation/totals_writer.h"
#include "services/aggregation/watch_hub.h"
#include "services/ledger/answer/totals_reader.h"
#include "services/ledger/compare/verifier.h"
#include "services/ledger/fold/projector.h"
#include "services/ops/periodic.h"
#include "services/server/edge.h"
#include "services/server/process.h"
#include "services/server/stores.h"
#include "storage/totals_store.h"

namespace fiscal::services {

class Reader {
 public:
  // Folds what a crash left unfolded, goes on folding, and adds the services to `edge`. Totals that
  // are of no use are folded once more, from nothing. REQUIRES: all outlive the result, but `edge`,
  // whose services end before it.
  static absl::StatusOr<std::unique_ptr<Reader>> Open(const config::v1::AggregationConfig& config,
                                                      Process& process, Stores& stores, Edge& edge);
  // Looks for agencies that have not reported, from now on.
  void Start();
  // Ends reads that wait and tells watches to end.
  void Drain();
  // Three steps of the end, in this order: no more is folded; once calls have ended, watches have
  // no threads; once nothing asks for totals, they are flushed.
  void StopFolding();
  void StopWatches();
  void Stop();

  Projector& projector() { return *totals_->projector; }
  const storage::RocksKv& store() const { return *totals_->kv; }
  Runner& runner() { return *runner_; }
  Verifier& verifier() { return *verifier_; }

  void Show(SystemParts* parts) const;

 private:
  // The totals store and what folds into it. Destroyed from the bottom up.
  struct Totals {
    std::unique_ptr<storage::RocksKv> kv;
    std::unique_ptr<storage::TotalsStore> store;
    std::unique_ptr<Projector> projector;
    std::unique_ptr<TotalsWriter> writer;
  };

  Reader(const config::v1::AggregationConfig& config, Process& process, Stores& stores)
      : config_(config), process_(process), stores_(stores), crew_(ThreadsOf(config, 1)) {}
  // Threads that fold: as said, else one for so many processors.
  static size_t ThreadsOf(const config::v1::AggregationConfig& config, size_t processors);
  absl::Status Recover();
  // Brings the totals level with the log. DATA_LOSS: what is in them is damaged or of another log.
  absl::Status MakeTotals();
  absl::StatusOr<std::unique_ptr<Totals>> OpenTotals();
  absl::Status FoldWhatIsLeft();
  void MakeParts();
  VerifyOptions OptionsOfVerify();

  const config::v1::AggregationConfig& config_;
  Process& process_;
  Stores& stores_;
  Crew crew_;
  // Destroyed from the bottom up: users before what they use.
  std::unique_ptr<Totals> totals_;
  std::unique_ptr<Runner> runner_;
  std::unique_ptr<TotalsReader> reader_;
  std::unique_ptr<WatchHub> hub_;
  // Null without deadlines in the configuration.
  std::unique_ptr<CoverageWatch> coverage_;
  std::unique_ptr<Verifier> verifier_;
  std::unique_ptr<Periodic> coverage_period_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_SERVER_READER_H_
