#include "clients/cli/read/document_file.h"

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "clients/importer/pdf.h"

namespace fiscal::cli {

absl::StatusOr<std::string> ReadDocumentFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream buffer;
  if (file) buffer << file.rdbuf();
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": can't be opened"));
  std::string bytes = buffer.str();
  return importer::IsPdf(bytes) ? importer::PdfToText(bytes) : std::move(bytes);
}

}  // namespace fiscal::cli
