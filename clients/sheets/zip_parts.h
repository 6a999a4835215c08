// The parts of a zip archive in memory, inflated one by one within a common bound.
#ifndef FISCAL_CLIENTS_SHEETS_ZIP_PARTS_H_
#define FISCAL_CLIENTS_SHEETS_ZIP_PARTS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct zip;

namespace fiscal::sheets {

class ZipParts {
 public:
  // INVALID_ARGUMENT for what is no archive, has more than `entries_max` entries, one name twice,
  // or encrypted entries. `bytes` must outlive it. Reads give `inflated_max` bytes in all.
  static absl::StatusOr<ZipParts> Open(absl::string_view bytes, int64_t entries_max,
                                       int64_t inflated_max);

  bool Has(const std::string& name) const { return index_.contains(name); }
  // The whole part, its checksum checked. NOT_FOUND where there is none; INVALID_ARGUMENT names a
  // damaged or too large one.
  absl::StatusOr<std::string> Read(const std::string& name);

 private:
  struct Close {
    void operator()(zip* archive) const;
  };
  std::unique_ptr<zip, Close> archive_;
  absl::flat_hash_map<std::string, uint64_t> index_;
  int64_t inflated_max_ = 0;
  int64_t left_ = 0;
};

}  // namespace fiscal::sheets

#endif  // FISCAL_CLIENTS_SHEETS_ZIP_PARTS_H_
