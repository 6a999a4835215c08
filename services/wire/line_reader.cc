#include "services/wire/line_reader.h"

#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/text.h"
#include "domain/validation.h"
#include "fiscal/budget/v1/budget.pb.h"
#include "services/wire/text_wire.h"
#include "services/wire/varint.h"

namespace fiscal::services::wire {
namespace {

namespace pb = fiscal::budget::v1;
using domain::Reason;

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

uint64_t HashBytes(absl::string_view bytes, uint64_t h) {
  const char* p = bytes.data();
  size_t n = bytes.size();
  uint64_t v = 0;
  for (; n >= 8; n -= 8, p += 8) {
    std::memcpy(&v, p, 8);
    h = MixWords(h, v);
  }
  v = 0;
  if (n > 0) std::memcpy(&v, p, n);
  return MixWords(h ^ bytes.size(), v);
}

// Where the fields of one kind of item stand: id first, then anything short, then the amount.
struct Split {
  absl::string_view line_id, middle, tail;
  int64_t amount = 0;
};

// False when the bytes are not laid out so; they may still be good.
bool SplitItem(absl::string_view item, Split* out) {
  const char* p = item.data();
  const char* const end = p + item.size();
  if (item.size() < 4 || p[0] != 0x0a || static_cast<uint8_t>(p[1]) >= 0x80) return false;
  const size_t id_size = static_cast<uint8_t>(p[1]);
  p += 2;
  if (static_cast<size_t>(end - p) < id_size) return false;
  out->line_id = absl::string_view(p, id_size);
  p += id_size;
  const char* const middle = p;
  constexpr char kAmountTag = 0x58;  // field 11, varint
  while (p != end && *p != kAmountTag) {
    const uint8_t tag = static_cast<uint8_t>(*p++);
    if (tag >= 0x80 || p == end) return false;
    if ((tag & 7) == kVarint) {
      if (static_cast<uint8_t>(*p++) >= 0x80) return false;
    } else if ((tag & 7) == kLength) {
      const size_t size = static_cast<uint8_t>(*p++);
      if (size >= 0x80 || static_cast<size_t>(end - p) < size) return false;
      p += size;
    } else {
      return false;
    }
  }
  if (p == end) return false;
  out->middle = absl::string_view(middle, static_cast<size_t>(p - middle));
  ++p;
  out->tail = absl::string_view(p, static_cast<size_t>(end - p));
  uint64_t amount;
  if (!ReadVarint(&out->tail, &amount)) return false;
  out->amount = static_cast<int64_t>(amount);
  return true;
}

}  // namespace

LineReader::LineReader(domain::Submission* submission) : s_(submission), slots_(256, 0) {}

LineReader::Known* LineReader::Find(uint64_t hash, absl::string_view middle,
                                    absl::string_view tail) {
  for (size_t i = hash & (slots_.size() - 1); slots_[i] != 0; i = (i + 1) & (slots_.size() - 1)) {
    Known& known = known_[slots_[i] - 1];
    if (known.hash == hash && known.middle == middle && known.tail == tail) return &known;
  }
  return nullptr;
}

void LineReader::Grow() {
  slots_.assign(slots_.size() * 4, 0);
  for (size_t k = 0; k < known_.size(); ++k) {
    size_t i = known_[k].hash & (slots_.size() - 1);
    while (slots_[i] != 0) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = static_cast<uint32_t>(k + 1);
  }
}

bool LineReader::Read(absl::string_view item) {
  bool plain = false;
  Split split;
  if (!SplitItem(item, &split)) return ReadWhole(item, &plain);
  const uint64_t hash = HashBytes(split.tail, HashBytes(split.middle, 0));
  if (const Known* known = Find(hash, split.middle, split.tail)) {
    if (!IsUtf8(split.line_id)) return false;
    domain::Line& line = s_->lines.lines.emplace_back(known->line);
    line.line_id = split.line_id;
    line.amount_fen = split.amount;
    if (split.amount != INT64_MIN) return true;
    s_->lines.lines.pop_back();  // refused below, with its words
  }
  if (!ReadWhole(item, &plain)) return false;
  if (!plain) return true;
  domain::Line& line = s_->lines.lines.back();
  line.combination = ++s_->lines.combinations;
  if (known_.size() * 2 >= slots_.size()) Grow();
  known_.push_back({hash, split.middle, split.tail, line});
  size_t i = hash & (slots_.size() - 1);
  while (slots_[i] != 0) i = (i + 1) & (slots_.size() - 1);
  slots_[i] = static_cast<uint32_t>(known_.size());
  return true;
}

// `plain`: line_id and amount stand once, there is no note, and nothing is wrong: an item with the
// same bytes around another id and amount means the same.
bool LineReader::ReadWhole(absl::string_view item, bool* plain) {
  const size_t i = s_->lines.lines.size();
  const size_t violations = s_->violations.size();
  domain::Line line;
  int64_t precision = 0;
  int ids = 0, amounts = 0;
  bool unknown = false;
  absl::string_view functional, revenue, dept, gov, receiving;
  int enums[15] = {};
  while (!item.empty()) {
    uint64_t tag, value = 0;
    if (!ReadVarint(&item, &tag) || tag >> 3 == 0 || tag >> 32 != 0) return false;
    const uint32_t number = static_cast<uint32_t>(tag >> 3);
    absl::string_view text;
    switch (tag & 7) {
      case kVarint:
        if (!ReadVarint(&item, &value)) return false;
        break;
      case kLength:
        if (!ReadVarint(&item, &value) || value > item.size()) return false;
        text = item.substr(0, value);
        item.remove_prefix(value);
        break;
      case kFixed64:
      case kFixed32: {
        const size_t width = (tag & 7) == kFixed64 ? 8 : 4;
        if (item.size() < width) return false;
        item.remove_prefix(width);
        break;
      }
      default:
        return false;
    }
    const bool is_text =
        number == 1 || (number >= 3 && number <= 6) || number == 10 || number == 15 || number == 16;
    if (number > 16 || (tag & 7) != (is_text ? kLength : kVarint)) {
      unknown = true;
      continue;
    }
    if (is_text && !IsUtf8(text)) return false;
    switch (number) {
      case 1:
        line.line_id = text;
        ++ids;
        break;
      case 3:
        functional = text;
        break;
      case 4:
        revenue = text;
        break;
      case 5:
        dept = text;
        break;
      case 6:
        gov = text;
        break;
      case 10:
        line.project_code = text;
        break;
      case 11:
        line.amount_fen = static_cast<int64_t>(value);
        ++amounts;
        break;
      case 12:
        precision = static_cast<int64_t>(value);
        break;
      case 15:
        receiving = text;
        break;
      case 16:
        line.note = text;
        break;
      default:
        enums[number] = static_cast<int>(static_cast<uint32_t>(value));
    }
  }

  auto add = [&](Reason reason, absl::string_view field, std::string message) {
    if (s_->violations.size() >= domain::kViolationsMax) return;
    s_->violations.push_back({reason,
                              absl::StrCat("line_items[", i, "]", field.empty() ? "" : ".", field),
                              field.empty() ? "" : std::string(line.line_id), std::move(message)});
  };
  auto code = [&](absl::string_view text, absl::string_view field) -> domain::Code {
    if (text.empty()) return 0;
    const domain::Code c = domain::ParseCode(text);
    if (c == 0) {
      add(Reason::kCodeMalformed, field,
          absl::StrCat("\"", text.substr(0, 32), "\" is no code: 3, 5, 7 or 9 digits"));
    }
    return c;
  };
  auto checked = [&](int number, bool valid, absl::string_view field) {
    if (valid) return enums[number];
    add(Reason::kEnumUnknown, field, absl::StrCat(enums[number], " is no value of this field"));
    return 0;
  };
  line.functional = code(functional, "functional_code");
  line.revenue = code(revenue, "revenue_code");
  line.dept_economic = code(dept, "dept_economic_code");
  line.gov_economic = code(gov, "gov_economic_code");
  if (!receiving.empty()) {
    line.receiving_division = ParseDivision(receiving);
    if (line.receiving_division == 0) {
      add(Reason::kCodeMalformed, "receiving_division_code",
          "a division has 6 digits, or 9 ending in 000");
    }
  }
  domain::Attributes& a = line.attributes;
  a.direction =
      static_cast<domain::Direction>(checked(2, pb::Direction_IsValid(enums[2]), "direction"));
  a.fund = static_cast<domain::Fund>(checked(7, pb::Fund_IsValid(enums[7]), "fund"));
  a.category =
      static_cast<domain::Category>(checked(8, pb::Category_IsValid(enums[8]), "category"));
  a.funding_year = static_cast<domain::FundingYear>(
      checked(9, pb::FundingYear_IsValid(enums[9]), "funding_year"));
  a.analysis =
      static_cast<domain::Analysis>(checked(13, pb::Analysis_IsValid(enums[13]), "analysis"));
  a.procurement = static_cast<domain::Procurement>(
      checked(14, pb::ProcurementKind_IsValid(enums[14]), "procurement_kind"));
  const int precision_class = precision == 0 ? 0 : domain::PrecisionClassOf(precision);
  if (precision_class < 0) {
    add(Reason::kAmountInvalid, "precision_fen",
        absl::StrCat(precision, " is no precision: 1, 100, 10000 or 1000000"));
  } else {
    line.precision_class = static_cast<uint8_t>(precision_class);
  }
  if (line.amount_fen == INT64_MIN) {
    add(Reason::kAmountOverflow, "amount_fen", "the amount is too large");
    line.amount_fen = 0;
  }
  if (unknown) {
    add(Reason::kFieldUnknown, "",
        "a field this version does not know; nothing is dropped in silence");
  }
  *plain = ids == 1 && amounts == 1 && line.note.empty() && s_->violations.size() == violations &&
           violations < domain::kViolationsMax;
  s_->lines.lines.push_back(line);
  return true;
}

}  // namespace fiscal::services::wire
