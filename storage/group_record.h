// The record of one group: what was committed at once beside the events, that is each request and
// its answer.
//
//   Ledger --(the group in the making)--> LocalLog::Append --> one value in the log
//   CatchUp --(the value)--> Ledger::ApplyGroup
//
// Events say what was stated. They do not say what a caller was answered, nor that a request
// changed nothing; with this record the log has all that the ledger is made of. Groups are numbered
// from 1 without gaps; each value starts with the chain over all group values so far, so that a
// lost, older or exchanged one is noticed. Not part of any leaf hash.
#ifndef FISCAL_STORAGE_GROUP_RECORD_H_
#define FISCAL_STORAGE_GROUP_RECORD_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/sha256.h"
#include "domain/event.h"

namespace fiscal::storage {

struct GroupRecord {
  struct Answer {
    std::string principal;
    std::string request_id;
    // As EncodeReceipt writes it: the digest of the request's body, and the receipt.
    std::string receipt;
  };
  // Events of the group: `event_count` from `first_position` on.
  domain::Position first_position;
  uint64_t event_count = 0;
  std::vector<Answer> answers;
  // How far upstreams' logs were taken over: name and EncodeUpstreamState, in the order they were
  // set.
  std::vector<std::pair<std::string, std::string>> upstreams;
  // Divisions that an upstream owns from this group on.
  std::vector<std::pair<domain::Code, std::string>> owners;

  bool empty() const {
    return event_count == 0 && answers.empty() && upstreams.empty() && owners.empty();
  }
  domain::Position end() const { return first_position + event_count; }
};

// value := chain:32 version:u8 first_position:varint event_count:varint answers upstreams owners
// `before` is the chain up to the group before; all zeros before the first.
std::string EncodeGroup(const Digest& before, const GroupRecord& group);
// DATA_LOSS when malformed.
absl::StatusOr<GroupRecord> DecodeGroup(absl::string_view value);
// The chain a value starts with, and whether it follows `before`.
absl::StatusOr<Digest> GroupChain(absl::string_view value);
bool FollowsGroup(const Digest& before, absl::string_view value);

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_GROUP_RECORD_H_
