// proto/fiscal/catalog/v1 <-> domain.
#ifndef FISCAL_SERVICES_WIRE_CATALOG_WIRE_H_
#define FISCAL_SERVICES_WIRE_CATALOG_WIRE_H_

#include "absl/strings/string_view.h"
#include "domain/event.h"
#include "domain/requests.h"
#include "fiscal/catalog/v1/catalog_service.pb.h"

namespace fiscal::services::wire {

// `bytes` is the request as it arrived. Faults of the message are among the import's violations.
domain::CatalogImport ToImport(const catalog::v1::ImportCatalogRequest& request,
                               absl::string_view bytes, absl::string_view principal);

void ToProto(const domain::CatalogEntry& entry, catalog::v1::CatalogEntry* out);

}  // namespace fiscal::services::wire

#endif  // FISCAL_SERVICES_WIRE_CATALOG_WIRE_H_
