#include "services/ledger/answer/question.h"

#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "services/ledger/answer/plan.h"

namespace fiscal::services {

using domain::CellKey;
using domain::CellValue;
using domain::Position;

void Question::AddCell(const std::vector<uint32_t>& orgs, const CellKey& key,
                       absl::string_view project, const CellValue& value) {
  const domain::Code shown = filter_.Shown(key.functional);
  domain::Attributes a;
  domain::Attributes::Unpack(key.attributes, &a);
  if (filter_.Matches(shown, key, a, project)) rows_.Add(orgs, shown, key, a, project, value);
}

// Adds cells of any target.
class Question::Sum final : public CellVisitor {
 public:
  explicit Sum(Question& question) : question_(question) {}
  void OnTable(const Target& target, const domain::CellTable& table) override {
    OnProjects(table.projects);
    for (const domain::CellTable::Item& item : table.items)
      OnCell(target, table.projects, item.key, item.value);
  }
  void OnCell(const Target& target, const std::vector<domain::CellProject>& projects,
              const CellKey& key, const CellValue& value) override {
    At(target);
    question_.AddCell(*orgs_, key,
                      key.project == 0 ? absl::string_view() : projects[key.project - 1].code,
                      value);
  }
  void OnProjects(const std::vector<domain::CellProject>& projects) override {
    question_.rows_.NameProjects(projects);
  }

 private:
  void At(const Target& target) {
    if (&target == last_) return;
    auto& known = rows_[&target];
    if (known == nullptr)
      known = std::make_unique<std::vector<uint32_t>>(question_.rows_.OrgRows(target));
    orgs_ = known.get();
    last_ = &target;
  }
  Question& question_;
  const Target* last_ = nullptr;
  const std::vector<uint32_t>* orgs_ = nullptr;
  absl::flat_hash_map<const Target*, std::unique_ptr<std::vector<uint32_t>>> rows_;
};

absl::Status Question::Run(const Projector& projector, NodeCache& cache, Position position,
                           Work& work) {
  const domain::TotalFilter& asked = filter_.asked();
  const Reads reads = ReadsOf(asked, rows_.group_by());
  const std::vector<Target> targets = TargetsOf(filter_, rows_.group_by());
  const absl::Span<const domain::Stage> stages = domain::StagesOf(asked.stage);
  FISCAL_RETURN_IF_ERROR(work.Expect(targets.size() * stages.size() * Work::kSeek));
  Sum sum(*this);
  for (domain::Stage stage : stages) {
    FISCAL_RETURN_IF_ERROR(TotalsView(projector, cache, position, asked.year, stage)
                               .Visit(targets, reads.kind, reads.codes, sum, work));
  }
  return absl::OkStatus();
}

void Question::AddPosting(const domain::Posting& posting) {
  if (posting.cells.empty() || !filter_.Counts(posting.key, posting.department)) return;
  rows_.Track();
  const Target target{{domain::OrgType::kAgency, posting.key.division, posting.key.agency},
                      posting.department,
                      posting.key.division};
  Sum(*this).OnTable(target, posting.cells);
}

}  // namespace fiscal::services
