// Events, heads and receipts as bytes. docs/storage-format.md describes them; golden tests hold
// them.
//
// Equal values have equal bytes. Decoders check everything they read: malformed bytes give
// DATA_LOSS, never a crash and never more memory than a small multiple of the input.
#ifndef FISCAL_STORAGE_RECORD_CODEC_H_
#define FISCAL_STORAGE_RECORD_CODEC_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/sha256.h"
#include "domain/event.h"

namespace fiscal::storage {

// Lines a block holds when written from scratch; a block grows to twice that before it is split.
constexpr size_t kBlockLines = 256;

// One block. REQUIRES: ordered by line_id, none twice.
std::string EncodeBlock(absl::Span<const domain::Line> lines);
// Appends the block's lines; their views point into `bytes`.
absl::Status DecodeBlock(absl::string_view bytes, std::vector<domain::Line>* lines);
// Lines cut into blocks of kBlockLines.
std::vector<std::string> EncodeBlocks(absl::Span<const domain::Line> lines);

std::string EncodeMeta(const domain::StatementMeta& meta);
absl::StatusOr<domain::StatementMeta> DecodeMeta(absl::string_view bytes);

// The payload of a statement event. `put_blocks` are EncodeBlocks of event.put.lines, handed in
// because heads keep the same.
std::string EncodeStatement(const domain::StatementEvent& event,
                            const std::vector<std::string>& put_blocks);
std::string EncodeCatalog(const domain::CatalogEvent& event);

// A record: header, then payload. The header has the payload's digest, so that the payload is
// hashed once.
std::string EncodeRecord(const domain::EventHeader& header, absl::string_view payload);
// The event keeps `record` alive.
absl::StatusOr<domain::Event> DecodeRecord(std::shared_ptr<const std::string> record);
// Only the header, and where the payload is.
absl::StatusOr<domain::EventHeader> DecodeHeader(absl::string_view record,
                                                 absl::string_view* payload);
// Only the meta of a statement's record; REQUIRES: header.kind is kStatement.
absl::StatusOr<domain::StatementMeta> DecodeMetaOf(absl::string_view record);
// Digest of a record: over the header alone, which fixes the payload. DATA_LOSS when the payload
// does not fit its digest.
absl::StatusOr<Digest> LeafHash(absl::string_view record);
// The same without looking at the payload.
absl::StatusOr<Digest> LeafHashOfHeader(absl::string_view record);
// The chain after a record.
Digest ChainHash(const Digest& before, const Digest& leaf);

// The answer to a submission, and what a repeat of the request gets.
struct Receipt {
  domain::Result result = domain::Result::kNone;
  uint64_t revision = 0;
  domain::Position position = 0;
  uint64_t line_count = 0;
  uint64_t memo_line_count = 0;
  uint64_t project_count = 0;
  Digest chain_hash{};
  std::vector<domain::Finding> findings;
  // Catalog imports: entries added, changed, unchanged.
  uint64_t added = 0, changed = 0, unchanged = 0;
};
std::string EncodeReceipt(const Digest& body, const Receipt& receipt);
absl::StatusOr<Receipt> DecodeReceipt(absl::string_view bytes, Digest* body);

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_RECORD_CODEC_H_
