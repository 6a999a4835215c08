// What the same machine moves through gRPC into nothing, and into RocksDB without a product around
// it: the limits the product is measured against, in the same run.
#ifndef FISCAL_TESTS_BENCH_YARDSTICKS_H_
#define FISCAL_TESTS_BENCH_YARDSTICKS_H_

#include <string>
#include <vector>

#include "fiscal/submission/v1/submission_service.pb.h"

namespace fiscal::bench {

// Serves SubmissionService without doing anything, for ever: StreamBudgets answers each frame with
// an empty response, SubmitBudget answers at once. `parse`: frames are parsed on an arena and
// forgotten; otherwise not even that. Says on stderr on which port.
int ServeNull(bool parse);

// Writes each budget's bytes as one value, with a sync for every `group`; seconds it took.
double WriteRaw(const std::string& directory,
                const std::vector<submission::v1::StreamBudgetsRequest>& frames, size_t group);

// Lines a second that one core parses on an arena.
double ParseRate(const submission::v1::SubmitBudgetRequest& budget);

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_YARDSTICKS_H_
