#include "clients/importer/check.h"

#include "base/status_macros.h"
#include "clients/importer/reader.h"
#include "domain/articulation/check.h"

namespace fiscal::importer {

absl::StatusOr<articulation::Report> CheckDocument(absl::string_view text) {
  FISCAL_ASSIGN_OR_RETURN(disclosure::Disclosure d, Read(text));
  return articulation::Check(d);
}

}  // namespace fiscal::importer
