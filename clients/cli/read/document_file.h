// A published disclosure from a file: text, or a PDF as text.
#ifndef FISCAL_CLIENTS_CLI_READ_DOCUMENT_FILE_H_
#define FISCAL_CLIENTS_CLI_READ_DOCUMENT_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace fiscal::cli {

// NOT_FOUND when it can't be opened, INVALID_ARGUMENT when it can't be read.
absl::StatusOr<std::string> ReadDocumentFile(const std::string& path);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_READ_DOCUMENT_FILE_H_
