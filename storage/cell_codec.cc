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
namespace {

// Writes cells in order behind what `out` has, which has all of them once the writer is gone.
class CellWriter {
 public:
  explicit CellWriter(std::string* out) : out_(out) {}
  CellWriter(const CellWriter&) = delete;
  CellWriter& operator=(const CellWriter&) = delete;
  ~CellWriter() { Flush(); }

  void Write(const CellKey& key, const CellValue& value) {
    if (p_ + kCellMax > buffer_ + sizeof(buffer_)) Flush();
    const uint8_t mask = static_cast<uint8_t>(
        (key.attributes != last_.attributes) | (key.functional != last_.functional) << 1 |
        (key.revenue != last_.revenue) << 2 | (key.dept_economic != last_.dept_economic) << 3 |
        (key.gov_economic != last_.gov_economic) << 4 |
        (key.receiving_division != last_.receiving_division) << 5 |
        (key.project != last_.project) << 6);
    char* p = p_;
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
    p_ = p;
    last_ = key;
  }

 private:
  // At most: the counts; a mask, seven fields, the amount, the counts by precision.
  static constexpr size_t kCellMax = 1 + 7 * 5 + 19 + 1 + kPrecisionClasses * 10;

  void Flush() {
    out_->append(buffer_, static_cast<size_t>(p_ - buffer_));
    p_ = buffer_;
  }

  std::string* const out_;
  CellKey last_;
  char buffer_[64 * kCellMax];
  char* p_ = buffer_;
};

}  // namespace

std::string EncodeCells(const CellTable& table) {
  std::string out;
  size_t texts = 0;
  for (const CellProject& p : table.projects) texts += p.code.size() + p.name.size() + 8;
  out.reserve(20 + texts + table.items.size() * 16);
  PutVarint(&out, table.projects.size());
  for (const CellProject& p : table.projects) {
    PutString(&out, p.code);
    PutU8(&out, p.state);
    if (p.state == CellProject::kNamed) PutString(&out, p.name);
  }
  PutVarint(&out, table.items.size());
  {
    CellWriter writer(&out);
    for (const CellTable::Item& item : table.items) writer.Write(item.key, item.value);
  }
  return out;
}

namespace {

// The projects a table begins with.
absl::Status ReadProjects(ByteReader* reader, std::vector<CellProject>* out) {
  out->clear();
  const uint64_t count = reader->Varint();
  // A project has at least 2 bytes, a cell 3: wrong counts can't make anything reserve much.
  if (count > reader->remaining()) return absl::DataLossError("cells: more projects than bytes");
  out->reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    CellProject p;
    p.code = reader->String();
    const uint8_t state = reader->U8();
    if (state == CellProject::kNamed) p.name = reader->String();
    if (!reader->ok() || p.code.empty() || state > CellProject::kGone ||
        (i > 0 && !(out->back().code < p.code)))
      return absl::DataLossError("cells: malformed project");
    p.state = static_cast<CellProject::State>(state);
    out->push_back(p);
  }
  return absl::OkStatus();
}

// Calls `visit` with each cell of a table; returns how many.
template <typename Visit>
absl::StatusOr<uint64_t> ForEachCell(absl::string_view bytes, std::vector<CellProject>* projects,
                                     Visit visit) {
  ByteReader before(bytes);
  FISCAL_RETURN_IF_ERROR(ReadProjects(&before, projects));
  // Nothing below has the address of these, so that they live in registers.
  ByteReader reader(before.Bytes(before.remaining()));
  const uint64_t count = reader.Varint();
  CellKey key, last;
  Attributes attributes;
  bool good = true;
  for (uint64_t i = 0; i < count && good; ++i) {
    const uint8_t mask = reader.U8();
    if (mask & 1) {
      key.attributes = static_cast<uint32_t>(reader.Varint());
      good = Attributes::Unpack(key.attributes, &attributes);
    }
    if (mask & 2) key.functional = static_cast<Code>(reader.Varint());
    if (mask & 124) {
      if (mask & 4) key.revenue = static_cast<Code>(reader.Varint());
      if (mask & 8) key.dept_economic = static_cast<Code>(reader.Varint());
      if (mask & 16) key.gov_economic = static_cast<Code>(reader.Varint());
      if (mask & 32) key.receiving_division = static_cast<Code>(reader.Varint());
      if (mask & 64) key.project = static_cast<uint32_t>(reader.Varint());
    }
    CellValue value;
    value.amount_fen = reader.Wide();
    const uint8_t count_mask = reader.U8();
    static_assert(kPrecisionClasses == 4);
    for (uint32_t m = count_mask & 15; m != 0; m &= m - 1)
      value.counts[static_cast<size_t>(__builtin_ctz(m))] = reader.Signed();
    good = good && reader.ok() && mask < 128 && count_mask < 16 &&
           key.project <= projects->size() && (i == 0 || last < key);
    if (!good) break;
    visit(CellKey(key), CellValue(value));
    last = key;
  }
  if (!good) return absl::DataLossError("cells: malformed cell");
  if (!reader.ok() || !reader.AtEnd()) return absl::DataLossError("cells: malformed");
  return count;
}

}  // namespace

absl::StatusOr<uint64_t> ScanCells(
    absl::string_view bytes, domain::CellKind kind, const domain::CodeClass& codes,
    std::vector<CellProject>* projects,
    absl::FunctionRef<void(const CellKey&, const CellValue&)> visit) {
  return ForEachCell(bytes, projects, [&](const CellKey& key, const CellValue& value) {
    if (codes.Has(domain::CodeOf(key, kind))) visit(key, value);
  });
}

absl::Status DecodeCells(absl::string_view bytes, CellTable* table) {
  table->items.clear();
  return ForEachCell(bytes, &table->projects,
                     [table](const CellKey& key, const CellValue& value) {
                       table->items.push_back({key, value});
                     })
      .status();
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
  std::string out, table;
  PutU8(&out, kNodeFormat);
  for (const domain::CellKind kind : domain::kNodeKinds) {
    table.clear();
    size_t count = 0;
    {
      CellWriter writer(&table);
      cells.ForEachInOrder(
          kind,
          [&](size_t n) {
            count = n;
            table.reserve(12 + n * 16);
            // No projects.
            PutVarint(&table, 0);
            PutVarint(&table, n);
          },
          [&writer](const CellKey& key, const CellValue& value) { writer.Write(key, value); });
    }
    if (count == 0) continue;
    PutU8(&out, static_cast<uint8_t>(kind));
    PutString(&out, table);
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
