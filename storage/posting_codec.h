// Postings as bytes: what the totals store keeps of an event, what a province reads of a city, and
// what the province's log keeps of that.
//
//   a statement's record --(ReadPosting)--> Posting --(EncodePosting)--> totals store,
//     FederationService.ReadPostings --> an upstream's record in the province's log
//     --(ReadPosting)--> Posting
//
// Equal values have equal bytes. Decoders give DATA_LOSS for malformed bytes.
#ifndef FISCAL_STORAGE_POSTING_CODEC_H_
#define FISCAL_STORAGE_POSTING_CODEC_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/sha256.h"
#include "domain/event.h"
#include "domain/fold.h"

namespace fiscal::storage {

// A posting whose cells are still bytes, as DecodeCells reads them: for readers that look
// at few.
struct StoredPosting {
  domain::Posting posting;
  absl::string_view cells;
};
// `cells_at`, when given, receives where its cells start.
std::string EncodePosting(const domain::Posting& posting, size_t* cells_at = nullptr);
// The result's `cells` point into `bytes` and are not checked.
absl::StatusOr<StoredPosting> DecodePosting(domain::Position position, absl::string_view bytes);
// The posting with its cells. Their views point into `bytes`, which `owner` keeps alive.
absl::StatusOr<domain::Posting> DecodeWholePosting(domain::Position position,
                                                   absl::string_view bytes,
                                                   std::shared_ptr<const void> owner);

// Reads the posting of a statement's or an upstream's event: its changes to totals. `owner` keeps
// `payload` alive, which an upstream's posting points into. REQUIRES: header.kind is kStatement or
// kUpstream.
absl::StatusOr<domain::Posting> ReadPosting(const domain::EventHeader& header,
                                            absl::string_view payload,
                                            std::shared_ptr<const void> owner);

// True when the event was committed together with the next one (domain::Posting::more). Reads no
// cells.
absl::StatusOr<bool> IsContinued(const domain::EventHeader& header, absl::string_view payload);

// The budget of a payload whose rest can't be read. REQUIRES as ReadPosting.
absl::StatusOr<domain::BudgetKey> ReadBudgetKey(const domain::EventHeader& header,
                                                absl::string_view payload);

// Progress through an upstream's log.
struct UpstreamState {
  std::string log_id;  // 16 bytes
  domain::Position position;
  Digest chain_hash{};
  int64_t commit_time_us = 0;
  // The last event of our own log that came from it; 0 when there is none.
  domain::Position local_position;
};
std::string EncodeUpstreamState(const UpstreamState& state);
absl::StatusOr<UpstreamState> DecodeUpstreamState(absl::string_view bytes);

// The payload of an upstream's event: which upstream, where its log stood with this posting, the
// posting's bytes.
struct UpstreamPayload {
  std::string upstream;
  UpstreamState state;
  absl::string_view posting;
};
std::string EncodeUpstream(const UpstreamPayload& payload);
absl::StatusOr<UpstreamPayload> DecodeUpstream(absl::string_view bytes);

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_POSTING_CODEC_H_
