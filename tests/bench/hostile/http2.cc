#include "tests/bench/hostile/http2.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace fiscal::bench {
namespace {

enum FrameType : char { kHeaders = 1, kReset = 3, kSettings = 4, kContinuation = 9 };
constexpr char kEndHeaders = 4;

std::string Frame(FrameType type, char flags, uint32_t stream, absl::string_view payload) {
  std::string frame;
  for (int shift : {16, 8, 0}) frame += static_cast<char>(payload.size() >> shift);
  frame += type;
  frame += flags;
  for (int shift : {24, 16, 8, 0}) frame += static_cast<char>(stream >> shift);
  return absl::StrCat(frame, payload);
}

// HPACK: a literal that enters no table; below 127 bytes.
std::string Literal(absl::string_view text) {
  return absl::StrCat(std::string(1, static_cast<char>(text.size())), text);
}

}  // namespace

RawConnection::RawConnection(int port, bool greet) {
  socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // A full backlog drops SYNs; their repeats would take seconds.
  timeval patience = {2, 0};
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    close(socket_);
    socket_ = -1;
    return;
  }
  fcntl(socket_, F_SETFL, O_NONBLOCK);
  if (greet) {
    Send(absl::StrCat("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Frame(kSettings, 0, 0, "")),
         absl::Now() + absl::Seconds(2));
  }
}

RawConnection::~RawConnection() {
  if (socket_ >= 0) close(socket_);
}

bool RawConnection::Send(absl::string_view bytes, absl::Time until) {
  char heard[65536];
  while (socket_ >= 0 && !bytes.empty()) {
    pollfd ready = {socket_, POLLIN | POLLOUT, 0};
    const auto left = absl::ToInt64Milliseconds(until - absl::Now());
    if (left <= 0 || poll(&ready, 1, static_cast<int>(left)) <= 0) return false;
    if ((ready.revents & POLLIN) != 0) {
      const ssize_t got = recv(socket_, heard, sizeof(heard), 0);
      if (got == 0 || (got < 0 && errno != EAGAIN)) return false;
    }
    if ((ready.revents & (POLLERR | POLLHUP)) != 0) return false;
    if ((ready.revents & POLLOUT) != 0) {
      const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return false;
      if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  return socket_ >= 0;
}

std::string HeadersFrame(uint32_t stream, absl::string_view path, bool last) {
  // :method POST, :scheme http, :path, :authority, te, content-type; numbers are of HPACK's static table.
  const std::string fields = absl::StrCat(
      "\x83\x86\x04", Literal(path), "\x01", Literal("localhost"), std::string(1, '\0'),
      Literal("te"), Literal("trailers"), "\x0f\x10", Literal("application/grpc"));
  return Frame(kHeaders, last ? kEndHeaders : 0, stream, fields);
}

std::string ContinuationFrame(uint32_t stream, size_t bytes, bool last) {
  const std::string field =
      absl::StrCat(std::string(1, '\0'), Literal("x-more"), Literal(std::string(100, 'x')));
  std::string fields;
  while (fields.size() < bytes) fields += field;
  return Frame(kContinuation, last ? kEndHeaders : 0, stream, fields);
}

std::string ResetFrame(uint32_t stream) {
  return Frame(kReset, 0, stream, absl::string_view("\0\0\0\x08", 4));
}

}  // namespace fiscal::bench
