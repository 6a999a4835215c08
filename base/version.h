// The version of this build, which CMakeLists.txt says: project(fiscal VERSION ...).
#ifndef FISCAL_BASE_VERSION_H_
#define FISCAL_BASE_VERSION_H_

#include "absl/strings/string_view.h"

namespace fiscal {

// As 1.2.3.
absl::string_view Version();

}  // namespace fiscal

#endif  // FISCAL_BASE_VERSION_H_
