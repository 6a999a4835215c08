// Checks certificates of reconciliation without a server.
#ifndef FISCAL_CLIENTS_CLI_COMMANDS_CERTIFICATE_H_
#define FISCAL_CLIENTS_CLI_COMMANDS_CERTIFICATE_H_

#include <string>

#include "absl/status/status.h"
#include "fiscal/federation/v1/federation_service.pb.h"

namespace fiscal::cli {

// OK when the certificate is signed with the private key of `public_key_pem`, whatever key it names
// itself. INVALID_ARGUMENT when `public_key_pem` is no Ed25519 public key; UNAUTHENTICATED when the
// signature does not hold.
absl::Status CheckSignature(const federation::v1::Certificate& certificate,
                            const std::string& public_key_pem);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_COMMANDS_CERTIFICATE_H_
