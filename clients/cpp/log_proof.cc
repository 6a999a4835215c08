#include "clients/cpp/log_proof.h"

#include "absl/strings/str_cat.h"
#include "base/signing.h"

namespace fiscal::client {
namespace {

std::string BigEndian(uint64_t v) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(v >> shift));
  return bytes;
}

Digest Leaf(absl::string_view record_header) {
  return Sha256({absl::string_view("\x00", 1), record_header});
}

Digest Node(const Digest& left, const Digest& right) {
  return Sha256({absl::string_view("\x01", 1), BytesOf(left), BytesOf(right)});
}

absl::Status Wrong(absl::string_view what) { return absl::DataLossError(what); }

// By any of the keys; what is wrong is said of the last.
absl::Status VerifyByAny(absl::string_view pems, absl::string_view bytes,
                         absl::string_view signature) {
  constexpr absl::string_view kEnd = "-----END PUBLIC KEY-----";
  absl::Status status = absl::InvalidArgumentError("there is no public key");
  do {
    const size_t end = pems.find(kEnd);
    const size_t size = end == absl::string_view::npos ? pems.size() : end + kEnd.size();
    status = VerifySignature(pems.substr(0, size), bytes, signature);
    if (!absl::IsUnauthenticated(status)) return status;
    pems.remove_prefix(size);
    while (!pems.empty() && (pems.front() == '\n' || pems.front() == '\r')) pems.remove_prefix(1);
  } while (!pems.empty());
  return status;
}

}  // namespace

std::string FollowKeys(absl::string_view trusted_pem, absl::string_view log_id,
                       const std::vector<KeyChange>& changes) {
  std::string keys(trusted_pem), last(trusted_pem);
  for (const KeyChange& change : changes) {
    if (change.signature.empty()) continue;
    const std::string bytes = absl::StrCat("fiscal-key-change-v1\n", log_id, change.public_key_pem);
    if (!VerifySignature(last, bytes, change.signature).ok()) continue;
    if (keys.back() != '\n') keys.push_back('\n');
    keys += change.public_key_pem;
    last = change.public_key_pem;
  }
  return keys;
}

absl::Status Verify(const TreeHead& head, absl::string_view public_key_pem) {
  if (head.log_id.size() != 16) return absl::InvalidArgumentError("a log id has 16 bytes");
  if (head.time_us < 0) return absl::InvalidArgumentError("the head's time is before 1970");
  const std::string bytes =
      absl::StrCat("fiscal-tree-head-v1\n", head.log_id, BigEndian(head.tree_size),
                   BytesOf(head.root_hash), BigEndian(static_cast<uint64_t>(head.time_us)));
  const absl::Status signed_by = VerifyByAny(public_key_pem, bytes, head.signature);
  if (absl::IsUnauthenticated(signed_by)) {
    return absl::UnauthenticatedError(absl::StrCat("the tree head of size ", head.tree_size,
                                                   " was not signed with this key as it stands"));
  }
  if (!signed_by.ok()) return signed_by;
  if (head.tree_size == 0 && (head.root_hash != Sha256({}) || head.time_us != 0))
    return Wrong("the tree head of an empty log has another root or a time");
  return absl::OkStatus();
}

absl::Status Verify(const InclusionProof& proof, absl::string_view public_key_pem) {
  const absl::Status head = Verify(proof.head, public_key_pem);
  if (!head.ok()) return head;
  if (proof.position == 0) return absl::InvalidArgumentError("positions count from 1");
  // record := version:u8 kind:u8 position:u64 ... payload_digest:32, payload
  if (proof.record_header.size() < 1 + 1 + 8 + 32)
    return absl::InvalidArgumentError("the record's header is too short");
  if (proof.record_header.substr(2, 8) != BigEndian(proof.position))
    return Wrong(absl::StrCat("the record is not that of position ", proof.position));
  return VerifyInclusion(Leaf(proof.record_header), proof.position - 1, proof.head.tree_size,
                         proof.head.root_hash, proof.path);
}

absl::Status Verify(const ConsistencyProof& proof, absl::string_view public_key_pem) {
  for (const TreeHead* head : {&proof.old_head, &proof.new_head}) {
    const absl::Status status = Verify(*head, public_key_pem);
    if (!status.ok()) return status;
  }
  if (proof.old_head.log_id != proof.new_head.log_id)
    return Wrong("the two tree heads are of different logs");
  if (proof.old_head.time_us > proof.new_head.time_us)
    return Wrong("the old tree head is later than the new one");
  if (proof.old_head.tree_size == proof.new_head.tree_size &&
      proof.old_head.time_us != proof.new_head.time_us)
    return Wrong("two tree heads of one size have different times");
  return VerifyConsistency(proof.old_head.tree_size, proof.old_head.root_hash,
                           proof.new_head.tree_size, proof.new_head.root_hash, proof.path);
}

// RFC 9162, 2.1.3.2. `place` is the node on the way up, `last` the last node of its row.
absl::Status VerifyInclusion(const Digest& leaf, uint64_t index, uint64_t tree_size,
                             const Digest& root, const std::vector<Digest>& path) {
  if (index >= tree_size) {
    return Wrong(absl::StrCat("leaf ", index, " is not in a tree of ", tree_size, " leaves"));
  }
  uint64_t place = index, last = tree_size - 1;
  Digest hash = leaf;
  for (const Digest& beside : path) {
    if (last == 0) return Wrong("the path has too many hashes");
    if (place % 2 == 1 || place == last) {
      hash = Node(beside, hash);
      // A last node without a right neighbour goes up unchanged.
      while (place % 2 == 0 && place != 0) {
        place /= 2;
        last /= 2;
      }
    } else {
      hash = Node(hash, beside);
    }
    place /= 2;
    last /= 2;
  }
  if (last != 0) return Wrong("the path has too few hashes");
  if (hash != root) return Wrong("the path does not lead to the tree head's root");
  return absl::OkStatus();
}

// RFC 9162, 2.1.4.2.
absl::Status VerifyConsistency(uint64_t old_size, const Digest& old_root, uint64_t new_size,
                               const Digest& new_root, const std::vector<Digest>& path) {
  if (old_size > new_size) return Wrong("the old tree is larger than the new one");
  if (old_size == new_size || old_size == 0) {
    if (!path.empty()) return Wrong("the path has too many hashes");
    if (old_size == new_size && old_root != new_root)
      return Wrong("two tree heads of one size have different roots: the log was forked");
    if (old_size == 0 && old_root != Sha256({})) return Wrong("an empty tree has another root");
    return absl::OkStatus();
  }
  uint64_t place = old_size - 1, last = new_size - 1;
  while (place % 2 == 1) {
    place /= 2;
    last /= 2;
  }
  // The node both trees share: the whole old tree, or the first hash of the path.
  size_t used = 0;
  if (place != 0 && path.empty()) return Wrong("the path has too few hashes");
  const Digest shared = place == 0 ? old_root : path[used++];
  Digest old_hash = shared, new_hash = shared;
  for (; used < path.size(); ++used) {
    const Digest& beside = path[used];
    if (last == 0) return Wrong("the path has too many hashes");
    if (place % 2 == 1 || place == last) {
      old_hash = Node(beside, old_hash);
      new_hash = Node(beside, new_hash);
      while (place % 2 == 0 && place != 0) {
        place /= 2;
        last /= 2;
      }
    } else {
      new_hash = Node(new_hash, beside);
    }
    place /= 2;
    last /= 2;
  }
  if (last != 0) return Wrong("the path has too few hashes");
  if (old_hash != old_root) return Wrong("the path does not lead to the old tree head's root");
  if (new_hash != new_root) return Wrong("the path does not lead to the new tree head's root");
  return absl::OkStatus();
}

}  // namespace fiscal::client
