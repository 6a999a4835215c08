#include "services/door/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "services/config/address.h"

namespace fiscal::services {
namespace {

absl::Status CantListen(const std::string& address, absl::string_view why) {
  return absl::FailedPreconditionError(absl::StrCat("can't listen on ", address, ": ", why));
}

// A socket that listens, or -1 with errno.
int Open(const addrinfo& info, int port) {
  const int fd = socket(info.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  sockaddr_storage to{};
  std::memcpy(&to, info.ai_addr, info.ai_addrlen);
  if (info.ai_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(to).sin6_port = htons(static_cast<uint16_t>(port));
  } else {
    reinterpret_cast<sockaddr_in&>(to).sin_port = htons(static_cast<uint16_t>(port));
  }
  const int on = 1, off = 0;
  // A restart finds connections of the process before in their last state. Accepted sockets inherit
  // that nothing waits for more.
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (info.ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  if (bind(fd, reinterpret_cast<const sockaddr*>(&to), info.ai_addrlen) == 0 &&
      listen(fd, SOMAXCONN) == 0)
    return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

int PortOf(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  return ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                           : reinterpret_cast<sockaddr_in&>(bound).sin_port);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> Listener::Bind(const std::string& address) {
  const auto parsed = settings::ParseAddress(address);
  if (!parsed) return CantListen(address, "is no HOST:PORT");
  const bool any = parsed->host == "0.0.0.0" || parsed->host == "::";
  std::unique_ptr<Listener> listener(new Listener());
  listener->port_ = parsed->port;
  int error = EADDRNOTAVAIL;
  // Of every address: one socket for both kinds, or where the machine has no IPv6, one for the
  // other.
  for (const std::string& host :
       any ? std::vector<std::string>{"::", "0.0.0.0"} : std::vector<std::string>{parsed->host}) {
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    const int unknown = getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (unknown != 0) return CantListen(address, gai_strerror(unknown));
    for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
      const int fd = Open(*info, listener->port_);
      if (fd < 0) {
        error = errno;
        if (error == EADDRINUSE) break;
        continue;
      }
      listener->sockets_.push_back(fd);
      listener->port_ = PortOf(fd);
    }
    freeaddrinfo(found);
    if (error == EADDRINUSE) return CantListen(address, "is the port in use?");
    if (!listener->sockets_.empty()) break;
  }
  if (listener->sockets_.empty()) return CantListen(address, std::strerror(error));
  return listener;
}

Listener::~Listener() {
  for (const int fd : sockets_) close(fd);
}

}  // namespace fiscal::services
