// Files that commands write.
#ifndef FISCAL_CLIENTS_CLI_PRINT_OUTPUT_FILE_H_
#define FISCAL_CLIENTS_CLI_PRINT_OUTPUT_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace fiscal::cli {

// Writes the file whole or not at all: to a new file beside it, which then takes its name.
// UNAVAILABLE says what failed; a file that was there stays as it was.
absl::Status WriteFile(const std::string& path, absl::string_view bytes);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_PRINT_OUTPUT_FILE_H_
