// The files of domain/data that the programs carry inside themselves.
#ifndef FISCAL_DOMAIN_DATA_SHIPPED_H_
#define FISCAL_DOMAIN_DATA_SHIPPED_H_

#include "absl/strings/string_view.h"

namespace fiscal::domain {

// The bytes of a file by its path below domain/data, "forms/shanxi-13.csv"; empty where there is
// none.
absl::string_view ShippedFile(absl::string_view name);

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_DATA_SHIPPED_H_
