// The words of the domain as types. Enumerators have the numbers of
// proto/fiscal/budget/v1/budget.proto, which documents them; services/wire asserts that.
#ifndef FISCAL_DOMAIN_TYPES_H_
#define FISCAL_DOMAIN_TYPES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace fiscal::domain {

enum class Stage : uint8_t {
  kNone,
  kRequested,
  kReviewed,
  kApproved,
  kExecuted,
  kFinal,
  kAdjustment,
  kReallocation,
  // Derived, for reads only: APPROVED + ADJUSTMENT + REALLOCATION.
  kCurrent
};
enum class Direction : uint8_t { kNone, kExpenditure, kIncome };
enum class Fund : uint8_t {
  kNone,
  kGeneral,
  kGovernmentFund,
  kStateCapital,
  kFiscalAccount,
  kUnit,
  kUnitBusiness,
  kUnitOperating,
  kUnitSuperior,
  kUnitSubordinate,
  kUnitOther
};
enum class Category : uint8_t {
  kNone,
  kBasic,
  kPersonnel,
  kPublic,
  kProject,
  kOtherOperating,
  kSpecificTarget
};
enum class FundingYear : uint8_t { kNone, kThisYear, kCarryover };
enum class Analysis : uint8_t {
  kNone,
  kBasicEconomic,
  kProject,
  kThreePublic,
  kOperating,
  kProcurement,
  kClassSplit
};
enum class Procurement : uint8_t { kNone, kGoods, kWorks, kServices };
enum class Scope : uint8_t { kNone, kOwn, kDepartment };
enum class Severity : uint8_t { kNone, kInfo, kWarning, kError };
enum class AgencyKind : uint8_t { kNone, kAdministrative, kCivilServiceLike, kInstitution };
enum class CatalogList : uint8_t {
  kNone,
  kFunctional,
  kRevenue,
  kDeptEconomic,
  kGovEconomic,
  kDivision,
  kAgency,
  kFunctionalCrosswalk
};
enum class WriteMode : uint8_t { kNone, kReplace, kPatch };
enum class Result : uint8_t { kNone, kCreated, kRevised, kUnchanged };

// The stages that may hold negative amounts: signed changes, and booked money that can be reversed.
inline bool AllowsNegative(Stage s) {
  return s == Stage::kAdjustment || s == Stage::kReallocation || s == Stage::kExecuted ||
         s == Stage::kFinal;
}
// The fund itself at the top of the two-level list.
inline Fund TopOf(Fund f) { return f >= Fund::kUnitBusiness ? Fund::kUnit : f; }
inline Category TopOf(Category c) {
  if (c == Category::kPersonnel || c == Category::kPublic) return Category::kBasic;
  if (c == Category::kOtherOperating || c == Category::kSpecificTarget) return Category::kProject;
  return c;
}

// A code of digits without a leading zero, at most 9 of them, as its number; 0 is no code.
// Classifications use 3, 5, 7 and 9 digits, a level for each, and a parent is a leading part;
// divisions use 6.
using Code = uint32_t;

// 0 when `digits` is not such a code.
inline Code ParseCode(absl::string_view digits) {
  if (digits.empty() || digits.size() > 9 || digits[0] < '1' || digits[0] > '9') return 0;
  Code v = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return 0;
    v = v * 10 + static_cast<Code>(c - '0');
  }
  return v;
}
// A division: 6 digits, or 9 ending in 000 which are stored as 6; 0 when malformed.
inline Code ParseDivision(absl::string_view digits) {
  if (digits.size() == 9 && digits.substr(6) == "000") digits = digits.substr(0, 6);
  return digits.size() == 6 ? ParseCode(digits) : 0;
}
inline std::string FormatCode(Code c) { return c == 0 ? std::string() : std::to_string(c); }
// 1 for 3 digits (类), 2 for 5 (款), 3 for 7 (项), 4 for 9 (目); 0 for other lengths.
inline int LevelOf(Code c) {
  if (c >= 100 && c <= 999) return 1;
  if (c >= 10000 && c <= 99999) return 2;
  if (c >= 1000000 && c <= 9999999) return 3;
  if (c >= 100000000 && c <= 999999999) return 4;
  return 0;
}
// REQUIRES: 1 <= level <= LevelOf(c).
inline Code AncestorAt(Code c, int level) {
  for (int l = LevelOf(c); l > level; --l) c /= 100;
  return c;
}

// The key of a budget: one agency, one year, one stage.
struct BudgetKey {
  Code division = 0;
  uint16_t year = 0;
  Stage stage = Stage::kNone;
  std::string agency;

  auto tie() const { return std::tie(division, year, stage, agency); }
  friend bool operator==(const BudgetKey& a, const BudgetKey& b) { return a.tie() == b.tie(); }
  friend bool operator<(const BudgetKey& a, const BudgetKey& b) { return a.tie() < b.tie(); }
  template <typename H>
  friend H AbslHashValue(H h, const BudgetKey& k) {
    return H::combine(std::move(h), k.division, k.year, k.stage, k.agency);
  }
};

// The attributes of a line besides its codes and amount. Part of a cell's key.
struct Attributes {
  Direction direction = Direction::kNone;
  Fund fund = Fund::kNone;
  Category category = Category::kNone;
  FundingYear funding_year = FundingYear::kNone;
  Analysis analysis = Analysis::kNone;
  Procurement procurement = Procurement::kNone;

  // 32 bits that order and identify it; Unpack(Pack()) is the identity.
  uint32_t Pack() const {
    return static_cast<uint32_t>(analysis) << 20 | static_cast<uint32_t>(direction) << 16 |
           static_cast<uint32_t>(fund) << 12 | static_cast<uint32_t>(category) << 8 |
           static_cast<uint32_t>(funding_year) << 4 | static_cast<uint32_t>(procurement);
  }
  // False when `bits` is not what any Attributes pack to.
  static bool Unpack(uint32_t bits, Attributes* a) {
    const uint32_t analysis = bits >> 20, direction = bits >> 16 & 15, fund = bits >> 12 & 15,
                   category = bits >> 8 & 15, year = bits >> 4 & 15, procurement = bits & 15;
    if (analysis > 6 || direction > 2 || fund > 10 || category > 6 || year > 2 || procurement > 3)
      return false;
    *a = {static_cast<Direction>(direction), static_cast<Fund>(fund),
          static_cast<Category>(category),   static_cast<FundingYear>(year),
          static_cast<Analysis>(analysis),   static_cast<Procurement>(procurement)};
    return true;
  }
  friend bool operator==(const Attributes& a, const Attributes& b) { return a.Pack() == b.Pack(); }
};

// Precision classes of amounts: 0 fen, 1 yuan, 2 万元 with two decimals, 3 whole 万元.
constexpr int kPrecisionClasses = 4;
constexpr int64_t kPrecisionFen[kPrecisionClasses] = {1, 100, 10000, 1000000};
inline int PrecisionClassOf(int64_t precision_fen) {
  for (int i = 0; i < kPrecisionClasses; ++i) {
    if (kPrecisionFen[i] == precision_fen) return i;
  }
  return -1;
}

// One amount: the atomic fact. Views into bytes that a LineSet keeps alive.
struct Line {
  absl::string_view line_id;
  absl::string_view project_code;
  absl::string_view note;
  Code functional = 0;
  Code revenue = 0;
  Code dept_economic = 0;
  Code gov_economic = 0;
  Code receiving_division = 0;
  Attributes attributes;
  uint8_t precision_class = 0;
  // Place in the request it came with, for messages; not part of its value.
  uint32_t index = 0;
  // Lines of one LineSet with the same number here are equal in all but id, amount and note; 0, and
  // numbers above LineSet::combinations, say nothing. Not part of its value.
  uint32_t combination = 0;
  int64_t amount_fen = 0;

  bool counts() const { return attributes.analysis == Analysis::kNone; }
  friend bool operator==(const Line& a, const Line& b) {
    return a.amount_fen == b.amount_fen && a.functional == b.functional && a.revenue == b.revenue &&
           a.dept_economic == b.dept_economic && a.gov_economic == b.gov_economic &&
           a.receiving_division == b.receiving_division && a.attributes == b.attributes &&
           a.precision_class == b.precision_class && a.line_id == b.line_id &&
           a.project_code == b.project_code && a.note == b.note;
  }
};

// Lines and the bytes their views point into.
struct LineSet {
  std::vector<Line> lines;
  // The largest Line::combination in use.
  uint32_t combinations = 0;
  // True when each line has a number, and those of a combination (combination.h) all the same.
  bool distinct = false;
  std::vector<std::shared_ptr<const void>> owners;

  // REQUIRES: the lines are some of those of `other`.
  void NumberAs(const LineSet& other) {
    combinations = other.combinations;
    distinct = other.distinct;
  }
  void Keep(const LineSet& other) {
    owners.insert(owners.end(), other.owners.begin(), other.owners.end());
  }
};

// Lines (storage/line_blocks.h) or projects (storage/record_codec.h) as the bytes that events and
// heads keep, in blocks.
struct EncodedBlocks {
  struct Place {
    size_t offset = 0;  // of the block itself in `bytes`
    size_t size = 0;
    // The line_id or project code it starts with; points at what was encoded.
    absl::string_view first;
  };
  std::string bytes;
  std::vector<Place> places;

  absl::string_view block(size_t i) const {
    return absl::string_view(bytes).substr(places[i].offset, places[i].size);
  }
};

// Sums over lines.
struct LineSums {
  uint64_t line_count = 0;
  uint64_t memo_line_count = 0;
  int64_t expenditure_fen = 0;
  int64_t income_fen = 0;
  // Sum of |amount| over all lines, memo lines included.
  int64_t gross_fen = 0;

  void Add(const Line& line, int sign) {
    gross_fen += sign * (line.amount_fen < 0 ? -line.amount_fen : line.amount_fen);
    const uint64_t one = static_cast<uint64_t>(sign);
    if (!line.counts()) {
      memo_line_count += one;
      return;
    }
    line_count += one;
    (line.attributes.direction == Direction::kIncome ? income_fen : expenditure_fen) +=
        sign * line.amount_fen;
  }
};

// A project. `bytes` are all that was sent of it, compared as bytes; services/wire made them and
// alone reads them.
struct ProjectEntry {
  std::string code;
  std::string name;
  std::string bytes;
  friend bool operator==(const ProjectEntry& a, const ProjectEntry& b) {
    return a.code == b.code && a.name == b.name && a.bytes == b.bytes;
  }
};

struct Finding {
  std::string rule;
  Severity severity = Severity::kNone;
  std::string place;
  std::string line_id;
  std::string message;
  std::string message_zh;
  auto tie() const { return std::tie(rule, severity, place, line_id, message, message_zh); }
  friend bool operator==(const Finding& a, const Finding& b) { return a.tie() == b.tie(); }
};

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_TYPES_H_
