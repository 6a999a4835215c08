#include "services/aggregation/totals_reader.h"

#include "base/status_macros.h"
#include "services/aggregation/totals_view.h"

namespace fiscal::services {

TotalsReader::TotalsReader(const Projector& projector)
    : projector_(projector), cache_(std::make_unique<ChunkCache>()) {}
TotalsReader::~TotalsReader() = default;

absl::Status TotalsReader::Ask(Question& question, domain::Position position) const {
  FISCAL_RETURN_IF_ERROR(question.Check());
  return question.Run(projector_, *cache_, position);
}

absl::StatusOr<domain::CellValue> TotalsReader::Get(const TotalFilter& filter,
                                                    domain::Position position) const {
  Question question(projector_.catalog(), filter, {});
  FISCAL_RETURN_IF_ERROR(Ask(question, position));
  return question.grand_total();
}

absl::StatusOr<TotalList> TotalsReader::List(const TotalFilter& filter,
                                             const std::vector<GroupBy>& group_by, Order order,
                                             domain::Position position) const {
  Question question(projector_.catalog(), filter, group_by);
  FISCAL_RETURN_IF_ERROR(Ask(question, position));
  return question.Answer(order);
}

absl::Status TotalsReader::Visit(const std::vector<Target>& targets, domain::ChunkKind kind,
                                 uint16_t year, domain::Stage stage, domain::Position position,
                                 CellVisitor& visit) const {
  return TotalsView(projector_, *cache_, position, year, stage).Visit(targets, kind, 0, visit);
}

}  // namespace fiscal::services
