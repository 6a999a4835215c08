#include "clients/cli/commands/certificate.h"

#include "base/signing.h"

namespace fiscal::cli {

absl::Status CheckSignature(const federation::v1::Certificate& certificate,
                            const std::string& public_key_pem) {
  federation::v1::Certificate unsigned_certificate = certificate;
  unsigned_certificate.clear_signature();
  return VerifySignature(public_key_pem, unsigned_certificate.SerializeAsString(),
                         certificate.signature());
}

}  // namespace fiscal::cli
