// The offline verifier of the log: what a witness runs, with nothing but the log's public key.
//
//   GetTreeHead, GetInclusionProof, GetConsistencyProof --> these structs --> Verify: OK or why not
//
// It stands alone on SHA-256 and Ed25519, and shares no code with the server, so that an auditor
// reads it in an hour. Every check is strict: a path has exactly the hashes it must have. Trees are
// those of RFC 6962 and 9162; docs/storage-format.md has the bytes. Stateless; thread-safe.
#ifndef FISCAL_CLIENTS_CPP_LOG_PROOF_H_
#define FISCAL_CLIENTS_CPP_LOG_PROOF_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/sha256.h"

namespace fiscal::client {

// The log as of its first `tree_size` events, signed.
struct TreeHead {
  std::string log_id;  // 16 bytes
  uint64_t tree_size = 0;
  Digest root_hash{};
  int64_t time_us = 0;    // commit time of the last event, since 1970; 0 when there is none
  std::string signature;  // Ed25519, 64 bytes
};

// Verifies that the event at `position` is in the log as of `head`.
struct InclusionProof {
  TreeHead head;
  uint64_t position = 0;      // from 1
  std::string record_header;  // the record's bytes up to its payload; the last 32 are its digest
  std::vector<Digest> path;   // lowest first
};

// Verifies that the log as of `new_head` starts with the log as of `old_head`: nothing was changed,
// removed or put in between.
struct ConsistencyProof {
  TreeHead old_head;
  TreeHead new_head;
  std::vector<Digest> path;
};

// A key that the log says follows another: GetKeys.
struct KeyChange {
  std::string public_key_pem;
  std::string signature;  // by the key before; empty when that was lost
};
// `trusted`, and behind it the keys that follow it in `changes`, each vouched for by the one
// before. All of them may have signed heads.
std::string FollowKeys(absl::string_view trusted_pem, absl::string_view log_id,
                       const std::vector<KeyChange>& changes);

// Wherever a key is asked for, `public_key_pem` may be several, one behind the other: any of them
// will do. OK, or in a sentence what is wrong. INVALID_ARGUMENT: the key or the form;
// UNAUTHENTICATED: a signature; DATA_LOSS: the proof does not hold.
absl::Status Verify(const TreeHead& head, absl::string_view public_key_pem);
absl::Status Verify(const InclusionProof& proof, absl::string_view public_key_pem);
absl::Status Verify(const ConsistencyProof& proof, absl::string_view public_key_pem);

// The parts, for who has trees of his own. `index` counts leaves from 0.
absl::Status VerifyInclusion(const Digest& leaf, uint64_t index, uint64_t tree_size,
                             const Digest& root, const std::vector<Digest>& path);
absl::Status VerifyConsistency(uint64_t old_size, const Digest& old_root, uint64_t new_size,
                               const Digest& new_root, const std::vector<Digest>& path);

}  // namespace fiscal::client

#endif  // FISCAL_CLIENTS_CPP_LOG_PROOF_H_
