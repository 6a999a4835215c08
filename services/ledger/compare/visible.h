// What an event is about, and who may see it: for readers that are given a part of the log.
//
//   event --(AboutEvent)--> EventPart --(MaySee)--> streams of the log, inclusion proofs
#ifndef FISCAL_SERVICES_LEDGER_COMPARE_VISIBLE_H_
#define FISCAL_SERVICES_LEDGER_COMPARE_VISIBLE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "domain/authority/grants.h"
#include "domain/catalog.h"
#include "domain/event.h"
#include "services/ledger/authority.h"

namespace fiscal::services {

struct EventPart {
  // Everything, for events that are about the system: keys, grants, orders, and what can't be read.
  authority::Asked part;
  // The list of a catalog's event; kNone of others.
  domain::CatalogList list = domain::CatalogList::kNone;
};

EventPart AboutEvent(const domain::EventHeader& header, absl::string_view payload);

// True when a grant with the right covers the event. Lists of divisions and classifications serve
// all below their division: those who may see something there may see them.
bool MaySee(const Rights& rights, authority::Verb verb, const EventPart& event,
            const domain::Catalog& catalog);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_COMPARE_VISIBLE_H_
