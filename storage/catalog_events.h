// The catalog, read from the log.
//
//   EventLog --(catalog events, in order)--> LoadCatalog --> intake, projector: each its own
#ifndef FISCAL_STORAGE_CATALOG_EVENTS_H_
#define FISCAL_STORAGE_CATALOG_EVENTS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "domain/catalog.h"
#include "storage/event_log.h"

namespace fiscal::storage {

// The catalog as events up to `last` made it.
absl::StatusOr<std::shared_ptr<const domain::Catalog>> LoadCatalog(const EventLog& log,
                                                                   domain::Position last);

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_CATALOG_EVENTS_H_
