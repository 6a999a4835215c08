// Recomputes every total from the first event and compares it with what is served. Reads go on meanwhile.
#ifndef FISCAL_SERVICES_ADMIN_VERIFY_H_
#define FISCAL_SERVICES_ADMIN_VERIFY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/aggregation/projector.h"

namespace fiscal::services {

struct VerifyResult {
  domain::Position position = 0;
  int64_t event_count = 0;
  int64_t line_count = 0;
  int64_t cell_count = 0;
  // At most 100; empty when everything agrees.
  std::vector<std::string> differences;
};

// An error only when something could not be read.
absl::StatusOr<VerifyResult> Verify(const Projector& projector);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_ADMIN_VERIFY_H_
