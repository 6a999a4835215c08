// The figures of a disclosure's narrative, and sentences with them.
#ifndef FISCAL_SERVICES_DISCLOSURE_NARRATIVE_H_
#define FISCAL_SERVICES_DISCLOSURE_NARRATIVE_H_

#include <string>

#include "absl/status/status.h"
#include "domain/disclosure/builder.h"
#include "fiscal/disclosure/v1/disclosure_service.pb.h"

namespace fiscal::services {

// `prior`: the same subject a year before; nullptr when there was none. Without money in it the
// narrative states no change.
absl::Status FillNarrative(const std::string& name, int year, disclosure::CellSource& source,
                           disclosure::CellSource* prior, disclosure::v1::Narrative* out);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_DISCLOSURE_NARRATIVE_H_
