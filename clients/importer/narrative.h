// The sentences of a disclosure that carry figures, as the form describes them: table 0.
#ifndef FISCAL_CLIENTS_IMPORTER_NARRATIVE_H_
#define FISCAL_CLIENTS_IMPORTER_NARRATIVE_H_

#include <vector>

#include "clients/importer/text.h"
#include "domain/disclosure/disclosure.h"

namespace fiscal::importer {

// Fills the narrative's text and table 0. What no pattern matches is text and no figure. REQUIRES:
// tables 1 to 5 are read.
void ReadNarrative(const disclosure::Form& form, const std::vector<TextLine>& rest,
                   disclosure::Disclosure* out);

}  // namespace fiscal::importer

#endif  // FISCAL_CLIENTS_IMPORTER_NARRATIVE_H_
