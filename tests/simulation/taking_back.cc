#include "tests/simulation/taking_back.h"

#include <map>

#include "base/status_macros.h"
#include "storage/cell_codec.h"
#include "storage/posting_codec.h"
#include "storage/record_codec.h"

namespace fiscal::simulation {

absl::StatusOr<services::VerifyResult> VerifyTakingBack(const services::Projector& projector) {
  services::VerifyResult result;
  result.position = projector.folded();
  const domain::Position written = projector.written();
  std::map<domain::BudgetKey, domain::LeafCells> agencies;
  for (domain::Position p(1); p <= result.position; ++p) {
    FISCAL_ASSIGN_OR_RETURN(const storage::LogEntry entry, projector.log().Read(p));
    absl::string_view payload;
    FISCAL_ASSIGN_OR_RETURN(const domain::EventHeader header,
                            storage::DecodeHeader(*entry.record, &payload));
    if (header.kind != domain::EventKind::kStatement) continue;
    FISCAL_ASSIGN_OR_RETURN(const domain::Posting posting,
                            storage::ReadPosting(header, payload, entry.record));
    domain::LeafCells& cells = agencies[posting.key];
    cells.Add(posting.cells);
    if (p <= written) continue;
    domain::CellTable back = posting.cells;
    for (domain::CellTable::Item& item : back.items) item.value = -item.value;
    cells.Add(back);
  }
  for (const auto& [key, cells] : agencies) {
    domain::LeafCells stored;
    FISCAL_RETURN_IF_ERROR(projector.store().LoadLeaves(key, written, &stored).status());
    if (storage::EncodeCells(stored.Table()) != storage::EncodeCells(cells.Table()))
      result.differences.push_back("an agency's cells");
  }
  return result;
}

}  // namespace fiscal::simulation
