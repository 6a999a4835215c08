// Certificates for tests: an authority, and what it signs.
#ifndef FISCAL_TESTS_SUPPORT_CERTIFICATES_H_
#define FISCAL_TESTS_SUPPORT_CERTIFICATES_H_

#include <memory>
#include <string>
#include <vector>

namespace fiscal::testing {

struct Pem {
  std::string certificate;
  std::string key;
};

class Authority {
 public:
  // `names`: alternative names of its own certificate.
  explicit Authority(const std::string& common_name = "authority", const std::string& names = "");
  ~Authority();
  const std::string& certificate() const;
  // For localhost and 127.0.0.1, and for `uri` when it is not empty; good for `days` days from now.
  Pem Sign(const std::string& common_name, const std::string& uri = "", int days = 30) const;
  // With these alternative names alone, as openssl writes them: "URI:spiffe://x/a,DNS:host"; empty
  // for none. An empty common name is left out.
  Pem SignNames(const std::string& common_name, const std::string& names, int days = 30) const;
  // The list of what it has revoked, PEM. `revoked` are certificates it signed.
  std::string RevocationList(const std::vector<std::string>& revoked) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_SUPPORT_CERTIFICATES_H_
