// Page tokens and resume tokens: a place in an answer, sealed for one caller's one question.
//
//   <data-dir>/token-key --> TokenSealer --(Seal)--> token --> the caller --(Open)--> the place
//
// A token is URL-safe base64 of the key's id, an HMAC-SHA256 cut to 16 bytes, and the place. The
// place is not secret, but nobody can make a token, change one, or use another's. Keys are random
// and renewed by themselves; a token outlives its key's turn by two more. Who has no key of a token
// refuses it, so processes that are to take each other's tokens are given one file of keys.
// Thread-safe.
#ifndef FISCAL_SERVICES_RPC_TOKEN_SEALER_H_
#define FISCAL_SERVICES_RPC_TOKEN_SEALER_H_

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace fiscal::services::rpc {

class TokenSealer {
 public:
  // A key's turn: it seals for so long. What a stolen copy of the file is good for ends with it,
  // and nobody looks at a listing for longer.
  static constexpr absl::Duration kTurn = absl::Hours(24 * 30);
  // Keys in the file that this process keeps, the sealing one included: a token is good for two
  // turns after its key's own, 60 to 90 days. A watcher that was away for longer takes a snapshot
  // faster than it would read the changes.
  static constexpr size_t kKeysMax = 3;

  // What a token is good for. The method is a part of it: two may ask with the same bytes.
  struct Binding {
    absl::string_view principal, method, question;
  };

  // Keeps its keys in `data_dir`/token-key, readable by its owner alone: makes the file when there
  // is none. INVALID_ARGUMENT: it can't be read or written. FAILED_PRECONDITION: it is damaged, or
  // others may read it. REQUIRES: `clock` outlives the result.
  static absl::StatusOr<std::unique_ptr<TokenSealer>> Keep(const std::string& data_dir,
                                                           Clock& clock);
  // Takes its keys from `path`, of which the last one seals, and leaves the file alone.
  // INVALID_ARGUMENT: it can't be read, is damaged, or others may read it.
  static absl::StatusOr<std::unique_ptr<TokenSealer>> Share(const std::string& path, Clock& clock);

  std::string Seal(const Binding& binding, absl::string_view place) const ABSL_LOCKS_EXCLUDED(mu_);
  // The place; nothing when `token` was not sealed for this binding by a key that is there. Takes
  // as long whichever of its bytes are wrong.
  std::optional<std::string> Open(const Binding& binding, absl::string_view token) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // Begins a new key's turn when the last one's is over, and forgets what is too old. The old key
  // goes on when the file can't be written, which is tried again an hour later. To be called now
  // and then, by one thread at a time.
  void Renew() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  static constexpr size_t kIdBytes = 4;
  struct Key {
    std::string id;
    absl::Time made;
    std::array<char, 32> secret;
  };
  using Keys = std::vector<Key>;

  // `path` is empty when the keys are not its own to write.
  TokenSealer(std::string path, Clock& clock, Keys keys);
  // The file's keys, the oldest first. INVALID_ARGUMENT without the file's name; NOT_FOUND.
  static absl::StatusOr<Keys> Read(const std::string& path);
  static absl::Status Write(const std::string& path, const Keys& keys);
  static Key NewKey(const Keys& others, absl::Time now);
  static std::string Mac(const Key& key, const Binding& binding, absl::string_view place);

  const std::string path_;
  Clock& clock_;
  // Of the thread that renews.
  absl::Time try_again_ = absl::InfinitePast();
  mutable absl::Mutex mu_;
  // Never empty. The oldest first; the last one seals.
  Keys keys_ ABSL_GUARDED_BY(mu_);
};

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_TOKEN_SEALER_H_
