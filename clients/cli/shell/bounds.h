// Bounds of numbers among the flags, said in words, and values that shells offer.
#ifndef FISCAL_CLIENTS_CLI_SHELL_BOUNDS_H_
#define FISCAL_CLIENTS_CLI_SHELL_BOUNDS_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace fiscal::cli {

// A number that is not below `least`.
inline CLI::Validator AtLeast(int least) {
  return {[least](std::string& text) {
            double number = 0;
            return absl::SimpleAtod(text, &number) && number >= least
                       ? std::string()
                       : absl::StrCat(text, ": must be ", least, " or more");
          },
          ""};
}

// A number above 0.
inline CLI::Validator Positive() {
  return {[](std::string& text) {
            double number = 0;
            return absl::SimpleAtod(text, &number) && number > 0
                       ? std::string()
                       : absl::StrCat(text, ": must be more than 0");
          },
          ""};
}

// Values to offer and to show in the help. Others may be taken, too: the command says which.
inline CLI::Validator Offered(const std::vector<std::string>& values) {
  return {[](std::string&) { return std::string(); },
          absl::StrCat("{", absl::StrJoin(values, ","), "}")};
}

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_SHELL_BOUNDS_H_
