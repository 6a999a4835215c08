// The importer and the rules: any text is read and checked, or refused, without a crash. A seed:
// tests/data/documents.
#include <cstdint>

#include "clients/importer/importer.h"
#include "clients/importer/reader.h"
#include "domain/articulation/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  fiscal::importer::Options options;
  options.division_code = "141100";
  options.department_code = "031";
  options.agency_code = "031001";
  options.as_printed = true;
  const auto document = fiscal::importer::Read(text);
  if (!document.ok()) return 0;
  fiscal::articulation::Check(*document);
  fiscal::importer::Import(text, *document, fiscal::importer::CatalogView(), options, nullptr)
      .status()
      .IgnoreError();
  return 0;
}
