#include "services/ledger/answer/totals_reader.h"

#include "base/status_macros.h"
#include "services/ledger/answer/totals_batch.h"
#include "services/ledger/fold/totals_view.h"

namespace fiscal::services {

using domain::TotalFilter;

TotalsReader::TotalsReader(const Projector& projector)
    : projector_(projector), cache_(std::make_unique<NodeCache>()) {}
TotalsReader::~TotalsReader() = default;

absl::Status TotalsReader::Ask(Question& question, domain::Position position, Work& work) const {
  FISCAL_RETURN_IF_ERROR(question.filter().Check());
  return question.Run(projector_, *cache_, position, work);
}

absl::StatusOr<domain::CellValue> TotalsReader::Get(const TotalFilter& filter,
                                                    domain::Position position, Work& work) const {
  Question question(projector_.catalog(), filter, {});
  FISCAL_RETURN_IF_ERROR(Ask(question, position, work));
  return question.rows().grand_total();
}

absl::StatusOr<std::vector<domain::CellValue>> TotalsReader::GetAll(
    const std::vector<TotalFilter>& filters, domain::Position position, Work& work) const {
  return BatchTotals(projector_, *cache_, filters, position, work);
}

absl::StatusOr<domain::TotalList> TotalsReader::List(const TotalFilter& filter,
                                                     const std::vector<domain::GroupBy>& group_by,
                                                     domain::RowOrder order,
                                                     domain::Position position, Work& work) const {
  Question question(projector_.catalog(), filter, group_by);
  FISCAL_RETURN_IF_ERROR(Ask(question, position, work));
  return question.rows().Answer(order);
}

absl::Status TotalsReader::Visit(const std::vector<Target>& targets, domain::CellKind kind,
                                 uint16_t year, domain::Stage stage, domain::Position position,
                                 CellVisitor& visit, Work& work) const {
  return TotalsView(projector_, *cache_, position, year, stage)
      .Visit(targets, kind, {}, visit, work);
}

}  // namespace fiscal::services
