// Totals as they are kept: the cells of each organisation.
//
// An agency keeps its leaf cells: one for each combination of everything its lines say. A
// department, a division's own level and a division keep one cell for each combination of one
// classification with the attributes: that answers nearly every question from one or two nodes. A
// question about two classifications at once, or about projects, is a pivot over the leaf cells of
// the agencies below. Codes are kept as stated; a total of a 类 sums the cells below it.
//
// Not thread-safe.
#ifndef FISCAL_DOMAIN_CELLS_H_
#define FISCAL_DOMAIN_CELLS_H_

#include <array>
#include <cstdint>
#include <iterator>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/hash.h"
#include "domain/fen.h"
#include "domain/types.h"

namespace fiscal::domain {

enum class OrgType : uint8_t { kDivision = 1, kOwnLevel = 2, kDepartment = 3, kAgency = 4 };

// An organisation whose money is totalled. `code` is empty for divisions and own levels.
struct OrgNode {
  OrgType type = OrgType::kDivision;
  Code division = 0;
  std::string code;

  auto tie() const { return std::tie(division, type, code); }
  friend bool operator==(const OrgNode& a, const OrgNode& b) { return a.tie() == b.tie(); }
  friend bool operator<(const OrgNode& a, const OrgNode& b) { return a.tie() < b.tie(); }
  template <typename H>
  friend H AbslHashValue(H h, const OrgNode& n) {
    return H::combine(std::move(h), n.type, n.division, n.code);
  }
};

// A node's totals of a year and stage.
struct NodeId {
  OrgNode node;
  uint16_t year = 0;
  Stage stage = Stage::kNone;

  auto tie() const { return std::tie(year, stage, node); }
  friend bool operator==(const NodeId& a, const NodeId& b) { return a.tie() == b.tie(); }
  friend bool operator<(const NodeId& a, const NodeId& b) { return a.tie() < b.tie(); }
  template <typename H>
  friend H AbslHashValue(H h, const NodeId& n) {
    return H::combine(std::move(h), n.node, n.year, n.stage);
  }
};

// The classification that cells keep. Numbers are part of stored bytes: permanent.
enum class CellKind : uint8_t {
  kLeaf = 0,
  kNone = 1,
  kFunctional = 2,
  kRevenue = 3,
  kDeptEconomic = 4,
  kGovEconomic = 5,
  // Expenditure on functional 230 (转移性支出), by the division that receives it: what goes down a
  // level, and 23006 (上解支出), which goes up.
  kTransferDown = 6,
  kTransferUp = 7
};
// Those that departments, own levels and divisions keep.
constexpr CellKind kNodeKinds[] = {
    CellKind::kNone,        CellKind::kFunctional,   CellKind::kRevenue,   CellKind::kDeptEconomic,
    CellKind::kGovEconomic, CellKind::kTransferDown, CellKind::kTransferUp};
constexpr size_t kNodeKindCount = std::size(kNodeKinds);

// The codes of one 类: itself and what is below it; or all codes, 0 among them.
class CodeClass {
 public:
  CodeClass() = default;
  // Of a code, which may be 0 for all.
  explicit CodeClass(Code code)
      : top_(code == 0 ? 0 : AncestorAt(code, 1)), seven_digits_(top_ * 10000) {}
  bool Has(Code code) const {
    // Each level has two digits more; most codes that are stated have seven.
    if (code - seven_digits_ < 10000 || top_ == 0) return true;
    if (code - 1000000 < 9000000) return false;
    return code == top_ || code - top_ * 100 < 100 || code - top_ * 1000000 < 1000000;
  }

 private:
  Code top_ = 0;
  Code seven_digits_ = 0;
};

struct CellKey {
  Code functional = 0;
  Code revenue = 0;
  Code dept_economic = 0;
  Code gov_economic = 0;
  Code receiving_division = 0;
  // 1 + the project's place in the table or among an agency's; 0 is none.
  uint32_t project = 0;
  // Attributes::Pack().
  uint32_t attributes = 0;

  friend bool operator==(const CellKey& a, const CellKey& b) {
    return a.functional == b.functional && a.attributes == b.attributes &&
           a.dept_economic == b.dept_economic && a.gov_economic == b.gov_economic &&
           a.revenue == b.revenue && a.project == b.project &&
           a.receiving_division == b.receiving_division;
  }
  // Any order, for bytes that depend on the cells alone.
  friend bool operator<(const CellKey& a, const CellKey& b) {
    if (a.attributes != b.attributes) return a.attributes < b.attributes;
    if (a.functional != b.functional) return a.functional < b.functional;
    if (a.dept_economic != b.dept_economic) return a.dept_economic < b.dept_economic;
    if (a.gov_economic != b.gov_economic) return a.gov_economic < b.gov_economic;
    if (a.revenue != b.revenue) return a.revenue < b.revenue;
    if (a.receiving_division != b.receiving_division)
      return a.receiving_division < b.receiving_division;
    return a.project < b.project;
  }
};

// The code that cells of a kind keep; 0 for the kinds that keep none or all.
inline Code CodeOf(const CellKey& key, CellKind kind) {
  switch (kind) {
    case CellKind::kFunctional:
      return key.functional;
    case CellKind::kRevenue:
      return key.revenue;
    case CellKind::kDeptEconomic:
      return key.dept_economic;
    case CellKind::kGovEconomic:
      return key.gov_economic;
    default:
      return 0;
  }
}

// The kind of transfers that an expenditure cell counts in; kNone when it is no transfer to a
// division.
CellKind TransferKindOf(const CellKey& key);

struct CellKeyHash {
  size_t operator()(const CellKey& k) const {
    const uint64_t h = MixWords(static_cast<uint64_t>(k.functional) << 32 | k.attributes,
                                static_cast<uint64_t>(k.dept_economic) << 32 | k.gov_economic);
    return MixWords(h ^ k.receiving_division, static_cast<uint64_t>(k.revenue) << 32 | k.project);
  }
};

// The sum of some lines. As a difference, counts may be negative. Wide enough for all that can be
// in a log.
struct CellValue {
  Fen amount_fen = 0;
  // Lines by precision class.
  std::array<int64_t, kPrecisionClasses> counts{};

  bool zero() const {
    return amount_fen == 0 && counts == std::array<int64_t, kPrecisionClasses>{};
  }
  int64_t line_count() const { return counts[0] + counts[1] + counts[2] + counts[3]; }
  // The coarsest precision among the lines, 0 where there are none.
  int64_t precision_fen() const {
    for (int i = kPrecisionClasses - 1; i >= 0; --i) {
      if (counts[i] != 0) return kPrecisionFen[i];
    }
    return 0;
  }
  // Stored bytes that are damaged may hold anything: they wrap.
  void Add(const CellValue& d) {
    using Bits = unsigned __int128;
    amount_fen = static_cast<Fen>(static_cast<Bits>(amount_fen) + static_cast<Bits>(d.amount_fen));
    for (int i = 0; i < kPrecisionClasses; ++i) {
      counts[i] = static_cast<int64_t>(static_cast<uint64_t>(counts[i]) +
                                       static_cast<uint64_t>(d.counts[i]));
    }
  }
  CellValue operator-() const {
    CellValue out;
    out.amount_fen = static_cast<Fen>(0 - static_cast<unsigned __int128>(amount_fen));
    for (int i = 0; i < kPrecisionClasses; ++i)
      out.counts[i] = static_cast<int64_t>(0 - static_cast<uint64_t>(counts[i]));
    return out;
  }
  friend bool operator==(const CellValue& a, const CellValue& b) {
    return a.amount_fen == b.amount_fen && a.counts == b.counts;
  }
};

// A CellValue in half the memory, for the values there are most of. Its owner keeps beside it what
// does not fit.
struct NarrowValue {
  int64_t amount_fen = 0;
  std::array<int32_t, kPrecisionClasses> counts{};

  bool zero() const {
    return amount_fen == 0 && counts == std::array<int32_t, kPrecisionClasses>{};
  }
  CellValue Wide() const { return {amount_fen, {counts[0], counts[1], counts[2], counts[3]}}; }
  // False, and nothing is changed, where the sum does not fit.
  bool Add(const NarrowValue& d) {
    int64_t amount;
    bool overflow = __builtin_add_overflow(amount_fen, d.amount_fen, &amount);
    uint32_t carried = 0;
    std::array<int32_t, kPrecisionClasses> sums;
    for (int i = 0; i < kPrecisionClasses; ++i) {
      // Without branches, so that all counts are added at once.
      const uint32_t a = static_cast<uint32_t>(counts[i]), b = static_cast<uint32_t>(d.counts[i]);
      const uint32_t sum = a + b;
      carried |= (a ^ sum) & (b ^ sum);
      sums[i] = static_cast<int32_t>(sum);
    }
    if (overflow || carried >> 31 != 0) return false;
    amount_fen = amount;
    counts = sums;
    return true;
  }
  bool Add(const CellValue& d) {
    NarrowValue narrow;
    narrow.amount_fen = static_cast<int64_t>(d.amount_fen);
    bool fits = narrow.amount_fen == d.amount_fen;
    for (int i = 0; i < kPrecisionClasses; ++i) {
      narrow.counts[i] = static_cast<int32_t>(d.counts[i]);
      fits &= narrow.counts[i] == d.counts[i];
    }
    return fits && Add(narrow);
  }
};

// A project that cells refer to, or whose name is stated.
struct CellProject {
  enum State : uint8_t { kMentioned = 0, kNamed = 1, kGone = 2 };
  absl::string_view code;
  // The label of a kNamed project.
  absl::string_view name;
  State state = kMentioned;
};

// Cells, or differences of cells, as a list. Its maker keeps what its views point to.
struct CellTable {
  struct Item {
    CellKey key;
    CellValue value;
  };
  std::vector<CellProject> projects;
  std::vector<Item> items;

  bool empty() const { return projects.empty() && items.empty(); }
  absl::string_view CodeOf(const CellKey& key) const {
    return key.project == 0 ? absl::string_view() : projects[key.project - 1].code;
  }
};

// Puts projects and items in order, adds up items of one cell and drops zeros. REQUIRES: no project
// code stands twice.
void Normalize(CellTable* table);

// An agency's leaf cells.
class LeafCells {
 public:
  // Adds differences and takes over what is said about projects.
  void Add(const CellTable& differences);

  // All cells, in order: the same ones give the same table, whatever their history. Its views live
  // as long as nothing is added.
  CellTable Table() const;
  // Cells that are not zero.
  size_t size() const { return cells_.size(); }
  template <typename Visit>
  void ForEachValue(Visit visit) const {
    for (const auto& [key, value] : cells_) visit(value);
  }

 private:
  struct Project {
    std::string code, name;
    CellProject::State state = CellProject::kMentioned;
  };
  uint32_t Intern(absl::string_view code);

  absl::flat_hash_map<CellKey, CellValue, CellKeyHash> cells_;
  std::vector<Project> projects_{Project()};
  absl::flat_hash_map<std::string, uint32_t> project_numbers_;
};

// The cells of a department, own level or division: one hash table for each kind, as most events
// change a few cells of many nodes. What is found in one depends on the cells alone, never on the
// order they came in, but for the order of ForEach.
class NodeCells {
 public:
  // Attributes << 32 | code. Equal keys of one kind are one cell; their order is that of cells.
  using Key = uint64_t;
  static Key KeyOf(uint32_t attributes, Code code) {
    return static_cast<Key>(attributes) << 32 | code;
  }
  static uint64_t HashOf(Key key) { return MixWords(key, 0); }

  // `hash` is HashOf(key). REQUIRES: `kind` is not kLeaf, here and below.
  void Add(CellKind kind, Key key, uint64_t hash, const NarrowValue& difference) {
    AddTo(TableOf(kind), kind, key, hash, difference);
  }
  void Add(CellKind kind, Key key, const CellValue& difference);
  // Room for so many cells in a kind that has none yet.
  void Reserve(CellKind kind, size_t cells) {
    if (TableOf(kind).slots.empty()) Grow(TableOf(kind), kind, cells);
  }
  // Asks the processor for the memory that Prefetch and Add will need.
  void PrefetchTables() const {
    for (const Table& table : tables_) __builtin_prefetch(&table, /*rw=*/1);
  }
  void Prefetch(CellKind kind, uint64_t hash) const {
    const Table& table = TableOf(kind);
    if (!table.slots.empty())
      __builtin_prefetch(&table.slots[hash & (table.slots.size() - 1)], /*rw=*/1);
  }

  // Cells that are not zero, of all kinds.
  size_t size() const { return size_; }
  // Calls `visit` with each cell of a kind that is not zero, in any order; of those with a code in
  // `codes`.
  template <typename Visit>
  void ForEach(CellKind kind, Visit visit, const CodeClass& codes = {}) const {
    for (const Slot& slot : TableOf(kind).slots) {
      // Asked first, as it leaves out most: few slots of a small class are in use.
      if (!codes.Has(static_cast<Code>(slot.key)) || slot.key == kFree) continue;
      const CellValue value = ValueOf(kind, slot);
      if (!value.zero()) visit(CellKeyOf(kind, slot.key), value);
    }
  }
  // Calls `begin` with how many cells of a kind are not zero, then `visit` with each, in order.
  template <typename Begin, typename Visit>
  void ForEachInOrder(CellKind kind, Begin begin, Visit visit) const {
    const std::vector<Place> places = InOrder(kind);
    begin(places.size());
    for (const Place& place : places)
      visit(CellKeyOf(kind, place.key), ValueOf(kind, TableOf(kind).slots[place.slot]));
  }
  // They as a table.
  CellTable TableOfKind(CellKind kind) const;
  // Into a kind that has no cells. DATA_LOSS for a table that TableOfKind doesn't give.
  absl::Status Load(CellKind kind, const CellTable& table);

 private:
  // The cell's key as tables have it.
  static CellKey CellKeyOf(CellKind kind, Key key);

  // No key: attributes are shorter.
  static constexpr Key kFree = UINT64_MAX;
  struct Slot {
    Key key = kFree;
    NarrowValue value;
  };
  // A cell in order.
  struct Place {
    Key key;
    uint32_t slot;
  };
  // Open addressing; cells that became zero stay until it grows.
  struct Table {
    std::vector<Slot> slots;
    size_t used = 0;
  };
  // The parts of values that NarrowValue does not hold.
  using Wide = absl::flat_hash_map<std::pair<CellKind, Key>, CellValue>;

  // The cells of a kind that are not zero.
  std::vector<Place> InOrder(CellKind kind) const;

  Table& TableOf(CellKind kind) { return tables_[static_cast<size_t>(kind) - 1]; }
  const Table& TableOf(CellKind kind) const { return tables_[static_cast<size_t>(kind) - 1]; }
  Slot& SlotOf(Table& table, CellKind kind, Key key, uint64_t hash);
  void AddTo(Table& table, CellKind kind, Key key, uint64_t hash, const NarrowValue& difference);
  void AddWide(Slot& slot, CellKind kind, const CellValue& difference);
  // For its cells and so many more.
  void Grow(Table& table, CellKind kind, size_t more = 1);
  CellValue ValueOf(CellKind kind, const Slot& slot) const {
    CellValue value = slot.value.Wide();
    if (wide_.empty()) return value;
    const auto rest = wide_.find({kind, slot.key});
    if (rest != wide_.end()) value.Add(rest->second);
    return value;
  }

  std::array<Table, kNodeKindCount> tables_;
  size_t size_ = 0;
  // Nearly always empty.
  Wide wide_;
};

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_CELLS_H_
