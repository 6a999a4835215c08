// Performance forms (项目支出绩效目标表): one project's funding, texts and indicators. Layouts differ inside one document, so labels
// are looked for, not columns. A form that can't be read is a finding, never a refusal.
#ifndef FISCAL_CLIENTS_IMPORTER_FORMS_H_
#define FISCAL_CLIENTS_IMPORTER_FORMS_H_

#include <vector>

#include "clients/importer/document.h"
#include "fiscal/budget/v1/budget.pb.h"

namespace fiscal::importer {

struct Form {
  int line = 0;
  // Without code and category.
  budget::v1::Project project;
};

std::vector<Form> ReadForms(const Document& document, std::vector<budget::v1::Finding>* findings);

}  // namespace fiscal::importer

#endif  // FISCAL_CLIENTS_IMPORTER_FORMS_H_
