// Just enough HTTP for tests.
#ifndef FISCAL_TESTS_SUPPORT_HTTP_H_
#define FISCAL_TESTS_SUPPORT_HTTP_H_

#include <string>

#include "absl/strings/string_view.h"

namespace fiscal::testing {

struct HttpAnswer {
  // 0 when there was none.
  int status = 0;
  std::string head;
  std::string body;
};

// Sends bytes to a port of this machine and reads until the other side closes.
std::string Exchange(int port, absl::string_view bytes);
HttpAnswer HttpGet(int port, absl::string_view path, absl::string_view method = "GET");

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_SUPPORT_HTTP_H_
