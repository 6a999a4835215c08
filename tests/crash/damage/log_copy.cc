#include "tests/crash/damage/log_copy.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "clients/cpp/log_proof.h"
#include "fiscal/log/v1/event_log_service.grpc.pb.h"
#include "tests/support/position.h"

namespace fiscal::damage {
namespace {

namespace pb = fiscal::log::v1;

Digest Node(absl::string_view left, absl::string_view right) {
  return Sha256({absl::string_view("\x01", 1), left, right});
}

// RFC 6962, 2.1, over leaves that are hashes already.
Digest Root(std::vector<Digest> level) {
  if (level.empty()) return Sha256({});
  while (level.size() > 1) {
    std::vector<Digest> above;
    for (size_t i = 0; i + 1 < level.size(); i += 2)
      above.push_back(Node(BytesOf(level[i]), BytesOf(level[i + 1])));
    if (level.size() % 2 == 1) above.push_back(level.back());
    level = std::move(above);
  }
  return level[0];
}

// Where a record's header ends: version, kind, position, commit time, two strings, a digest
// (docs/storage-format.md).
std::optional<size_t> HeaderSize(absl::string_view record) {
  size_t at = 1 + 1 + 8 + 8;
  for (int i = 0; i < 2; ++i) {
    size_t length = 0;
    for (int shift = 0;; shift += 7) {
      if (at >= record.size() || shift > 28) return std::nullopt;
      const uint8_t byte = static_cast<uint8_t>(record[at++]);
      length |= static_cast<size_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) break;
    }
    at += length;
  }
  at += 32;
  if (at > record.size()) return std::nullopt;
  return at;
}

client::TreeHead FromProto(const pb::SignedTreeHead& head) {
  client::TreeHead out;
  out.log_id = absl::HexStringToBytes(head.log_id());
  out.tree_size = static_cast<uint64_t>(head.tree_size());
  if (head.root_hash().size() == 32) out.root_hash = DigestOf(head.root_hash());
  out.time_us = head.head_time().seconds() * 1000000 + head.head_time().nanos() / 1000;
  out.signature = head.signature();
  return out;
}

}  // namespace

LogCopy ReadLog(Caller& caller, std::string* public_key_pem, grpc::Status* status,
                std::string* contradiction) {
  LogCopy copy;
  const auto stub = pb::EventLogService::NewStub(caller.channel());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  pb::ReadRequest request;
  request.set_until_head(true);
  const auto reader = stub->Read(&context, request);
  std::vector<Digest> leaves;
  pb::ReadResponse response;
  while (contradiction->empty() && reader->Read(&response)) {
    for (const pb::LogRecord& record : response.records()) {
      const std::optional<size_t> header = HeaderSize(record.record());
      if (testing::PositionNumber(record.position()) != leaves.size() + 1 || !header.has_value()) {
        *contradiction = absl::StrCat("record ", record.position(), " where ", leaves.size() + 1,
                                      " was to come");
        break;
      }
      leaves.push_back(Sha256(
          {absl::string_view("\x00", 1), absl::string_view(record.record()).substr(0, *header)}));
      copy.records.push_back(Sha256({record.record()}));
      copy.chain_hash = Node(BytesOf(copy.chain_hash), BytesOf(leaves.back()));
      if (BytesOf(copy.chain_hash) != record.chain_hash()) {
        *contradiction = absl::StrCat("the chain hash of ", record.position(), " is another");
        break;
      }
    }
  }
  if (!contradiction->empty()) context.TryCancel();
  *status = reader->Finish();
  if (!contradiction->empty() || !status->ok()) return copy;
  copy.root_hash = Root(std::move(leaves));
  copy.whole = true;

  pb::GetTreeHeadResponse head;
  *status =
      caller.Call("/fiscal.log.v1.EventLogService/GetTreeHead", pb::GetTreeHeadRequest(), &head);
  if (!status->ok()) return copy;
  if (public_key_pem->empty()) *public_key_pem = head.public_key_pem();
  const client::TreeHead signed_head = FromProto(head.tree_head());
  const absl::Status holds = client::Verify(signed_head, *public_key_pem);
  if (!holds.ok()) {
    *contradiction = absl::StrCat("tree head: ", std::string(holds.message()));
  } else if (signed_head.tree_size != copy.records.size() ||
             signed_head.root_hash != copy.root_hash) {
    *contradiction = "the tree head is not the recomputed one";
  }
  copy.tree_head = head.tree_head().SerializeAsString();
  return copy;
}

}  // namespace fiscal::damage
