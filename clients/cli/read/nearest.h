// The word that was probably meant.
#ifndef FISCAL_CLIENTS_CLI_READ_NEAREST_H_
#define FISCAL_CLIENTS_CLI_READ_NEAREST_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace fiscal::cli {

// How many characters have to be put in, taken out or replaced, or neighbours swapped.
size_t EditDistance(absl::string_view a, absl::string_view b);

// The word nearest to `typed`; empty when none is near: a third of its characters may be wrong, or
// it is the beginning of only one of them.
std::string Nearest(absl::string_view typed, const std::vector<std::string>& words);

// "; did you mean WORD?", or nothing.
std::string DidYouMean(absl::string_view typed, const std::vector<std::string>& words);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_READ_NEAREST_H_
