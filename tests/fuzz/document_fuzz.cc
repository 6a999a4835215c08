// The importer: any text is read or refused, without a crash. A seed: tests/data/documents.
#include <cstdint>

#include "clients/importer/importer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  fiscal::importer::Options options;
  options.division_code = "141100";
  options.department_code = "031";
  options.agency_code = "031001";
  options.as_printed = true;
  fiscal::importer::Import(text, fiscal::importer::CatalogView(), options, nullptr)
      .status()
      .IgnoreError();
  return 0;
}
