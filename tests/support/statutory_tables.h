// A disclosure as the message DisclosureService answers with, so that what prints and compares
// tables is tested without a server.
#ifndef FISCAL_TESTS_SUPPORT_STATUTORY_TABLES_H_
#define FISCAL_TESTS_SUPPORT_STATUTORY_TABLES_H_

#include "domain/disclosure/disclosure.h"
#include "domain/disclosure/form.h"
#include "fiscal/disclosure/v1/disclosure_service.pb.h"

namespace fiscal::testing {

disclosure::v1::GetTablesResponse ToResponse(const disclosure::Disclosure& disclosure,
                                             const disclosure::Form& form);

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_SUPPORT_STATUTORY_TABLES_H_
