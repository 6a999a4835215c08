#include "storage/catalog_events.h"

#include <vector>

#include "base/status_macros.h"
#include "storage/record_codec.h"

namespace fiscal::storage {

absl::StatusOr<std::shared_ptr<const domain::Catalog>> LoadCatalog(const EventLog& log,
                                                                   domain::Position last) {
  auto catalog = std::make_shared<const domain::Catalog>();
  FISCAL_ASSIGN_OR_RETURN(std::vector<domain::Position> positions, log.CatalogEvents(last));
  for (domain::Position p : positions) {
    FISCAL_ASSIGN_OR_RETURN(LogEntry entry, log.Read(p));
    FISCAL_ASSIGN_OR_RETURN(domain::Event event, DecodeRecord(entry.record));
    catalog = catalog->With(event.catalog, p);
  }
  return catalog;
}

}  // namespace fiscal::storage
