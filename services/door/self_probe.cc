#include "services/door/self_probe.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/config/address.h"

namespace fiscal::services {
namespace {

std::atomic<int> unfinished{0};

absl::Status Dead(absl::string_view what, int error = 0) {
  return absl::UnavailableError(error == 0 ? std::string(what)
                                           : absl::StrCat(what, ": ", std::strerror(error)));
}

// True when one of `events` came.
bool Await(int fd, short events, absl::Time deadline) {
  const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
  pollfd wait{fd, events, 0};
  return left > 0 && poll(&wait, 1, static_cast<int>(left)) > 0;
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

absl::Status SaySettings(int fd, absl::Time deadline) {
  // The preface, and SETTINGS without any.
  constexpr char kHello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
  if (send(fd, kHello, sizeof(kHello) - 1, MSG_NOSIGNAL) != ssize_t{sizeof(kHello) - 1})
    return Dead("the connection takes no bytes", errno);
  // The fourth byte of a frame is its type.
  char head[9];
  size_t have = 0;
  while (have < sizeof(head)) {
    if (!Await(fd, POLLIN, deadline)) return Dead("no answer to SETTINGS");
    const ssize_t n = recv(fd, head + have, sizeof(head) - have, 0);
    if (n == 0) return Dead("closed before SETTINGS");
    if (n < 0 && errno != EAGAIN && errno != EINTR) return Dead("reading SETTINGS", errno);
    if (n > 0) have += static_cast<size_t>(n);
  }
  return head[3] == 4 ? absl::OkStatus() : Dead("the first frame is no SETTINGS");
}

struct FreeSsl {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

class SelfProbeImpl final : public SelfProbe {
 public:
  SelfProbeImpl(std::string host, Door& door, Tls tls)
      : host_(std::move(host)), door_(door), tls_(tls) {
    if (tls_ == Tls::kNone) return;
    context_.reset(SSL_CTX_new(TLS_client_method()));
    // It is asked whether somebody answers, and by this process's own door.
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr);
    constexpr unsigned char kProtocols[] = "\2h2";
    SSL_CTX_set_alpn_protos(context_.get(), kProtocols, sizeof(kProtocols) - 1);
  }

  absl::Status Look(absl::Duration limit) override {
    const absl::Time deadline = absl::Now() + limit;
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    const std::string port = absl::StrCat(door_.port());
    const int unknown = getaddrinfo(host_.c_str(), port.c_str(), &hints, &found);
    if (unknown != 0) return Dead(gai_strerror(unknown));
    absl::Status status = Dead("no address");
    for (const addrinfo* info = found; info != nullptr && !status.ok(); info = info->ai_next)
      status = LookAt(*info, deadline);
    freeaddrinfo(found);
    door_.Expect(0);
    return status;
  }

 private:
  absl::Status LookAt(const addrinfo& info, absl::Time deadline) {
    const Socket socket(::socket(info.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (socket.fd() < 0) return Dead("no socket", errno);
    // The port is known before the door sees it.
    sockaddr_storage from{};
    from.ss_family = static_cast<sa_family_t>(info.ai_family);
    socklen_t size = info.ai_addrlen;
    if (bind(socket.fd(), reinterpret_cast<const sockaddr*>(&from), size) != 0 ||
        getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&from), &size) != 0)
      return Dead("no port", errno);
    door_.Expect(ntohs(info.ai_family == AF_INET6
                           ? reinterpret_cast<const sockaddr_in6&>(from).sin6_port
                           : reinterpret_cast<const sockaddr_in&>(from).sin_port));
    if (connect(socket.fd(), info.ai_addr, info.ai_addrlen) != 0 && errno != EINPROGRESS)
      return Dead("no connection", errno);
    if (!Await(socket.fd(), POLLOUT, deadline)) return Dead("no connection in time");
    int error = 0;
    socklen_t error_size = sizeof(error);
    getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &error_size);
    if (error != 0) return Dead("no connection", error);
    return tls_ == Tls::kNone ? SaySettings(socket.fd(), deadline)
                              : Handshake(socket.fd(), deadline);
  }

  absl::Status Handshake(int fd, absl::Time deadline) {
    const std::unique_ptr<SSL, FreeSsl> ssl(SSL_new(context_.get()));
    if (ssl == nullptr || SSL_set_fd(ssl.get(), fd) != 1) return Dead("no TLS");
    if (tls_ == Tls::kAsksForCertificates) unfinished.fetch_add(1);
    while (true) {
      const int result = SSL_connect(ssl.get());
      // Its own certificate comes after its hello, before ours is asked for.
      if (SSL_get0_peer_certificate(ssl.get()) != nullptr) return absl::OkStatus();
      const int want = SSL_get_error(ssl.get(), result);
      if (want != SSL_ERROR_WANT_READ && want != SSL_ERROR_WANT_WRITE)
        return Dead("the TLS handshake fails before the server's certificate");
      if (!Await(fd, want == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline))
        return Dead("no answer to the TLS hello");
    }
  }

  const std::string host_;
  Door& door_;
  const Tls tls_;
  std::unique_ptr<SSL_CTX, FreeSsl> context_;
};

}  // namespace

std::unique_ptr<SelfProbe> SelfProbe::Make(const std::string& listen, Door& door, Tls tls) {
  const auto address = settings::ParseAddress(listen);
  std::string host = address ? address->host : "localhost";
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  return std::make_unique<SelfProbeImpl>(std::move(host), door, tls);
}

bool SelfProbe::TakeUnfinished() {
  int left = unfinished.load();
  while (left > 0) {
    if (unfinished.compare_exchange_weak(left, left - 1)) return true;
  }
  return false;
}

}  // namespace fiscal::services
