// PDFs: any bytes are laid out as text that is read, or refused, without a crash. poppler is not
// instrumented, so what is found is found by chance and by the address sanitizer at its edges. A
// seed: tests/data/documents.
#include <cstdint>

#include "clients/importer/pdf.h"
#include "clients/importer/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (!fiscal::importer::IsPdf(bytes)) return 0;
  const auto text = fiscal::importer::PdfToText(bytes);
  if (text.ok()) fiscal::importer::Read(*text).status().IgnoreError();
  return 0;
}
