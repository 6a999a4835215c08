#include "tests/support/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace fiscal::testing {

namespace {

int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return fd;
  close(fd);
  return -1;
}

// `text` is a head and what is behind it.
HttpAnswer Parse(const std::string& text) {
  HttpAnswer answer;
  const size_t end = text.find("\r\n\r\n");
  if (end == std::string::npos || text.size() < 12) return answer;
  (void)absl::SimpleAtoi(text.substr(9, 3), &answer.status);
  answer.head = text.substr(0, end);
  answer.body = text.substr(end + 4);
  return answer;
}

}  // namespace

HttpConnection::HttpConnection(int port) : fd_(Connect(port)) {}

HttpConnection::~HttpConnection() {
  if (fd_ >= 0) close(fd_);
}

void HttpConnection::Send(absl::string_view bytes) {
  while (fd_ >= 0 && !bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

bool HttpConnection::ReadMore() {
  char buffer[4096];
  const ssize_t n = fd_ < 0 ? 0 : recv(fd_, buffer, sizeof(buffer), 0);
  if (n > 0) read_.append(buffer, static_cast<size_t>(n));
  return n > 0;
}

HttpAnswer HttpConnection::Ask(absl::string_view path) {
  Send(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: x\r\n\r\n"));
  const std::string length_header = "Content-Length: ";
  while (true) {
    const size_t end = read_.find("\r\n\r\n"), at = read_.find(length_header);
    size_t length = 0;
    if (end != std::string::npos && at < end &&
        absl::SimpleAtoi(read_.substr(at + length_header.size(),
                                      read_.find("\r\n", at) - at - length_header.size()),
                         &length) &&
        read_.size() >= end + 4 + length) {
      const HttpAnswer answer = Parse(read_.substr(0, end + 4 + length));
      read_.erase(0, end + 4 + length);
      return answer;
    }
    if (!ReadMore()) return HttpAnswer();
  }
}

std::string HttpConnection::ReadToEnd() {
  while (ReadMore()) continue;
  return std::move(read_);
}

std::string Exchange(int port, absl::string_view bytes) {
  HttpConnection connection(port);
  connection.Send(bytes);
  return connection.ReadToEnd();
}

HttpAnswer HttpGet(int port, absl::string_view path, absl::string_view method) {
  return Parse(Exchange(
      port, absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")));
}

}  // namespace fiscal::testing
