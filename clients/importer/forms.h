// Performance forms (项目支出绩效目标表): one project's funding, texts and indicators. Layouts
// differ inside one document, so labels are looked for, not columns. A form that can't be read is a
// finding, never a refusal.
#ifndef FISCAL_CLIENTS_IMPORTER_FORMS_H_
#define FISCAL_CLIENTS_IMPORTER_FORMS_H_

#include <vector>

#include "clients/importer/text.h"
#include "domain/disclosure/disclosure.h"

namespace fiscal::importer {

// Fills the forms and table 14, a row "project.NAME" for each: columns term.total and year.total,
// and their parts term.part.N, year.part.N; term.years where the term is said to be several years.
void ReadForms(const std::vector<TextLine>& rest, disclosure::Disclosure* out);

}  // namespace fiscal::importer

#endif  // FISCAL_CLIENTS_IMPORTER_FORMS_H_
