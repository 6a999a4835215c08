#include "clients/sheets/zip_parts.h"

#include <zip.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace fiscal::sheets {
namespace {

absl::Status Refuse(absl::string_view what, zip_error_t* error) {
  absl::Status status =
      absl::InvalidArgumentError(absl::StrCat(what, ": ", zip_error_strerror(error)));
  zip_error_fini(error);
  return status;
}

}  // namespace

// Nothing was written, so there is nothing to keep.
void ZipParts::Close::operator()(zip* archive) const { zip_discard(archive); }

absl::StatusOr<ZipParts> ZipParts::Open(absl::string_view bytes, int64_t entries_max,
                                        int64_t inflated_max) {
  ZipParts parts;
  parts.inflated_max_ = parts.left_ = inflated_max;
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (source == nullptr) return Refuse("the archive can't be read", &error);
  parts.archive_.reset(zip_open_from_source(source, ZIP_RDONLY, &error));
  if (parts.archive_ == nullptr) {
    zip_source_free(source);
    return Refuse("no zip archive, or a damaged one", &error);
  }
  zip_error_fini(&error);
  const int64_t entries = zip_get_num_entries(parts.archive_.get(), 0);
  if (entries > entries_max)
    return absl::InvalidArgumentError(
        absl::StrCat("the archive has ", entries, " entries, more than ", entries_max));
  for (uint64_t i = 0; i < static_cast<uint64_t>(entries); ++i) {
    zip_stat_t stat;
    zip_stat_init(&stat);
    if (zip_stat_index(parts.archive_.get(), i, 0, &stat) != 0 || (stat.valid & ZIP_STAT_NAME) == 0)
      return absl::InvalidArgumentError(absl::StrCat("entry ", i, " of the archive is damaged"));
    if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE)
      return absl::InvalidArgumentError(absl::StrCat("part ", stat.name, " is encrypted"));
    if (!parts.index_.emplace(stat.name, i).second)
      return absl::InvalidArgumentError(absl::StrCat("part ", stat.name, " stands twice"));
  }
  return parts;
}

absl::StatusOr<std::string> ZipParts::Read(const std::string& name) {
  const auto it = index_.find(name);
  if (it == index_.end()) return absl::NotFoundError(absl::StrCat("part ", name, " is missing"));
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_stat_index(archive_.get(), it->second, 0, &stat) != 0 ||
      (stat.valid & ZIP_STAT_COMP_METHOD) == 0 ||
      (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE)) {
    return absl::InvalidArgumentError(
        absl::StrCat("part ", name, " is compressed in a way workbooks are not"));
  }
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(
      zip_fopen_index(archive_.get(), it->second, 0), &zip_fclose);
  if (file == nullptr)
    return absl::InvalidArgumentError(
        absl::StrCat("part ", name, ": ", zip_strerror(archive_.get())));
  // The size an archive declares is its own claim: what comes out is counted.
  std::string text;
  char buffer[65536];
  while (true) {
    const int64_t n = zip_fread(file.get(), buffer, sizeof(buffer));
    if (n < 0)
      return absl::InvalidArgumentError(
          absl::StrCat("part ", name, " is damaged: ", zip_file_strerror(file.get())));
    if (n == 0) return text;
    left_ -= n;
    if (left_ < 0)
      return absl::InvalidArgumentError(absl::StrCat(
          "part ", name, ": the workbook inflates to more than ", inflated_max_ >> 20, " MB"));
    text.append(buffer, static_cast<size_t>(n));
  }
}

}  // namespace fiscal::sheets
