// Cells as bytes: in postings (posting_codec.h) and in chunks of totals (totals_store.h).
#ifndef FISCAL_STORAGE_CELL_CODEC_H_
#define FISCAL_STORAGE_CELL_CODEC_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "domain/cells.h"

namespace fiscal::storage {

// REQUIRES: in order, as domain::Normalize leaves it; zeros may stand in it. Equal tables have
// equal bytes.
std::string EncodeCells(const domain::CellTable& table);
// Views point into `bytes`. DATA_LOSS when malformed.
absl::Status DecodeCells(absl::string_view bytes, domain::CellTable* table);
// The same without a list of the cells: `visit` sees each, with key.project a place in `projects`.
absl::Status ScanCells(
    absl::string_view bytes, std::vector<domain::CellProject>* projects,
    absl::FunctionRef<void(const domain::CellKey&, const domain::CellValue&)> visit);

// Into an empty chunk: the bytes of its table, then those of its changes, the newest first.
// DATA_LOSS when malformed; the chunk is then of no use.
template <typename Chunk>
absl::Status DecodeChunk(absl::string_view bytes, absl::Span<const std::string> newest_first,
                         Chunk* chunk) {
  domain::CellTable state;
  FISCAL_RETURN_IF_ERROR(DecodeCells(bytes, &state));
  std::vector<domain::CellTable> changes(newest_first.size());
  for (size_t i = 0; i < changes.size(); ++i)
    FISCAL_RETURN_IF_ERROR(DecodeCells(newest_first[i], &changes[i]));
  return chunk->Load(state, changes);
}

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_CELL_CODEC_H_
