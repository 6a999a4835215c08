#include "services/wire/line_reader.h"

#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/text.h"
#include "domain/shapes.h"
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

// The places of the fields of one kind of item: id first, then anything short, then the amount.
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

// The fields of an item as they stand in its bytes, before they mean anything.
struct Fields {
  domain::Line line;
  absl::string_view functional, revenue, dept, gov, receiving;
  int64_t precision = 0;
  // By field number.
  int enums[15] = {};
  // How often they stand.
  int ids = 0, amounts = 0;
  // True when there is a field that this version does not know.
  bool unknown = false;
};

// False when the bytes are no LineItem.
bool ReadFields(absl::string_view item, Fields* f) {
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
      f->unknown = true;
      continue;
    }
    if (is_text && !IsUtf8(text)) return false;
    switch (number) {
      case 1:
        f->line.line_id = text;
        ++f->ids;
        break;
      case 3:
        f->functional = text;
        break;
      case 4:
        f->revenue = text;
        break;
      case 5:
        f->dept = text;
        break;
      case 6:
        f->gov = text;
        break;
      case 10:
        f->line.project_code = text;
        break;
      case 11:
        f->line.amount_fen = static_cast<int64_t>(value);
        ++f->amounts;
        break;
      case 12:
        f->precision = static_cast<int64_t>(value);
        break;
      case 15:
        f->receiving = text;
        break;
      case 16:
        f->line.note = text;
        break;
      default:
        f->enums[number] = static_cast<int>(static_cast<uint32_t>(value));
    }
  }
  return true;
}

// Makes a line of the fields of one item; adds violations to the submission.
class Meaning {
 public:
  Meaning(domain::Submission* s, Fields* fields)
      : s_(s), f_(fields), at_(s->lines.lines.size()), line_(fields->line) {}

  void Find() {
    FindCodes();
    FindAttributes();
    const int precision_class = f_->precision == 0 ? 0 : domain::PrecisionClassOf(f_->precision);
    if (precision_class < 0) {
      Add(Reason::kAmountInvalid, "precision_fen",
          absl::StrCat(f_->precision, " is no precision: 1, 100, 10000 or 1000000"));
    } else {
      line_.precision_class = static_cast<uint8_t>(precision_class);
    }
    if (line_.amount_fen == INT64_MIN) {
      Add(Reason::kAmountOverflow, "amount_fen", "the amount is too large");
      line_.amount_fen = 0;
    }
    if (f_->unknown) {
      Add(Reason::kFieldUnknown, "",
          "a field this version does not know; nothing is dropped in silence");
    }
  }

 private:
  void Add(Reason reason, absl::string_view field, std::string message) {
    if (s_->violations.size() >= domain::kViolationsMax) return;
    s_->violations.push_back(
        {reason, absl::StrCat("line_items[", at_, "]", field.empty() ? "" : ".", field),
         field.empty() ? "" : std::string(line_.line_id), std::move(message)});
  }

  domain::Code CodeOf(absl::string_view text, absl::string_view field) {
    if (text.empty()) return 0;
    const domain::Code c = domain::ParseCode(text);
    if (c == 0) {
      Add(Reason::kCodeMalformed, field,
          absl::StrCat("\"", text.substr(0, 32), "\" is no code: 3, 5, 7 or 9 digits"));
    }
    return c;
  }

  void FindCodes() {
    line_.functional = CodeOf(f_->functional, "functional_code");
    line_.revenue = CodeOf(f_->revenue, "revenue_code");
    line_.dept_economic = CodeOf(f_->dept, "dept_economic_code");
    line_.gov_economic = CodeOf(f_->gov, "gov_economic_code");
    if (f_->receiving.empty()) return;
    line_.receiving_division = ParseDivision(f_->receiving);
    if (line_.receiving_division == 0) {
      Add(Reason::kCodeMalformed, "receiving_division_code", domain::kDivisionShape);
    }
  }

  // The value of an enumeration; 0 when it has no such value.
  template <typename Enum>
  Enum EnumOf(int number, bool (*valid)(int), absl::string_view field) {
    const int value = f_->enums[number];
    if (valid(value)) return static_cast<Enum>(value);
    Add(Reason::kEnumUnknown, field, absl::StrCat(value, " is no value of this field"));
    return static_cast<Enum>(0);
  }

  void FindAttributes() {
    domain::Attributes& a = line_.attributes;
    a.direction = EnumOf<domain::Direction>(2, pb::Direction_IsValid, "direction");
    a.fund = EnumOf<domain::Fund>(7, pb::Fund_IsValid, "fund");
    a.category = EnumOf<domain::Category>(8, pb::Category_IsValid, "category");
    a.funding_year = EnumOf<domain::FundingYear>(9, pb::FundingYear_IsValid, "funding_year");
    a.analysis = EnumOf<domain::Analysis>(13, pb::Analysis_IsValid, "analysis");
    a.procurement =
        EnumOf<domain::Procurement>(14, pb::ProcurementKind_IsValid, "procurement_kind");
  }

  domain::Submission* const s_;
  const Fields* const f_;
  const size_t at_;
  domain::Line& line_;
};

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
  Fields fields;
  if (!ReadFields(item, &fields)) return false;
  const size_t violations = s_->violations.size();
  Meaning(s_, &fields).Find();
  *plain = fields.ids == 1 && fields.amounts == 1 && fields.line.note.empty() &&
           s_->violations.size() == violations && violations < domain::kViolationsMax;
  s_->lines.lines.push_back(fields.line);
  return true;
}

}  // namespace fiscal::services::wire
