// The copies that gRPC has of TLS files. That they are replaced is in credentials_test.cc, through
// gRPC.
#include "services/rpc/vetted_files.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/certificates.h"

namespace fiscal::services::rpc {
namespace {

ino_t Inode(const std::string& path) {
  struct stat info {};
  stat(path.c_str(), &info);
  return info.st_ino;
}

// How many of `copies` this process has open.
int Open(const std::set<ino_t>& copies) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string name = std::filesystem::read_symlink(entry.path(), gone);
    if (absl::StrContains(name, "fiscal-tls") && copies.count(Inode(entry.path())) > 0) ++count;
  }
  return count;
}

std::string Read(const std::string& path) {
  const absl::StatusOr<std::string> bytes = ReadPem({"", path}).bytes;
  return bytes.ok() ? *bytes : bytes.status().ToString();
}

time_t Modified(const std::string& path) {
  struct stat info {};
  stat(path.c_str(), &info);
  return info.st_mtime;
}

class VettedFilesTest : public ::testing::Test {
 protected:
  VettedFilesTest() {
    char name[] = "/tmp/fiscal-vetted-XXXXXX";
    dir_ = mkdtemp(name);
  }
  ~VettedFilesTest() override { std::filesystem::remove_all(dir_); }
  NamedFile File(const std::string& name, const std::string& text) const {
    const std::string path = absl::StrCat(dir_, "/", name);
    std::ofstream(path) << text;
    return {name, path};
  }

  const testing::Authority authority_;
  std::string dir_;
};

TEST_F(VettedFilesTest, APairIsOneFileAndNothingElse) {
  const testing::Pem pem = authority_.Sign("server");
  // Both files have both, as some tools write them.
  const NamedFile certificate =
      File("crt", absl::StrCat("# ours\n", pem.key, pem.certificate, authority_.certificate()));
  const NamedFile key = File("key", absl::StrCat(pem.certificate, pem.key));
  const VettedFiles files({certificate, key, {"ca", ""}});
  EXPECT_EQ(Read(files.pair_path()),
            absl::StrCat(pem.key, pem.certificate, authority_.certificate()));
  EXPECT_GT(Modified(files.pair_path()), 0);
  EXPECT_EQ(files.authorities_path(), "");
}

TEST_F(VettedFilesTest, WhatIsRefusedAtTheStartIsNoFileForGrpc) {
  const testing::Pem pem = authority_.Sign("server");
  const NamedFile none = {"none", dir_ + "/none"};
  const VettedFiles files(
      {File("crt", pem.certificate), File("key", authority_.Sign("other").key), none});
  for (const std::string& path : {files.pair_path(), files.authorities_path()}) {
    EXPECT_EQ(Read(path), "");
    EXPECT_EQ(Modified(path), 0);
  }
}

TEST_F(VettedFilesTest, CopiesEndWithTheirOwner) {
  const testing::Pem pem = authority_.Sign("server");
  const NamedFile crt = File("crt", pem.certificate), key = File("key", pem.key),
                  ca = File("ca", authority_.certificate());
  std::set<ino_t> copies;
  {
    std::vector<std::unique_ptr<VettedFiles>> many;
    for (int i = 0; i < 5; ++i) {
      many.push_back(std::make_unique<VettedFiles>(VettedFiles::Files{crt, key, ca}));
      EXPECT_EQ(Read(many[i]->authorities_path()), authority_.certificate());
      copies.insert({Inode(many[i]->pair_path()), Inode(many[i]->authorities_path())});
    }
    EXPECT_EQ(copies.size(), 10);
    EXPECT_EQ(Open(copies), 10);
  }
  EXPECT_EQ(Open(copies), 0);
}

}  // namespace
}  // namespace fiscal::services::rpc
