#include "services/rpc/token_sealer.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/log.h"
#include "base/small_file.h"
#include "base/status_macros.h"
#include "base/time_text.h"

namespace fiscal::services::rpc {
namespace {

constexpr size_t kMacBytes = 16;
// More than anybody shares; each is looked at for each token.
constexpr size_t kSharedKeysMax = 16;
constexpr absl::Duration kTryAgainAfter = absl::Hours(1);
constexpr char kHead[] =
    "# Seals page tokens and resume tokens: id, when it was made, key; the last one seals.\n";

// The bytes of so many lower-case hexadecimal digits.
std::optional<std::string> Unhex(absl::string_view text, size_t bytes) {
  const bool good =
      text.size() == 2 * bytes && std::all_of(text.begin(), text.end(), [](char c) {
        return absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
      });
  if (!good) return std::nullopt;
  return absl::HexStringToBytes(text);
}

void FillRandom(char* bytes, size_t size) {
  FISCAL_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(bytes), static_cast<int>(size)) == 1,
               "OpenSSL has randomness");
}

}  // namespace

TokenSealer::TokenSealer(std::string path, Clock& clock, Keys keys)
    : path_(std::move(path)), clock_(clock), keys_(std::move(keys)) {}

absl::StatusOr<std::unique_ptr<TokenSealer>> TokenSealer::Keep(const std::string& data_dir,
                                                               Clock& clock) {
  const std::string path = absl::StrCat(data_dir, "/token-key");
  absl::StatusOr<Keys> keys = Read(path);
  if (absl::IsNotFound(keys.status())) {
    keys = Keys{NewKey({}, clock.Now())};
    const absl::Status written = Write(path, *keys);
    if (!written.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("server.data_dir ", data_dir, ": token-key: ", written.message()));
    }
  }
  if (absl::IsFailedPrecondition(keys.status())) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": ", keys.status().message(),
        "; remove the file to have a new one made: open pages and watches then start anew"));
  }
  if (!keys.ok())
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", keys.status().message()));
  return absl::WrapUnique(new TokenSealer(path, clock, *std::move(keys)));
}

absl::StatusOr<std::unique_ptr<TokenSealer>> TokenSealer::Share(const std::string& path,
                                                                Clock& clock) {
  absl::StatusOr<Keys> keys = Read(path);
  if (!keys.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("server.token_key_file ", path, ": ", keys.status().message()));
  }
  return absl::WrapUnique(new TokenSealer("", clock, *std::move(keys)));
}

absl::StatusOr<TokenSealer::Keys> TokenSealer::Read(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    const int error = errno;
    return error == ENOENT ? absl::NotFoundError(ErrorText(error))
                           : absl::InvalidArgumentError(ErrorText(error));
  }
  if ((info.st_mode & 07) != 0) {
    return absl::FailedPreconditionError(
        "may be read by others: its mode must be 0600, or 0640 for a group of its own");
  }
  FISCAL_ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(path));
  Keys keys;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    std::optional<std::string> id, secret;
    if (words.size() == 3) {
      id = Unhex(words[0], kIdBytes);
      secret = Unhex(words[2], Key().secret.size());
    }
    Key key;
    if (!id || !secret || !absl::ParseTime(absl::RFC3339_full, words[1], &key.made, nullptr)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "line ", number, " is no key: 8 hexadecimal digits, a time, 64 more digits"));
    }
    key.id = *std::move(id);
    std::copy(secret->begin(), secret->end(), key.secret.begin());
    for (const Key& other : keys) {
      if (other.id == key.id)
        return absl::FailedPreconditionError(absl::StrCat("line ", number, " has an id once more"));
    }
    keys.push_back(std::move(key));
  }
  if (keys.empty()) return absl::FailedPreconditionError("has no key");
  if (keys.size() > kSharedKeysMax)
    return absl::FailedPreconditionError(absl::StrCat("has more than ", kSharedKeysMax, " keys"));
  return keys;
}

absl::Status TokenSealer::Write(const std::string& path, const Keys& keys) {
  std::string text = kHead;
  for (const Key& key : keys) {
    absl::StrAppend(&text, absl::BytesToHexString(key.id), " ", UtcText(key.made), " ",
                    absl::BytesToHexString(absl::string_view(key.secret.data(), key.secret.size())),
                    "\n");
  }
  return WriteWholeFile(path, text, 0600, IfThere::kReplace);
}

TokenSealer::Key TokenSealer::NewKey(const Keys& others, absl::Time now) {
  Key key;
  key.id.resize(kIdBytes);
  do {
    FillRandom(&key.id[0], kIdBytes);
  } while (std::any_of(others.begin(), others.end(),
                       [&key](const Key& other) { return other.id == key.id; }));
  key.made = now;
  FillRandom(key.secret.data(), key.secret.size());
  return key;
}

std::string TokenSealer::Mac(const Key& key, const Binding& binding, absl::string_view place) {
  std::string bytes;
  // Each with its size, so that no two bindings have the same bytes.
  for (const absl::string_view part : {binding.principal, binding.method, binding.question}) {
    PutU64(&bytes, part.size());
    bytes.append(part.data(), part.size());
  }
  bytes.append(place.data(), place.size());
  std::string mac(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  const bool made = HMAC(EVP_sha256(), key.secret.data(), static_cast<int>(key.secret.size()),
                         reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                         reinterpret_cast<unsigned char*>(&mac[0]), &size) != nullptr;
  FISCAL_CHECK(made && size >= kMacBytes, "OpenSSL has HMAC-SHA256");
  mac.resize(kMacBytes);
  return mac;
}

std::string TokenSealer::Seal(const Binding& binding, absl::string_view place) const {
  absl::ReaderMutexLock lock(&mu_);
  const Key& key = keys_.back();
  return absl::WebSafeBase64Escape(absl::StrCat(key.id, Mac(key, binding, place), place));
}

std::optional<std::string> TokenSealer::Open(const Binding& binding,
                                             absl::string_view token) const {
  std::string bytes;
  // One text for the same bytes: spaces, padding and bits that say nothing are no token's.
  if (!absl::WebSafeBase64Unescape(token, &bytes) || bytes.size() < kIdBytes + kMacBytes ||
      absl::WebSafeBase64Escape(bytes) != token)
    return std::nullopt;
  const absl::string_view all(bytes), id = all.substr(0, kIdBytes),
                                      mac = all.substr(kIdBytes, kMacBytes);
  const absl::string_view place = all.substr(kIdBytes + kMacBytes);
  absl::ReaderMutexLock lock(&mu_);
  for (const Key& key : keys_) {
    if (key.id != id) continue;
    const std::string own = Mac(key, binding, place);
    if (CRYPTO_memcmp(own.data(), mac.data(), kMacBytes) != 0) return std::nullopt;
    return std::string(place);
  }
  return std::nullopt;
}

void TokenSealer::Renew() {
  const absl::Time now = clock_.Now();
  if (path_.empty() || now < try_again_) return;
  Keys keys;
  {
    absl::ReaderMutexLock lock(&mu_);
    // A key of a far future was made by a clock that was wrong.
    if (absl::AbsDuration(now - keys_.back().made) < kTurn) return;
    keys = keys_;
  }
  keys.push_back(NewKey(keys, now));
  if (keys.size() > kKeysMax)
    keys.erase(keys.begin(), keys.end() - static_cast<std::ptrdiff_t>(kKeysMax));
  // Nothing is sealed with a key that a restart would not find.
  const absl::Status written = Write(path_, keys);
  if (!written.ok()) {
    try_again_ = now + kTryAgainAfter;
    logging::Error("no new key of tokens, the old one goes on",
                   {{"why", std::string(written.message())}});
    return;
  }
  logging::Info("a new key of tokens", {{"id", absl::BytesToHexString(keys.back().id)}});
  absl::MutexLock lock(&mu_);
  keys_ = std::move(keys);
}

}  // namespace fiscal::services::rpc
