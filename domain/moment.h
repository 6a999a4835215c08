// A state of a log: how far, and of which history. What a read stands at, and what a watermark is.
//
// Today it is one position; of a log in shards it would be one for each. Its text is opaque to
// callers: the position, and behind it in hex 2 bytes of the log's id and 4 of the chain hash
// there, as in "240-9f3c2ab81d04". A log and its copies give the same text. Another log, and one
// that lost this history, refuse it (services/ledger/moments.h).
#ifndef FISCAL_DOMAIN_MOMENT_H_
#define FISCAL_DOMAIN_MOMENT_H_

#include <array>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "base/sha256.h"
#include "domain/position.h"

namespace fiscal::domain {

class Moment {
 public:
  // Before all events, in every history: "0".
  Moment() = default;
  // Unbound: of whichever history it is asked of. Its text is digits alone.
  explicit Moment(Position position) : position_(position) {}
  // After the event at `position` of the log `log_id`, whose chain hash there is `chain_hash`.
  // REQUIRES: `log_id` has 16 bytes.
  Moment(Position position, absl::string_view log_id, const Digest& chain_hash);

  // Nothing for what is no text of a moment.
  static std::optional<Moment> Parse(absl::string_view text);
  std::string Text() const;

  Position position() const { return position_; }
  bool bound() const { return bound_; }
  // False when it is bound to another log.
  bool MayBeOf(absl::string_view log_id) const;
  // False when it is bound to a history with another chain hash at its position.
  bool MayHave(const Digest& chain_hash) const;

  // True when everything that `other` includes is in this one. REQUIRES: both are of one history.
  bool Covers(const Moment& other) const { return position_ >= other.position_; }
  // The earliest that covers both. REQUIRES: both are of one history.
  static Moment Join(const Moment& a, const Moment& b) { return a.Covers(b) ? a : b; }

  friend bool operator==(const Moment& a, const Moment& b) {
    return a.position_ == b.position_ && a.bound_ == b.bound_ && a.mark_ == b.mark_;
  }

 private:
  static constexpr size_t kIdBytes = 2;
  static constexpr size_t kChainBytes = 4;

  Position position_;
  bool bound_ = false;
  // Of the log's id, then of the chain hash; zeros when unbound.
  std::array<char, kIdBytes + kChainBytes> mark_{};
};

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_MOMENT_H_
