// One question about totals: which money, grouped how; and the rows that answer it at one position
// and, when postings are added, at later ones.
//
//   TotalsReader --> Question: Run (chunks at a position) --> Answer
//   Watch        --> Question: Run, then AddPosting after AddPosting --> TakeChanges
//
// Rows are summed from the chunks that keep just the classification the question needs, or, when it
// needs two or projects, from agencies' leaf cells. Not thread-safe.
#ifndef FISCAL_SERVICES_LEDGER_ANSWER_TOTALS_QUESTION_H_
#define FISCAL_SERVICES_LEDGER_ANSWER_TOTALS_QUESTION_H_

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "domain/catalog.h"
#include "domain/cells.h"
#include "domain/totals.h"
#include "services/ledger/fold/projector.h"
#include "services/ledger/work.h"

namespace fiscal::services {

class ChunkCache;  // totals_view.h
struct Target;     // totals_view.h

// The fund of a row's code: "GENERAL".
domain::Fund FundNamed(absl::string_view code);

class Question {
 public:
  Question(std::shared_ptr<const domain::Catalog> catalog, domain::TotalFilter filter,
           std::vector<domain::GroupBy> group_by);

  // NOT_FOUND with DIVISION_UNKNOWN, DEPARTMENT_UNKNOWN or AGENCY_UNKNOWN.
  absl::Status Check() const;
  // Whether a sum for `filter` is read off one node that keeps just what it asks for, whatever is
  // below: small work.
  static bool IsSmall(const domain::TotalFilter& filter);
  // Adds the cells at `position`, which was folded.
  absl::Status Run(const Projector& projector, ChunkCache& cache, domain::Position position,
                   Work& work);
  // The chunks whose cells it adds up: the kind, and the class within it (0: all).
  struct Reads {
    domain::ChunkKind kind;
    domain::Code code;
  };
  Reads reads() const;
  // The nodes that have them.
  std::vector<Target> Targets() const;
  // Adds one such cell. REQUIRES: it groups by nothing.
  void Add(const domain::CellKey& key, absl::string_view project, const domain::CellValue& value) {
    AddCell({}, key, project, value);
  }
  const domain::TotalFilter& filter() const { return f_; }
  domain::CellValue grand_total() const { return grand_total_; }
  domain::TotalList Answer(domain::RowOrder order) const;
  size_t row_count() const { return group_by_.empty() ? 1 : rows_.size(); }

  // The divisions asked about.
  std::vector<domain::Code> Subtree() const;
  // The agencies asked about, and the departments that may state themselves as a whole.
  std::vector<Target> Leaves() const;
  // Whether a budget's money is asked about.
  bool Counts(const domain::BudgetKey& key, absl::string_view department) const;
  // Whether a line of such a budget is.
  bool Matches(const domain::Line& line);
  // Takes a later catalog, with divisions and names that are new.
  void SetCatalog(std::shared_ptr<const domain::Catalog> catalog) { catalog_ = std::move(catalog); }
  // Adds what was posted after the position it stands at, if it counts here.
  void AddPosting(const domain::Posting& posting);
  // The rows that differ from what they were at the last call, or after Run, in the order of
  // Answer(kCode).
  std::vector<domain::RowChange> TakeChanges();
  // The rows that differ from those of `before`, which asks the same, in the same order.
  std::vector<domain::RowChange> ChangesFrom(const Question& before) const;
  // All rows of both, for comparing; `before` groups the same way and may ask for other money.
  std::vector<domain::RowChange> RowsBeside(const Question& before) const;

 private:
  // A value of a dimension: a number that identifies it within the dimension, and its level.
  struct Value {
    uint32_t id = 0;
    uint8_t level = 1;
  };
  // Rows while they are summed.
  struct RowKey {
    uint32_t org = 0;  // index into the organisations of the answer
    Value a, b;
    auto tie() const { return std::tie(org, a.id, a.level, b.id, b.level); }
    friend bool operator==(const RowKey& x, const RowKey& y) { return x.tie() == y.tie(); }
    template <typename H>
    friend H AbslHashValue(H h, const RowKey& k) {
      return H::combine(std::move(h), k.org, k.a.id, k.a.level, k.b.id, k.b.level);
    }
  };
  // What a row says of the organisation: one value for each org dimension asked for.
  struct Org {
    std::vector<domain::GroupValue> values;
  };
  // Enumerated values and codes order by this; empty codes come last.
  using SortKey = std::vector<std::tuple<bool, std::string, int, bool>>;
  class Sum;

  bool Asks(domain::Dimension d) const;
  int DepthOf(domain::Dimension d) const;
  domain::ChunkKind KindNeeded() const;
  void AppendLeaves(domain::Code division, const std::string& department,
                    std::vector<Target>* out) const;
  // The rows an organisation's money counts in.
  std::vector<uint32_t> OrgRows(const Target& target);
  uint32_t OrgIndex(std::vector<domain::GroupValue> values);
  std::vector<domain::GroupValue> DivisionValues(domain::Code division) const;
  bool Matches(domain::Code functional, const domain::CellKey& key, const domain::Attributes& a,
               absl::string_view project) const;
  void AddCell(const std::vector<uint32_t>& orgs, const domain::CellKey& key,
               absl::string_view project, const domain::CellValue& value);
  void AddTo(const RowKey& key, const domain::CellValue& value);
  void ValuesOf(const domain::GroupBy& g, domain::Code functional, const domain::CellKey& key,
                const domain::Attributes& a, absl::string_view project, std::vector<Value>* out);
  // The code in the classification asked for; kUnmapped where no crosswalk has it.
  domain::Code Shown(domain::Code functional);
  domain::GroupValue Describe(const domain::GroupBy& g, Value v) const;
  std::vector<domain::GroupValue> GroupOf(const RowKey& key, SortKey* sort) const;

  std::shared_ptr<const domain::Catalog> catalog_;
  const domain::TotalFilter f_;
  const std::vector<domain::GroupBy> group_by_;
  bool by_org_ = false;
  std::vector<domain::GroupBy> cell_dims_;
  std::vector<Org> orgs_;
  std::map<std::vector<std::tuple<int, std::string, domain::Code, bool, int>>, uint32_t>
      org_numbers_;
  std::vector<std::string> projects_{std::string()};
  absl::flat_hash_map<std::string, uint32_t> project_numbers_;
  // As last stated by the agencies asked about.
  absl::flat_hash_map<std::string, std::string> project_names_;
  absl::flat_hash_map<domain::Code, domain::Code> shown_;
  absl::flat_hash_map<RowKey, domain::CellValue> rows_;
  domain::CellValue grand_total_;
  // Rows touched since TakeChanges, as they were; kept only while postings are added.
  bool tracking_ = false;
  absl::flat_hash_map<RowKey, domain::CellValue> before_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_ANSWER_TOTALS_QUESTION_H_
