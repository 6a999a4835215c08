#include "storage/posting_codec.h"

#include <vector>

#include "base/coding.h"
#include "base/status_macros.h"
#include "storage/cell_codec.h"
#include "storage/line_blocks.h"
#include "storage/record_codec.h"

namespace fiscal::storage {
namespace {

constexpr uint8_t kCertified = 1, kWithdrawn = 2, kControl = 4, kDepartmentScope = 8, kMore = 16;

void AppendState(std::string* out, const UpstreamState& s) {
  out->append(s.log_id);
  PutU64(out, s.position.value());
  out->append(BytesOf(s.chain_hash).data(), 32);
  PutU64(out, static_cast<uint64_t>(s.commit_time_us));
  PutU64(out, s.local_position.value());
}

void ReadState(ByteReader* reader, UpstreamState* s) {
  s->log_id = std::string(reader->Bytes(16));
  s->position = domain::Position(reader->U64());
  const absl::string_view chain = reader->Bytes(32);
  if (reader->ok()) s->chain_hash = DigestOf(chain);
  s->commit_time_us = static_cast<int64_t>(reader->U64());
  s->local_position = domain::Position(reader->U64());
}

// Has a posting keep its projects' texts instead of a record, which may be a thousand times as
// large and is held as long as the posting is in memory.
void OwnTexts(domain::Posting* posting) {
  std::vector<domain::CellProject>& projects = posting->cells.projects;
  if (projects.empty()) return;
  size_t size = 0;
  for (const domain::CellProject& p : projects) size += p.code.size() + p.name.size();
  auto texts = std::make_shared<std::string>();
  texts->reserve(size);
  auto keep = [&texts](absl::string_view text) {
    const size_t at = texts->size();
    texts->append(text.data(), text.size());
    return absl::string_view(*texts).substr(at);
  };
  for (domain::CellProject& p : projects) {
    p.code = keep(p.code);
    p.name = keep(p.name);
  }
  posting->owner = std::move(texts);
}

}  // namespace

// posting := division:u32 year:u16 stage:u8 agency:string department:string revision:varint
//            flags:u8 cells
std::string EncodePosting(const domain::Posting& p, size_t* cells_at) {
  std::string out;
  PutU32(&out, p.key.division);
  PutU16(&out, p.key.year);
  PutU8(&out, static_cast<uint8_t>(p.key.stage));
  PutString(&out, p.key.agency);
  PutString(&out, p.department);
  PutVarint(&out, p.revision);
  PutU8(&out, static_cast<uint8_t>((p.certified ? kCertified : 0) | (p.withdrawn ? kWithdrawn : 0) |
                                   (p.control ? kControl : 0) |
                                   (p.scope == domain::Scope::kDepartment ? kDepartmentScope : 0) |
                                   (p.more ? kMore : 0)));
  if (cells_at != nullptr) *cells_at = out.size();
  out += EncodeCells(p.cells);
  return out;
}

absl::StatusOr<StoredPosting> DecodePosting(domain::Position position, absl::string_view bytes) {
  ByteReader reader(bytes);
  StoredPosting stored;
  domain::Posting& p = stored.posting;
  p.position = position;
  p.key.division = reader.U32();
  p.key.year = reader.U16();
  const uint8_t stage = reader.U8();
  p.key.agency = std::string(reader.String());
  p.department = std::string(reader.String());
  p.revision = reader.Varint();
  const uint8_t flags = reader.U8();
  if (!reader.ok() || stage > 7 || flags > 31) return absl::DataLossError("a malformed posting");
  p.key.stage = static_cast<domain::Stage>(stage);
  p.certified = flags & kCertified;
  p.withdrawn = flags & kWithdrawn;
  p.control = flags & kControl;
  p.scope = flags & kDepartmentScope ? domain::Scope::kDepartment : domain::Scope::kOwn;
  p.more = flags & kMore;
  stored.cells = reader.Bytes(reader.remaining());
  return stored;
}

absl::StatusOr<domain::Posting> DecodeWholePosting(domain::Position position,
                                                   absl::string_view bytes,
                                                   std::shared_ptr<const void> owner) {
  FISCAL_ASSIGN_OR_RETURN(StoredPosting stored, DecodePosting(position, bytes));
  FISCAL_RETURN_IF_ERROR(DecodeCells(stored.cells, &stored.posting.cells));
  stored.posting.owner = std::move(owner);
  return std::move(stored.posting);
}

absl::StatusOr<bool> IsContinued(const domain::EventHeader& header, absl::string_view payload) {
  if (header.kind != domain::EventKind::kStatement && header.kind != domain::EventKind::kUpstream)
    return false;
  if (header.kind == domain::EventKind::kUpstream) {
    FISCAL_ASSIGN_OR_RETURN(const UpstreamPayload upstream, DecodeUpstream(payload));
    FISCAL_ASSIGN_OR_RETURN(const StoredPosting stored,
                            DecodePosting(header.position, upstream.posting));
    return stored.posting.more;
  }
  FISCAL_ASSIGN_OR_RETURN(const StatementParts parts, SplitStatement(payload));
  FISCAL_ASSIGN_OR_RETURN(const domain::StatementMeta meta, DecodeMeta(parts.meta));
  return meta.more;
}

absl::StatusOr<domain::BudgetKey> ReadBudgetKey(const domain::EventHeader& header,
                                                absl::string_view payload) {
  if (header.kind == domain::EventKind::kUpstream) {
    FISCAL_ASSIGN_OR_RETURN(const UpstreamPayload upstream, DecodeUpstream(payload));
    FISCAL_ASSIGN_OR_RETURN(StoredPosting stored, DecodePosting(header.position, upstream.posting));
    return std::move(stored.posting.key);
  }
  FISCAL_ASSIGN_OR_RETURN(const StatementParts parts, SplitStatement(payload));
  FISCAL_ASSIGN_OR_RETURN(domain::StatementMeta meta, DecodeMeta(parts.meta));
  return std::move(meta.key);
}

absl::StatusOr<domain::Posting> ReadPosting(const domain::EventHeader& header,
                                            absl::string_view payload,
                                            std::shared_ptr<const void> owner) {
  if (header.kind == domain::EventKind::kUpstream) {
    FISCAL_ASSIGN_OR_RETURN(const UpstreamPayload upstream, DecodeUpstream(payload));
    FISCAL_ASSIGN_OR_RETURN(
        domain::Posting posting,
        DecodeWholePosting(header.position, upstream.posting, std::move(owner)));
    posting.upstream = upstream.upstream;
    posting.upstream_position = upstream.state.position;
    return posting;
  }
  FISCAL_ASSIGN_OR_RETURN(StatementParts parts, SplitStatement(payload));
  FISCAL_ASSIGN_OR_RETURN(domain::StatementMeta meta, DecodeMeta(parts.meta));
  domain::Posting posting;
  posting.position = header.position;
  posting.key = std::move(meta.key);
  posting.department = std::move(meta.department_code);
  posting.revision = meta.revision;
  posting.scope = meta.scope;
  posting.certified = meta.certified;
  posting.withdrawn = meta.withdrawn;
  posting.control = meta.control;
  posting.more = meta.more;
  if (meta.control) return posting;
  BlockSums sums(&posting.cells);
  FISCAL_RETURN_IF_ERROR(sums.Add(parts.put, 1));
  FISCAL_RETURN_IF_ERROR(sums.Add(parts.removed, -1));
  // A changed project is removed and put.
  auto say = [&](domain::CellProject::State state) {
    return [&sums, &posting, state](absl::string_view code, absl::string_view name,
                                    absl::string_view) {
      const uint32_t number = sums.ProjectNumber(code);
      if (number == 0) return;
      domain::CellProject& p = posting.cells.projects[number - 1];
      p.state = state;
      p.name = state == domain::CellProject::kNamed ? name : absl::string_view();
    };
  };
  FISCAL_RETURN_IF_ERROR(ForEachProject(parts.projects_removed, say(domain::CellProject::kGone)));
  FISCAL_RETURN_IF_ERROR(ForEachProject(parts.projects_put, say(domain::CellProject::kNamed)));
  domain::Normalize(&posting.cells);
  OwnTexts(&posting);
  return posting;
}

std::string EncodeUpstreamState(const UpstreamState& state) {
  std::string out;
  AppendState(&out, state);
  return out;
}

absl::StatusOr<UpstreamState> DecodeUpstreamState(absl::string_view bytes) {
  ByteReader reader(bytes);
  UpstreamState state;
  ReadState(&reader, &state);
  if (!reader.ok() || !reader.AtEnd()) return absl::DataLossError("a malformed upstream state");
  return state;
}

// upstream := name:string log_id:16 position:u64 chain_hash:32 commit_time:u64 local_position:u64
//             posting
std::string EncodeUpstream(const UpstreamPayload& payload) {
  std::string out;
  PutString(&out, payload.upstream);
  AppendState(&out, payload.state);
  out.append(payload.posting.data(), payload.posting.size());
  return out;
}

absl::StatusOr<UpstreamPayload> DecodeUpstream(absl::string_view bytes) {
  ByteReader reader(bytes);
  UpstreamPayload payload;
  payload.upstream = std::string(reader.String());
  ReadState(&reader, &payload.state);
  payload.posting = reader.Bytes(reader.remaining());
  if (!reader.ok()) return absl::DataLossError("a malformed upstream event");
  return payload;
}

}  // namespace fiscal::storage
