#include "tests/crash/damage/files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace fiscal::damage {
namespace {

namespace fs = std::filesystem;

// A process writes into files that are smaller; the others it only reads or replaces.
constexpr uintmax_t kLinkedBytesMin = 64 << 10;

bool Copied(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  return !error;
}

}  // namespace

std::vector<std::string> FilesBelow(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator it(directory, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code gone;
    // Without a look at the disk: a server may remove what was just found.
    if (it->is_regular_file(gone))
      files.push_back(it->path().lexically_relative(directory).string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string ClassOf(absl::string_view file) {
  const size_t slash = file.rfind('/');
  const absl::string_view name = slash == absl::string_view::npos ? file : file.substr(slash + 1);
  const absl::string_view folder =
      slash == absl::string_view::npos ? "" : file.substr(0, slash + 1);
  if (absl::EndsWith(name, ".sst")) return absl::StrCat(folder, "sst");
  if (absl::EndsWith(name, ".log")) return absl::StrCat(folder, "wal");
  for (const absl::string_view kind : {"MANIFEST", "OPTIONS", "LOG"}) {
    if (absl::StartsWith(name, kind)) return absl::StrCat(folder, kind);
  }
  return std::string(file);
}

void CopyTree(const std::string& from, const std::string& to) {
  // A file that went away meanwhile belongs to no state of the directory: begin again.
  for (int attempt = 0;; ++attempt) {
    FISCAL_CHECK(attempt < 1000, "a directory holds still long enough to be copied");
    fs::remove_all(to);
    fs::create_directories(to);
    bool whole = true;
    const std::vector<std::string> files = FilesBelow(from);
    for (const std::string& file : files) {
      fs::create_directories(fs::path(to) / fs::path(file).parent_path());
      whole = whole && Copied(fs::path(from) / file, fs::path(to) / file);
    }
    if (whole && files == FilesBelow(from)) return;
  }
}

void LinkFile(const std::string& from, const std::string& to) {
  fs::create_directories(fs::path(to).parent_path());
  if (fs::file_size(from) < kLinkedBytesMin) {
    FISCAL_CHECK(Copied(from, to), "a file can be copied");
  } else {
    fs::create_hard_link(from, to);
  }
}

void LinkTree(const std::string& from, const std::string& to) {
  fs::remove_all(to);
  fs::create_directories(to);
  for (const std::string& file : FilesBelow(from))
    LinkFile(absl::StrCat(from, "/", file), absl::StrCat(to, "/", file));
}

std::string ReadBytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string{std::istreambuf_iterator<char>(in), {}};
}

void WriteBytes(const std::string& path, absl::string_view bytes, const std::string& like) {
  // Never into a file that others share.
  fs::remove(path);
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  FISCAL_CHECK(!out.fail(), "a file can be written");
  fs::permissions(path, fs::status(like).permissions());
}

std::map<std::string, Digest> DigestsBelow(const std::string& directory) {
  std::map<std::string, Digest> digests;
  for (const std::string& file : FilesBelow(directory))
    digests[file] = Sha256({ReadBytes(absl::StrCat(directory, "/", file))});
  return digests;
}

}  // namespace fiscal::damage
