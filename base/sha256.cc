#include "base/sha256.h"

#include <openssl/evp.h>

#include <cstring>
#include <memory>

#include "base/check.h"

namespace fiscal {
namespace {

// Looking the algorithm up by name at every call costs more than hashing a small record.
const EVP_MD* Algorithm() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  FISCAL_CHECK(md != nullptr, "OpenSSL has SHA-256");
  return md;
}

struct ContextDeleter {
  void operator()(EVP_MD_CTX* c) const { EVP_MD_CTX_free(c); }
};

}  // namespace

Digest Sha256(absl::Span<const absl::string_view> parts) {
  thread_local std::unique_ptr<EVP_MD_CTX, ContextDeleter> context(EVP_MD_CTX_new());
  Digest digest;
  bool ok = EVP_DigestInit_ex2(context.get(), Algorithm(), nullptr) == 1;
  for (absl::string_view part : parts) {
    ok = ok && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  }
  unsigned size = 0;
  ok = ok && EVP_DigestFinal_ex(context.get(), digest.data(), &size) == 1 && size == digest.size();
  FISCAL_CHECK(ok, "SHA-256 never fails");
  return digest;
}

struct Sha256Stream::State {
  std::unique_ptr<EVP_MD_CTX, ContextDeleter> context{EVP_MD_CTX_new()};
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) {
  FISCAL_CHECK(EVP_DigestInit_ex2(state_->context.get(), Algorithm(), nullptr) == 1,
               "SHA-256 never fails");
}
Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::Add(absl::string_view bytes) {
  FISCAL_CHECK(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1,
               "SHA-256 never fails");
}

Digest Sha256Stream::digest() const {
  std::unique_ptr<EVP_MD_CTX, ContextDeleter> copy(EVP_MD_CTX_new());
  Digest digest;
  unsigned size = 0;
  FISCAL_CHECK(EVP_MD_CTX_copy_ex(copy.get(), state_->context.get()) == 1 &&
                   EVP_DigestFinal_ex(copy.get(), digest.data(), &size) == 1 &&
                   size == digest.size(),
               "SHA-256 never fails");
  return digest;
}

Digest DigestOf(absl::string_view bytes) {
  Digest digest;
  FISCAL_CHECK(bytes.size() == digest.size(), "a digest has 32 bytes");
  std::memcpy(digest.data(), bytes.data(), digest.size());
  return digest;
}

}  // namespace fiscal
