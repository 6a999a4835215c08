#include "clients/cli/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

namespace fiscal::cli {
namespace {

struct Deleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Never asks on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

std::unique_ptr<EVP_PKEY, Deleter> ReadPublicKey(const std::string& pem) {
  const std::unique_ptr<BIO, Deleter> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::unique_ptr<EVP_PKEY, Deleter> key(
      bio == nullptr ? nullptr : PEM_read_bio_PUBKEY(bio.get(), nullptr, NoPassphrase, nullptr));
  ERR_clear_error();
  if (key != nullptr && EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) key.reset();
  return key;
}

}  // namespace

absl::Status CheckSignature(const federation::v1::Certificate& certificate,
                            const std::string& public_key_pem) {
  const auto key = ReadPublicKey(public_key_pem);
  if (key == nullptr) return absl::InvalidArgumentError("not an Ed25519 public key as PEM");
  federation::v1::Certificate unsigned_certificate = certificate;
  unsigned_certificate.clear_signature();
  const std::string text = unsigned_certificate.SerializeAsString();
  const std::string& signature = certificate.signature();
  auto bytes = [](const std::string& s) {
    return reinterpret_cast<const unsigned char*>(s.data());
  };
  const std::unique_ptr<EVP_MD_CTX, Deleter> context(EVP_MD_CTX_new());
  // Ed25519 hashes by itself: there is no digest to name.
  const bool holds =
      context != nullptr &&
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
      EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(text),
                       text.size()) == 1;
  ERR_clear_error();
  return holds ? absl::OkStatus()
               : absl::DataLossError("the signature is not this key's over this certificate");
}

}  // namespace fiscal::cli
