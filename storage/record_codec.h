// Events, heads and receipts as bytes. docs/storage-format.md describes them; golden tests hold
// them.
//
// Equal values have equal bytes. Decoders check everything they read: malformed bytes give
// DATA_LOSS, never a crash and never more memory than a small multiple of the input.
#ifndef FISCAL_STORAGE_RECORD_CODEC_H_
#define FISCAL_STORAGE_RECORD_CODEC_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/sha256.h"
#include "domain/event.h"
#include "domain/receipt.h"
#include "storage/line_blocks.h"

namespace fiscal::storage {

std::string EncodeMeta(const domain::StatementMeta& meta);
absl::StatusOr<domain::StatementMeta> DecodeMeta(absl::string_view bytes);

// The payload of a statement event. `put_blocks` are the bytes of EncodeBlocks of event.put.lines
// and `put_digest` theirs: both are known before the event is made.
struct StatementPayload {
  std::string bytes;
  Digest digest{};
  // Where the blocks put, and the projects put, start in `bytes`; these projects.
  size_t put_offset = 0;
  size_t projects_offset = 0;
  domain::EncodedBlocks projects;
};
StatementPayload EncodeStatement(const domain::StatementEvent& event, absl::string_view put_blocks,
                                 const Digest& put_digest);
// Views of the parts of a statement's payload.
struct StatementParts {
  absl::string_view meta, put, removed, projects_put, projects_removed;
};
absl::StatusOr<StatementParts> SplitStatement(absl::string_view payload);
// project := code:string name:string bytes:string, one behind the other; a block is some of them.
domain::EncodedBlocks EncodeProjects(absl::Span<const domain::ProjectEntry> projects);
absl::Status DecodeProjects(absl::string_view section, std::vector<domain::ProjectEntry>* projects);
absl::Status ForEachProject(absl::string_view section,
                            const std::function<void(absl::string_view code, absl::string_view name,
                                                     absl::string_view bytes)>& visit);
// The value of EventHeader::payload_digest.
absl::StatusOr<Digest> PayloadDigest(domain::EventKind kind, absl::string_view payload);
std::string EncodeCatalog(const domain::CatalogEvent& event);
absl::StatusOr<domain::CatalogEvent> DecodeCatalog(absl::string_view payload);
std::string EncodeQuarantine(const domain::QuarantineEvent& event);
absl::StatusOr<domain::QuarantineEvent> DecodeQuarantine(absl::string_view payload);
std::string EncodeKeyEvent(const domain::KeyEvent& event);
absl::StatusOr<domain::KeyEvent> DecodeKeyEvent(absl::string_view payload);
std::string EncodeGrant(const authority::GrantEvent& event);
absl::StatusOr<authority::GrantEvent> DecodeGrant(absl::string_view payload);
// Of an approval or a revocation.
std::string EncodeGrantOrder(const authority::GrantOrderEvent& event);
absl::StatusOr<authority::GrantOrderEvent> DecodeGrantOrder(absl::string_view payload);
std::string EncodeClock(const domain::ClockEvent& event);
absl::StatusOr<domain::ClockEvent> DecodeClock(absl::string_view payload);
// The bytes that a key signs to vouch for the next one.
std::string KeyChangeBytes(absl::string_view log_id, absl::string_view next_public_key_pem);

// A record: header, then payload. The header has the payload's digest, so that the payload is
// hashed once.
std::string EncodeRecord(const domain::EventHeader& header, std::string payload);
// The event keeps `record` alive. Of an upstream's only the header is read.
absl::StatusOr<domain::Event> DecodeRecord(std::shared_ptr<const std::string> record);
// Only the header, and where the payload is.
absl::StatusOr<domain::EventHeader> DecodeHeader(absl::string_view record,
                                                 absl::string_view* payload);
// The kind of a record that was decoded or made before.
domain::EventKind KindOf(absl::string_view record);
// Digest of a record: over the header alone, which fixes the payload. DATA_LOSS when the payload
// does not fit its digest.
absl::StatusOr<Digest> LeafHash(absl::string_view record);
// The same from the bytes before the payload, which have its digest.
Digest LeafHashOfHeader(absl::string_view head);
// The chain after a record.
Digest ChainHash(const Digest& before, const Digest& leaf);

// The answer to a request, with the digest of its body.
std::string EncodeReceipt(const Digest& body, const domain::Receipt& receipt);
absl::StatusOr<domain::Receipt> DecodeReceipt(absl::string_view bytes, Digest* body);

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_RECORD_CODEC_H_
