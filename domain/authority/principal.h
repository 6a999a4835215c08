// Who acts, as text: a kind and a name.
//
//   spiffe://TRUST/agency/141100/035/submit    the SPIFFE id of a certificate
//   dns:host.example@AUTHORITY                 the DNS name of one, and who vouches for it
//   cn:NAME@AUTHORITY                          its common name, likewise
//   anonymous                                  a caller without a certificate
//
// Other kinds are Fiscal's own (`upstream:NAME`, `fiscal`) and stand in events alone; no
// certificate can have them.
#ifndef FISCAL_DOMAIN_AUTHORITY_PRINCIPAL_H_
#define FISCAL_DOMAIN_AUTHORITY_PRINCIPAL_H_

#include <string>

#include "absl/strings/string_view.h"

namespace fiscal::authority {

constexpr char kAnonymous[] = "anonymous";
// Of events that the process makes by itself.
constexpr char kProcess[] = "fiscal";
constexpr size_t kPrincipalBytesMax = 512;

// The principal of a SPIFFE id; empty when it is none: spiffe://, a trust domain of lower-case
// letters, digits, '.', '-' and '_', and a path of segments of letters, digits, '.', '-' and '_',
// of which none is empty, "." or "..".
std::string SpiffePrincipal(absl::string_view uri);
// The principals of names that `issuer` vouches for; empty when either has characters that are not
// printable ASCII, an '@' or a '*'.
std::string DnsPrincipal(absl::string_view name, absl::string_view issuer);
std::string CommonNamePrincipal(absl::string_view name, absl::string_view issuer);

// The part of a SPIFFE id between "spiffe://" and the path; empty for other principals.
absl::string_view TrustDomainOf(absl::string_view principal);

constexpr char kPrincipalShape[] =
    "a principal is spiffe://TRUST/PATH, dns:NAME@AUTHORITY, cn:NAME@AUTHORITY or anonymous; a "
    "SPIFFE id may end in /* for all below";
// True for what a grant may be made to: a principal, or all SPIFFE ids below a path.
bool IsPrincipalPattern(absl::string_view text);
// REQUIRES: IsPrincipalPattern(pattern).
bool Matches(absl::string_view pattern, absl::string_view principal);

}  // namespace fiscal::authority

#endif  // FISCAL_DOMAIN_AUTHORITY_PRINCIPAL_H_
