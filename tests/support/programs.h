// Programs as people and scripts run them.
#ifndef FISCAL_TESTS_SUPPORT_PROGRAMS_H_
#define FISCAL_TESTS_SUPPORT_PROGRAMS_H_

#include <string>

namespace fiscal::testing {

struct Ran {
  // The exit code; -1 when it did not end by itself.
  int code = -1;
  std::string out, err;
};

// A command of the shell.
Ran RunShell(const std::string& command);

// The program `fiscal` that was built with the tests.
std::string FiscalProgram();
Ran RunFiscal(const std::string& arguments);

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_SUPPORT_PROGRAMS_H_
