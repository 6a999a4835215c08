// The memory that a connection takes before a call pays for it, and how much of it is allowed.
//
// gRPC 1.51 keeps what a peer sends until a call takes it, without a bound of its own: header
// blocks that never end, messages that are never whole, calls that are reset before they were seen.
// The guard does not look inside (TLS hides it); it compares what is known from outside:
//
//   bytes    untaken = received (the kernel's count) - taken by calls: their messages, the most
//            their metadata may be, and some for frames, acknowledgements and window updates,
//            which follow what the server sent. A message that is on its way is untaken until it is
//            whole, so one connection may have several of the greatest size on their way; all
//            together share one budget.
//   streams  idle = streams begun (gRPC's count) of which no call has taken a message yet, and no
//            call has ended. A peer that keeps the rules has at most as many as it may have
//            streams open. A reset stream stays until its remains are cleared away, and so counts;
//            what gRPC itself ended without telling anybody is forgiven at a rate that can be
//            cleared away.
//   left     streams that were reset, as far as they are not forgiven. Each costs gRPC more than
//            it tells of, for a while: a connection that leaves calls faster than is forgiven is
//            closed when memory grows that no request accounts for.
//
// Time forgives what no call can be seen to take: keepalives, calls that gRPC ended by itself. A
// connection on which nothing was taken yet is forgiven a sixteenth: there may be a thousand of
// them, and on busy cores gRPC may come to what they sent after seconds, when all of it would be
// forgiven before it is counted. A TLS handshake that no call follows is forgotten in some 20
// seconds.
//
// A connection above its own bound is closed; above the bound of all, the one with most, until the
// rest is within. Messages of full size, streams of parts and readers that acknowledge for hours
// take what they send, and stay near zero. Not thread-safe.
#ifndef FISCAL_SERVICES_DOOR_METER_H_
#define FISCAL_SERVICES_DOOR_METER_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace fiscal::services {

class Meter {
 public:
  // Since the connection began. `taken` is read before `received`, so that no byte is taken before
  // it is received.
  struct Bytes {
    int64_t taken = 0;
    int64_t received = 0;
    int64_t sent = 0;
  };
  // `seen`: calls that took a message or ended. `busy`: calls that took one and go on. Read before
  // gRPC's counts.
  struct Streams {
    int64_t seen = 0;
    int64_t busy = 0;
    int64_t started = 0;
    int64_t ended = 0;
    int64_t failed = 0;
  };

  // `elapsed` since the last reading; of a long quiet, no more than a second is forgiven ahead, of
  // what was left no more than between two looks.
  void Read(const Bytes& now, absl::Duration elapsed) {
    untaken_ += now.received - bytes_.received;
    // Acknowledgements of an answer are far less than a sixteenth of it. Keepalives and their like
    // are some bytes a second.
    const int64_t given = (now.taken - bytes_.taken) + (now.sent - bytes_.sent) / 16 +
                          Forgiven(kBytesPerSecond, elapsed, &bytes_rest_);
    untaken_ = std::max<int64_t>(0, untaken_ - given);
    bytes_ = now;
  }

  void Read(const Streams& now, absl::Duration elapsed) {
    unseen_ += (now.started - streams_.started) - (now.seen - streams_.seen);
    const int64_t open = now.started - now.ended - now.busy;
    unseen_ -= Forgiven(kStreamsPerSecond, elapsed, &streams_rest_);
    unseen_ = std::max<int64_t>({0, unseen_, open});
    left_ += now.failed - streams_.failed;
    left_ -= WholeOf(kStreamsPerSecond * Seconds(elapsed, kLooksApart), &left_rest_);
    left_ = std::max<int64_t>(0, left_);
    streams_ = now;
  }

  int64_t untaken() const { return untaken_; }
  int64_t idle_streams() const { return unseen_; }
  int64_t left_streams() const { return left_; }

 private:
  static double Seconds(absl::Duration elapsed, absl::Duration longest) {
    return absl::ToDoubleSeconds(std::min(elapsed, longest));
  }
  // `rest`: the part of one that was forgiven before.
  static int64_t WholeOf(double forgiven, double* rest) {
    *rest += forgiven;
    const int64_t whole = static_cast<int64_t>(*rest);
    *rest -= static_cast<double>(whole);
    return whole;
  }
  int64_t Forgiven(double per_second, absl::Duration elapsed, double* rest) const {
    const double share = bytes_.taken == 0 ? kBeginnersShare : 1;
    return WholeOf(share * per_second * Seconds(elapsed, absl::Seconds(1)), rest);
  }

  static constexpr double kBytesPerSecond = 4096, kStreamsPerSecond = 500;
  static constexpr double kBeginnersShare = 1.0 / 16;
  // A quiet connection is looked at that often.
  static constexpr absl::Duration kLooksApart = absl::Seconds(10);
  Bytes bytes_;
  Streams streams_;
  int64_t untaken_ = 0;
  int64_t unseen_ = 0;
  int64_t left_ = 0;
  double bytes_rest_ = 0, streams_rest_ = 0, left_rest_ = 0;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_DOOR_METER_H_
