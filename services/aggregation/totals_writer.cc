#include "services/aggregation/totals_writer.h"

#include "base/log.h"

namespace fiscal::services {

TotalsWriter::TotalsWriter(Projector& projector)
    : projector_(projector), thread_([this] {
        const absl::Status status = projector_.WriteWhenDue();
        if (!status.ok())
          logging::Error("totals can't be written", {{"status", status.ToString()}});
      }) {}

TotalsWriter::~TotalsWriter() {
  projector_.StopWriting();
  thread_.join();
}

}  // namespace fiscal::services
