// Reads a disclosure and checks it, offline.
#ifndef FISCAL_CLIENTS_IMPORTER_CHECK_H_
#define FISCAL_CLIENTS_IMPORTER_CHECK_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "domain/articulation/report.h"

namespace fiscal::importer {

// INVALID_ARGUMENT when it can't be read whole; a rule that fails is no error.
absl::StatusOr<articulation::Report> CheckDocument(absl::string_view text);

}  // namespace fiscal::importer

#endif  // FISCAL_CLIENTS_IMPORTER_CHECK_H_
