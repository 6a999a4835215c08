#include "services/log/signer.h"

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "storage/record_codec.h"

namespace fiscal::services {
namespace {

absl::Status Stopped(absl::string_view why) {
  return domain::Refuse(domain::Reason::kSigningStopped,
                        absl::StrCat(why, "; nothing is signed until `fiscal admin key rotate`"));
}

}  // namespace

Signer::Signer(std::string directory, std::string log_id, absl::string_view recorded,
               bool first_start)
    : directory_(std::move(directory)), log_id_(std::move(log_id)), key_(Stopped("no key yet")) {
  Set(Find(recorded, first_start));
}

absl::StatusOr<SigningKey> Signer::Find(absl::string_view recorded, bool first_start) const {
  std::string expected(recorded);
  if (expected.empty()) {
    const absl::StatusOr<std::string> beside = SigningKey::ReadPublicHalf(directory_);
    if (!beside.ok() && !absl::IsNotFound(beside.status()))
      return Stopped(beside.status().message());
    if (beside.ok()) expected = *beside;
  }
  absl::StatusOr<SigningKey> key = SigningKey::Load(directory_);
  if (expected.empty() && first_start && absl::IsNotFound(key.status())) {
    key = SigningKey::Stage(directory_);
    if (key.ok()) FISCAL_RETURN_IF_ERROR(SigningKey::Adopt(directory_));
  }
  if (!expected.empty() && !(key.ok() && key->public_key_pem() == expected)) {
    // A change that the log names and that was not finished.
    const absl::StatusOr<SigningKey> staged = SigningKey::LoadStaged(directory_);
    if (staged.ok() && staged->public_key_pem() == expected) {
      FISCAL_RETURN_IF_ERROR(SigningKey::Adopt(directory_));
      key = staged;
    }
  }
  if (absl::IsNotFound(key.status())) return Stopped("the signing key is lost");
  if (!key.ok()) return Stopped(key.status().message());
  if (!expected.empty() && key->public_key_pem() != expected)
    return Stopped("the signing key is another one than was said");
  FISCAL_RETURN_IF_ERROR(key->WritePublicHalf(directory_));
  return key;
}

void Signer::Set(absl::StatusOr<SigningKey> key) {
  if (!key.ok()) {
    if (!domain::Explain(key.status()).reason_known) key = Stopped(key.status().message());
    logging::Critical("nothing is signed",
                      {{"why", std::string(key.status().message())}, {"data_dir", directory_}});
  }
  absl::MutexLock lock(&mu_);
  key_ = std::move(key);
}

absl::StatusOr<SigningKey> Signer::key() const {
  absl::ReaderMutexLock lock(&mu_);
  return key_;
}

absl::StatusOr<SigningKey> Signer::Rotate(const Keep& keep) {
  absl::MutexLock rotating(&rotating_);
  FISCAL_ASSIGN_OR_RETURN(const SigningKey next, SigningKey::Stage(directory_));
  domain::KeyEvent event{next.public_key_pem(), ""};
  const absl::StatusOr<SigningKey> before = key();
  // The old key vouches for the new one.
  if (before.ok())
    event.signature = before->Sign(storage::KeyChangeBytes(log_id_, next.public_key_pem()));
  FISCAL_RETURN_IF_ERROR(keep(event));
  absl::Status written = next.WritePublicHalf(directory_);
  if (written.ok()) written = SigningKey::Adopt(directory_);
  if (!written.ok()) {
    Set(written);
    return written;
  }
  Set(next);
  logging::Info("the signing key was changed", {{"data_dir", directory_}});
  return next;
}

}  // namespace fiscal::services
