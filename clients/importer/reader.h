// A published disclosure as typed cells. Reading it is proved by its structure: every row is known,
// every printed figure stands in exactly one cell, codes stand in their order. What can't be proved
// is refused with table, line and reason; what merely does not add up is for the rules to say.
//
//   text --> text.h --> layout.h --> Read --> disclosure::Disclosure --> rules, import, comparison
#ifndef FISCAL_CLIENTS_IMPORTER_READER_H_
#define FISCAL_CLIENTS_IMPORTER_READER_H_

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "domain/disclosure/disclosure.h"
#include "domain/disclosure/form.h"

namespace fiscal::importer {

// INVALID_ARGUMENT: it can't be read whole. `unit_names` are folded names of units that are known,
// which help to tell units from projects.
absl::StatusOr<disclosure::Disclosure> Read(
    absl::string_view text, const std::set<std::string>& unit_names = {},
    const std::vector<disclosure::Form>& forms = disclosure::ShippedForms());

}  // namespace fiscal::importer

#endif  // FISCAL_CLIENTS_IMPORTER_READER_H_
