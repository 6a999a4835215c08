// The thread that writes totals, beside the one that folds them (runner.h, or the start).
//
//   Projector (what is folded) --(when that is worth a batch)--> TotalsStore
//
// An error ends it; the folding side meets the same one at its next step.
#ifndef FISCAL_SERVICES_AGGREGATION_TOTALS_WRITER_H_
#define FISCAL_SERVICES_AGGREGATION_TOTALS_WRITER_H_

#include <thread>

#include "services/ledger/fold/projector.h"

namespace fiscal::services {

class TotalsWriter {
 public:
  // REQUIRES: the projector's `written_beside`, and that it outlives this.
  explicit TotalsWriter(Projector& projector);
  // What is not written yet stays so.
  ~TotalsWriter();
  TotalsWriter(const TotalsWriter&) = delete;
  TotalsWriter& operator=(const TotalsWriter&) = delete;

 private:
  Projector& projector_;
  std::thread thread_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_AGGREGATION_TOTALS_WRITER_H_
