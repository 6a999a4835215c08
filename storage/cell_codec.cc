#include "storage/cell_codec.h"

#include "base/coding.h"
#include "base/status_macros.h"

namespace fiscal::storage {

using domain::Attributes;
using domain::CellKey;
using domain::CellProject;
using domain::CellTable;
using domain::CellValue;
using domain::Code;
using domain::kPrecisionClasses;

// table   := projects:varint project* cells:varint cell*
// project := code:string state:u8 name:string?
// cell    := mask:u8 field* amount:wide count_mask:u8 counts:signed*
// field   := attributes functional revenue dept gov receiving project, those that differ from the
//            cell before
std::string EncodeCells(const CellTable& table) {
  std::string out;
  size_t texts = 0;
  for (const CellProject& p : table.projects) texts += p.code.size() + p.name.size() + 8;
  // At most: the counts; a mask, seven fields, the amount, the counts by precision.
  constexpr size_t kCellMax = 1 + 7 * 5 + 19 + 1 + kPrecisionClasses * 10;
  out.reserve(20 + texts + table.items.size() * 16);
  PutVarint(&out, table.projects.size());
  for (const CellProject& p : table.projects) {
    PutString(&out, p.code);
    PutU8(&out, p.state);
    if (p.state == CellProject::kNamed) PutString(&out, p.name);
  }
  PutVarint(&out, table.items.size());
  CellKey last;
  char buffer[64 * kCellMax];
  char* p = buffer;
  for (const CellTable::Item& item : table.items) {
    if (p + kCellMax > buffer + sizeof(buffer)) {
      out.append(buffer, static_cast<size_t>(p - buffer));
      p = buffer;
    }
    const CellKey& key = item.key;
    const CellValue& value = item.value;
    const uint8_t mask = static_cast<uint8_t>(
        (key.attributes != last.attributes) | (key.functional != last.functional) << 1 |
        (key.revenue != last.revenue) << 2 | (key.dept_economic != last.dept_economic) << 3 |
        (key.gov_economic != last.gov_economic) << 4 |
        (key.receiving_division != last.receiving_division) << 5 |
        (key.project != last.project) << 6);
    *p++ = static_cast<char>(mask);
    if (mask & 1) p = WriteVarint(p, key.attributes);
    if (mask & 2) p = WriteVarint(p, key.functional);
    if (mask & 4) p = WriteVarint(p, key.revenue);
    if (mask & 8) p = WriteVarint(p, key.dept_economic);
    if (mask & 16) p = WriteVarint(p, key.gov_economic);
    if (mask & 32) p = WriteVarint(p, key.receiving_division);
    if (mask & 64) p = WriteVarint(p, key.project);
    p = WriteWide(p, value.amount_fen);
    char* const count_mask = p++;
    *count_mask = 0;
    for (int i = 0; i < kPrecisionClasses; ++i) {
      if (value.counts[i] == 0) continue;
      *count_mask = static_cast<char>(*count_mask | 1 << i);
      p = WriteVarint(p, ZigZag(value.counts[i]));
    }
    last = key;
  }
  out.append(buffer, static_cast<size_t>(p - buffer));
  return out;
}

absl::Status ScanCells(absl::string_view bytes, std::vector<CellProject>* projects_out,
                       absl::FunctionRef<void(const CellKey&, const CellValue&)> visit) {
  ByteReader reader(bytes);
  projects_out->clear();
  const uint64_t projects = reader.Varint();
  // A project has at least 2 bytes, a cell 3: wrong counts can't make anything reserve much.
  if (projects > bytes.size()) return absl::DataLossError("cells: more projects than bytes");
  projects_out->reserve(projects);
  for (uint64_t i = 0; i < projects; ++i) {
    CellProject p;
    p.code = reader.String();
    const uint8_t state = reader.U8();
    if (state == CellProject::kNamed) p.name = reader.String();
    if (!reader.ok() || p.code.empty() || state > CellProject::kGone ||
        (i > 0 && !(projects_out->back().code < p.code)))
      return absl::DataLossError("cells: malformed project");
    p.state = static_cast<CellProject::State>(state);
    projects_out->push_back(p);
  }
  const uint64_t count = reader.Varint();
  CellKey key, last;
  Attributes attributes;
  for (uint64_t i = 0; i < count; ++i) {
    const uint8_t mask = reader.U8();
    if (mask & 1) {
      key.attributes = static_cast<uint32_t>(reader.Varint());
      if (!Attributes::Unpack(key.attributes, &attributes))
        return absl::DataLossError("cells: malformed cell");
    }
    if (mask & 2) key.functional = static_cast<Code>(reader.Varint());
    if (mask & 4) key.revenue = static_cast<Code>(reader.Varint());
    if (mask & 8) key.dept_economic = static_cast<Code>(reader.Varint());
    if (mask & 16) key.gov_economic = static_cast<Code>(reader.Varint());
    if (mask & 32) key.receiving_division = static_cast<Code>(reader.Varint());
    if (mask & 64) key.project = static_cast<uint32_t>(reader.Varint());
    CellValue value;
    value.amount_fen = reader.Wide();
    const uint8_t count_mask = reader.U8();
    for (int c = 0, m = count_mask; m != 0; ++c, m >>= 1) {
      if ((m & 1) && c < kPrecisionClasses) value.counts[static_cast<size_t>(c)] = reader.Signed();
    }
    if (!reader.ok() || mask > 127 || count_mask > 15 || key.project > projects ||
        (i > 0 && !(last < key))) {
      return absl::DataLossError("cells: malformed cell");
    }
    visit(key, value);
    last = key;
  }
  if (!reader.ok() || !reader.AtEnd()) return absl::DataLossError("cells: malformed");
  return absl::OkStatus();
}

absl::Status DecodeCells(absl::string_view bytes, CellTable* table) {
  table->items.clear();
  return ScanCells(bytes, &table->projects, [table](const CellKey& key, const CellValue& value) {
    table->items.push_back({key, value});
  });
}

// node := format:u8 (kind:u8 size:varint table)*   kinds with cells, ascending
namespace {

constexpr uint8_t kNodeFormat = 1;

// Calls `visit` with each kind and the bytes of its table, until it returns false.
absl::Status ForEachKind(absl::string_view bytes,
                         absl::FunctionRef<bool(domain::CellKind, absl::string_view)> visit) {
  ByteReader reader(bytes);
  if (reader.U8() != kNodeFormat) return absl::DataLossError("cells: not of a node");
  uint8_t last = 0;
  while (reader.ok() && !reader.AtEnd()) {
    const uint8_t kind = reader.U8();
    const absl::string_view table = reader.String();
    if (!reader.ok() || kind <= last || kind > domain::kNodeKindCount) break;
    last = kind;
    if (!visit(static_cast<domain::CellKind>(kind), table)) return absl::OkStatus();
  }
  if (!reader.ok() || !reader.AtEnd()) return absl::DataLossError("cells: a malformed node");
  return absl::OkStatus();
}

}  // namespace

std::string EncodeNode(const domain::NodeCells& cells) {
  std::string out;
  PutU8(&out, kNodeFormat);
  for (const domain::CellKind kind : domain::kNodeKinds) {
    const CellTable table = cells.TableOfKind(kind);
    if (table.items.empty()) continue;
    PutU8(&out, static_cast<uint8_t>(kind));
    PutString(&out, EncodeCells(table));
  }
  return out;
}

absl::Status DecodeNode(absl::string_view bytes, domain::NodeCells* cells) {
  absl::Status status;
  CellTable table;
  FISCAL_RETURN_IF_ERROR(ForEachKind(bytes, [&](domain::CellKind kind, absl::string_view part) {
    status = DecodeCells(part, &table);
    if (status.ok()) status = cells->Load(kind, table);
    return status.ok();
  }));
  return status;
}

absl::StatusOr<absl::string_view> KindOfNode(absl::string_view bytes, domain::CellKind kind) {
  absl::string_view found;
  FISCAL_RETURN_IF_ERROR(ForEachKind(bytes, [&](domain::CellKind at, absl::string_view part) {
    if (at == kind) found = part;
    return at < kind;
  }));
  return found;
}

}  // namespace fiscal::storage
