// Tree heads and proofs of the log as JSON documents: what `fiscal log tree-head` and `prove` write
// and `verify` reads, for people and for programs of others.
//
//   {"proof": "tree_head", "tree_head": HEAD}
//   {"proof": "inclusion", "tree_head": HEAD, "position": "7", "record_header": HEX,
//    "hashes": [HEX, ...]}
//   {"proof": "consistency", "old_tree_head": HEAD, "new_tree_head": HEAD, "hashes": [HEX, ...]}
//   HEAD := {"log_id": HEX, "tree_size": "9", "root_hash": HEX,
//            "head_time": "2024-03-01T10:00:00.000000+08:00", "signature": HEX}
//
// Hexadecimal is lower-case; numbers are strings, as they may be large.
#ifndef FISCAL_CLIENTS_CLI_PRINT_PROOFS_H_
#define FISCAL_CLIENTS_CLI_PRINT_PROOFS_H_

#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/cpp/log_proof.h"
#include "fiscal/log/v1/event_log_service.pb.h"

namespace fiscal::cli {

using Proof = std::variant<client::TreeHead, client::InclusionProof, client::ConsistencyProof>;

std::string ToJson(const Proof& proof);
// INVALID_ARGUMENT, naming the field, when anything is missing, malformed or unknown.
absl::StatusOr<Proof> ParseProof(const std::string& json);

// The heads a proof has, the newest last.
std::vector<client::TreeHead> HeadsOf(const Proof& proof);
// client::Verify, and that the head the caller kept is one of the proof's when `seen` is not null.
absl::Status VerifyProof(const Proof& proof, const client::TreeHead* seen,
                         absl::string_view public_key_pem);
// The statement of a valid proof, as a sentence.
std::string Describe(const Proof& proof);

// INVALID_ARGUMENT when an answer is malformed.
absl::StatusOr<client::TreeHead> FromProto(const log::v1::SignedTreeHead& head);
absl::StatusOr<Proof> FromProto(const std::string& position,
                                const log::v1::GetInclusionProofResponse& response);
absl::StatusOr<Proof> FromProto(const log::v1::GetConsistencyProofResponse& response);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_PRINT_PROOFS_H_
