// Ed25519 signatures by OpenSSL: the key a data directory signs tree heads with, and their check.
//
//   <data-dir>/signing-key.pem --> SigningKey --(Sign)--> tree head --> VerifySignature, anywhere
//
// Thread-safe.
#ifndef FISCAL_BASE_SIGNING_H_
#define FISCAL_BASE_SIGNING_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace fiscal {

class SigningKey {
 public:
  // A new one, in memory only.
  static SigningKey Generate();
  // From `directory`/signing-key.pem (PKCS #8). NOT_FOUND when there is none, FAILED_PRECONDITION
  // when it is no Ed25519 key or others may read it.
  static absl::StatusOr<SigningKey> Load(const std::string& directory);
  // A new one in signing-key.next.pem, readable by its owner alone: nobody takes it for the key
  // yet.
  static absl::StatusOr<SigningKey> Stage(const std::string& directory);
  // As Load, of what Stage left.
  static absl::StatusOr<SigningKey> LoadStaged(const std::string& directory);
  // Puts what Stage left in the place of the key.
  static absl::Status Adopt(const std::string& directory);
  // Beside it as signing-key.pub.pem, for operators.
  absl::Status WritePublicHalf(const std::string& directory) const;
  // NOT_FOUND when there is none.
  static absl::StatusOr<std::string> ReadPublicHalf(const std::string& directory);

  // 64 bytes; the same for the same bytes.
  std::string Sign(absl::string_view bytes) const;
  const std::string& public_key_pem() const { return public_key_pem_; }

 private:
  explicit SigningKey(std::shared_ptr<void> key);
  static absl::StatusOr<SigningKey> LoadFile(const std::string& path);

  std::shared_ptr<void> key_;  // EVP_PKEY
  std::string public_key_pem_;
};

// True when `signature` is the signature of `bytes` by the Ed25519 key in `public_key_pem`.
// INVALID_ARGUMENT when that holds no such key, UNAUTHENTICATED when the signature is not its.
absl::Status VerifySignature(absl::string_view public_key_pem, absl::string_view bytes,
                             absl::string_view signature);

}  // namespace fiscal

#endif  // FISCAL_BASE_SIGNING_H_
