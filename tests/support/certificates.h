// Certificates for tests: an authority, and what it signs.
#ifndef FISCAL_TESTS_SUPPORT_CERTIFICATES_H_
#define FISCAL_TESTS_SUPPORT_CERTIFICATES_H_

#include <memory>
#include <string>

namespace fiscal::testing {

struct Pem {
  std::string certificate;
  std::string key;
};

class Authority {
 public:
  Authority();
  ~Authority();
  const std::string& certificate() const;
  // For localhost and 127.0.0.1, and for `uri` when it is not empty; good for `days` days from now.
  Pem Sign(const std::string& common_name, const std::string& uri = "", int days = 30) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_SUPPORT_CERTIFICATES_H_
