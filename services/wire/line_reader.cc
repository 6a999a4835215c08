#include "services/wire/line_reader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "domain/combination.h"
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

// The fields of an item as they stand in its bytes, before they mean anything.
struct Fields {
  domain::Line& line;
  absl::string_view functional, revenue, dept, gov, receiving;
  int64_t precision = 0;
  bool amount_given = false;
  // By field number.
  int enums[15] = {};
  // True when there is a field that this version does not know.
  bool unknown = false;
};

// False when the text is not UTF-8; digits are. 0 for what is no code.
bool ReadCode(absl::string_view text, domain::Code* code) {
  *code = domain::ParseCode(text);
  return *code != 0 || IsUtf8(text);
}

// Numbers of fields that are strings.
constexpr uint32_t kTexts =
    1 << 1 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 10 | 1 << 15 | 1 << 16;

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
    const bool is_text = number <= 16 && (kTexts >> number & 1) != 0;
    if (number > 16 || (tag & 7) != (is_text ? kLength : kVarint)) {
      f->unknown = true;
      continue;
    }
    domain::Line& line = f->line;
    switch (number) {
      case 1:
        if (!IsUtf8(line.line_id = text)) return false;
        break;
      case 3:
        if (!ReadCode(f->functional = text, &line.functional)) return false;
        break;
      case 4:
        if (!ReadCode(f->revenue = text, &line.revenue)) return false;
        break;
      case 5:
        if (!ReadCode(f->dept = text, &line.dept_economic)) return false;
        break;
      case 6:
        if (!ReadCode(f->gov = text, &line.gov_economic)) return false;
        break;
      case 10:
        if (!IsUtf8(line.project_code = text)) return false;
        break;
      case 11:
        line.amount_fen = static_cast<int64_t>(value);
        f->amount_given = true;
        break;
      case 12:
        f->precision = static_cast<int64_t>(value);
        break;
      case 15:
        if (!IsUtf8(f->receiving = text)) return false;
        break;
      case 16:
        if (!IsUtf8(line.note = text)) return false;
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
      : s_(s), f_(fields), at_(s->lines.lines.size() - 1), line_(fields->line) {}

  void Find() {
    FindCodes();
    FindAttributes();
    const int precision_class = f_->precision == 0 ? 0 : domain::PrecisionClassOf(f_->precision);
    if (precision_class < 0) {
      Add(Reason::kAmountInvalid, "precision_fen",
          {absl::StrCat(f_->precision, " is no precision: 1, 100, 10000 or 1000000"),
           absl::StrCat(f_->precision, "不是有效的精度：1、100、10000或1000000")});
    } else {
      line_.precision_class = static_cast<uint8_t>(precision_class);
    }
    if (!f_->amount_given) {
      Add(Reason::kRequiredFieldMissing, "amount_fen",
          {"an amount is required; write 0 where there is no money", "金额必填，没有金额请填0"});
    } else if (line_.amount_fen == INT64_MIN) {
      Add(Reason::kAmountOverflow, "amount_fen",
          {absl::StrCat(line_.amount_fen, " is too large an amount"),
           absl::StrCat("金额过大：", line_.amount_fen, "分")});
      line_.amount_fen = 0;
    }
    if (f_->unknown) {
      Add(Reason::kFieldUnknown, "",
          {"a field this version does not know; nothing is dropped in silence",
           "含有本版本不认识的字段，为避免遗漏不予接收"});
    }
  }

 private:
  void Add(Reason reason, absl::string_view field, domain::Sentence message) {
    domain::AddViolation(
        {reason, absl::StrCat("line_items[", at_, "]", field.empty() ? "" : ".", field),
         field.empty() ? "" : std::string(line_.line_id), std::move(message)},
        &s_->violations);
  }

  void CheckCode(absl::string_view text, domain::Code code, absl::string_view field) {
    if (code != 0 || text.empty()) return;
    Add(Reason::kCodeMalformed, field,
        {absl::StrCat("\"", text.substr(0, 32), "\" is no code: 3, 5, 7 or 9 digits"),
         absl::StrCat("“", text.substr(0, 32), "”不是科目编码：3、5、7或9位数字")});
  }

  void FindCodes() {
    CheckCode(f_->functional, line_.functional, "functional_code");
    CheckCode(f_->revenue, line_.revenue, "revenue_code");
    CheckCode(f_->dept, line_.dept_economic, "dept_economic_code");
    CheckCode(f_->gov, line_.gov_economic, "gov_economic_code");
    if (f_->receiving.empty()) return;
    line_.receiving_division = ParseDivision(f_->receiving);
    if (line_.receiving_division == 0) {
      Add(Reason::kCodeMalformed, "receiving_division_code",
          domain::kDivisionShape.Not(f_->receiving));
    }
  }

  // The value of an enumeration, whose values are 0 to `max`; 0 when it has no such value.
  template <typename Enum>
  Enum EnumOf(int number, int max, absl::string_view field) {
    const int value = f_->enums[number];
    if (value >= 0 && value <= max) return static_cast<Enum>(value);
    Add(Reason::kEnumUnknown, field,
        {absl::StrCat(value, " is no value of this field"),
         absl::StrCat(value, "不是该字段的取值")});
    return static_cast<Enum>(0);
  }

  void FindAttributes() {
    domain::Attributes& a = line_.attributes;
    a.direction = EnumOf<domain::Direction>(2, pb::Direction_MAX, "direction");
    a.fund = EnumOf<domain::Fund>(7, pb::Fund_MAX, "fund");
    a.category = EnumOf<domain::Category>(8, pb::Category_MAX, "category");
    a.funding_year = EnumOf<domain::FundingYear>(9, pb::FundingYear_MAX, "funding_year");
    a.analysis = EnumOf<domain::Analysis>(13, pb::Analysis_MAX, "analysis");
    a.procurement = EnumOf<domain::Procurement>(14, pb::ProcurementKind_MAX, "procurement_kind");
  }

  domain::Submission* const s_;
  const Fields* const f_;
  const size_t at_;
  domain::Line& line_;
};

}  // namespace

LineReader::LineReader(domain::Submission* submission, size_t lines) : s_(submission) {
  size_t size = 16;
  while (size < 2 * std::min<size_t>(lines, 2048)) size *= 2;
  slots_.assign(size, 0);
  s_->lines.lines.reserve(lines);
  s_->lines.distinct = true;
}

bool LineReader::Read(absl::string_view item) {
  const size_t violations = s_->violations.size();
  domain::Line& line = s_->lines.lines.emplace_back();
  Fields fields{line};
  if (!ReadFields(item, &fields)) return false;
  Meaning(s_, &fields).Find();
  // A line that is not understood is of no combination.
  if (s_->violations.size() != violations || violations >= domain::kViolationsMax) {
    s_->lines.distinct = false;
  } else {
    line.combination = NumberOf(line);
  }
  return true;
}

uint32_t LineReader::NumberOf(const domain::Line& line) {
  size_t i = domain::HashOfCombination(line) & (slots_.size() - 1);
  for (; slots_[i] != 0; i = (i + 1) & (slots_.size() - 1)) {
    if (domain::SameCombination(s_->lines.lines[firsts_[slots_[i] - 1]], line)) return slots_[i];
  }
  firsts_.push_back(static_cast<uint32_t>(s_->lines.lines.size() - 1));
  slots_[i] = s_->lines.combinations = static_cast<uint32_t>(firsts_.size());
  if (firsts_.size() * 2 >= slots_.size()) Grow();
  return s_->lines.combinations;
}

void LineReader::Grow() {
  slots_.assign(slots_.size() * 4, 0);
  for (size_t k = 0; k < firsts_.size(); ++k) {
    size_t i = domain::HashOfCombination(s_->lines.lines[firsts_[k]]) & (slots_.size() - 1);
    while (slots_[i] != 0) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = static_cast<uint32_t>(k + 1);
  }
}

}  // namespace fiscal::services::wire
