// HTTP/2 as raw frames, for what no client library does.
#ifndef FISCAL_TESTS_BENCH_HOSTILE_HTTP2_H_
#define FISCAL_TESTS_BENCH_HOSTILE_HTTP2_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace fiscal::bench {

// A TCP connection to a port of this machine; what comes is read and forgotten. Not thread-safe.
class RawConnection {
 public:
  // `greet`: sends the preface and empty SETTINGS.
  explicit RawConnection(int port, bool greet = true);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  bool open() const { return socket_ >= 0; }
  // False when the other side closed, or did not take it all until then.
  bool Send(absl::string_view bytes, absl::Time until);

 private:
  int socket_ = -1;
};

// HEADERS of a gRPC call of `path`, without an end of the stream; with `last` the headers are complete.
std::string HeadersFrame(uint32_t stream, absl::string_view path, bool last = true);
// More header fields, `bytes` of them.
std::string ContinuationFrame(uint32_t stream, size_t bytes, bool last);
// RST_STREAM, CANCEL.
std::string ResetFrame(uint32_t stream);

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_HOSTILE_HTTP2_H_
