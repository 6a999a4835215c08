// The money a generated disclosure tells of: leaf lines in exact fen, and what is asked of them.
//
//   seed --> MakeLedger --> Ledger --> LayOutShanxi, LayOutShanghai
//
// Every figure of a document is a sum over these lines, taken by the layout and rounded by itself.
// Plain data; const use is thread-safe.
#ifndef FISCAL_TESTS_CORPUS_LEDGER_H_
#define FISCAL_TESTS_CORPUS_LEDGER_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "tests/corpus/random.h"

namespace fiscal::corpus {

enum class Form { kShanxi13, kShanghai9 };
enum class Fund { kGeneral, kGovernment, kState, kAccount, kUnit };
enum class Category { kPersonnel, kPublic, kProject };
enum class UnitKind { kAdministrative, kParticipating, kInstitution };  // 行政, 参公, 事业

struct Unit {
  std::string name;
  UnitKind kind = UnitKind::kAdministrative;
};

struct Project {
  int unit = 0;
  std::string name;
  bool specific = false;  // 特定目标类, else 其他运转类
};

struct Leaf {
  int unit = 0;
  std::string functional;  // 7 digits
  Fund fund = Fund::kGeneral;
  int income = 0;  // what 单位资金 comes from: 0 事业, 1 经营, 2 其他
  Category category = Category::kProject;
  std::string economic;  // 5 digits; empty for projects
  bool institution_pair = false;
  int project = -1;
  bool carried = false;  // 上年结转
  std::string revenue;   // 7 digits, 政府性基金 and 国有资本经营 only
  int64_t fen = 0;
};

struct Ledger {
  Form form = Form::kShanxi13;
  int year = 2024;
  std::string place;
  std::string department;
  std::vector<Unit> units;
  std::vector<Project> projects;
  std::vector<Leaf> leaves;
  bool of_one_unit = false;  // a unit's own disclosure, not its department's

  // 三公 money inside projects, beside the 款 of basic expenditure.
  int64_t abroad_fen = 0, vehicle_purchase_fen = 0, vehicle_running_fen = 0, reception_fen = 0;
  int64_t goods_fen = 0, works_fen = 0, services_fen = 0;  // 政府采购
  // The year before.
  int64_t previous_income_fen = 0, previous_general_fen = 0, previous_office_fen = 0;
  std::vector<int64_t> vehicles;  // by kind
  int64_t vehicle_quota = 0;

  template <typename Predicate>
  int64_t Sum(Predicate wanted) const {
    int64_t sum = 0;
    for (const Leaf& leaf : leaves) {
      if (wanted(leaf)) sum += leaf.fen;
    }
    return sum;
  }
  template <typename Predicate>
  std::set<std::string> Items(Predicate wanted) const {
    std::set<std::string> items;
    for (const Leaf& leaf : leaves) {
      if (leaf.fen != 0 && wanted(leaf)) items.insert(leaf.functional);
    }
    return items;
  }
  bool Any(Fund fund) const;
  bool AnyCarried() const;
  bool AllAdministrative() const;
};

inline bool StartsWith(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}
inline bool InBooks(Fund fund) {
  return fund == Fund::kGeneral || fund == Fund::kGovernment || fund == Fund::kState;
}
inline bool IsBasic(const Leaf& leaf) { return leaf.category != Category::kProject; }

Ledger MakeLedger(Form form, Random& random);

}  // namespace fiscal::corpus

#endif  // FISCAL_TESTS_CORPUS_LEDGER_H_
