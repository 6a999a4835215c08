#include "base/signing.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/openssl.h"
#include "base/small_file.h"
#include "base/status_macros.h"

namespace fiscal {
namespace {

constexpr size_t kSignatureBytes = 64;
// RFC 8410: what stands before the 32 bytes of an Ed25519 public key.
constexpr absl::string_view kKeyPrefix("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);
constexpr char kKeyFile[] = "signing-key.pem", kStagedFile[] = "signing-key.next.pem",
               kPublicFile[] = "signing-key.pub.pem";
// Beyond any PEM of a key.
constexpr size_t kPemBytesMax = 16 << 10;

using openssl::Bio;
using openssl::Context;
using openssl::ForgetErrors;
using openssl::Key;
using openssl::NoPassphrase;
using openssl::Reader;
using openssl::Written;

const unsigned char* Bytes(absl::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}

absl::Status ErrnoError(absl::string_view what, const std::string& path) {
  const int error = errno;
  return absl::UnavailableError(
      absl::ErrnoToStatus(error, absl::StrCat("signing key: ", what, " ", path)).message());
}

// Null when `pem` does not start with such a key. The general decoder takes several times as long
// as the signature's check.
Key ParsePublicKey(absl::string_view pem) {
  char *name = nullptr, *header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  if (PEM_read_bio(Reader(pem).get(), &name, &header, &data, &size) != 1) return nullptr;
  const absl::string_view der(reinterpret_cast<char*>(data), static_cast<size_t>(size));
  Key key;
  if (absl::string_view(name) == "PUBLIC KEY" && der.substr(0, kKeyPrefix.size()) == kKeyPrefix) {
    key.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                          Bytes(der.substr(kKeyPrefix.size())),
                                          der.size() - kKeyPrefix.size()));
  }
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(data);
  return key;
}

class File {
 public:
  File(const std::string& path, int flags) : fd_(open(path.c_str(), flags | O_CLOEXEC)) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }

 private:
  const int fd_;
};

absl::Status WriteFile(const std::string& directory, const char* name, absl::string_view bytes,
                       mode_t mode) {
  const absl::Status written =
      WriteWholeFile(absl::StrCat(directory, "/", name), bytes, mode, IfThere::kReplace);
  if (written.ok()) return written;
  return absl::Status(written.code(), absl::StrCat("signing key: ", written.message()));
}

// NOT_FOUND when there is no such file.
absl::StatusOr<std::string> ReadFile(const std::string& path, struct stat* info) {
  const File file(path, O_RDONLY);
  if (file.fd() < 0 && errno == ENOENT) return absl::NotFoundError(path);
  if (file.fd() < 0 || fstat(file.fd(), info) != 0) return ErrnoError("open", path);
  std::string bytes(kPemBytesMax, '\0');
  size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t n = read(file.fd(), &bytes[have], bytes.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoError("read", path);
    if (n == 0) break;
    have += static_cast<size_t>(n);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace

SigningKey::SigningKey(std::shared_ptr<void> key) : key_(std::move(key)) {
  const Bio bio(BIO_new(BIO_s_mem()));
  FISCAL_CHECK(PEM_write_bio_PUBKEY(bio.get(), static_cast<EVP_PKEY*>(key_.get())) == 1,
               "a public key can be written to memory");
  public_key_pem_ = Written(bio.get());
}

SigningKey SigningKey::Generate() {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  FISCAL_CHECK(key != nullptr, "OpenSSL has Ed25519 and randomness");
  return SigningKey(std::shared_ptr<void>(Key(key)));
}

absl::StatusOr<SigningKey> SigningKey::LoadFile(const std::string& path) {
  struct stat info;
  FISCAL_ASSIGN_OR_RETURN(const std::string pem, ReadFile(path, &info));
  if ((info.st_mode & 077) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("signing key: ", path, " may be read by others; its mode must be 0600"));
  }
  const ForgetErrors forget;
  Key key(PEM_read_bio_PrivateKey(Reader(pem).get(), nullptr, NoPassphrase, nullptr));
  if (key == nullptr || EVP_PKEY_is_a(key.get(), "ED25519") != 1) {
    return absl::FailedPreconditionError(
        absl::StrCat("signing key: ", path, " is no Ed25519 key without passphrase"));
  }
  return SigningKey{std::shared_ptr<void>(std::move(key))};
}

absl::StatusOr<SigningKey> SigningKey::Load(const std::string& directory) {
  return LoadFile(absl::StrCat(directory, "/", kKeyFile));
}

absl::StatusOr<SigningKey> SigningKey::LoadStaged(const std::string& directory) {
  return LoadFile(absl::StrCat(directory, "/", kStagedFile));
}

absl::StatusOr<SigningKey> SigningKey::Stage(const std::string& directory) {
  const SigningKey key = Generate();
  const Bio bio(BIO_new(BIO_s_mem()));
  FISCAL_CHECK(PEM_write_bio_PKCS8PrivateKey(bio.get(), static_cast<EVP_PKEY*>(key.key_.get()),
                                             nullptr, nullptr, 0, nullptr, nullptr) == 1,
               "a key can be written to memory");
  FISCAL_RETURN_IF_ERROR(WriteFile(directory, kStagedFile, Written(bio.get()), 0600));
  return LoadStaged(directory);
}

absl::Status SigningKey::Adopt(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/", kKeyFile);
  if (std::rename(absl::StrCat(directory, "/", kStagedFile).c_str(), path.c_str()) != 0)
    return ErrnoError("rename", path);
  const File parent(directory, O_RDONLY | O_DIRECTORY);
  if (parent.fd() < 0 || fsync(parent.fd()) != 0) return ErrnoError("sync", directory);
  return absl::OkStatus();
}

absl::Status SigningKey::WritePublicHalf(const std::string& directory) const {
  const absl::StatusOr<std::string> there = ReadPublicHalf(directory);
  if (there.ok() && *there == public_key_pem_) return absl::OkStatus();
  return WriteFile(directory, kPublicFile, public_key_pem_, 0644);
}

absl::StatusOr<std::string> SigningKey::ReadPublicHalf(const std::string& directory) {
  struct stat info;
  return ReadFile(absl::StrCat(directory, "/", kPublicFile), &info);
}

std::string SigningKey::Sign(absl::string_view bytes) const {
  const Context context(EVP_MD_CTX_new());
  std::string signature(kSignatureBytes, '\0');
  size_t size = signature.size();
  const bool ok = EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr,
                                     static_cast<EVP_PKEY*>(key_.get())) == 1 &&
                  EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()),
                                 &size, Bytes(bytes), bytes.size()) == 1 &&
                  size == kSignatureBytes;
  FISCAL_CHECK(ok, "Ed25519 signs any bytes");
  return signature;
}

absl::Status VerifySignature(absl::string_view public_key_pem, absl::string_view bytes,
                             absl::string_view signature) {
  const ForgetErrors forget;
  if (public_key_pem.size() > kPemBytesMax)
    return absl::InvalidArgumentError("the public key is too long");
  const Key key = ParsePublicKey(public_key_pem);
  if (key == nullptr) return absl::InvalidArgumentError("the public key is no Ed25519 key in PEM");
  const Context context(EVP_MD_CTX_new());
  if (signature.size() != kSignatureBytes ||
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(bytes),
                       bytes.size()) != 1) {
    return absl::UnauthenticatedError("the signature is not by this key over these bytes");
  }
  return absl::OkStatus();
}

}  // namespace fiscal
