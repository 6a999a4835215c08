// Cells as bytes: in postings (posting_codec.h) and in totals (totals_store.h).
#ifndef FISCAL_STORAGE_CELL_CODEC_H_
#define FISCAL_STORAGE_CELL_CODEC_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "domain/cells.h"

namespace fiscal::storage {

// REQUIRES: in order, as domain::Normalize leaves it; zeros may stand in it. Equal tables have
// equal bytes.
std::string EncodeCells(const domain::CellTable& table);
// Views point into `bytes`. DATA_LOSS when malformed.
absl::Status DecodeCells(absl::string_view bytes, domain::CellTable* table);
// The same without a list of the cells: `visit` sees those whose code of `kind` is in `codes`, with
// key.project a place in `projects`. Returns how many there are in all.
absl::StatusOr<uint64_t> ScanCells(
    absl::string_view bytes, domain::CellKind kind, const domain::CodeClass& codes,
    std::vector<domain::CellProject>* projects,
    absl::FunctionRef<void(const domain::CellKey&, const domain::CellValue&)> visit);

// The cells of a node; never empty. Equal cells have equal bytes.
std::string EncodeNode(const domain::NodeCells& cells);
// Into cells that are none. DATA_LOSS when malformed.
absl::Status DecodeNode(absl::string_view bytes, domain::NodeCells* cells);
// The bytes of one kind's table, for DecodeCells or ScanCells; empty when it has no cells.
// DATA_LOSS when malformed.
absl::StatusOr<absl::string_view> KindOfNode(absl::string_view bytes, domain::CellKind kind);

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_CELL_CODEC_H_
