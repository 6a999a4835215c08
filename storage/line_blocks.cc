#include "storage/line_blocks.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "base/check.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "domain/combination.h"

namespace fiscal::storage {
namespace {

using domain::Line;

absl::Status Malformed() { return absl::DataLossError("block: malformed bytes"); }

enum Field : uint32_t {
  kFunctional = 1,
  kRevenue = 2,
  kDeptEconomic = 4,
  kGovEconomic = 8,
  kReceiving = 16,
  kProject = 32,
  kAttributes = 64,
  kPrecision = 128,
};

size_t SharedPrefix(absl::string_view a, absl::string_view b) {
  const size_t n = std::min(a.size(), b.size());
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    uint64_t x, y;
    std::memcpy(&x, a.data() + i, 8);
    std::memcpy(&y, b.data() + i, 8);
    if (x != y) break;
  }
  while (i < n && a[i] == b[i]) ++i;
  return i;
}

// block       := lines:varint combinations:varint id_bytes:varint combination* line*
// combination := mask:varint fields that differ from the combination before
// line        := shared:varint rest:string choice:varint amount:signed note:string?
// `shared` counts the bytes the id has in common with the one before it. `choice` is twice the
// combination's number, and 1 more when a note follows. Combinations are listed in the order of the
// lines that first use them.
class BlockWriter {
 public:
  // As LineSet has them; 0 and false where Line::combination says nothing.
  BlockWriter(uint32_t combinations, bool distinct)
      : known_(combinations + 1, 0), distinct_(distinct) {}

  void Append(absl::Span<const Line> lines, std::string* out) {
    Number(lines);
    size_t id_bytes = 0, rest = 0;
    for (const Line& line : lines) {
      id_bytes += line.line_id.size();
      rest += line.note.size() + 5;
    }
    PutVarint(out, lines.size());
    PutVarint(out, firsts_.size());
    PutVarint(out, id_bytes);
    PutCombinations(lines, out);

    // Everything else in one piece: at most three numbers a line beside its texts.
    const size_t start = out->size();
    out->resize(start + id_bytes + rest + lines.size() * 20);
    char* p = &(*out)[start];
    absl::string_view last;
    for (size_t i = 0; i < lines.size(); ++i) {
      const Line& line = lines[i];
      const size_t shared = SharedPrefix(last, line.line_id);
      const size_t more = line.line_id.size() - shared;
      p = WriteVarint(p, shared);
      p = WriteVarint(p, more);
      if (more > 0) std::memcpy(p, line.line_id.data() + shared, more);
      p += more;
      p = WriteVarint(p, uint64_t{numbers_[i]} << 1 | !line.note.empty());
      p = WriteVarint(p, ZigZag(line.amount_fen));
      if (!line.note.empty()) {
        p = WriteVarint(p, line.note.size());
        std::memcpy(p, line.note.data(), line.note.size());
        p += line.note.size();
      }
      last = line.line_id;
    }
    out->resize(static_cast<size_t>(p - out->data()));
  }

 private:
  // Gives each line the number of its combination in this block.
  void Number(absl::Span<const Line> lines) {
    ++block_;
    firsts_.clear();
    numbers_.resize(lines.size());
    if (distinct_) {
      for (size_t i = 0; i < lines.size(); ++i) {
        const uint32_t hint = lines[i].combination;
        FISCAL_CHECK(hint > 0 && hint < known_.size(), "distinct lines have numbers");
        uint64_t& known = known_[hint];
        if (known >> 32 != block_) {
          known = block_ << 32 | firsts_.size();
          firsts_.push_back(static_cast<uint32_t>(i));
        }
        numbers_[i] = static_cast<uint32_t>(known);
      }
      return;
    }
    size_t capacity = 64;
    while (capacity < 2 * lines.size()) capacity *= 2;
    slots_.assign(capacity, 0);
    for (size_t i = 0; i < lines.size(); ++i) {
      const uint32_t hint = lines[i].combination;
      if (hint != 0 && hint < known_.size() && known_[hint] >> 32 == block_) {
        numbers_[i] = static_cast<uint32_t>(known_[hint]);
        continue;
      }
      size_t slot = domain::HashOfCombination(lines[i]) & (capacity - 1);
      while (slots_[slot] != 0 && !SameCombination(lines[firsts_[slots_[slot] - 1]], lines[i]))
        slot = (slot + 1) & (capacity - 1);
      if (slots_[slot] == 0) {
        firsts_.push_back(static_cast<uint32_t>(i));
        slots_[slot] = static_cast<uint32_t>(firsts_.size());
      }
      numbers_[i] = slots_[slot] - 1;
      if (hint != 0 && hint < known_.size()) known_[hint] = block_ << 32 | numbers_[i];
    }
  }

  void PutCombinations(absl::Span<const Line> lines, std::string* out) const {
    Line last;
    for (uint32_t first : firsts_) {
      const Line& line = lines[first];
      uint32_t mask = 0;
      if (line.functional != last.functional) mask |= kFunctional;
      if (line.revenue != last.revenue) mask |= kRevenue;
      if (line.dept_economic != last.dept_economic) mask |= kDeptEconomic;
      if (line.gov_economic != last.gov_economic) mask |= kGovEconomic;
      if (line.receiving_division != last.receiving_division) mask |= kReceiving;
      if (line.project_code != last.project_code) mask |= kProject;
      if (!(line.attributes == last.attributes)) mask |= kAttributes;
      if (line.precision_class != last.precision_class) mask |= kPrecision;
      PutVarint(out, mask);
      if (mask & kFunctional) PutVarint(out, line.functional);
      if (mask & kRevenue) PutVarint(out, line.revenue);
      if (mask & kDeptEconomic) PutVarint(out, line.dept_economic);
      if (mask & kGovEconomic) PutVarint(out, line.gov_economic);
      if (mask & kReceiving) PutVarint(out, line.receiving_division);
      if (mask & kProject) PutString(out, line.project_code);
      if (mask & kAttributes) PutVarint(out, line.attributes.Pack());
      if (mask & kPrecision) PutU8(out, line.precision_class);
      last = line;
    }
  }

  // By hint: the block that last used it and its number there.
  std::vector<uint64_t> known_;
  const bool distinct_;
  uint64_t block_ = 0;
  // The first line of each combination.
  std::vector<uint32_t> firsts_;
  std::vector<uint32_t> numbers_;
  std::vector<uint32_t> slots_;
};

// The head of a block: combinations as lines without id, amount and note.
struct Opened {
  uint64_t lines = 0;
  uint64_t id_bytes = 0;
  std::vector<Line> combinations;
};

absl::Status Open(ByteReader* reader, Opened* block) {
  block->lines = reader->Varint();
  const uint64_t combinations = reader->Varint();
  block->id_bytes = reader->Varint();
  // A line has at least 5 bytes: a wrong count can't make this reserve much.
  if (!reader->ok() || block->lines == 0 || block->lines > reader->remaining() ||
      combinations == 0 || combinations > block->lines ||
      block->id_bytes > block->lines * kLineIdBytesMax) {
    return Malformed();
  }
  block->combinations.clear();
  block->combinations.reserve(combinations);
  Line line;
  for (uint64_t i = 0; i < combinations; ++i) {
    const uint64_t mask = reader->Varint();
    if (mask & kFunctional) line.functional = static_cast<domain::Code>(reader->Varint());
    if (mask & kRevenue) line.revenue = static_cast<domain::Code>(reader->Varint());
    if (mask & kDeptEconomic) line.dept_economic = static_cast<domain::Code>(reader->Varint());
    if (mask & kGovEconomic) line.gov_economic = static_cast<domain::Code>(reader->Varint());
    if (mask & kReceiving) line.receiving_division = static_cast<domain::Code>(reader->Varint());
    if (mask & kProject) line.project_code = reader->String();
    if (mask & kAttributes) {
      const uint64_t bits = reader->Varint();
      if (bits > UINT32_MAX ||
          !domain::Attributes::Unpack(static_cast<uint32_t>(bits), &line.attributes))
        return Malformed();
    }
    if (mask & kPrecision) line.precision_class = reader->U8();
    if (!reader->ok() || mask > 255 || line.precision_class >= domain::kPrecisionClasses)
      return Malformed();
    block->combinations.push_back(line);
  }
  return absl::OkStatus();
}

// Receives the head of the block in `opened`, too.
absl::StatusOr<absl::string_view> FirstIdOf(absl::string_view block, Opened* opened) {
  ByteReader inside(block);
  FISCAL_RETURN_IF_ERROR(Open(&inside, opened));
  // The first id shares nothing with one before.
  const uint64_t shared = inside.Varint();
  const absl::string_view first = inside.String();
  if (!inside.ok() || shared != 0 || first.empty()) return Malformed();
  return first;
}

}  // namespace

domain::EncodedBlocks EncodeBlocks(const domain::LineSet& set) {
  const absl::Span<const Line> lines = set.lines;
  domain::EncodedBlocks blocks;
  BlockWriter writer(set.combinations, set.distinct);
  std::string block;
  blocks.bytes.reserve(64 + lines.size() * 16);
  for (size_t i = 0; i < lines.size(); i += kBlockLines) {
    block.clear();
    writer.Append(lines.subspan(i, kBlockLines), &block);
    PutVarint(&blocks.bytes, block.size());
    blocks.places.push_back({blocks.bytes.size(), block.size(), lines[i].line_id});
    blocks.bytes += block;
  }
  return blocks;
}

std::string EncodeBlock(absl::Span<const Line> lines) {
  std::string out;
  BlockWriter(0, false).Append(lines, &out);
  return out;
}

absl::StatusOr<domain::EncodedBlocks> SplitBlocks(absl::string_view bytes, uint64_t* lines) {
  domain::EncodedBlocks blocks;
  blocks.bytes = std::string(bytes);
  *lines = 0;
  Opened opened;
  ByteReader reader(bytes);
  while (!reader.AtEnd()) {
    const absl::string_view block = reader.String();
    if (!reader.ok()) return Malformed();
    FISCAL_ASSIGN_OR_RETURN(const absl::string_view first, FirstIdOf(block, &opened));
    *lines += opened.lines;
    blocks.places.push_back(
        {static_cast<size_t>(block.data() - bytes.data()), block.size(), first});
  }
  return blocks;
}

absl::Status DecodeBlock(absl::string_view bytes, domain::LineSet* set) {
  ByteReader reader(bytes);
  Opened block;
  FISCAL_RETURN_IF_ERROR(Open(&reader, &block));
  std::shared_ptr<char[]> ids(new char[block.id_bytes + 1]);
  char* id = ids.get();
  char* const ids_end = id + block.id_bytes;
  const uint32_t before = set->combinations;
  set->lines.reserve(set->lines.size() + block.lines);
  absl::string_view last;
  uint64_t used = 0;
  for (uint64_t i = 0; i < block.lines; ++i) {
    const uint64_t shared = reader.Varint();
    const absl::string_view rest = reader.String();
    const uint64_t choice = reader.Varint();
    const int64_t amount = reader.Signed();
    const absl::string_view note = choice & 1 ? reader.String() : absl::string_view();
    const uint64_t number = choice >> 1;
    // The shared part is as long as it can be, and ids ascend.
    if (!reader.ok() || shared > last.size() || rest.empty() ||
        shared + rest.size() > static_cast<uint64_t>(ids_end - id) ||
        (shared < last.size() &&
         static_cast<uint8_t>(rest[0]) <= static_cast<uint8_t>(last[shared])) ||
        number > used || number >= block.combinations.size() || ((choice & 1) && note.empty())) {
      return Malformed();
    }
    if (number == used) ++used;
    if (shared > 0) std::memcpy(id, last.data(), shared);
    std::memcpy(id + shared, rest.data(), rest.size());
    Line& line = set->lines.emplace_back(block.combinations[number]);
    line.line_id = last = absl::string_view(id, shared + rest.size());
    line.amount_fen = amount;
    line.note = note;
    line.combination = before + static_cast<uint32_t>(number) + 1;
    id += last.size();
  }
  if (!reader.AtEnd() || id != ids_end || used != block.combinations.size()) return Malformed();
  set->combinations = before + static_cast<uint32_t>(used);
  set->owners.push_back(std::move(ids));
  return absl::OkStatus();
}

absl::Status DecodeBlocks(absl::string_view bytes, domain::LineSet* set) {
  ByteReader reader(bytes);
  while (!reader.AtEnd()) {
    const absl::string_view block = reader.String();
    if (!reader.ok()) return Malformed();
    const size_t before = set->lines.size();
    FISCAL_RETURN_IF_ERROR(DecodeBlock(block, set));
    if (before > 0 && !(set->lines[before - 1].line_id < set->lines[before].line_id))
      return Malformed();
  }
  return absl::OkStatus();
}

absl::Status DecodeBlocksWithin(absl::string_view bytes, absl::string_view after,
                                absl::string_view until, domain::LineSet* set) {
  Opened opened;
  ByteReader reader(bytes);
  // The last block that begins at or before `after`: decoded unless the next one begins there too.
  absl::string_view before;
  while (!reader.AtEnd()) {
    const absl::string_view block = reader.String();
    if (!reader.ok()) return Malformed();
    FISCAL_ASSIGN_OR_RETURN(const absl::string_view first, FirstIdOf(block, &opened));
    if (first <= after) {
      before = block;
      continue;
    }
    if (!before.empty()) FISCAL_RETURN_IF_ERROR(DecodeBlock(before, set));
    before = absl::string_view();
    if (!until.empty() && first > until) return absl::OkStatus();
    FISCAL_RETURN_IF_ERROR(DecodeBlock(block, set));
  }
  return before.empty() ? absl::OkStatus() : DecodeBlock(before, set);
}

uint32_t BlockSums::ProjectNumber(absl::string_view code) {
  if (code.empty()) return 0;
  auto [it, added] =
      projects_.try_emplace(code, static_cast<uint32_t>(table_->projects.size() + 1));
  if (added) table_->projects.push_back({code, {}, domain::CellProject::kMentioned});
  return it->second;
}

absl::Status BlockSums::Add(absl::string_view bytes, int sign) {
  ByteReader blocks(bytes);
  Opened block;
  struct Sum {
    domain::Fen amount_fen = 0;
    int64_t lines = 0;
  };
  std::vector<Sum> sums;
  while (!blocks.AtEnd()) {
    ByteReader reader(blocks.String());
    if (!blocks.ok()) return Malformed();
    FISCAL_RETURN_IF_ERROR(Open(&reader, &block));
    sums.assign(block.combinations.size(), {});
    for (uint64_t i = 0; i < block.lines; ++i) {
      reader.Varint();
      reader.String();
      const uint64_t choice = reader.Varint();
      const int64_t amount = reader.Signed();
      if (choice & 1) reader.String();
      if (!reader.ok() || choice >> 1 >= sums.size()) return Malformed();
      Sum& sum = sums[choice >> 1];
      sum.amount_fen += amount;
      ++sum.lines;
    }
    if (!reader.AtEnd()) return Malformed();
    absl::string_view last_code;
    uint32_t last_number = 0;
    for (size_t i = 0; i < sums.size(); ++i) {
      const Line& line = block.combinations[i];
      domain::CellTable::Item& item = table_->items.emplace_back();
      domain::CellKey& key = item.key;
      key.functional = line.functional;
      key.revenue = line.revenue;
      key.dept_economic = line.dept_economic;
      key.gov_economic = line.gov_economic;
      key.receiving_division = line.receiving_division;
      key.attributes = line.attributes.Pack();
      if (line.project_code.data() != last_code.data()) {
        last_code = line.project_code;
        last_number = ProjectNumber(last_code);
      }
      key.project = line.project_code.empty() ? 0 : last_number;
      item.value.amount_fen = sign * sums[i].amount_fen;
      item.value.counts[line.precision_class] = sign * sums[i].lines;
    }
  }
  return absl::OkStatus();
}

}  // namespace fiscal::storage
