// A rate that may be gone beyond for a while: what was taken flows off at the rate, and ten seconds
// of it may be waiting to.
//
// Pure. Nothing is refused in the middle: what is taken may go beyond, and the next one waits.
#ifndef FISCAL_SERVICES_RPC_TOKEN_BUCKET_H_
#define FISCAL_SERVICES_RPC_TOKEN_BUCKET_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace fiscal::services::rpc {

class TokenBucket {
 public:
  static constexpr int64_t kBurstSeconds = 10;
  // Who is refused is not told to come sooner: he would only be refused again.
  static constexpr absl::Duration kWaitMin = absl::Milliseconds(100);

  // Zero when something may be taken now, else for how long not. `rate` is by the second, above 0,
  // and may be another one each time.
  absl::Duration Wait(int64_t rate, absl::Time now) {
    Flow(rate, now);
    const double beyond = taken_ - static_cast<double>(rate) * kBurstSeconds;
    if (beyond < 0) return absl::ZeroDuration();
    return std::max(kWaitMin, absl::Seconds(beyond / static_cast<double>(rate)));
  }
  void Take(int64_t tokens) { taken_ += static_cast<double>(tokens); }
  // Lets flow off what does by now.
  void Flow(int64_t rate, absl::Time now) {
    // A clock that is set back stops the flow for a moment and no longer.
    if (now > since_ && taken_ > 0) {
      taken_ -= static_cast<double>(rate) * absl::ToDoubleSeconds(now - since_);
      taken_ = std::max(taken_, 0.0);
    }
    since_ = now;
  }
  // True when nothing is waiting to flow off, as far as Flow and Wait were told.
  bool empty() const { return taken_ == 0; }

 private:
  double taken_ = 0;
  absl::Time since_ = absl::InfinitePast();
};

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_TOKEN_BUCKET_H_
