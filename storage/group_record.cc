#include "storage/group_record.h"

#include "base/coding.h"
#include "base/status_macros.h"

namespace fiscal::storage {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kChainBytes = 32;

Digest ChainOf(const Digest& before, absl::string_view body) {
  return Sha256({absl::string_view("\x02", 1), BytesOf(before), BytesOf(Sha256({body}))});
}

absl::Status Malformed() { return absl::DataLossError("log: a group is malformed"); }

}  // namespace

std::string EncodeGroup(const Digest& before, const GroupRecord& g) {
  std::string body;
  body.reserve(32 + 160 * g.answers.size());
  PutU8(&body, kVersion);
  PutVarint(&body, g.first_position.value());
  PutVarint(&body, g.event_count);
  PutVarint(&body, g.answers.size());
  for (const GroupRecord::Answer& a : g.answers) {
    PutString(&body, a.principal);
    PutString(&body, a.request_id);
    PutString(&body, a.receipt);
  }
  PutVarint(&body, g.upstreams.size());
  for (const auto& [name, state] : g.upstreams) {
    PutString(&body, name);
    PutString(&body, state);
  }
  PutVarint(&body, g.owners.size());
  for (const auto& [division, name] : g.owners) {
    PutU32(&body, division);
    PutString(&body, name);
  }
  std::string value(BytesOf(ChainOf(before, body)));
  value += body;
  return value;
}

absl::StatusOr<GroupRecord> DecodeGroup(absl::string_view value) {
  if (value.size() < kChainBytes) return Malformed();
  ByteReader reader(value.substr(kChainBytes));
  if (reader.U8() != kVersion)
    return absl::DataLossError("log: a group written by a newer version of Fiscal");
  GroupRecord g;
  g.first_position = domain::Position(reader.Varint());
  g.event_count = reader.Varint();
  for (uint64_t n = reader.Varint(); n > 0 && reader.ok(); --n) {
    GroupRecord::Answer& a = g.answers.emplace_back();
    a.principal = std::string(reader.String());
    a.request_id = std::string(reader.String());
    a.receipt = std::string(reader.String());
  }
  for (uint64_t n = reader.Varint(); n > 0 && reader.ok(); --n) {
    auto& [name, state] = g.upstreams.emplace_back();
    name = std::string(reader.String());
    state = std::string(reader.String());
  }
  for (uint64_t n = reader.Varint(); n > 0 && reader.ok(); --n) {
    auto& [division, name] = g.owners.emplace_back();
    division = reader.U32();
    name = std::string(reader.String());
  }
  if (!reader.ok() || !reader.AtEnd()) return Malformed();
  return g;
}

absl::StatusOr<Digest> GroupChain(absl::string_view value) {
  if (value.size() < kChainBytes) return Malformed();
  return DigestOf(value.substr(0, kChainBytes));
}

bool FollowsGroup(const Digest& before, absl::string_view value) {
  return value.size() >= kChainBytes &&
         BytesOf(ChainOf(before, value.substr(kChainBytes))) == value.substr(0, kChainBytes);
}

}  // namespace fiscal::storage
