// HTTP/2 by hand, for peers that do not keep its rules.
#ifndef FISCAL_TESTS_SUPPORT_HTTP2_H_
#define FISCAL_TESTS_SUPPORT_HTTP2_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace fiscal::testing {

// A TCP connection to this machine.
class RawConnection {
 public:
  // From `source`, an address of this machine; connected() tells whether the port took it.
  explicit RawConnection(int port, const std::string& source = "127.0.0.1");
  ~RawConnection();
  RawConnection(RawConnection&& other) noexcept;
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  bool connected() const { return fd_ >= 0; }
  // This end's port.
  int port() const;
  // Waits for room for as long as `limit`, dropping what the other side says. False when it is
  // closed or takes no more.
  bool Write(absl::string_view bytes, absl::Duration limit = absl::Seconds(20));
  // Something to read, or everything up to the end of the connection.
  std::string Read(absl::Duration limit = absl::Seconds(20));
  // True when the other side closed within `limit`; what it says before is dropped.
  bool AwaitClosed(absl::Duration limit = absl::Seconds(20));

 private:
  int fd_ = -1;
};

namespace http2 {

enum : uint8_t {
  kData,
  kHeaders,
  kPriority,
  kRst,
  kSettings,
  kPush,
  kPing,
  kGoAway,
  kWindow,
  kMore,
};
constexpr uint8_t kEndStream = 1, kEndHeaders = 4;

std::string Frame(uint8_t type, uint8_t flags, uint32_t stream, absl::string_view payload);
// What a client says first.
std::string Preface();
// A header whose name and value are spelt out; `kept` in the peer's table, so that Indexed(62 +
// ...) names it.
std::string Header(absl::string_view name, absl::string_view value, bool kept = false);
// Headers of a call, spelt out.
std::string CallHeaders(absl::string_view path,
                        absl::string_view content_type = "application/grpc");
// The same, kept; after it CallAgain() is the same headers in 6 bytes.
std::string CallKept(absl::string_view path);
std::string CallAgain();
// Uncompressed, with its five bytes of length.
std::string Message(absl::string_view bytes);

}  // namespace http2
}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_SUPPORT_HTTP2_H_
