// Totals as they are kept: cells, grouped into chunks that are loaded and stored whole.
//
// An agency keeps its leaf cells: one for each combination of everything its lines say. A
// department, a division's own level and a division keep one cell for each combination of one
// classification with the attributes: that answers nearly every question with one or two chunks. A
// question about two classifications at once, or about projects, is a pivot over the leaf cells of
// the agencies below. Codes are kept as stated; a total of a 类 sums the cells below it.
//
// Not thread-safe.
#ifndef FISCAL_DOMAIN_CELLS_H_
#define FISCAL_DOMAIN_CELLS_H_

#include <array>
#include <cstdint>
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

// The classification that the cells of a chunk keep. Numbers are part of stored keys: permanent.
enum class ChunkKind : uint8_t {
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
inline bool IsTransfer(ChunkKind kind) {
  return kind == ChunkKind::kTransferDown || kind == ChunkKind::kTransferUp;
}

// Own levels and divisions split a kind by 类, so that a change writes little of a large node.
inline bool SplitsByClass(OrgType t) { return t == OrgType::kDivision || t == OrgType::kOwnLevel; }
inline uint16_t ChunkNumber(ChunkKind kind, OrgType type, Code code) {
  const bool split = SplitsByClass(type) && kind != ChunkKind::kNone && !IsTransfer(kind);
  const Code top = code == 0 || !split ? 0 : AncestorAt(code, 1);
  return static_cast<uint16_t>(static_cast<uint16_t>(kind) << 10 | top);
}

struct ChunkId {
  OrgNode node;
  uint16_t year = 0;
  Stage stage = Stage::kNone;
  uint16_t chunk = 0;

  auto tie() const { return std::tie(year, stage, node, chunk); }
  friend bool operator==(const ChunkId& a, const ChunkId& b) { return a.tie() == b.tie(); }
  friend bool operator<(const ChunkId& a, const ChunkId& b) { return a.tie() < b.tie(); }
  template <typename H>
  friend H AbslHashValue(H h, const ChunkId& c) {
    return H::combine(std::move(h), c.node, c.year, c.stage, c.chunk);
  }
};

struct CellKey {
  Code functional = 0;
  Code revenue = 0;
  Code dept_economic = 0;
  Code gov_economic = 0;
  Code receiving_division = 0;
  // 1 + the project's place in the table or chunk; 0 is none.
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

// The chunk of transfers that an expenditure cell counts in; kNone when it is no transfer to a
// division.
ChunkKind TransferKindOf(const CellKey& key);

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
class Chunk {
 public:
  // Adds differences and takes over what is said about projects. A cell that becomes zero stays, as
  // a zero, until Tidy().
  void Add(const CellTable& differences);

  struct Cell {
    CellValue value;
    // The last Mark() before which it changed; not part of its value.
    uint32_t mark = 0;
  };
  using Cells = absl::flat_hash_map<CellKey, Cell, CellKeyHash>;
  const Cells& cells() const { return cells_; }
  // Forgets cells that became zero since the last Mark().
  void Tidy();

  // All cells, in order: the same ones give the same table, whatever their history; zeros are left
  // out. Its views live as long as the chunk is not changed.
  CellTable Table() const;
  // Cells and projects that changed since the last Mark(), with their present values: they turn the
  // chunk of then into this one.
  size_t changes() const { return changed_.size() + changed_projects_.size(); }
  CellTable ChangedTable() const;
  void Mark();
  // Into an empty chunk: a Table, then ChangedTables, the newest first. DATA_LOSS for a table that
  // no chunk gives; the chunk is then of no use.
  absl::Status Load(const CellTable& state, absl::Span<const CellTable> newest_first);

 private:
  void ApplyChanges(const CellTable& changes);
  struct Project {
    std::string code, name;
    CellProject::State state = CellProject::kMentioned;
    bool changed = false;
  };
  uint32_t Intern(absl::string_view code);
  void Say(uint32_t number, const CellProject& project, bool change);
  void AddTo(const CellKey& key, const CellValue& difference);
  // Projects that `wanted` and items refer to, numbered anew, and the items.
  CellTable Sorted(std::vector<CellTable::Item> items, std::vector<bool> wanted) const;

  Cells cells_;
  std::vector<Project> projects_{Project()};
  absl::flat_hash_map<std::string, uint32_t> project_numbers_;
  std::vector<CellKey> changed_;
  // Became zero at some time since the last Mark().
  std::vector<CellKey> zeros_;
  std::vector<uint32_t> changed_projects_;
  uint32_t mark_ = 1;
};

// The cells of one classification of a department, own level or division: in order, so that many
// differences are merged in one walk and what changed is found by another. A key is a code and the
// attributes.
class NodeChunk {
 public:
  // Attributes << 32 | code: the order of keys is the order of cells.
  using Key = uint64_t;
  using Difference = std::pair<Key, NarrowValue>;
  static Key KeyOf(uint32_t attributes, Code code) {
    return static_cast<Key>(attributes) << 32 | code;
  }

  explicit NodeChunk(ChunkKind kind) : kind_(kind) {}

  // REQUIRES: ascending keys. A cell that becomes zero stays, as a zero, until Tidy(): what counts
  // as changed must not depend on how many differences were summed before they came here.
  void Add(absl::Span<const Difference> differences);
  // One that may not fit.
  void Add(Key key, const CellValue& difference);
  size_t size() const { return keys_.size(); }
  size_t changes() const { return changes_; }
  // Forgets zeros.
  void Tidy();
  // Calls `visit` with each cell; zeros may be among them.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (size_t i = 0; i < keys_.size(); ++i) visit(CellKeyOf(keys_[i]), ValueAt(i));
  }

  // As Chunk has them. Load: DATA_LOSS also for cells that are not of this kind.
  CellTable Table() const;
  CellTable ChangedTable() const;
  absl::Status Load(const CellTable& state, absl::Span<const CellTable> newest_first);
  void Mark();

 private:
  struct Cell {
    NarrowValue value;
    uint32_t mark = 0;
  };
  using Read = std::pair<Key, CellValue>;
  CellKey CellKeyOf(Key key) const;
  absl::Status ReadCells(const CellTable& table, std::vector<Read>* out) const;
  void Touch(size_t i);
  CellValue ValueAt(size_t i) const {
    CellValue value = cells_[i].value.Wide();
    if (wide_.empty()) return value;
    const auto rest = wide_.find(keys_[i]);
    if (rest != wide_.end()) value.Add(rest->second);
    return value;
  }
  bool ZeroAt(size_t i) const { return wide_.empty() ? cells_[i].value.zero() : ValueAt(i).zero(); }

  ChunkKind kind_;
  std::vector<Key> keys_;
  std::vector<Cell> cells_;
  // The parts of values that NarrowValue does not hold. Nearly always empty.
  absl::flat_hash_map<Key, CellValue> wide_;
  // Keys that were removed since the last Mark(), in order.
  std::vector<Key> gone_;
  size_t changes_ = 0;
  uint32_t mark_ = 1;
};

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_CELLS_H_
