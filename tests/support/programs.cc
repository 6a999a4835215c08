#include "tests/support/programs.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace fiscal::testing {

Ran RunShell(const std::string& command) {
  Ran ran;
  std::string file = (std::filesystem::temp_directory_path() / "fiscal-stderr-XXXXXX").string();
  const int descriptor = mkstemp(file.data());
  if (descriptor >= 0) close(descriptor);
  FILE* pipe = popen(absl::StrCat("{ ", command, "\n} 2>", file).c_str(), "r");
  if (descriptor < 0 || pipe == nullptr) {
    ADD_FAILURE() << "the shell can't be run: " << command;
    return ran;
  }
  char buffer[4096];
  for (size_t n; (n = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) ran.out.append(buffer, n);
  const int status = pclose(pipe);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  ran.err = text.str();
  std::filesystem::remove(file);
  return ran;
}

std::string FiscalProgram() {
  const char* bin = std::getenv("FISCAL_BIN_DIR");
  return absl::StrCat(bin == nullptr ? "build/release/bin" : bin, "/fiscal");
}

Ran RunFiscal(const std::string& arguments) {
  return RunShell(absl::StrCat(FiscalProgram(), " ", arguments));
}

}  // namespace fiscal::testing
