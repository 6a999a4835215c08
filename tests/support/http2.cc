#include "tests/support/http2.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace fiscal::testing {
namespace {

sockaddr_in Address(const std::string& host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

// Reads what is there; false at the end of the connection.
bool Drain(int fd, std::string* read = nullptr) {
  char buffer[16 << 10];
  while (true) {
    const ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (n == 0) return false;
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (read != nullptr) read->append(buffer, static_cast<size_t>(n));
  }
}

// What poll says within the time that is left.
short Await(int fd, short events, absl::Time deadline) {
  const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
  if (left <= 0) return 0;
  pollfd wait{fd, events, 0};
  return poll(&wait, 1, static_cast<int>(left)) > 0 ? wait.revents : 0;
}

}  // namespace

RawConnection::RawConnection(int port, const std::string& source) {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in from = Address(source, 0), to = Address("127.0.0.1", port);
  if (bind(fd_, reinterpret_cast<const sockaddr*>(&from), sizeof(from)) == 0 &&
      connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) {
    fcntl(fd_, F_SETFL, O_NONBLOCK);
    return;
  }
  close(fd_);
  fd_ = -1;
}

RawConnection::~RawConnection() {
  if (fd_ >= 0) close(fd_);
}

RawConnection::RawConnection(RawConnection&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

int RawConnection::port() const {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

bool RawConnection::Write(absl::string_view bytes, absl::Duration limit) {
  const absl::Time deadline = absl::Now() + limit;
  while (!bytes.empty()) {
    const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
      continue;
    }
    if (errno != EAGAIN) return false;
    const short ready = Await(fd_, POLLIN | POLLOUT, deadline);
    if (ready == 0 || !Drain(fd_)) return false;
  }
  return true;
}

std::string RawConnection::Read(absl::Duration limit) {
  std::string read;
  Await(fd_, POLLIN, absl::Now() + limit);
  Drain(fd_, &read);
  return read;
}

bool RawConnection::AwaitClosed(absl::Duration limit) {
  const absl::Time deadline = absl::Now() + limit;
  while (Drain(fd_)) {
    if (Await(fd_, POLLIN, deadline) == 0) return false;
  }
  return true;
}

namespace http2 {
namespace {

std::string Text(absl::string_view text) {
  // Lengths of 7 bits, which are enough here, or of two bytes more.
  if (text.size() < 127) return absl::StrCat(std::string(1, static_cast<char>(text.size())), text);
  std::string out(1, '\x7f');
  size_t rest = text.size() - 127;
  for (; rest >= 128; rest >>= 7) out.push_back(static_cast<char>(rest | 0x80));
  out.push_back(static_cast<char>(rest));
  return absl::StrCat(out, text);
}

}  // namespace

std::string Frame(uint8_t type, uint8_t flags, uint32_t stream, absl::string_view payload) {
  std::string frame;
  for (int shift = 16; shift >= 0; shift -= 8)
    frame.push_back(static_cast<char>(payload.size() >> shift));
  frame.push_back(static_cast<char>(type));
  frame.push_back(static_cast<char>(flags));
  for (int shift = 24; shift >= 0; shift -= 8) frame.push_back(static_cast<char>(stream >> shift));
  return absl::StrCat(frame, payload);
}

std::string Preface() {
  return absl::StrCat("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Frame(kSettings, 0, 0, ""));
}

std::string Header(absl::string_view name, absl::string_view value, bool kept) {
  return absl::StrCat(kept ? "\x40" : absl::string_view("\0", 1), Text(name), Text(value));
}

std::string CallHeaders(absl::string_view path, absl::string_view content_type) {
  return absl::StrCat("\x83\x86", Header(":path", path), Header(":authority", "localhost"),
                      Header("content-type", content_type), Header("te", "trailers"));
}

std::string CallKept(absl::string_view path) {
  return absl::StrCat(
      "\x83\x86", Header(":path", path, true), Header(":authority", "localhost", true),
      Header("content-type", "application/grpc", true), Header("te", "trailers", true));
}

std::string CallAgain() { return "\x83\x86\xc1\xc0\xbf\xbe"; }

std::string Message(absl::string_view bytes) {
  std::string head(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8)
    head.push_back(static_cast<char>(bytes.size() >> shift));
  return absl::StrCat(head, bytes);
}

}  // namespace http2
}  // namespace fiscal::testing
