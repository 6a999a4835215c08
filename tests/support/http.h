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

// One connection to a port of this machine.
class HttpConnection {
 public:
  explicit HttpConnection(int port);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  void Send(absl::string_view bytes);
  // Asks with GET, and keeps the connection. Answers have a Content-Length.
  HttpAnswer Ask(absl::string_view path);
  // Reads until the other side closes.
  std::string ReadToEnd();

 private:
  // Reads once; false when the other side has closed.
  bool ReadMore();

  const int fd_;
  std::string read_;
};

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_SUPPORT_HTTP_H_
