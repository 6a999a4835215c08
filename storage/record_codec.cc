#include "storage/record_codec.h"

#include <algorithm>

#include "base/check.h"
#include "base/coding.h"
#include "base/status_macros.h"

namespace fiscal::storage {
namespace {

using domain::Line;

constexpr uint8_t kRecordVersion = 1;

absl::Status Malformed(absl::string_view what) {
  return absl::DataLossError(std::string(what) + ": malformed bytes");
}

enum Field : uint32_t {
  kFunctional = 1,
  kRevenue = 2,
  kDeptEconomic = 4,
  kGovEconomic = 8,
  kReceiving = 16,
  kProject = 32,
  kNote = 64,
  kAttributes = 128,
  kPrecision = 256,
};

void PutBlocks(std::string* out, const std::vector<std::string>& blocks) {
  PutVarint(out, blocks.size());
  for (const std::string& block : blocks) PutString(out, block);
}

absl::Status ReadBlocks(ByteReader* reader, std::vector<Line>* lines) {
  const uint64_t count = reader->Varint();
  for (uint64_t i = 0; i < count && reader->ok(); ++i) {
    const size_t before = lines->size();
    FISCAL_RETURN_IF_ERROR(DecodeBlock(reader->String(), lines));
    if (before > 0 && before < lines->size() &&
        !((*lines)[before - 1].line_id < (*lines)[before].line_id)) {
      return Malformed("blocks out of order");
    }
  }
  return reader->ok() ? absl::OkStatus() : Malformed("blocks");
}

void PutProjects(std::string* out, const std::vector<domain::ProjectEntry>& projects) {
  PutVarint(out, projects.size());
  for (const domain::ProjectEntry& p : projects) {
    PutString(out, p.code);
    PutString(out, p.name);
    PutString(out, p.bytes);
  }
}

void ReadProjects(ByteReader* reader, std::vector<domain::ProjectEntry>* projects) {
  for (uint64_t n = reader->Varint(); n > 0 && reader->ok(); --n) {
    domain::ProjectEntry p;
    p.code = std::string(reader->String());
    p.name = std::string(reader->String());
    p.bytes = std::string(reader->String());
    projects->push_back(std::move(p));
  }
}

}  // namespace

// block := count:varint line*
// line  := line_id:string mask:varint fields-that-differ-from-the-line-before amount:signed
// The id is whole, so that a decoded line can point at it.
std::string EncodeBlock(absl::Span<const Line> lines) {
  std::string out;
  out.reserve(8 + lines.size() * 32);
  PutVarint(&out, lines.size());
  Line last;
  for (const Line& line : lines) {
    PutString(&out, line.line_id);
    uint32_t mask = 0;
    if (line.functional != last.functional) mask |= kFunctional;
    if (line.revenue != last.revenue) mask |= kRevenue;
    if (line.dept_economic != last.dept_economic) mask |= kDeptEconomic;
    if (line.gov_economic != last.gov_economic) mask |= kGovEconomic;
    if (line.receiving_division != last.receiving_division) mask |= kReceiving;
    if (line.project_code != last.project_code) mask |= kProject;
    if (line.note != last.note) mask |= kNote;
    if (!(line.attributes == last.attributes)) mask |= kAttributes;
    if (line.precision_class != last.precision_class) mask |= kPrecision;
    PutVarint(&out, mask);
    if (mask & kFunctional) PutVarint(&out, line.functional);
    if (mask & kRevenue) PutVarint(&out, line.revenue);
    if (mask & kDeptEconomic) PutVarint(&out, line.dept_economic);
    if (mask & kGovEconomic) PutVarint(&out, line.gov_economic);
    if (mask & kReceiving) PutVarint(&out, line.receiving_division);
    if (mask & kProject) PutString(&out, line.project_code);
    if (mask & kNote) PutString(&out, line.note);
    if (mask & kAttributes) PutVarint(&out, line.attributes.Pack());
    if (mask & kPrecision) PutU8(&out, line.precision_class);
    PutSigned(&out, line.amount_fen);
    last = line;
  }
  return out;
}

absl::Status DecodeBlock(absl::string_view bytes, std::vector<Line>* lines) {
  ByteReader reader(bytes);
  const uint64_t count = reader.Varint();
  // A line has at least 5 bytes.
  if (count > bytes.size()) return Malformed("block");
  lines->reserve(lines->size() + count);
  Line line;
  for (uint64_t i = 0; i < count; ++i) {
    const absl::string_view id = reader.String();
    const uint64_t mask = reader.Varint();
    if (mask > 511 || id.empty() || (i > 0 && !(line.line_id < id))) return Malformed("block");
    line.line_id = id;
    if (mask & kFunctional) line.functional = static_cast<domain::Code>(reader.Varint());
    if (mask & kRevenue) line.revenue = static_cast<domain::Code>(reader.Varint());
    if (mask & kDeptEconomic) line.dept_economic = static_cast<domain::Code>(reader.Varint());
    if (mask & kGovEconomic) line.gov_economic = static_cast<domain::Code>(reader.Varint());
    if (mask & kReceiving) line.receiving_division = static_cast<domain::Code>(reader.Varint());
    if (mask & kProject) line.project_code = reader.String();
    if (mask & kNote) line.note = reader.String();
    if (mask & kAttributes) {
      const uint64_t bits = reader.Varint();
      if (bits > UINT32_MAX ||
          !domain::Attributes::Unpack(static_cast<uint32_t>(bits), &line.attributes)) {
        return Malformed("block");
      }
    }
    if (mask & kPrecision) line.precision_class = reader.U8();
    line.amount_fen = reader.Signed();
    if (!reader.ok() || line.precision_class >= domain::kPrecisionClasses)
      return Malformed("block");
    lines->push_back(line);
  }
  if (!reader.AtEnd()) return Malformed("block");
  return absl::OkStatus();
}

std::vector<std::string> EncodeBlocks(absl::Span<const Line> lines) {
  std::vector<std::string> blocks;
  for (size_t i = 0; i < lines.size(); i += kBlockLines)
    blocks.push_back(EncodeBlock(lines.subspan(i, kBlockLines)));
  return blocks;
}

std::string EncodeMeta(const domain::StatementMeta& m) {
  std::string out;
  out.reserve(128 + m.source.size() + m.note.size());
  PutU32(&out, m.key.division);
  PutU16(&out, m.key.year);
  PutU8(&out, static_cast<uint8_t>(m.key.stage));
  PutString(&out, m.key.agency);
  PutVarint(&out, m.revision);
  PutVarint(&out, m.position);
  PutSigned(&out, m.commit_time_us);
  PutString(&out, m.department_code);
  PutU8(&out, static_cast<uint8_t>(m.scope));
  PutU8(&out, static_cast<uint8_t>(m.control | m.certified << 1 | m.withdrawn << 2 |
                                   m.carry_forward_fen.has_value() << 3));
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
  m.position = reader.Varint();
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
  if (!reader.ok() || !reader.AtEnd() || stage > 7 || scope > 2 || flags > 15)
    return Malformed("statement");
  m.key.stage = static_cast<domain::Stage>(stage);
  m.scope = static_cast<domain::Scope>(scope);
  m.control = flags & 1;
  m.certified = flags & 2;
  m.withdrawn = flags & 4;
  return m;
}

std::string EncodeStatement(const domain::StatementEvent& event,
                            const std::vector<std::string>& put_blocks) {
  std::string out;
  size_t size = 256;
  for (const std::string& block : put_blocks) size += block.size() + 4;
  out.reserve(size);
  PutString(&out, EncodeMeta(event.meta));
  PutBlocks(&out, put_blocks);
  PutBlocks(&out, EncodeBlocks(event.removed.lines));
  PutProjects(&out, event.projects_put);
  PutProjects(&out, event.projects_removed);
  return out;
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

// record := version:u8 kind:u8 position:u64 commit_time:u64 principal:string request_id:string
// payload_digest:32 payload
std::string EncodeRecord(const domain::EventHeader& header, absl::string_view payload) {
  std::string out;
  out.reserve(payload.size() + 160);
  PutU8(&out, kRecordVersion);
  PutU8(&out, static_cast<uint8_t>(header.kind));
  PutU64(&out, header.position);
  PutU64(&out, static_cast<uint64_t>(header.commit_time_us));
  PutString(&out, header.principal);
  PutString(&out, header.request_id);
  out.append(BytesOf(header.payload_digest).data(), header.payload_digest.size());
  out.append(payload.data(), payload.size());
  return out;
}

absl::StatusOr<domain::EventHeader> DecodeHeader(absl::string_view record,
                                                 absl::string_view* payload) {
  ByteReader reader(record);
  domain::EventHeader h;
  const uint8_t version = reader.U8();
  const uint8_t kind = reader.U8();
  h.position = reader.U64();
  h.commit_time_us = static_cast<int64_t>(reader.U64());
  h.principal = std::string(reader.String());
  h.request_id = std::string(reader.String());
  const absl::string_view digest = reader.Bytes(32);
  if (!reader.ok()) return Malformed("record");
  if (version != kRecordVersion) {
    return absl::DataLossError("record: written by a newer version of Fiscal");
  }
  if (kind != static_cast<uint8_t>(domain::EventKind::kStatement) &&
      kind != static_cast<uint8_t>(domain::EventKind::kCatalog)) {
    return Malformed("record");
  }
  h.kind = static_cast<domain::EventKind>(kind);
  h.payload_digest = DigestOf(digest);
  *payload = reader.Bytes(reader.remaining());
  return h;
}

absl::StatusOr<domain::StatementMeta> DecodeMetaOf(absl::string_view record) {
  absl::string_view payload;
  FISCAL_ASSIGN_OR_RETURN(domain::EventHeader header, DecodeHeader(record, &payload));
  if (header.kind != domain::EventKind::kStatement) return Malformed("statement");
  ByteReader reader(payload);
  return DecodeMeta(reader.String());
}

absl::StatusOr<domain::Event> DecodeRecord(std::shared_ptr<const std::string> record) {
  domain::Event event;
  absl::string_view payload;
  FISCAL_ASSIGN_OR_RETURN(event.header, DecodeHeader(*record, &payload));
  ByteReader reader(payload);
  if (event.header.kind == domain::EventKind::kStatement) {
    domain::StatementEvent& s = event.statement;
    FISCAL_ASSIGN_OR_RETURN(s.meta, DecodeMeta(reader.String()));
    FISCAL_RETURN_IF_ERROR(ReadBlocks(&reader, &s.put.lines));
    FISCAL_RETURN_IF_ERROR(ReadBlocks(&reader, &s.removed.lines));
    ReadProjects(&reader, &s.projects_put);
    ReadProjects(&reader, &s.projects_removed);
    s.put.owners.push_back(record);
    s.removed.owners.push_back(record);
  } else {
    domain::CatalogEvent& c = event.catalog;
    c.division = reader.U32();
    c.year = reader.U16();
    const uint8_t list = reader.U8();
    if (list < 1 || list > 6) return Malformed("catalog");
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
  }
  if (!reader.ok() || !reader.AtEnd()) return Malformed("payload");
  return event;
}

absl::StatusOr<Digest> LeafHashOfHeader(absl::string_view record) {
  absl::string_view payload;
  FISCAL_ASSIGN_OR_RETURN(domain::EventHeader header, DecodeHeader(record, &payload));
  const absl::string_view head = record.substr(0, record.size() - payload.size());
  return Sha256({absl::string_view("\x00", 1), head});
}

absl::StatusOr<Digest> LeafHash(absl::string_view record) {
  absl::string_view payload;
  FISCAL_ASSIGN_OR_RETURN(domain::EventHeader header, DecodeHeader(record, &payload));
  if (Sha256({payload}) != header.payload_digest)
    return absl::DataLossError("record: the payload does not fit its digest");
  return LeafHashOfHeader(record);
}

Digest ChainHash(const Digest& before, const Digest& leaf) {
  return Sha256({absl::string_view("\x01", 1), BytesOf(before), BytesOf(leaf)});
}

std::string EncodeReceipt(const Digest& body, const Receipt& r) {
  std::string out(BytesOf(body));
  PutU8(&out, static_cast<uint8_t>(r.result));
  PutVarint(&out, r.revision);
  PutVarint(&out, r.position);
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

absl::StatusOr<Receipt> DecodeReceipt(absl::string_view bytes, Digest* body) {
  ByteReader reader(bytes);
  const absl::string_view digest = reader.Bytes(32);
  if (!reader.ok()) return Malformed("receipt");
  *body = DigestOf(digest);
  Receipt r;
  const uint8_t result = reader.U8();
  r.revision = reader.Varint();
  r.position = reader.Varint();
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
