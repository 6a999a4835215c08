#include "services/ledger/answer/totals_batch.h"

#include <map>
#include <memory>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "base/status_macros.h"
#include "services/ledger/answer/plan.h"
#include "services/ledger/fold/totals_view.h"

namespace fiscal::services {
namespace {

using domain::TotalFilter;

// Filters that a cell is compared with for one unit of work.
constexpr uint64_t kFiltersPerUnit = 8;

// Questions that read the same cells.
class Shared final : public CellVisitor {
 public:
  void Add(Question* question) {
    const std::string& project = question->filter().asked().project;
    (project.empty() ? any_ : by_project_[project]).push_back(question);
    most_ = std::max(most_, project.empty() ? size_t{0} : by_project_[project].size());
  }
  const Question& first() const {
    return any_.empty() ? *by_project_.begin()->second[0] : *any_[0];
  }

  void OnTable(const Target& target, const domain::CellTable& table) override {
    for (const domain::CellTable::Item& item : table.items)
      OnCell(target, table.projects, item.key, item.value);
  }
  void OnCell(const Target&, const std::vector<domain::CellProject>& projects,
              const domain::CellKey& key, const domain::CellValue& value) override {
    const absl::string_view project =
        key.project == 0 ? absl::string_view() : projects[key.project - 1].code;
    for (Question* question : any_) question->Add(key, project, value);
    if (project.empty() || by_project_.empty()) return;
    const auto named = by_project_.find(project);
    if (named == by_project_.end()) return;
    for (Question* question : named->second) question->Add(key, project, value);
  }
  void OnProjects(const std::vector<domain::CellProject>&) override {}
  uint64_t units() const override { return 1 + (any_.size() + most_) / kFiltersPerUnit; }

 private:
  std::vector<Question*> any_;
  absl::flat_hash_map<std::string, std::vector<Question*>> by_project_;
  // Of one project.
  size_t most_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<domain::CellValue>> BatchTotals(const Projector& projector,
                                                           NodeCache& cache,
                                                           const std::vector<TotalFilter>& filters,
                                                           domain::Position position, Work& work) {
  const std::shared_ptr<const domain::Catalog> catalog = projector.catalog();
  // Equal filters are one question.
  std::map<TotalFilter, std::unique_ptr<Question>> questions;
  for (const TotalFilter& filter : filters) {
    std::unique_ptr<Question>& question = questions[filter];
    if (question != nullptr) continue;
    question = std::make_unique<Question>(catalog, filter, std::vector<domain::GroupBy>());
    FISCAL_RETURN_IF_ERROR(question->filter().Check());
  }
  using Cells = std::tuple<domain::CellKind, domain::Code, bool, std::string, std::string, uint16_t,
                           domain::Stage>;
  std::map<Cells, Shared> readings;
  for (const auto& [f, question] : questions) {
    readings[{ReadsOf(f, {}).kind, f.division, f.own_level, f.department, f.agency, f.year,
              f.stage}]
        .Add(question.get());
  }
  // The least it will cost, before anything is spent: one seek for each reading.
  FISCAL_RETURN_IF_ERROR(work.Expect(readings.size() * Work::kSeek));
  for (auto& [cells, shared] : readings) {
    const Question& first = shared.first();
    const domain::TotalFilter& asked = first.filter().asked();
    const std::vector<Target> targets = TargetsOf(first.filter(), {});
    for (domain::Stage stage : domain::StagesOf(asked.stage)) {
      FISCAL_RETURN_IF_ERROR(TotalsView(projector, cache, position, asked.year, stage)
                                 .Visit(targets, ReadsOf(asked, {}).kind, {}, shared, work));
    }
  }
  std::vector<domain::CellValue> values;
  values.reserve(filters.size());
  for (const TotalFilter& filter : filters)
    values.push_back(questions.at(filter)->rows().grand_total());
  return values;
}

}  // namespace fiscal::services
