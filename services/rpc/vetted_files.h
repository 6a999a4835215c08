// What gRPC has of the configured TLS files: the last of each that was fit for use.
//
//   configured files --(read every second, vetted)--> VettedFiles --(copies in memory)--> gRPC
//
// gRPC takes what it finds in the files that it watches, and with what is no certificate it takes
// no connection. So it watches copies. A copy is replaced by what base/tls_files.h lets pass; what
// is refused is said in the log, once for each change, and the copy stays as it was. Since a pair
// is two files, of which one is replaced before the other, it is said when the next look sees the
// same. A pair and the authorities are vetted apart: a renewed certificate does not wait for a
// mended bundle.
#ifndef FISCAL_SERVICES_RPC_VETTED_FILES_H_
#define FISCAL_SERVICES_RPC_VETTED_FILES_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "base/tls_files.h"

namespace fiscal::services::rpc {

// Thread-safe; it has a thread. One for each credentials, however many there are in a process.
class VettedFiles {
 public:
  struct Files {
    // Both or neither are set.
    NamedFile certificate;
    NamedFile key;
    NamedFile authorities;
  };
  // What is refused now is empty for gRPC, which takes no connection then, until it is mended.
  explicit VettedFiles(const Files& files);
  // Paths mean something else afterwards: whoever watches them has ended.
  ~VettedFiles();

  // Paths for FileWatcherCertificateProvider, of this process only; empty: not set. One path has
  // the key and its certificates, and is given to gRPC for both. gRPC reads it twice, and again
  // when its time of modification changed meanwhile, in seconds: each replacement has a time of its
  // own, so that a key never meets another's certificate.
  std::string pair_path() const;
  std::string authorities_path() const;

 private:
  class Copy;

  void Run() ABSL_LOCKS_EXCLUDED(mu_);

  // Used by the constructor, then by `thread_` only. Null: not set.
  const std::unique_ptr<Copy> pair_;
  const std::unique_ptr<Copy> authorities_;
  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_VETTED_FILES_H_
