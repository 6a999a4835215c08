#include "domain/authority/principal.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace fiscal::authority {
namespace {

constexpr absl::string_view kSpiffe = "spiffe://";

bool IsTrustDomain(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_islower(static_cast<unsigned char>(c)) ||
           absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_';
  });
}

bool IsSegment(absl::string_view text) {
  return !text.empty() && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' ||
                  c == '_';
         });
}

// Blanks may stand in the names of authorities.
bool IsName(absl::string_view text) {
  return !text.empty() && text.front() != ' ' && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isprint(static_cast<unsigned char>(c)) && c != '@' && c != '*';
         });
}

std::string Vouched(absl::string_view kind, absl::string_view name, absl::string_view issuer) {
  if (!IsName(name) || !IsName(issuer)) return "";
  std::string principal = absl::StrCat(kind, name, "@", issuer);
  return principal.size() > kPrincipalBytesMax ? "" : principal;
}

}  // namespace

std::string SpiffePrincipal(absl::string_view uri) {
  if (uri.size() > kPrincipalBytesMax || !absl::StartsWith(uri, kSpiffe)) return "";
  const std::vector<absl::string_view> parts = absl::StrSplit(uri.substr(kSpiffe.size()), '/');
  if (parts.size() < 2 || !IsTrustDomain(parts[0]) ||
      !std::all_of(parts.begin() + 1, parts.end(), IsSegment)) {
    return "";
  }
  return std::string(uri);
}

std::string DnsPrincipal(absl::string_view name, absl::string_view issuer) {
  return Vouched("dns:", name, issuer);
}

std::string CommonNamePrincipal(absl::string_view name, absl::string_view issuer) {
  return Vouched("cn:", name, issuer);
}

absl::string_view TrustDomainOf(absl::string_view principal) {
  if (!absl::ConsumePrefix(&principal, kSpiffe)) return absl::string_view();
  return principal.substr(0, principal.find('/'));
}

bool IsPrincipalPattern(absl::string_view text) {
  if (text == kAnonymous) return true;
  if (absl::StartsWith(text, kSpiffe)) {
    absl::string_view path = text;
    // The pattern must stand below a trust domain, which is what is left then.
    if (absl::ConsumeSuffix(&path, "/*")) return !SpiffePrincipal(absl::StrCat(path, "/x")).empty();
    return !SpiffePrincipal(text).empty();
  }
  for (absl::string_view kind : {"dns:", "cn:"}) {
    absl::string_view rest = text;
    if (!absl::ConsumePrefix(&rest, kind)) continue;
    const std::vector<absl::string_view> parts = absl::StrSplit(rest, '@');
    return parts.size() == 2 && !Vouched(kind, parts[0], parts[1]).empty();
  }
  return false;
}

bool Matches(absl::string_view pattern, absl::string_view principal) {
  if (pattern == principal) return true;
  return absl::ConsumeSuffix(&pattern, "*") && absl::EndsWith(pattern, "/") &&
         absl::StartsWith(pattern, kSpiffe) && absl::StartsWith(principal, pattern) &&
         principal.size() > pattern.size();
}

}  // namespace fiscal::authority
