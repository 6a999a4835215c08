#include "storage/record_codec.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/status_macros.h"

namespace fiscal::storage {
namespace {

constexpr uint8_t kRecordVersion = 1;

absl::Status Malformed(absl::string_view what) {
  return absl::DataLossError(std::string(what) + ": malformed bytes");
}

// A block of projects ends with the one that makes it this many, or this large.
constexpr size_t kBlockProjects = 64;
constexpr size_t kBlockProjectBytes = 8 << 10;

}  // namespace

std::string EncodeMeta(const domain::StatementMeta& m) {
  std::string out;
  out.reserve(128 + m.source.size() + m.note.size());
  PutU32(&out, m.key.division);
  PutU16(&out, m.key.year);
  PutU8(&out, static_cast<uint8_t>(m.key.stage));
  PutString(&out, m.key.agency);
  PutVarint(&out, m.revision);
  PutVarint(&out, m.position.value());
  PutSigned(&out, m.commit_time_us);
  PutString(&out, m.department_code);
  PutU8(&out, static_cast<uint8_t>(m.scope));
  PutU8(&out, static_cast<uint8_t>(m.control | m.certified << 1 | m.withdrawn << 2 |
                                   m.carry_forward_fen.has_value() << 3 | m.more << 4));
  PutVarint(&out, m.line_count);
  PutVarint(&out, m.memo_line_count);
  PutVarint(&out, m.project_count);
  if (m.carry_forward_fen.has_value()) PutSigned(&out, *m.carry_forward_fen);
  PutString(&out, m.note);
  PutString(&out, m.source);
  PutSigned(&out, m.expenditure_fen);
  PutSigned(&out, m.income_fen);
  PutSigned(&out, m.gross_fen);
  PutString(&out, m.principal);
  return out;
}

absl::StatusOr<domain::StatementMeta> DecodeMeta(absl::string_view bytes) {
  ByteReader reader(bytes);
  domain::StatementMeta m;
  m.key.division = reader.U32();
  m.key.year = reader.U16();
  const uint8_t stage = reader.U8();
  m.key.agency = std::string(reader.String());
  m.revision = reader.Varint();
  m.position = domain::Position(reader.Varint());
  m.commit_time_us = reader.Signed();
  m.department_code = std::string(reader.String());
  const uint8_t scope = reader.U8();
  const uint8_t flags = reader.U8();
  m.line_count = reader.Varint();
  m.memo_line_count = reader.Varint();
  m.project_count = reader.Varint();
  if (flags & 8) m.carry_forward_fen = reader.Signed();
  m.note = std::string(reader.String());
  m.source = std::string(reader.String());
  m.expenditure_fen = reader.Signed();
  m.income_fen = reader.Signed();
  m.gross_fen = reader.Signed();
  m.principal = std::string(reader.String());
  if (!reader.ok() || !reader.AtEnd() || stage > 7 || scope > 2 || flags > 31)
    return Malformed("statement");
  m.key.stage = static_cast<domain::Stage>(stage);
  m.scope = static_cast<domain::Scope>(scope);
  m.control = flags & 1;
  m.certified = flags & 2;
  m.withdrawn = flags & 4;
  m.more = flags & 16;
  return m;
}

// Room for what comes before a payload in its record; where its ids are longer, it is copied.
constexpr size_t kRecordHeadBytes = 128;

// payload := meta:string put:string removed:string projects_put:string projects_removed:string
// Its digest takes the blocks put by their own digest, which the submission has already: they are
// hashed once.
StatementPayload EncodeStatement(const domain::StatementEvent& event, absl::string_view put_blocks,
                                 const Digest& put_digest) {
  StatementPayload payload;
  std::string& out = payload.bytes;
  const std::string meta = EncodeMeta(event.meta);
  const domain::EncodedBlocks removed = EncodeBlocks(event.removed);
  payload.projects = EncodeProjects(event.projects_put);
  const domain::EncodedBlocks projects_removed = EncodeProjects(event.projects_removed);
  // In one piece: all of it may be large.
  out.reserve(meta.size() + put_blocks.size() + removed.bytes.size() +
              payload.projects.bytes.size() + projects_removed.bytes.size() + kRecordHeadBytes);
  PutString(&out, meta);
  const size_t meta_end = out.size();
  PutVarint(&out, put_blocks.size());
  payload.put_offset = out.size();
  out.append(put_blocks.data(), put_blocks.size());
  const size_t put_end = out.size();
  PutString(&out, removed.bytes);
  PutVarint(&out, payload.projects.bytes.size());
  payload.projects_offset = out.size();
  out += payload.projects.bytes;
  PutString(&out, projects_removed.bytes);
  const absl::string_view all(out);
  payload.digest = Sha256({all.substr(0, meta_end), BytesOf(put_digest), all.substr(put_end)});
  return payload;
}

absl::StatusOr<StatementParts> SplitStatement(absl::string_view payload) {
  ByteReader reader(payload);
  StatementParts parts;
  parts.meta = reader.String();
  parts.put = reader.String();
  parts.removed = reader.String();
  parts.projects_put = reader.String();
  parts.projects_removed = reader.String();
  if (!reader.ok() || !reader.AtEnd()) return Malformed("statement");
  return parts;
}

domain::EncodedBlocks EncodeProjects(absl::Span<const domain::ProjectEntry> projects) {
  domain::EncodedBlocks blocks;
  size_t bytes = 0;
  for (const domain::ProjectEntry& p : projects)
    bytes += p.code.size() + p.name.size() + p.bytes.size() + 15;
  blocks.bytes.reserve(bytes);
  size_t in_block = 0;
  for (const domain::ProjectEntry& p : projects) {
    if (blocks.places.empty() || in_block == kBlockProjects ||
        blocks.places.back().size >= kBlockProjectBytes) {
      blocks.places.push_back({blocks.bytes.size(), 0, p.code});
      in_block = 0;
    }
    PutString(&blocks.bytes, p.code);
    PutString(&blocks.bytes, p.name);
    PutString(&blocks.bytes, p.bytes);
    ++in_block;
    blocks.places.back().size = blocks.bytes.size() - blocks.places.back().offset;
  }
  return blocks;
}

absl::Status DecodeProjects(absl::string_view section,
                            std::vector<domain::ProjectEntry>* projects) {
  return ForEachProject(
      section, [&](absl::string_view code, absl::string_view name, absl::string_view bytes) {
        projects->push_back({std::string(code), std::string(name), std::string(bytes)});
      });
}

absl::Status ForEachProject(absl::string_view section,
                            const std::function<void(absl::string_view code, absl::string_view name,
                                                     absl::string_view bytes)>& visit) {
  ByteReader reader(section);
  while (!reader.AtEnd()) {
    const absl::string_view code = reader.String(), name = reader.String(), bytes = reader.String();
    if (!reader.ok()) return Malformed("projects");
    visit(code, name, bytes);
  }
  return absl::OkStatus();
}

absl::StatusOr<Digest> PayloadDigest(domain::EventKind kind, absl::string_view payload) {
  if (kind != domain::EventKind::kStatement) return Sha256({payload});
  FISCAL_ASSIGN_OR_RETURN(StatementParts parts, SplitStatement(payload));
  const Digest put = Sha256({parts.put});
  const size_t put_end = static_cast<size_t>(parts.put.data() - payload.data()) + parts.put.size();
  const size_t meta_end =
      static_cast<size_t>(parts.meta.data() - payload.data()) + parts.meta.size();
  return Sha256({payload.substr(0, meta_end), BytesOf(put), payload.substr(put_end)});
}

std::string EncodeCatalog(const domain::CatalogEvent& event) {
  std::string out;
  PutU32(&out, event.division);
  PutU16(&out, event.year);
  PutU8(&out, static_cast<uint8_t>(event.list));
  PutVarint(&out, event.entries.size());
  for (const domain::CatalogEntry& e : event.entries) {
    PutString(&out, e.code);
    PutString(&out, e.name);
    PutString(&out, e.parent_code);
    PutString(&out, e.department_code);
    PutU8(&out, static_cast<uint8_t>(e.kind));
    PutString(&out, e.valid_from);
    PutString(&out, e.valid_to);
    PutU8(&out, e.must_report);
    PutVarint(&out, e.aliases.size());
    for (const std::string& alias : e.aliases) PutString(&out, alias);
  }
  return out;
}

absl::StatusOr<domain::CatalogEvent> DecodeCatalog(absl::string_view payload) {
  ByteReader reader(payload);
  domain::CatalogEvent c;
  c.division = reader.U32();
  c.year = reader.U16();
  const uint8_t list = reader.U8();
  if (list < 1 || list > 7) return Malformed("catalog");
  c.list = static_cast<domain::CatalogList>(list);
  for (uint64_t n = reader.Varint(); n > 0 && reader.ok(); --n) {
    domain::CatalogEntry e;
    e.code = std::string(reader.String());
    e.name = std::string(reader.String());
    e.parent_code = std::string(reader.String());
    e.department_code = std::string(reader.String());
    const uint8_t kind = reader.U8();
    if (kind > 3) return Malformed("catalog");
    e.kind = static_cast<domain::AgencyKind>(kind);
    e.valid_from = std::string(reader.String());
    e.valid_to = std::string(reader.String());
    e.must_report = reader.U8() != 0;
    for (uint64_t m = reader.Varint(); m > 0 && reader.ok(); --m)
      e.aliases.emplace_back(reader.String());
    c.entries.push_back(std::move(e));
  }
  if (!reader.ok() || !reader.AtEnd()) return Malformed("payload");
  return c;
}

// quarantine := position:u64 known:u8 (division:u32 year:u16 stage:u8 agency:string)? reason:string
std::string EncodeQuarantine(const domain::QuarantineEvent& event) {
  std::string out;
  PutU64(&out, event.position.value());
  PutU8(&out, event.budget.has_value());
  if (event.budget.has_value()) {
    PutU32(&out, event.budget->division);
    PutU16(&out, event.budget->year);
    PutU8(&out, static_cast<uint8_t>(event.budget->stage));
    PutString(&out, event.budget->agency);
  }
  PutString(&out, event.reason);
  return out;
}

absl::StatusOr<domain::QuarantineEvent> DecodeQuarantine(absl::string_view payload) {
  ByteReader reader(payload);
  domain::QuarantineEvent event;
  event.position = domain::Position(reader.U64());
  const uint8_t known = reader.U8();
  if (known == 1) {
    domain::BudgetKey& budget = event.budget.emplace();
    budget.division = reader.U32();
    budget.year = reader.U16();
    const uint8_t stage = reader.U8();
    if (stage > 7) return Malformed("quarantine");
    budget.stage = static_cast<domain::Stage>(stage);
    budget.agency = std::string(reader.String());
  }
  event.reason = std::string(reader.String());
  if (!reader.ok() || !reader.AtEnd() || known > 1 || event.position.zero())
    return Malformed("quarantine");
  return event;
}

// key := public_key_pem:string signature:string
std::string EncodeKeyEvent(const domain::KeyEvent& event) {
  std::string out;
  PutString(&out, event.public_key_pem);
  PutString(&out, event.signature);
  return out;
}

absl::StatusOr<domain::KeyEvent> DecodeKeyEvent(absl::string_view payload) {
  ByteReader reader(payload);
  domain::KeyEvent event;
  event.public_key_pem = std::string(reader.String());
  event.signature = std::string(reader.String());
  if (!reader.ok() || !reader.AtEnd() || event.public_key_pem.empty()) return Malformed("key");
  return event;
}

// grant := principal:string role:string division:u32 own_level:u8 departments:strings
//          agencies:strings year_from:u16 year_to:u16 stages:string note:string
// strings := count:varint string*; a stage is a byte of `stages`
std::string EncodeGrant(const authority::GrantEvent& event) {
  std::string out;
  PutString(&out, event.principal);
  PutString(&out, event.role);
  const authority::Extent& e = event.extent;
  PutU32(&out, e.division);
  PutU8(&out, e.own_level);
  for (const std::vector<std::string>* codes : {&e.departments, &e.agencies}) {
    PutVarint(&out, codes->size());
    for (const std::string& code : *codes) PutString(&out, code);
  }
  PutU16(&out, e.year_from);
  PutU16(&out, e.year_to);
  PutVarint(&out, e.stages.size());
  for (domain::Stage stage : e.stages) PutU8(&out, static_cast<uint8_t>(stage));
  PutString(&out, event.note);
  return out;
}

absl::StatusOr<authority::GrantEvent> DecodeGrant(absl::string_view payload) {
  ByteReader reader(payload);
  authority::GrantEvent event;
  event.principal = std::string(reader.String());
  event.role = std::string(reader.String());
  authority::Extent& e = event.extent;
  e.division = reader.U32();
  const uint8_t own_level = reader.U8();
  e.own_level = own_level == 1;
  for (std::vector<std::string>* codes : {&e.departments, &e.agencies}) {
    for (uint64_t left = reader.Varint(); left > 0 && reader.ok(); --left)
      codes->emplace_back(reader.String());
  }
  e.year_from = reader.U16();
  e.year_to = reader.U16();
  for (char stage : reader.String()) {
    if (stage < 1 || stage > 7) return Malformed("grant");
    e.stages.push_back(static_cast<domain::Stage>(stage));
  }
  event.note = std::string(reader.String());
  if (!reader.ok() || !reader.AtEnd() || own_level > 1 || event.principal.empty() ||
      event.role.empty()) {
    return Malformed("grant");
  }
  return event;
}

// grant_order := grant:u64 note:string
std::string EncodeGrantOrder(const authority::GrantOrderEvent& event) {
  std::string out;
  PutU64(&out, event.grant.value());
  PutString(&out, event.note);
  return out;
}

absl::StatusOr<authority::GrantOrderEvent> DecodeGrantOrder(absl::string_view payload) {
  ByteReader reader(payload);
  authority::GrantOrderEvent event;
  event.grant = domain::Position(reader.U64());
  event.note = std::string(reader.String());
  if (!reader.ok() || !reader.AtEnd() || event.grant.zero()) return Malformed("grant order");
  return event;
}

// clock := before:u64 note:string
std::string EncodeClock(const domain::ClockEvent& event) {
  std::string out;
  PutU64(&out, static_cast<uint64_t>(event.before_us));
  PutString(&out, event.note);
  return out;
}

absl::StatusOr<domain::ClockEvent> DecodeClock(absl::string_view payload) {
  ByteReader reader(payload);
  domain::ClockEvent event;
  event.before_us = static_cast<int64_t>(reader.U64());
  event.note = std::string(reader.String());
  if (!reader.ok() || !reader.AtEnd()) return Malformed("clock");
  return event;
}

std::string KeyChangeBytes(absl::string_view log_id, absl::string_view next_public_key_pem) {
  return absl::StrCat("fiscal-key-change-v1\n", log_id, next_public_key_pem);
}

domain::EventKind KindOf(absl::string_view record) {
  FISCAL_CHECK(record.size() > 1, "a record has a version and a kind");
  return static_cast<domain::EventKind>(record[1]);
}

// record := version:u8 kind:u8 position:u64 commit_time:u64 principal:string request_id:string
//           payload_digest:32 payload
std::string EncodeRecord(const domain::EventHeader& header, std::string payload) {
  std::string out;
  PutU8(&out, kRecordVersion);
  PutU8(&out, static_cast<uint8_t>(header.kind));
  PutU64(&out, header.position.value());
  PutU64(&out, static_cast<uint64_t>(header.commit_time_us));
  PutString(&out, header.principal);
  PutString(&out, header.request_id);
  out.append(BytesOf(header.payload_digest).data(), header.payload_digest.size());
  // A large payload is moved up in its place and not copied, where there is room.
  if (payload.capacity() - payload.size() >= out.size()) return std::move(payload.insert(0, out));
  out.reserve(out.size() + payload.size());
  out += payload;
  return out;
}

absl::StatusOr<domain::EventHeader> DecodeHeader(absl::string_view record,
                                                 absl::string_view* payload) {
  ByteReader reader(record);
  domain::EventHeader h;
  const uint8_t version = reader.U8();
  const uint8_t kind = reader.U8();
  h.position = domain::Position(reader.U64());
  h.commit_time_us = static_cast<int64_t>(reader.U64());
  h.principal = std::string(reader.String());
  h.request_id = std::string(reader.String());
  const absl::string_view digest = reader.Bytes(32);
  if (!reader.ok()) return Malformed("record");
  if (version != kRecordVersion) {
    return absl::DataLossError("record: written by a newer version of Fiscal");
  }
  if (kind < static_cast<uint8_t>(domain::EventKind::kStatement) ||
      kind > static_cast<uint8_t>(domain::EventKind::kClock)) {
    return Malformed("record");
  }
  h.kind = static_cast<domain::EventKind>(kind);
  h.payload_digest = DigestOf(digest);
  *payload = reader.Bytes(reader.remaining());
  return h;
}

absl::StatusOr<domain::Event> DecodeRecord(std::shared_ptr<const std::string> record) {
  domain::Event event;
  absl::string_view payload;
  FISCAL_ASSIGN_OR_RETURN(event.header, DecodeHeader(*record, &payload));
  if (event.header.kind == domain::EventKind::kStatement) {
    domain::StatementEvent& s = event.statement;
    FISCAL_ASSIGN_OR_RETURN(StatementParts parts, SplitStatement(payload));
    FISCAL_ASSIGN_OR_RETURN(s.meta, DecodeMeta(parts.meta));
    FISCAL_RETURN_IF_ERROR(DecodeBlocks(parts.put, &s.put));
    FISCAL_RETURN_IF_ERROR(DecodeBlocks(parts.removed, &s.removed));
    FISCAL_RETURN_IF_ERROR(DecodeProjects(parts.projects_put, &s.projects_put));
    FISCAL_RETURN_IF_ERROR(DecodeProjects(parts.projects_removed, &s.projects_removed));
    s.put.owners.push_back(record);
    s.removed.owners.push_back(record);
  } else if (event.header.kind == domain::EventKind::kCatalog) {
    FISCAL_ASSIGN_OR_RETURN(event.catalog, DecodeCatalog(payload));
  } else if (event.header.kind == domain::EventKind::kQuarantine) {
    FISCAL_ASSIGN_OR_RETURN(event.quarantine, DecodeQuarantine(payload));
  } else if (event.header.kind == domain::EventKind::kKey) {
    FISCAL_ASSIGN_OR_RETURN(event.key, DecodeKeyEvent(payload));
  } else if (event.header.kind == domain::EventKind::kGrant) {
    FISCAL_ASSIGN_OR_RETURN(event.grant, DecodeGrant(payload));
  } else if (event.header.kind == domain::EventKind::kGrantApproval ||
             event.header.kind == domain::EventKind::kGrantRevocation) {
    FISCAL_ASSIGN_OR_RETURN(event.grant_order, DecodeGrantOrder(payload));
  } else if (event.header.kind == domain::EventKind::kClock) {
    FISCAL_ASSIGN_OR_RETURN(event.clock, DecodeClock(payload));
  }
  return event;
}

Digest LeafHashOfHeader(absl::string_view head) {
  return Sha256({absl::string_view("\x00", 1), head});
}

absl::StatusOr<Digest> LeafHash(absl::string_view record) {
  absl::string_view payload;
  FISCAL_ASSIGN_OR_RETURN(domain::EventHeader header, DecodeHeader(record, &payload));
  FISCAL_ASSIGN_OR_RETURN(Digest digest, PayloadDigest(header.kind, payload));
  if (digest != header.payload_digest)
    return absl::DataLossError("record: the payload does not fit its digest");
  return LeafHashOfHeader(record.substr(0, record.size() - payload.size()));
}

Digest ChainHash(const Digest& before, const Digest& leaf) {
  return Sha256({absl::string_view("\x01", 1), BytesOf(before), BytesOf(leaf)});
}

std::string EncodeReceipt(const Digest& body, const domain::Receipt& r) {
  std::string out(BytesOf(body));
  PutU8(&out, static_cast<uint8_t>(r.result));
  PutVarint(&out, r.revision);
  PutVarint(&out, r.position.value());
  PutVarint(&out, r.line_count);
  PutVarint(&out, r.memo_line_count);
  PutVarint(&out, r.project_count);
  out.append(BytesOf(r.chain_hash).data(), 32);
  PutVarint(&out, r.added);
  PutVarint(&out, r.changed);
  PutVarint(&out, r.unchanged);
  PutVarint(&out, r.findings.size());
  for (const domain::Finding& f : r.findings) {
    PutString(&out, f.rule);
    PutU8(&out, static_cast<uint8_t>(f.severity));
    PutString(&out, f.place);
    PutString(&out, f.line_id);
    PutString(&out, f.message);
    PutString(&out, f.message_zh);
  }
  return out;
}

absl::StatusOr<domain::Receipt> DecodeReceipt(absl::string_view bytes, Digest* body) {
  ByteReader reader(bytes);
  const absl::string_view digest = reader.Bytes(32);
  if (!reader.ok()) return Malformed("receipt");
  *body = DigestOf(digest);
  domain::Receipt r;
  const uint8_t result = reader.U8();
  r.revision = reader.Varint();
  r.position = domain::Position(reader.Varint());
  r.line_count = reader.Varint();
  r.memo_line_count = reader.Varint();
  r.project_count = reader.Varint();
  const absl::string_view chain = reader.Bytes(32);
  if (!reader.ok() || result > 3) return Malformed("receipt");
  r.result = static_cast<domain::Result>(result);
  r.chain_hash = DigestOf(chain);
  r.added = reader.Varint();
  r.changed = reader.Varint();
  r.unchanged = reader.Varint();
  for (uint64_t n = reader.Varint(); n > 0 && reader.ok(); --n) {
    domain::Finding f;
    f.rule = std::string(reader.String());
    const uint8_t severity = reader.U8();
    if (severity > 3) return Malformed("receipt");
    f.severity = static_cast<domain::Severity>(severity);
    f.place = std::string(reader.String());
    f.line_id = std::string(reader.String());
    f.message = std::string(reader.String());
    f.message_zh = std::string(reader.String());
    r.findings.push_back(std::move(f));
  }
  if (!reader.ok() || !reader.AtEnd()) return Malformed("receipt");
  return r;
}

}  // namespace fiscal::storage
