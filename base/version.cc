#include "base/version.h"

namespace fiscal {

absl::string_view Version() { return FISCAL_VERSION; }

}  // namespace fiscal
