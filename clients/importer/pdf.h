// The text of a PDF, laid out as its pages are, by poppler.
#ifndef FISCAL_CLIENTS_IMPORTER_PDF_H_
#define FISCAL_CLIENTS_IMPORTER_PDF_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace fiscal::importer {

// True for bytes that start as a PDF does.
bool IsPdf(absl::string_view bytes);
// Pages are parted by form feeds. INVALID_ARGUMENT: damaged, encrypted, too many pages, or without
// text (a scan).
absl::StatusOr<std::string> PdfToText(absl::string_view bytes);

}  // namespace fiscal::importer

#endif  // FISCAL_CLIENTS_IMPORTER_PDF_H_
